"""From ``(1, "epoch")`` to a trigger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from chainette.errors import ArgumentError
from chainette_training.triggers.interval_trigger import IntervalTrigger


def get_trigger(trigger: Any) -> Callable[[Any], bool]:
    """What decides, for a trainer, whether something is to be done now.

    Args:
        trigger: ``(period, unit)`` for an IntervalTrigger, or a callable ``trigger(trainer) -> bool``, which comes
            back itself; None for one that never does anything.

    Raises:
        ArgumentError: it is none of these.

    >>> get_trigger((3, "epoch"))
    <IntervalTrigger: every 3 epochs>
    """
    if trigger is None:
        return _never
    if callable(trigger):
        return cast(Callable[[Any], bool], trigger)
    if isinstance(trigger, tuple) and len(trigger) == 2:
        return IntervalTrigger(*trigger)
    raise ArgumentError(f"trigger: got {trigger!r} (expected e.g. (1, 'epoch'), or a callable trigger(trainer)).")


def _never(trainer: Any) -> bool:
    return False
