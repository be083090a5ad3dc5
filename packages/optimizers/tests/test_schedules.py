"""Schedules: the value for each step, and that it is set."""

import copy
import math

import numpy as np
import pytest

import chainette
from chainette.errors import ChainetteError
from chainette_optimizers import (
    SGD,
    Adam,
    CosineSchedule,
    ExponentialSchedule,
    InverseSchedule,
    LinearSchedule,
    MultistepSchedule,
    PolynomialSchedule,
    Schedule,
    StepSchedule,
    WarmupSchedule,
)

CASES = [
    (lambda o: ExponentialSchedule(o, "lr", 0.9), lambda t: 2 * 0.9**t),
    (lambda o: ExponentialSchedule(o, "lr", 0.9, init=3), lambda t: 3 * 0.9**t),
    (lambda o: ExponentialSchedule(o, "lr", 0.9, target=1), lambda t: max(2 * 0.9**t, 1)),
    (lambda o: ExponentialSchedule(o, "lr", 1.5, target=9), lambda t: min(2 * 1.5**t, 9)),
    (lambda o: StepSchedule(o, "lr", 0.5, 3), lambda t: 2 * 0.5 ** (t // 3)),
    (lambda o: StepSchedule(o, "lr", 0.5, 3, init=4, target=1.5), lambda t: max(4 * 0.5 ** (t // 3), 1.5)),
    (lambda o: MultistepSchedule(o, "lr", 0.1, [2, 5, 5]), lambda t: 2 * 0.1 ** ((t >= 2) + 2 * (t >= 5))),
    (lambda o: MultistepSchedule(o, "lr", 0.1, [], init=5), lambda t: 5),
    (lambda o: PolynomialSchedule(o, "lr", 0.5, 8), lambda t: 2 * max(1 - t / 8, 0) ** 0.5),
    (lambda o: PolynomialSchedule(o, "lr", 2, 8, init=3, target=1), lambda t: 1 + 2 * max(1 - t / 8, 0) ** 2),
    (lambda o: PolynomialSchedule(o, "lr", 0, 8, target=1), lambda t: 2 if t < 8 else 1),
    (lambda o: LinearSchedule(o, "lr", (5, 1), (2, 6)), lambda t: 5 - (min(max(t, 2), 6) - 2)),
    (lambda o: InverseSchedule(o, "lr", 0.5, 2), lambda t: 2 / (1 + t / 2) ** 2),
    (lambda o: InverseSchedule(o, "lr", 0.5, 2, init=3, target=1), lambda t: max(3 / (1 + t / 2) ** 2, 1)),
    (lambda o: CosineSchedule(o, "lr", 8), lambda t: 1 + math.cos(math.pi * min(t, 8) / 8)),
    (lambda o: CosineSchedule(o, "lr", 8, init=5, target=1), lambda t: 3 + 2 * math.cos(math.pi * min(t, 8) / 8)),
    (lambda o: WarmupSchedule(o, "lr", 0.5, 4), lambda t: 0.5 + 1.5 * min(t, 4) / 4),
    (lambda o: WarmupSchedule(o, "lr", 8, 4, init=4), lambda t: 8 - min(t, 4)),
    (
        lambda o: WarmupSchedule(o, "lr", 0, 4, then=ExponentialSchedule(o, "lr", 0.9)),
        lambda t: t / 2 if t < 4 else 2 * 0.9 ** (t - 4),
    ),
]


@pytest.mark.parametrize(("make", "formula"), CASES)
def test_the_value_is_that_of_the_formula_and_is_set(make, formula):
    optimizer = SGD(lr=2.0)
    schedule = make(optimizer)
    for t in [*range(12), 3, 0]:  # in any order: nothing is remembered
        assert schedule(t) == optimizer.lr == pytest.approx(formula(t), abs=1e-12)
        assert schedule.value(1) == pytest.approx(formula(1))
        assert optimizer.lr == pytest.approx(formula(t), abs=1e-12)


def test_a_fraction_of_a_step_lies_between():
    schedule = CosineSchedule(SGD(lr=2.0), "lr", steps=1)
    assert 0 < schedule(0.75) < schedule(0.5) < 2


def test_it_starts_from_the_value_at_the_time_it_is_made():
    optimizer = Adam(alpha=0.5)
    schedule = ExponentialSchedule(optimizer, "alpha", 0.5)
    optimizer.alpha = 7
    assert schedule(1) == 0.25


def test_training_with_a_schedule_needs_no_trainer_and_goes_on_after_a_break():
    def train(W, optimizer, schedule, steps):
        for _ in range(steps):
            schedule(optimizer.t)
            optimizer.update(lambda: ((W - 3) ** 2).sum())

    def started():
        W = chainette.Parameter(np.zeros(2))
        optimizer = SGD(lr=0.4).setup([W])
        return W, optimizer, WarmupSchedule(optimizer, "lr", 0.0, 3, then=CosineSchedule(optimizer, "lr", 7))

    W, optimizer, schedule = started()
    train(W, optimizer, schedule, 10)
    V, resumed, other_schedule = started()
    train(V, resumed, other_schedule, 5)
    U, again, fresh_schedule = started()
    U.array[...], again.t = V.array, resumed.t
    train(U, again, fresh_schedule, 5)
    np.testing.assert_array_equal(U.array, W.array)


def test_one_parameter_may_have_a_schedule_of_its_own():
    W, b = chainette.Parameter(np.zeros(1)), chainette.Parameter(np.zeros(1))
    optimizer = SGD(lr=1.0).setup([W, b])
    schedule = StepSchedule(b.update_rule.hyperparam, "lr", 0.5, step=1)
    schedule(1)
    assert (optimizer.lr, W.update_rule.hyperparam.lr, b.update_rule.hyperparam.lr) == (1.0, 1.0, 0.5)


def test_a_copy_of_optimizer_and_schedule_is_independent():
    optimizer = SGD(lr=1.0)
    schedule = copy.deepcopy(StepSchedule(optimizer, "lr", 0.5, step=1))
    schedule(1)
    assert (optimizer.lr, schedule.optimizer.lr) == (1.0, 0.5)


def test_the_range_of_a_hyperparameter_is_checked_when_it_is_set():
    with pytest.raises(ValueError, match="beta1 is 1"):
        LinearSchedule(Adam(), "beta1", (0.9, 1.0), (0, 1))(1)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda o: StepSchedule(o, "alpha", 0.5, 3), AttributeError, r"no hyperparameter 'alpha' \(there are: lr\)"),
        (lambda o: ExponentialSchedule("lr", o, 0.9), TypeError, "optimizer is a str"),
        (lambda o: ExponentialSchedule(o, "lr", -0.9), ValueError, "ExponentialSchedule: rate is -0.9"),
        (lambda o: StepSchedule(o, "lr", -1, 3), ValueError, "StepSchedule: gamma is -1"),
        (lambda o: StepSchedule(o, "lr", 0.5, 0), ValueError, "StepSchedule: step is 0"),
        (lambda o: MultistepSchedule(o, "lr", -1, [3]), ValueError, "MultistepSchedule: gamma is -1"),
        (lambda o: MultistepSchedule(o, "lr", 0.5, [3, 2]), ValueError, "rising order"),
        (lambda o: PolynomialSchedule(o, "lr", -1, 3), ValueError, "PolynomialSchedule: power is -1"),
        (lambda o: PolynomialSchedule(o, "lr", 1, 0), ValueError, "PolynomialSchedule: steps is 0"),
        (lambda o: LinearSchedule(o, "lr", (1, 0), (3, 3)), ValueError, "between is"),
        (lambda o: InverseSchedule(o, "lr", -1, 3), ValueError, "InverseSchedule: gamma is -1"),
        (lambda o: CosineSchedule(o, "lr", 0), ValueError, "CosineSchedule: steps is 0"),
        (lambda o: WarmupSchedule(o, "lr", 0, 0), ValueError, "WarmupSchedule: steps is 0"),
        (lambda o: StepSchedule(o, "lr", 0.5, 3)(-1), ValueError, "step number is -1"),
        (lambda o: Schedule(o, "lr")(0), NotImplementedError, "Write value"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(make, kind, message):
    with pytest.raises(kind, match=message) as caught:
        make(SGD())
    assert isinstance(caught.value, ChainetteError) or kind is NotImplementedError
