"""Every so many iterations or epochs."""

from __future__ import annotations

from typing import Any

from chainette.errors import ArgumentError


class IntervalTrigger:
    """True at every ``period``-th iteration or epoch.

    Args:
        period: a number above 0; of epochs it may be a fraction.
        unit: ``"iteration"`` or ``"epoch"``. An epoch is over with the step that sees its last example.

    Raises:
        ArgumentError: there is no such unit, or the period is not above 0.

    >>> IntervalTrigger(2, "epoch")
    <IntervalTrigger: every 2 epochs>
    """

    def __init__(self, period: float, unit: str) -> None:
        if unit not in ("epoch", "iteration"):
            raise ArgumentError(f"IntervalTrigger: unit is {unit!r} (expected 'epoch' or 'iteration').")
        if not period > 0:
            raise ArgumentError(f"IntervalTrigger: period is {period} (expected a number above 0).")
        self.period = period
        self.unit = unit
        self._is_whole = float(period).is_integer()

    def __call__(self, trainer: Any) -> bool:
        updater = trainer.updater
        if self.unit == "iteration":
            return bool(updater.iteration and updater.iteration % self.period == 0)
        if self.period == 1 or (self._is_whole and not updater.is_new_epoch):
            return bool(updater.is_new_epoch)
        previous = max(updater.previous_epoch_detail, 0.0)  # before the first step it is -1
        return bool(previous // self.period != updater.epoch_detail // self.period)

    def get_training_length(self) -> tuple[float, str]:
        """How long training takes that this trigger ends."""
        return self.period, self.unit

    def __repr__(self) -> str:
        return f"<IntervalTrigger: every {self.period} {self.unit}s>"
