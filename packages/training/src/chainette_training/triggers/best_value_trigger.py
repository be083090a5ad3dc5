"""Whenever a value is the best so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainette.errors import ReportError
from chainette_training.extension import Trigger
from chainette_training.summary import DictSummary
from chainette_training.triggers.trigger import get_trigger


class BestValueTrigger:
    """True where the mean of a value since the time before is the best so far.

    Args:
        key: the name of the value, as it is observed.
        compare: ``compare(best, new)`` says whether the new value is better.
        trigger: when the value is looked at; it must have been observed since the time before.

    The first value is the best so far; NaN never is. Extensions that share one trigger get the same answer.

    Attributes:
        best_value: the best value so far, None before the first.

    Raises:
        ReportError: (a KeyError) when it is asked: the value was not observed since the time before.

    >>> from types import SimpleNamespace
    >>> trigger = BestValueTrigger("length", lambda best, new: abs(new) < abs(best), trigger=(1, "iteration"))
    >>> def ask(iteration, length):
    ...     updater = SimpleNamespace(iteration=iteration)
    ...     return trigger(SimpleNamespace(updater=updater, observation={"length": length}))
    >>> ask(1, 5.0), ask(2, -4.0), ask(3, 4.5)
    (True, True, False)
    >>> trigger.best_value
    -4.0
    """

    def __init__(self, key: str, compare: Callable[[float, float], bool], trigger: Trigger = (1, "epoch")) -> None:
        self.best_value: float | None = None
        self._key = key
        self._compare = compare
        self._is_check_due = get_trigger(trigger)
        self._summary = DictSummary()
        self._iteration = -1  # at which it was asked last,
        self._answer = False  # and what it said

    def __call__(self, trainer: Any) -> bool:
        if trainer.updater.iteration != self._iteration:
            self._iteration, self._answer = trainer.updater.iteration, self._is_best(trainer)
        return self._answer

    def _is_best(self, trainer: Any) -> bool:
        if self._key in trainer.observation:
            self._summary.add({self._key: trainer.observation[self._key]})
        if not self._is_check_due(trainer):
            return False
        value = self._summary.compute_mean().get(self._key)
        if value is None:
            raise ReportError(
                f"{type(self).__name__}: {self._key!r} was not observed since the last time (this step has: "
                f"{', '.join(trainer.observation) or 'nothing'}). Give another key, or a trigger due less often."
            )
        self._summary = DictSummary()
        if value != value or not (self.best_value is None or self._compare(self.best_value, value)):
            return False
        self.best_value = value
        return True

    def serialize(self, serializer: Any) -> None:
        """Save or load the best value, and what was observed since the last time."""
        best = serializer("best_value", self.best_value)
        self._summary.serialize(serializer["summary"])
        if hasattr(self._is_check_due, "serialize"):
            self._is_check_due.serialize(serializer["trigger"])
        if not serializer.is_writer:
            self.best_value = None if best is None else float(best)
            self._iteration = -1


class MaxValueTrigger(BestValueTrigger):
    """True where the mean of a value since the time before is the largest so far.

    Args:
        key, trigger: see BestValueTrigger.

    ::

        best = triggers.MaxValueTrigger("validation/main/accuracy")
        trainer.extend(extensions.snapshot_object(model, "best.npz"), trigger=best)

    >>> from types import SimpleNamespace
    >>> trigger = MaxValueTrigger("accuracy", trigger=(1, "iteration"))
    >>> for iteration, accuracy in enumerate([0.5, 0.7, 0.6], start=1):
    ...     updater = SimpleNamespace(iteration=iteration)
    ...     print(trigger(SimpleNamespace(updater=updater, observation={"accuracy": accuracy})))
    True
    True
    False
    """

    def __init__(self, key: str, trigger: Trigger = (1, "epoch")) -> None:
        super().__init__(key, lambda best, new: new > best, trigger)


class MinValueTrigger(BestValueTrigger):
    """True where the mean of a value since the time before is the smallest so far.

    Args:
        key, trigger: see BestValueTrigger.

    >>> from types import SimpleNamespace
    >>> trigger = MinValueTrigger("loss", trigger=(1, "iteration"))
    >>> for iteration, loss in enumerate([0.5, 0.7, 0.3], start=1):
    ...     updater = SimpleNamespace(iteration=iteration)
    ...     print(trigger(SimpleNamespace(updater=updater, observation={"loss": loss})))
    True
    False
    True
    """

    def __init__(self, key: str, trigger: Trigger = (1, "epoch")) -> None:
        super().__init__(key, lambda best, new: new < best, trigger)
