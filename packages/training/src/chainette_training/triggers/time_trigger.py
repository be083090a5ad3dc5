"""Every so many seconds."""

from __future__ import annotations

from typing import Any

from chainette.errors import ArgumentError


class TimeTrigger:
    """True after the first step that ends after each multiple of ``period`` seconds of training.

    Args:
        period: seconds, above 0. Of several multiples that fall within one step, only the last one counts.

    The time is the trainer's ``elapsed_time``, which goes on where a snapshot was taken.

    Raises:
        ArgumentError: the period is not above 0.

    >>> from types import SimpleNamespace
    >>> trigger = TimeTrigger(10)
    >>> [trigger(SimpleNamespace(elapsed_time=seconds)) for seconds in (4, 8, 12, 16, 45, 49, 53)]
    [False, False, True, False, True, False, True]
    """

    def __init__(self, period: float) -> None:
        if not period > 0:
            raise ArgumentError(f"TimeTrigger: period is {period} (expected seconds above 0).")
        self.period = period
        self._next = float(period)

    def __call__(self, trainer: Any) -> bool:
        elapsed = trainer.elapsed_time
        if elapsed < self._next:
            return False
        self._next = (elapsed // self.period + 1) * self.period
        return True

    def serialize(self, serializer: Any) -> None:
        """Save or load when it is due next."""
        self._next = serializer("next_time", self._next)

    def __repr__(self) -> str:
        return f"<TimeTrigger: every {self.period} seconds>"
