"""A ratio of sums."""

from __future__ import annotations

from typing import Any

from chainette import Variable
from chainette_training.extension import PRIORITY_EDITOR, Extension, Trigger
from chainette_training.triggers.trigger import get_trigger


class MicroAverage(Extension):
    """Observes the sum of one value divided by the sum of another, both over all steps since the time before.

    With the number of right answers and the number of answers it is the share of right ones among all, where a mean of
    each batch's share would count answers of small batches more.

    Args:
        numerator_key, denominator_key: the names of the two values; steps without both of them are passed over.
        result_key: the name of what is observed: NaN where the denominators add up to 0.
        trigger: when it is observed.

    >>> from types import SimpleNamespace
    >>> average = MicroAverage("right", "all", "accuracy", trigger=(2, "iteration"))
    >>> for iteration, right, number in [(1, 1, 1), (2, 0, 3)]:
    ...     observation = {"right": right, "all": number}
    ...     average(SimpleNamespace(updater=SimpleNamespace(iteration=iteration), observation=observation))
    >>> observation["accuracy"]
    0.25
    """

    priority = PRIORITY_EDITOR

    def __init__(
        self, numerator_key: str, denominator_key: str, result_key: str, trigger: Trigger = (1, "epoch")
    ) -> None:
        self._numerator_key = numerator_key
        self._denominator_key = denominator_key
        self._result_key = result_key
        self._is_due = get_trigger(trigger)
        self._numerator: Any = 0.0
        self._denominator: Any = 0.0

    def __call__(self, trainer: Any) -> None:
        observation = trainer.observation
        if self._numerator_key in observation and self._denominator_key in observation:
            self._numerator = self._numerator + _number(observation[self._numerator_key])
            self._denominator = self._denominator + _number(observation[self._denominator_key])
        if self._is_due(trainer):
            numerator, denominator = float(self._numerator), float(self._denominator)
            observation[self._result_key] = numerator / denominator if denominator else float("nan")
            self._numerator = self._denominator = 0.0

    def serialize(self, serializer: Any) -> None:
        """Save or load the two sums."""
        self._numerator = serializer("numerator", float(self._numerator))
        self._denominator = serializer("denominator", float(self._denominator))
        if hasattr(self._is_due, "serialize"):
            self._is_due.serialize(serializer["trigger"])


def _number(value: Any) -> Any:
    """What can be added to a float without loss: one of an accelerator stays there, in float64."""
    array = value.array if isinstance(value, Variable) else value
    return array.astype("d") if hasattr(array, "astype") else array
