"""Until a value gets no better any more."""

from __future__ import annotations

import copy
import math
import warnings
import weakref
from contextlib import suppress
from typing import Any

from chainette.errors import ArgumentError
from chainette_training.extension import Trigger
from chainette_training.summary import DictSummary
from chainette_training.triggers.trigger import get_trigger


class EarlyStoppingTrigger:
    """A stop trigger: true once a value was not better than the best so far for ``patience`` checks in a row.

    Args:
        check_trigger: when the value is looked at: its mean since the time before.
        monitor: the name of the value; it has to be observed at least once between two checks.
        patience: how many checks in a row may find nothing better; at least 1.
        mode: ``"max"`` or ``"min"`` says what is better; ``"auto"`` means max for a name with ``accuracy`` in it, else
            min. NaN is never better.
        verbose: whether to print a line when it stops training.
        max_trigger: when training ends at the latest.

    Attributes:
        best: the best value so far; before the first check an infinity.
        count: how many checks have found nothing better since.

    A trainer that goes on from a snapshot stops at the same step as it would have.

    Raises:
        ArgumentError: there is no such mode, or patience is below 1.

    >>> from types import SimpleNamespace
    >>> trigger = EarlyStoppingTrigger((1, "iteration"), "loss", patience=2, max_trigger=(9, "iteration"))
    >>> for iteration, loss in enumerate([0.5, 0.3, 0.4, 0.3], start=1):
    ...     updater = SimpleNamespace(iteration=iteration)
    ...     print(trigger(SimpleNamespace(observation={"loss": loss}, updater=updater)), trigger.best)
    False 0.5
    False 0.3
    False 0.3
    True 0.3
    """

    def __init__(
        self,
        check_trigger: Trigger = (1, "epoch"),
        monitor: str = "main/loss",
        patience: int = 3,
        mode: str = "auto",
        verbose: bool = False,
        max_trigger: Trigger = (100, "epoch"),
    ) -> None:
        if mode not in ("auto", "max", "min"):
            raise ArgumentError(f"EarlyStoppingTrigger: mode is {mode!r} (expected 'auto', 'max' or 'min').")
        if not patience >= 1:
            raise ArgumentError(f"EarlyStoppingTrigger: patience is {patience} (expected at least 1).")
        self.monitor = monitor
        self.patience = patience
        self.verbose = verbose
        self._is_max = mode == "max" or (mode == "auto" and "accuracy" in monitor)
        self.best = -math.inf if self._is_max else math.inf
        self.count = 0
        self._is_check_due = get_trigger(check_trigger)
        self._max_trigger = get_trigger(max_trigger)
        self._summary = DictSummary()
        self._iteration = -1  # at which it was asked last
        self._trainer: weakref.ref[Any] | None = None
        self._has_warned = False

    def __call__(self, trainer: Any) -> bool:
        with suppress(TypeError):  # what stands in for a trainer in a test may not allow one
            self._trainer = weakref.ref(trainer)
        if trainer.updater.iteration != self._iteration:  # asked again at the same step, it counts nothing twice
            self._iteration = trainer.updater.iteration
            self._observe(self._summary, trainer)
            if self._is_check_due(trainer):
                self._check(trainer)
        return self._max_trigger(trainer) or self.count >= self.patience

    def get_training_length(self) -> tuple[float, str]:
        """How long training takes at most."""
        length: tuple[float, str] = self._max_trigger.get_training_length()  # type: ignore[attr-defined]
        return length

    def _observe(self, summary: DictSummary, trainer: Any) -> None:
        if self.monitor in trainer.observation:
            summary.add({self.monitor: trainer.observation[self.monitor]})

    def _check(self, trainer: Any) -> None:
        value = self._summary.compute_mean().get(self.monitor)
        if value is None:
            self._warn(trainer)
            return
        self._summary = DictSummary()
        if value > self.best if self._is_max else value < self.best:
            self.best, self.count = value, 0
            return
        self.count += 1
        if self.verbose and self.count >= self.patience:
            print(
                f"EarlyStoppingTrigger: training ends with epoch {trainer.updater.epoch}, since {self.monitor} is "
                f"{value:.6g}, and was better than {self.best:.6g} in none of {self.count} checks."
            )

    def _warn(self, trainer: Any) -> None:
        if not self._has_warned:
            self._has_warned = True
            warnings.warn(
                f"EarlyStoppingTrigger: {self.monitor!r} was not observed since the last check, so it cannot stop "
                f"training (this step has: {', '.join(trainer.observation) or 'nothing'}). Give another monitor, or a "
                "check_trigger that is due less often.",
                stacklevel=4,
            )

    def serialize(self, serializer: Any) -> None:
        """Save or load how long it has been waiting for something better."""
        self.best = serializer("best", self.best)
        self.count = serializer("count", self.count)
        self._iteration = serializer("iteration", self._iteration)
        summary, trainer = self._summary, None if self._trainer is None else self._trainer()
        if serializer.is_writer and trainer is not None and trainer.updater.iteration != self._iteration:
            # A snapshot is taken within a step, before this is asked: afterwards what the step observed is gone.
            summary = copy.deepcopy(summary)
            self._observe(summary, trainer)
        summary.serialize(serializer["summary"])
        for name, trigger in ("check_trigger", self._is_check_due), ("max_trigger", self._max_trigger):
            if hasattr(trigger, "serialize"):
                trigger.serialize(serializer[name])
