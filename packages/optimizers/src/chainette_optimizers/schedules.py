"""Hyperparameters that change with the step: each schedule is a formula for one of them.

A schedule is called with the number of the step, from 0, and sets the hyperparameter::

    schedule = CosineSchedule(optimizer, "lr", steps=1000)
    for batch in batches:
        schedule(optimizer.t)
        optimizer.update(model, *batch)

The value depends on the number and nothing else, so nothing of a schedule has to be saved: training that is resumed
goes on with the value that it had. The number may count anything, also epochs, and be a fraction.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence

from chainette.errors import ArgumentError, ConfigError
from chainette_optimizers.errors import WrongTypeError
from chainette_optimizers.hyperparameter import Hyperparameter
from chainette_optimizers.optimizer import GradientMethod


class Schedule:
    """What all schedules share. One of your own needs ``value``.

    Args:
        optimizer: whose hyperparameter it sets; or one parameter's own, ``param.update_rule.hyperparam``.
        name: the hyperparameter, e.g. ``"lr"``, or ``"alpha"`` of Adam.
        init: the value to start from; by default the one that it has now.

    Raises:
        ConfigError: (an AttributeError) there is no such hyperparameter.
        WrongTypeError: (a TypeError) the optimizer is none.

    >>> from chainette.optimizers import SGD
    >>> class SquareRootSchedule(Schedule):
    ...     def value(self, t):
    ...         return self.init / (1 + t) ** 0.5
    >>> optimizer = SGD(lr=0.5)
    >>> schedule = SquareRootSchedule(optimizer, "lr")
    >>> schedule(3)
    0.25
    >>> optimizer.lr
    0.25
    """

    def __init__(self, optimizer: GradientMethod | Hyperparameter, name: str, init: float | None = None) -> None:
        if not isinstance(optimizer, GradientMethod | Hyperparameter):
            raise WrongTypeError(
                f"{type(self).__name__}: optimizer is a {type(optimizer).__name__} (expected an optimizer, "
                "or the hyperparam of an update rule)."
            )
        hyperparam = optimizer.hyperparam if isinstance(optimizer, GradientMethod) else optimizer
        values = hyperparam.get_dict()
        if name not in values:
            raise ConfigError(
                f"{type(self).__name__}: there is no hyperparameter {name!r} (there are: {', '.join(values)})."
            )
        self.optimizer = optimizer
        self.name = name
        self.init: float = values[name] if init is None else float(init)

    def value(self, t: float) -> float:
        """The value for the step number t; it is not set."""
        raise NotImplementedError(f"{type(self).__name__} has no value. Write value(self, t).")

    def __call__(self, t: float) -> float:
        """Set the hyperparameter to the value for the step number t, and return it.

        Raises:
            ArgumentError: (a ValueError) t is below 0.
        """
        if not t >= 0:
            raise ArgumentError(f"{type(self).__name__}: the step number is {t} (expected one of at least 0).")
        value = self.value(t)
        setattr(self.optimizer, self.name, value)
        return value


class ExponentialSchedule(Schedule):
    """``init rate^t``.

    Args:
        optimizer, name, init: see Schedule.
        rate: the factor of each step.
        target: where to stop; None for never.

    >>> from chainette.optimizers import SGD
    >>> schedule = ExponentialSchedule(SGD(lr=1.0), "lr", 0.5, target=0.2)
    >>> [schedule(t) for t in range(5)]
    [1.0, 0.5, 0.25, 0.2, 0.2]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        rate: float,
        init: float | None = None,
        target: float | None = None,
    ) -> None:
        super().__init__(optimizer, name, init)
        self.rate = _at_least("ExponentialSchedule", "rate", rate, 0)
        self.target = target

    def value(self, t: float) -> float:
        return _no_further(self.init * self.rate**t, self.init, self.target)


class StepSchedule(Schedule):
    """``init gamma^floor(t / step)``: multiplied by gamma after every ``step`` steps.

    Args:
        optimizer, name, init: see Schedule.
        gamma: the factor.
        step: after how many steps; above 0.
        target: where to stop; None for never.

    >>> from chainette.optimizers import SGD
    >>> schedule = StepSchedule(SGD(lr=1.0), "lr", 0.5, step=2)
    >>> [schedule(t) for t in range(6)]
    [1.0, 1.0, 0.5, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        gamma: float,
        step: float,
        init: float | None = None,
        target: float | None = None,
    ) -> None:
        super().__init__(optimizer, name, init)
        self.gamma = _at_least("StepSchedule", "gamma", gamma, 0)
        self.step = _above_zero("StepSchedule", "step", step)
        self.target = target

    def value(self, t: float) -> float:
        return _no_further(self.init * self.gamma ** math.floor(t / self.step), self.init, self.target)


class MultistepSchedule(Schedule):
    """``init gamma^n``, where n says how many of the given steps have been reached.

    Args:
        optimizer, name, init: see Schedule.
        gamma: the factor.
        steps: when it is applied, in rising order.

    >>> from chainette.optimizers import SGD
    >>> schedule = MultistepSchedule(SGD(lr=1.0), "lr", 0.5, steps=[2, 3])
    >>> [schedule(t) for t in range(5)]
    [1.0, 1.0, 0.5, 0.25, 0.25]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        gamma: float,
        steps: Sequence[float],
        init: float | None = None,
    ) -> None:
        super().__init__(optimizer, name, init)
        self.gamma = _at_least("MultistepSchedule", "gamma", gamma, 0)
        self.steps = list(steps)
        if self.steps != sorted(self.steps):
            raise ArgumentError(f"MultistepSchedule: steps is {self.steps} (expected numbers in rising order).")

    def value(self, t: float) -> float:
        return self.init * self.gamma ** bisect_right(self.steps, t)


class PolynomialSchedule(Schedule):
    """``target + (init - target) (1 - t / steps)^power``, and target after ``steps`` steps.

    Args:
        optimizer, name, init: see Schedule.
        power: 1 for a straight line.
        steps: how many steps it takes; above 0.
        target: the value in the end, 0 by default.

    >>> from chainette.optimizers import SGD
    >>> schedule = PolynomialSchedule(SGD(lr=1.0), "lr", 2, steps=4)
    >>> [schedule(t) for t in range(6)]
    [1.0, 0.5625, 0.25, 0.0625, 0.0, 0.0]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        power: float,
        steps: float,
        init: float | None = None,
        target: float = 0.0,
    ) -> None:
        super().__init__(optimizer, name, init)
        self.power = _at_least("PolynomialSchedule", "power", power, 0)
        self.steps = _above_zero("PolynomialSchedule", "steps", steps)
        self.target = target

    def value(self, t: float) -> float:
        left = max(1 - t / self.steps, 0.0)
        return self.target + (self.init - self.target) * left**self.power if left else self.target


class LinearSchedule(Schedule):
    """From one value to another in a straight line; before and after it stays.

    Args:
        optimizer, name: see Schedule.
        values: the first and the last value.
        between: the first and the last step of the line.

    >>> from chainette.optimizers import SGD
    >>> schedule = LinearSchedule(SGD(), "lr", values=(1.0, 0.5), between=(1, 3))
    >>> [schedule(t) for t in range(5)]
    [1.0, 1.0, 0.75, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        values: tuple[float, float],
        between: tuple[float, float],
    ) -> None:
        super().__init__(optimizer, name, values[0])
        self.values = values
        self.between = between
        if not between[0] < between[1]:
            raise ArgumentError(f"LinearSchedule: between is {between} (expected the first and a later step).")

    def value(self, t: float) -> float:
        (begin, end), (first, last) = self.between, self.values
        done = min(max((t - begin) / (end - begin), 0.0), 1.0)
        return (1 - done) * first + done * last


class InverseSchedule(Schedule):
    """``init (1 + gamma t)^-power``.

    Args:
        optimizer, name, init: see Schedule.
        gamma: how soon it falls; at least 0.
        power: how steeply.
        target: where to stop; None for never.

    >>> from chainette.optimizers import SGD
    >>> schedule = InverseSchedule(SGD(lr=1.0), "lr", gamma=1.0, power=2)
    >>> [schedule(t) for t in (0, 1, 3)]
    [1.0, 0.25, 0.0625]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        gamma: float,
        power: float,
        init: float | None = None,
        target: float | None = None,
    ) -> None:
        super().__init__(optimizer, name, init)
        self.gamma = _at_least("InverseSchedule", "gamma", gamma, 0)
        self.power = power
        self.target = target

    def value(self, t: float) -> float:
        return _no_further(self.init * (1 + self.gamma * t) ** -self.power, self.init, self.target)


class CosineSchedule(Schedule):
    """``target + (init - target) (1 + cos(pi t / steps)) / 2``, and target after ``steps`` steps.

    Args:
        optimizer, name, init: see Schedule.
        steps: how many steps it takes; above 0.
        target: the value in the end, 0 by default.

    Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017, equation (5).

    >>> from chainette.optimizers import SGD
    >>> schedule = CosineSchedule(SGD(lr=1.0), "lr", steps=4)
    >>> [round(schedule(t), 3) for t in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        steps: float,
        init: float | None = None,
        target: float = 0.0,
    ) -> None:
        super().__init__(optimizer, name, init)
        self.steps = _above_zero("CosineSchedule", "steps", steps)
        self.target = target

    def value(self, t: float) -> float:
        done = min(t / self.steps, 1.0)
        return self.target + (self.init - self.target) * (1 + math.cos(math.pi * done)) / 2


class WarmupSchedule(Schedule):
    """From ``start`` to init in a straight line of ``steps`` steps; then init, or another schedule.

    Args:
        optimizer, name, init: see Schedule.
        start: the first value.
        steps: how many steps it takes; above 0.
        then: a schedule for what comes after, which begins with its step 0; the line then leads to its first value.

    Source: Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, section 2.2.

    >>> from chainette.optimizers import SGD
    >>> optimizer = SGD(lr=1.0)
    >>> schedule = WarmupSchedule(optimizer, "lr", start=0.0, steps=2, then=StepSchedule(optimizer, "lr", 0.5, step=2))
    >>> [schedule(t) for t in range(6)]
    [0.0, 0.5, 1.0, 1.0, 0.5, 0.5]
    """

    def __init__(
        self,
        optimizer: GradientMethod | Hyperparameter,
        name: str,
        start: float,
        steps: float,
        init: float | None = None,
        then: Schedule | None = None,
    ) -> None:
        super().__init__(optimizer, name, init)
        self.start = start
        self.steps = _above_zero("WarmupSchedule", "steps", steps)
        self.then = then

    def value(self, t: float) -> float:
        if t >= self.steps:
            return self.init if self.then is None else self.then.value(t - self.steps)
        end = self.init if self.then is None else self.then.value(0)
        return self.start + (end - self.start) * t / self.steps


def _no_further(value: float, init: float, target: float | None) -> float:
    """The value, but the target once it is beyond that, seen from where it started."""
    if target is None:
        return value
    return min(value, target) if init < target else max(value, target)


def _at_least(schedule: str, name: str, value: float, least: float) -> float:
    if not value >= least:
        raise ArgumentError(f"{schedule}: {name} is {value} (expected one of at least {least}).")
    return value


def _above_zero(schedule: str, name: str, value: float) -> float:
    if not value > 0:
        raise ArgumentError(f"{schedule}: {name} is {value} (expected a number above 0).")
    return value
