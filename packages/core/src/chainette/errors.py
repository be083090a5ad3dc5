"""Every error that chainette raises on purpose, each derived from the built-in a user would catch.

The text follows one form: ``function: what came is wrong (expected ..., got ...). What to do.``
"""

from __future__ import annotations


class ChainetteError(Exception):
    """The family: ``except chainette.errors.ChainetteError`` catches all of it."""


class ArgumentError(ChainetteError, ValueError):
    """An argument's value makes no sense here."""


class ShapeError(ArgumentError):
    """Shapes, axes or sizes do not fit together."""


class DtypeError(ChainetteError, TypeError):
    """An array has a dtype that the function cannot take."""


class ArrayTypeError(ChainetteError, TypeError):
    """Something that is not an array was given where one is needed."""


class ComparisonError(ChainetteError, NotImplementedError, TypeError):
    """A Variable was compared or used as a condition."""


class BackendMismatchError(ChainetteError, TypeError):
    """Arrays of two backends, or of two devices, met in one call."""


class DeviceError(ChainetteError, RuntimeError):
    """A device does not exist, or the part that drives it is not installed."""


class UninitializedParameterError(ChainetteError, RuntimeError):
    """A parameter of open shape was used before its shape was known."""


class FunctionError(ChainetteError, TypeError):
    """A Function subclass breaks the contract of ``forward`` or ``backward``."""


class GraphError(ChainetteError, RuntimeError):
    """The graph cannot be walked: nothing behind a variable, a missing gradient, a reused function."""


class ReleasedGraphError(GraphError):
    """The graph was walked with ``release=True``, or unchained, and its data is gone."""


class InPlaceChangeError(GraphError):
    """Debug mode: an array that a function kept for backward was changed in between."""


class NaNError(ChainetteError, RuntimeError, ArithmeticError):
    """Debug mode: a function produced NaN."""


class ConfigError(ChainetteError, AttributeError):
    """There is no such setting, or it cannot take that value."""


class HookError(ChainetteError, KeyError):
    """A function hook is installed twice, or is not installed."""

    def __str__(self) -> str:  # KeyError shows the repr of its argument
        return str(self.args[0]) if self.args else ""


class ReportError(ChainetteError, KeyError):
    """Something was reported by an object that the reporter does not know, or nobody listens."""

    __str__ = HookError.__str__


class LoadError(ChainetteError, ValueError):
    """A saved file does not fit the object that should take it. The object is unchanged."""


class PluginConflict(ChainetteError, AttributeError):
    """Two third-party plugins bring the same name."""


class MissingPluginError(ChainetteError, ImportError):
    """A part of chainette is not installed; the message names the distribution to install."""


class PluginWarning(UserWarning):
    """A plugin was left out, or one of its names was; the message says which, why, and how to silence it."""
