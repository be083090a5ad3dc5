"""The errors that belong to optimizers alone."""

from __future__ import annotations

from chainette.errors import ChainetteError


class NotReadyError(ChainetteError, RuntimeError):
    """The optimizer was asked for something that needs ``setup``, or a first step, before it."""


class WrongTypeError(ChainetteError, TypeError):
    """What was given as a target, a hook, a loss or a hyperparameter is of a type that cannot serve as one."""
