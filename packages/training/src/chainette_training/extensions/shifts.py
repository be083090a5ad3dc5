"""Hyperparameters that change with the step: the schedules of chainette-optimizers as extensions.

Each counts how often it was called and sets the hyperparameter to its schedule's value for that number. A schedule of
your own, or one that has no extension here, needs none::

    schedule = optimizers.CosineSchedule(optimizer, "lr", steps=1000)
    trainer.extend(lambda trainer: schedule(trainer.updater.iteration), name="cosine", call_before_training=True)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from chainette.errors import ArgumentError
from chainette_optimizers import (
    ExponentialSchedule,
    InverseSchedule,
    LinearSchedule,
    MultistepSchedule,
    PolynomialSchedule,
    StepSchedule,
    WarmupSchedule,
)
from chainette_optimizers.hyperparameter import Hyperparameter
from chainette_optimizers.schedules import Schedule
from chainette_training.extension import Extension

Optimizer = Any
"""An optimizer, or the hyperparam of an update rule; None for the updater's main optimizer."""


class Shift(Extension):
    """What all shifts share.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``, or ``"alpha"`` of Adam.
        make_schedule: ``make_schedule(optimizer, attr, init=init)`` gives the schedule.
        init: the value to start from; None means the one that it has when training begins.
        optimizer: whose; or one parameter's own, ``param.update_rule.hyperparam``. None means the updater's main one.

    The first value is set before the first step. After a snapshot was loaded, it goes on with the value it had.
    """

    def __init__(
        self, attr: str, make_schedule: Callable[..., Schedule], init: float | None, optimizer: Optimizer
    ) -> None:
        self._attr = attr
        self._make_schedule = make_schedule
        self._init = init
        self._optimizer = optimizer
        self._found: float | None = None  # where it started from, if init did not say so
        self._schedule: Schedule | None = None
        self._t = 0
        self._refuse_wrong_arguments()

    def _refuse_wrong_arguments(self) -> None:
        """Let the schedule complain now, not when training begins."""
        try:
            self._make_schedule(Hyperparameter(**{self._attr: 0.0}), self._attr, init=self._init)
        except ArgumentError as error:
            raise ArgumentError(f"{type(self).__name__}, which is an extension for {error}") from None

    def initialize(self, trainer: Any) -> None:
        self._set(trainer)

    def __call__(self, trainer: Any) -> None:
        self._t += 1
        self._set(trainer)

    def _set(self, trainer: Any) -> None:
        if self._schedule is None:
            optimizer = trainer.updater.get_optimizer("main") if self._optimizer is None else self._optimizer
            init = self._found if self._init is None else self._init
            self._schedule = self._make_schedule(optimizer, self._attr, init=init)
            self._found = self._schedule.init
        self._schedule(self._t)

    def serialize(self, serializer: Any) -> None:
        """Save or load the count, and where it started from."""
        self._t = serializer("t", self._t)
        found = serializer("init", self._found)
        if not serializer.is_writer:
            self._found = None if found is None else float(found)
            self._schedule = None


class ExponentialShift(Shift):
    """``init rate^t`` after t calls.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``.
        rate: the factor of each call, at least 0.
        init: the value to start from; None means the one that it has.
        target: where to stop; None for never.
        optimizer: None means the updater's main one.

    Raises:
        ArgumentError: the rate is below 0.

    >>> from types import SimpleNamespace
    >>> from chainette import optimizers
    >>> optimizer = optimizers.SGD(lr=1.0)
    >>> trainer = SimpleNamespace(updater=SimpleNamespace(get_optimizer=lambda name: optimizer))
    >>> shift = ExponentialShift("lr", 0.5)
    >>> shift.initialize(trainer); shift(trainer); shift(trainer)
    >>> optimizer.lr
    0.25
    """

    def __init__(
        self,
        attr: str,
        rate: float,
        init: float | None = None,
        target: float | None = None,
        optimizer: Optimizer = None,
    ) -> None:
        super().__init__(attr, partial(ExponentialSchedule, rate=rate, target=target), init, optimizer)


class StepShift(Shift):
    """``init gamma^floor(t / step)`` after t calls: multiplied by gamma after every ``step`` of them.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``.
        gamma: the factor, at least 0.
        step: after how many calls, above 0.
        init: the value to start from; None means the one that it has.
        target: where to stop; None for never.
        optimizer: None means the updater's main one.

    Raises:
        ArgumentError: a number is out of its range.

    >>> from chainette import optimizers
    >>> optimizer = optimizers.SGD(lr=1.0)
    >>> shift = StepShift("lr", 0.5, step=2, optimizer=optimizer)
    >>> for _ in range(5):
    ...     shift(trainer=None)
    >>> optimizer.lr
    0.25
    """

    def __init__(
        self,
        attr: str,
        gamma: float,
        step: float,
        init: float | None = None,
        target: float | None = None,
        optimizer: Optimizer = None,
    ) -> None:
        super().__init__(attr, partial(StepSchedule, gamma=gamma, step=step, target=target), init, optimizer)


class MultistepShift(Shift):
    """``init gamma^n`` after t calls, where n says how many of the given steps t has reached.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``.
        gamma: the factor, at least 0.
        step_value: after how many calls it is applied, in rising order.
        init: the value to start from; None means the one that it has.
        optimizer: None means the updater's main one.

    Raises:
        ArgumentError: gamma is below 0, or the steps do not rise.

    >>> from chainette import optimizers
    >>> optimizer = optimizers.SGD(lr=1.0)
    >>> shift = MultistepShift("lr", 0.5, [2, 3], init=1.0, optimizer=optimizer)
    >>> for _ in range(3):
    ...     shift(trainer=None)
    >>> optimizer.lr
    0.25
    """

    def __init__(
        self,
        attr: str,
        gamma: float,
        step_value: Sequence[float],
        init: float | None,
        optimizer: Optimizer = None,
    ) -> None:
        super().__init__(attr, partial(MultistepSchedule, gamma=gamma, steps=step_value), init, optimizer)


class PolynomialShift(Shift):
    """``init (1 - t / max_count)^rate`` after t calls, and 0 from ``max_count`` calls on.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``.
        rate: the exponent, at least 0; 1 for a straight line.
        max_count: how many calls it takes, above 0.
        init: the value to start from; None means the one that it has.
        target: where to stop on the way to 0; None for at 0.
        optimizer: None means the updater's main one.

    Raises:
        ArgumentError: a number is out of its range.

    >>> from chainette import optimizers
    >>> optimizer = optimizers.SGD(lr=1.0)
    >>> shift = PolynomialShift("lr", 2, max_count=4, optimizer=optimizer)
    >>> shift(trainer=None); shift(trainer=None)
    >>> optimizer.lr
    0.25
    """

    def __init__(
        self,
        attr: str,
        rate: float,
        max_count: float,
        init: float | None = None,
        target: float | None = None,
        optimizer: Optimizer = None,
    ) -> None:
        super().__init__(attr, partial(_BoundedPolynomial, rate, max_count, target), init, optimizer)


class _BoundedPolynomial(PolynomialSchedule):
    """To 0, but no further than a bound; the target of a PolynomialSchedule is where its curve itself ends."""

    def __init__(
        self, rate: float, max_count: float, bound: float | None, optimizer: Optimizer, attr: str, init: float | None
    ) -> None:
        super().__init__(optimizer, attr, rate, max_count, init)
        self.bound = bound

    def value(self, t: float) -> float:
        value = super().value(t)
        if self.bound is None:
            return value
        return max(value, self.bound) if self.init > self.bound else min(value, self.bound)


class LinearShift(Shift):
    """From one value to another in a straight line; before and after it stays.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``.
        value_range: the first and the last value.
        time_range: between how many calls and how many the line leads.
        optimizer: None means the updater's main one.

    Raises:
        ArgumentError: the second time is not after the first.

    >>> from chainette import optimizers
    >>> optimizer = optimizers.SGD()
    >>> shift = LinearShift("lr", (1.0, 0.5), (1, 3), optimizer=optimizer)
    >>> shift(trainer=None); shift(trainer=None)
    >>> optimizer.lr
    0.75
    """

    def __init__(
        self,
        attr: str,
        value_range: tuple[float, float],
        time_range: tuple[float, float],
        optimizer: Optimizer = None,
    ) -> None:
        def make(optimizer: Optimizer, attr: str, init: float | None) -> LinearSchedule:
            return LinearSchedule(optimizer, attr, value_range, time_range)

        super().__init__(attr, make, value_range[0], optimizer)


class InverseShift(Shift):
    """``init (1 + gamma t)^-power`` after t calls.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``.
        gamma: how soon it falls, at least 0.
        power: how steeply.
        init: the value to start from; None means the one that it has.
        target: where to stop; None for never.
        optimizer: None means the updater's main one.

    Raises:
        ArgumentError: gamma is below 0.

    >>> from chainette import optimizers
    >>> optimizer = optimizers.SGD(lr=1.0)
    >>> shift = InverseShift("lr", gamma=1.0, power=2, optimizer=optimizer)
    >>> shift(trainer=None)
    >>> optimizer.lr
    0.25
    """

    def __init__(
        self,
        attr: str,
        gamma: float,
        power: float,
        init: float | None = None,
        target: float | None = None,
        optimizer: Optimizer = None,
    ) -> None:
        super().__init__(attr, partial(InverseSchedule, gamma=gamma, power=power, target=target), init, optimizer)


class WarmupShift(Shift):
    """From ``warmup_start`` to ``init`` in a straight line; after that it sets nothing, so that others may.

    Args:
        attr: the hyperparameter, e.g. ``"lr"``.
        warmup_start: the first value.
        warmup_iter: how many calls it takes, above 0.
        init: the value in the end; None means the one that it has.
        optimizer: None means the updater's main one.

    Raises:
        ArgumentError: ``warmup_iter`` is not above 0.

    Source: Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, section 2.2.

    >>> from chainette import optimizers
    >>> optimizer = optimizers.SGD()
    >>> shift = WarmupShift("lr", 0.0, 4, init=1.0, optimizer=optimizer)
    >>> shift(trainer=None); shift(trainer=None)
    >>> optimizer.lr
    0.5
    """

    def __init__(
        self,
        attr: str,
        warmup_start: float,
        warmup_iter: int,
        init: float | None,
        optimizer: Optimizer = None,
    ) -> None:
        super().__init__(attr, partial(WarmupSchedule, start=warmup_start, steps=warmup_iter), init, optimizer)
        self._warmup_iter = warmup_iter

    def __call__(self, trainer: Any) -> None:
        if self._t < self._warmup_iter:
            super().__call__(trainer)
