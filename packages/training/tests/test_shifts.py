"""Hyperparameters that change with the step."""

import math
from types import SimpleNamespace

import pytest

import chainette.links as L
from chainette import optimizers
from chainette.errors import ArgumentError, ConfigError
from chainette.serializers import DictionarySerializer, NpzDeserializer, load_npz
from chainette.training import extensions

START = 0.8  # the learning rate that an optimizer is made with
NEVER = (10**9, "iteration")

# A shift, and its value after t calls.
SHIFTS = [
    ("ExponentialShift", (0.9,), {}, lambda t: START * 0.9**t),
    ("ExponentialShift", (0.9, 2.0), {}, lambda t: 2 * 0.9**t),
    ("ExponentialShift", (0.9,), {"init": 2.0, "target": 0.5}, lambda t: max(2 * 0.9**t, 0.5)),
    ("ExponentialShift", (1.1,), {"init": 0.5, "target": 2.0}, lambda t: min(0.5 * 1.1**t, 2.0)),
    ("StepShift", (0.5, 7), {}, lambda t: START * 0.5 ** (t // 7)),
    ("StepShift", (0.5, 2.5, 1.0, 0.1), {}, lambda t: max(0.5 ** math.floor(t / 2.5), 0.1)),
    ("MultistepShift", (0.1, [5, 10, 12], 2.0), {}, lambda t: 2 * 0.1 ** ((t >= 5) + (t >= 10) + (t >= 12))),
    ("MultistepShift", (0.1, [5, 10], None), {}, lambda t: START * 0.1 ** ((t >= 5) + (t >= 10))),
    ("PolynomialShift", (0.5, 20), {}, lambda t: START * max(1 - t / 20, 0) ** 0.5),
    ("PolynomialShift", (2, 20, 1.0, 0.3), {}, lambda t: max(max(1 - t / 20, 0) ** 2, 0.3)),
    ("LinearShift", ((1.0, 0.1), (5, 20)), {}, lambda t: 1 - 0.9 * min(max(t - 5, 0) / 15, 1)),
    ("LinearShift", ((0.1, 1.0), (0, 7)), {}, lambda t: 0.1 + 0.9 * min(t / 7, 1)),
    ("InverseShift", (0.1, 0.75), {}, lambda t: START * (1 + 0.1 * t) ** -0.75),
    ("InverseShift", (0.1, 0.75, 1.0, 0.4), {}, lambda t: max((1 + 0.1 * t) ** -0.75, 0.4)),
    ("WarmupShift", (0.1, 10, 1.0), {}, lambda t: min(0.1 + 0.9 * t / 10, 1.0)),
    ("WarmupShift", (0.1, 10, None), {}, lambda t: min(0.1 + 0.7 * t / 10, START)),
]
IDS = [f"{name}{arguments}{options or ''}" for name, arguments, options, _ in SHIFTS]


def trainer_of(optimizer):
    optimizers_by_name = {"main": optimizer}
    return SimpleNamespace(updater=SimpleNamespace(get_optimizer=optimizers_by_name.__getitem__))


def made(name, arguments, options):
    optimizer = optimizers.SGD(lr=START)
    return getattr(extensions, name)("lr", *arguments, **options), optimizer, trainer_of(optimizer)


@pytest.mark.parametrize(("name", "arguments", "options", "formula"), SHIFTS, ids=IDS)
def test_a_shift_sets_the_value_of_its_formula_first_and_at_each_call(name, arguments, options, formula):
    shift, optimizer, trainer = made(name, arguments, options)
    shift.initialize(trainer)
    for t in range(31):
        assert optimizer.lr == pytest.approx(formula(t), rel=1e-12), t
        shift(trainer)


@pytest.mark.parametrize("cut", [0, 1, 6, 15, 25])
@pytest.mark.parametrize(("name", "arguments", "options", "formula"), SHIFTS, ids=IDS)
def test_a_shift_that_was_saved_and_loaded_goes_on_with_the_value_that_it_had(name, arguments, options, formula, cut):
    shift, _, trainer = made(name, arguments, options)
    shift.initialize(trainer)
    for _ in range(cut):
        shift(trainer)
    saved = DictionarySerializer()
    saved.save(shift)
    assert sorted(saved.target) == ["init", "t"]

    shift, optimizer, trainer = made(name, arguments, options)
    optimizer.lr = START if "None" in str(arguments) or len(arguments) < 3 else 77.0  # which is not looked at
    NpzDeserializer(saved.target).load(shift)
    shift.initialize(trainer)
    for t in range(cut, 31):
        assert optimizer.lr == pytest.approx(formula(t), rel=1e-12), t
        shift(trainer)


def test_where_a_shift_started_is_saved_since_the_optimizer_may_have_another_value_by_then():
    shift, _, trainer = made("ExponentialShift", (0.5,), {})
    shift.initialize(trainer)
    shift(trainer)
    saved = DictionarySerializer()
    saved.save(shift)
    shift, optimizer, trainer = made("ExponentialShift", (0.5,), {})
    optimizer.lr = 100.0
    NpzDeserializer(saved.target).load(shift)
    shift.initialize(trainer)
    assert optimizer.lr == START / 2


def test_an_init_that_is_given_counts_more_than_the_one_that_was_saved():
    shift, _, trainer = made("ExponentialShift", (0.5, 4.0), {})
    shift.initialize(trainer)
    saved = DictionarySerializer()
    saved.save(shift)
    shift, optimizer, trainer = made("ExponentialShift", (0.5, 6.0), {})
    NpzDeserializer(saved.target).load(shift)
    shift.initialize(trainer)
    assert optimizer.lr == 6.0


def test_a_shift_that_was_saved_before_training_begins_from_the_value_that_there_is():
    shift, _, _ = made("ExponentialShift", (0.5,), {})
    saved = DictionarySerializer()
    saved.save(shift)
    shift, optimizer, trainer = made("ExponentialShift", (0.5,), {})
    NpzDeserializer(saved.target).load(shift)
    shift.initialize(trainer)
    assert optimizer.lr == START


def test_a_shift_in_use_takes_over_the_state_that_is_loaded():
    saved = DictionarySerializer()
    shift, optimizer, trainer = made("ExponentialShift", (0.5,), {})
    optimizer.lr = 100.0
    shift(trainer)
    saved.save(shift)
    shift, optimizer, trainer = made("ExponentialShift", (0.5,), {})
    for _ in range(4):
        shift(trainer)
    NpzDeserializer(saved.target).load(shift)
    shift.initialize(trainer)
    assert optimizer.lr == 50.0


def test_training_that_was_interrupted_goes_on_where_the_shift_was():
    shift, optimizer, trainer = made("ExponentialShift", (0.5,), {})
    shift.initialize(trainer)
    shift(trainer)
    shift.initialize(trainer)
    assert optimizer.lr == START / 2


def test_a_shift_may_change_any_hyperparameter_of_any_optimizer_or_of_one_parameter():
    model = L.Linear(2, 2)
    main, other = optimizers.SGD(lr=START).setup(model), optimizers.Adam(alpha=1.0)
    extensions.ExponentialShift("alpha", 0.5, optimizer=other)(trainer_of(main))
    assert (main.lr, other.alpha) == (START, 0.5)
    extensions.ExponentialShift("lr", 0.5, optimizer=model.W.update_rule.hyperparam)(trainer_of(main))
    assert model.W.update_rule.hyperparam.lr == START / 2
    assert model.b.update_rule.hyperparam.lr == main.lr == START


def test_after_a_warmup_others_may_set_the_value():
    shift, optimizer, trainer = made("WarmupShift", (0.0, 2, 1.0), {})
    shift.initialize(trainer)
    seen = []
    for _ in range(5):
        optimizer.lr = 9.0
        shift(trainer)
        seen.append(optimizer.lr)
    assert seen == [0.5, 1.0, 9.0, 9.0, 9.0]


def test_a_trainer_uses_a_shift_in_each_step_and_after_a_snapshot_too(make_trainer, tmp_path, parameters):
    def make():
        trainer, rates = make_trainer((12, "iteration")), []
        trainer.extend(extensions.PolynomialShift("alpha", 1, 10))
        trainer.extend(extensions.WarmupShift("beta1", 0.0, 4, 0.9))
        update = trainer.updater.update_core

        def watched():
            optimizer = trainer.updater.get_optimizer("main")
            rates.append((optimizer.alpha, optimizer.beta1))
            update()

        trainer.updater.update_core = watched
        return trainer, rates

    whole, expected = make()
    whole.extend(extensions.snapshot(), trigger=(1, "iteration"))
    whole.run()
    assert [rate for rate, _ in expected] == pytest.approx([0.001 * max(1 - t / 10, 0) for t in range(12)])
    assert [rate for _, rate in expected] == pytest.approx([0.9 * min(t / 4, 1) for t in range(12)])
    for iteration in (2, 5, 11):
        trainer, found = make()
        trainer.extend(extensions.snapshot(), trigger=NEVER)
        load_npz(tmp_path / f"snapshot_iter_{iteration}", trainer)
        trainer.run()
        assert found == expected[iteration:]
        for mine, theirs in zip(parameters(trainer), parameters(whole), strict=True):
            assert (mine == theirs).all()


def test_a_shift_counts_the_calls_of_its_trigger(make_trainer):
    trainer = make_trainer((3, "epoch"))
    trainer.extend(extensions.ExponentialShift("alpha", 0.5, init=1.0), trigger=(1, "epoch"))
    trainer.run()
    assert trainer.updater.get_optimizer("main").alpha == 0.125


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("ExponentialShift", (-0.1,), "ExponentialShift.*rate is -0.1"),
        ("StepShift", (-0.5, 2), "StepShift.*gamma is -0.5"),
        ("StepShift", (0.5, 0), "StepShift.*step is 0"),
        ("MultistepShift", (0.5, [3, 2], 1.0), r"MultistepShift.*steps is \[3, 2\]"),
        ("PolynomialShift", (-1, 10), "PolynomialShift.*power is -1"),
        ("PolynomialShift", (1, 0), "PolynomialShift.*steps is 0"),
        ("LinearShift", ((1, 0), (4, 4)), r"LinearShift.*between is \(4, 4\)"),
        ("InverseShift", (-1, 1), "InverseShift.*gamma is -1"),
        ("WarmupShift", (0.0, 0, 1.0), "WarmupShift.*steps is 0"),
    ],
)
def test_wrong_arguments_are_refused_when_the_shift_is_made(name, arguments, words):
    with pytest.raises(ArgumentError, match=words):
        getattr(extensions, name)("lr", *arguments)


def test_a_hyperparameter_that_does_not_exist_is_an_error_that_names_those_that_do():
    shift = extensions.ExponentialShift("alpha", 0.5)
    with pytest.raises(ConfigError, match=r"no hyperparameter 'alpha' \(there are: lr\)"):
        shift.initialize(trainer_of(optimizers.SGD()))
