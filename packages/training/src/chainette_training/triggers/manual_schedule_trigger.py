"""At given times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chainette.errors import ArgumentError


class ManualScheduleTrigger:
    """True at given iterations or epochs.

    Args:
        points: when: a number above 0, or several. Of epochs they may be fractions: such a one is reached by the
            first step that sees that share of the examples, or more.
        unit: ``"iteration"`` or ``"epoch"``.

    What it says depends on where training is and on nothing else, so nothing of it has to be saved.

    Raises:
        ArgumentError: there is no such unit, no point, or one that is not above 0.

    >>> from types import SimpleNamespace
    >>> trigger = ManualScheduleTrigger([2, 5], "iteration")
    >>> [t for t in range(1, 9) if trigger(SimpleNamespace(updater=SimpleNamespace(iteration=t)))]
    [2, 5]
    """

    def __init__(self, points: float | Iterable[float], unit: str) -> None:
        if unit not in ("epoch", "iteration"):
            raise ArgumentError(f"ManualScheduleTrigger: unit is {unit!r} (expected 'epoch' or 'iteration').")
        self.points = list(points) if isinstance(points, Iterable) else [points]
        self.unit = unit
        if not self.points or not all(point > 0 for point in self.points):
            raise ArgumentError(
                f"ManualScheduleTrigger: points is {points!r} (expected one or more numbers above 0). To call an "
                "extension before the first step, give trainer.extend call_before_training=True."
            )

    def __call__(self, trainer: Any) -> bool:
        updater = trainer.updater
        if self.unit == "iteration":
            before, now = updater.iteration - 1, updater.iteration
        else:
            before, now = updater.previous_epoch_detail, updater.epoch_detail
        return any(before < point <= now for point in self.points)

    def __repr__(self) -> str:
        return f"<ManualScheduleTrigger: {self.unit}s {', '.join(map(str, self.points))}>"
