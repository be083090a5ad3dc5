"""When an extension is called, and when training ends."""

import math
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

from chainette.errors import ArgumentError, ReportError
from chainette.serializers import DictionarySerializer, NpzDeserializer, load_npz
from chainette.training import PRIORITY_WRITER, Trainer, extensions, triggers

EACH = (1, "iteration")
NEVER = (10**9, "iteration")


def at(iteration, observation=None, elapsed_time=0.0, per_epoch=4):
    """What a trainer looks like after a step."""
    updater = SimpleNamespace(
        iteration=iteration,
        epoch=iteration // per_epoch,
        epoch_detail=iteration / per_epoch,
        previous_epoch_detail=(iteration - 1) / per_epoch,
        is_new_epoch=iteration > 0 and iteration % per_epoch == 0,
    )
    return SimpleNamespace(observation=observation or {}, updater=updater, elapsed_time=elapsed_time)


def answers(trigger, values, key="loss", begin=1):
    return [trigger(at(i, {} if v is None else {key: v})) for i, v in enumerate(values, begin)]


def again(trigger, other):
    """The other trigger, in the state of the first."""
    saved = DictionarySerializer()
    saved.save(trigger)
    NpzDeserializer(saved.target).load(other)
    return other


# -- the best value ---------------------------------------------------------------------------------------------------

VALUES = [0.5, 0.5, 0.3, 0.7, 0.2, 0.9, 0.9, 0.1]


def test_a_min_value_trigger_is_true_where_the_value_is_smaller_than_all_before():
    trigger = triggers.MinValueTrigger("loss", EACH)
    assert answers(trigger, VALUES) == [True, False, True, False, True, False, False, True]


def test_a_max_value_trigger_is_true_where_the_value_is_larger_than_all_before():
    trigger = triggers.MaxValueTrigger("loss", EACH)
    assert answers(trigger, VALUES) == [True, False, False, True, False, True, False, False]
    assert trigger.best_value == 0.9


def test_a_best_value_trigger_asks_its_function_with_the_best_value_first():
    asked = []
    trigger = triggers.BestValueTrigger("loss", lambda best, new: asked.append((best, new)) or new == 0.3, EACH)
    assert answers(trigger, VALUES[:5]) == [True, False, True, False, False]
    assert asked == [(0.5, 0.5), (0.5, 0.3), (0.3, 0.7), (0.3, 0.2)]


def test_a_value_trigger_compares_means_since_the_time_before():
    trigger = triggers.MaxValueTrigger("loss", (2, "iteration"))
    assert answers(trigger, [1.0, 2.0, 9.0, -7.0, 1.0, 2.5]) == [False, True, False, False, False, True]
    assert trigger.best_value == 1.75


def test_a_value_trigger_passes_over_steps_without_the_value_and_looks_each_epoch_by_default():
    trigger = triggers.MinValueTrigger("loss")
    values = [None, None, None, 3.0, None, None, None, 2.0]
    assert answers(trigger, values) == [False, False, False, True, False, False, False, True]


def test_nan_is_never_the_best_value():
    nan = math.nan
    assert answers(triggers.MinValueTrigger("loss", EACH), [nan, 2.0, nan, 1.0]) == [False, True, False, True]


def test_a_value_that_was_never_observed_is_an_error_that_says_what_was():
    trigger = triggers.MaxValueTrigger("val/loss", EACH)
    with pytest.raises(ReportError, match=r"MaxValueTrigger: 'val/loss' was not observed .*this step has: main/loss\)"):
        trigger(at(1, {"main/loss": 1.0}))
    with pytest.raises(KeyError, match="this step has: nothing"):
        triggers.MinValueTrigger("loss", EACH)(at(1))


def test_extensions_that_share_a_value_trigger_get_one_answer():
    trigger = triggers.MinValueTrigger("loss", EACH)
    asked = [trigger(at(i, {"loss": loss})) for i, loss in enumerate([3.0, 2.0, 4.0], 1) for _ in range(2)]
    assert asked == [True, True, True, True, False, False]


def test_values_of_arrays_and_variables_are_numbers_to_a_value_trigger():
    trigger = triggers.MinValueTrigger("loss", EACH)
    assert answers(trigger, [np.float32(2), np.array(1.0, "f"), 3]) == [True, True, False]
    assert type(trigger.best_value) is float


@pytest.mark.parametrize("cut", range(7))
@pytest.mark.parametrize("period", [1, 2, 3])
def test_a_value_trigger_that_was_saved_and_loaded_answers_the_same(cut, period):
    values = [5.0, 3.0, 4.0, 1.0, 2.0, 0.5, 2.0, 0.1]
    expected = answers(triggers.MinValueTrigger("loss", (period, "iteration")), values)
    first = triggers.MinValueTrigger("loss", (period, "iteration"))
    found = answers(first, values[:cut])
    second = again(first, triggers.MinValueTrigger("loss", (period, "iteration")))
    assert second.best_value == first.best_value
    assert found + answers(second, values[cut:], begin=cut + 1) == expected


def test_a_value_trigger_that_takes_another_state_forgets_what_it_last_said():
    trigger = triggers.MinValueTrigger("loss", EACH)
    assert answers(trigger, [2.0], begin=5) == [True]
    again(triggers.MinValueTrigger("loss", EACH), trigger)
    assert trigger.best_value is None
    assert answers(trigger, [3.0], begin=5) == [True]
    assert trigger.best_value == 3.0


def test_the_trigger_within_a_value_trigger_is_saved_with_it():
    first = triggers.MinValueTrigger("loss", triggers.OnceTrigger())
    assert answers(first, [2.0, 1.0]) == [True, False]
    assert answers(again(first, triggers.MinValueTrigger("loss", triggers.OnceTrigger())), [0.5], begin=3) == [False]


# -- early stopping ---------------------------------------------------------------------------------------------------


def early(patience=2, **options):
    return triggers.EarlyStoppingTrigger(EACH, "loss", patience, max_trigger=NEVER, **options)


def test_training_stops_early_after_so_many_checks_that_found_nothing_better():
    trigger = early()
    assert answers(trigger, [5, 4, 4, 3, 4, 3]) == [False] * 5 + [True]
    assert (trigger.best, trigger.count) == (3, 2)
    assert answers(early(patience=1), [5, 5]) == [False, True]
    assert answers(triggers.EarlyStoppingTrigger(EACH, "loss"), [1, 2, 3, 4]) == [False] * 3 + [True]


def test_what_is_better_follows_from_the_mode_or_from_the_name():
    rising = [1, 2, 3]
    assert answers(early(mode="max"), rising) == [False] * 3
    assert answers(early(mode="min"), rising) == [False, False, True]
    for name, stops in ("main/accuracy", False), ("main/loss", True), ("bleu", True):
        trigger = triggers.EarlyStoppingTrigger(EACH, name, 2, max_trigger=NEVER)
        assert answers(trigger, rising, key=name)[-1] is stops


def test_nan_is_no_improvement():
    assert answers(early(mode="max"), [math.nan, math.nan]) == [False, True]


def test_early_stopping_looks_at_means_since_the_check_before():
    trigger = triggers.EarlyStoppingTrigger((2, "iteration"), "loss", 1, max_trigger=NEVER)
    assert answers(trigger, [4, 2, 1, 4, 0, 6]) == [False] * 5 + [True]
    assert trigger.best == 2.5


def test_training_that_gets_better_stops_by_the_other_trigger():
    trigger = triggers.EarlyStoppingTrigger(EACH, "loss", 2, max_trigger=(3, "iteration"))
    assert answers(trigger, [3, 2, 1]) == [False, False, True]
    assert trigger.get_training_length() == (3, "iteration")
    assert triggers.EarlyStoppingTrigger().get_training_length() == (100, "epoch")


def test_a_monitor_that_is_not_observed_warns_once_and_does_not_stop_training():
    trigger = early()
    with pytest.warns(UserWarning, match=r"'loss' was not observed .*this step has: other\)"):
        assert trigger(at(1, {"other": 1})) is False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert answers(trigger, [None, None, 1, 2, 3], begin=2) == [False] * 4 + [True]


def test_a_verbose_early_stopping_says_why(capsys):
    answers(early(verbose=True), [1, 2, 3])
    assert capsys.readouterr().out == (
        "EarlyStoppingTrigger: training ends with epoch 0, since loss is 3, and was better than 1 in none of 2 "
        "checks.\n"
    )
    answers(early(), [1, 2, 3])
    assert capsys.readouterr().out == ""


def test_asked_twice_at_one_step_early_stopping_counts_it_once():
    trigger = early()
    assert [trigger(at(i, {"loss": loss})) for i, loss in enumerate([1, 2, 3], 1) for _ in range(2)] == [
        False, False, False, False, True, True,
    ]  # fmt: skip


@pytest.mark.parametrize("cut", range(7))
@pytest.mark.parametrize("period", [1, 2])
def test_early_stopping_that_was_saved_and_loaded_stops_at_the_same_step(cut, period):
    def make():
        return triggers.EarlyStoppingTrigger((period, "iteration"), "loss", 2, max_trigger=NEVER)

    values = [5, 4, 3, 5, 4, 5, 2, 2]
    first = make()
    found = answers(first, values[:cut])
    assert found + answers(again(first, make()), values[cut:], begin=cut + 1) == answers(make(), values)


def test_early_stopping_that_was_asked_before_it_was_saved_counts_that_step_once():
    first = early()
    answers(first, [1, 2])
    second = again(first, early())
    assert second(at(2, {"loss": 2})) is False
    assert (second.count, second(at(3, {"loss": 2}))) == (1, True)


def test_a_snapshot_within_a_step_leaves_early_stopping_as_it_was():
    class Trainer(SimpleNamespace):  # to which there may be weak references
        pass

    def best(is_saved):
        trigger = triggers.EarlyStoppingTrigger((2, "iteration"), "loss", max_trigger=NEVER)
        for iteration, loss in enumerate([4.0, 1.0], 1):
            step = Trainer(**vars(at(iteration, {"loss": loss})))
            if is_saved and iteration == 2:
                trigger._trainer = lambda step=step: step
                DictionarySerializer().save(trigger)
            trigger(step)
        return trigger.best

    assert best(is_saved=True) == best(is_saved=False) == 2.5


@pytest.mark.parametrize("name", ["check_trigger", "max_trigger"])
def test_the_triggers_within_early_stopping_are_saved_with_it(name):
    first, second = (triggers.EarlyStoppingTrigger(**{name: triggers.TimeTrigger(1)}) for _ in range(2))
    first(at(1, {"main/loss": 1}, elapsed_time=5))
    again(first, second)
    assert {"check_trigger": second._is_check_due, "max_trigger": second._max_trigger}[name]._next == 6


def noisy(trainer):
    """A validation loss that falls, and then does not."""
    epoch = trainer.updater.epoch
    trainer.observation["val"] = abs(epoch - 4) + 0.1 * math.sin(epoch)


@pytest.mark.parametrize("period", [(1, "epoch"), (3, "iteration")])
def test_a_trainer_that_goes_on_from_any_snapshot_stops_early_at_the_same_step(make_trainer, tmp_path, period):
    def make():
        trainer = make_trainer(triggers.EarlyStoppingTrigger(monitor="val", patience=2))
        trainer.extend(noisy, trigger=(1, "epoch"), priority=PRIORITY_WRITER)
        return trainer

    whole = make()
    whole.extend(extensions.snapshot(), trigger=period)
    whole.run()
    assert 4 < whole.updater.epoch < 10
    for path in sorted(tmp_path.glob("snapshot_iter_*"))[::2]:
        trainer = make()
        trainer.extend(extensions.snapshot(), trigger=NEVER)
        load_npz(path, trainer)
        trainer.run()
        assert trainer.updater.iteration == whole.updater.iteration, path
        assert trainer.stop_trigger.best == whole.stop_trigger.best


@pytest.mark.parametrize("seed", range(3))
def test_a_trainer_that_goes_on_from_a_snapshot_finds_the_same_best_values(make_trainer, tmp_path, seed):
    def make(snapshots):
        trainer, best = make_trainer((6, "epoch"), seed=seed), []
        trainer.extend(
            lambda trainer: best.append(trainer.updater.iteration),
            name="best",
            trigger=triggers.MinValueTrigger("main/loss", (4, "iteration")),
        )
        trainer.extend(extensions.snapshot(), trigger=snapshots)
        return trainer, best

    whole, expected = make((3, "iteration"))
    whole.run()
    assert len(expected) > 1
    for iteration in (3, 9, 18, 30):
        trainer, found = make(NEVER)
        load_npz(tmp_path / f"snapshot_iter_{iteration}", trainer)
        trainer.run()
        assert found == [each for each in expected if each > iteration]


# -- given times ------------------------------------------------------------------------------------------------------


def test_a_manual_schedule_is_true_at_given_iterations():
    trigger = triggers.ManualScheduleTrigger([2, 3, 7], "iteration")
    assert [i for i in range(1, 12) if trigger(at(i))] == [2, 3, 7]
    assert [i for i in range(1, 12) if triggers.ManualScheduleTrigger(5, "iteration")(at(i))] == [5]


def test_a_manual_schedule_is_true_at_the_step_that_reaches_a_given_epoch():
    trigger = triggers.ManualScheduleTrigger((0.25, 0.3, 1, 2.6), "epoch")
    assert [i for i in range(1, 20) if trigger(at(i))] == [1, 2, 4, 11]
    assert [i for i in range(1, 20) if trigger(at(i, per_epoch=3))] == [1, 3, 8]


def test_a_manual_schedule_needs_nothing_saved(make_trainer, tmp_path):
    def make(snapshots):
        trainer, calls = make_trainer((3, "epoch")), []
        trigger = triggers.ManualScheduleTrigger([0.5, 1, 2.2], "epoch")
        trainer.extend(lambda trainer: calls.append(trainer.updater.iteration), name="call", trigger=trigger)
        trainer.extend(extensions.snapshot(), trigger=snapshots)
        return trainer, calls

    whole, expected = make(EACH)
    whole.run()
    assert expected == [4, 7, 14]
    for iteration in (3, 4, 7, 13, 14):
        trainer, found = make(NEVER)
        load_npz(tmp_path / f"snapshot_iter_{iteration}", trainer)
        trainer.run()
        assert found == [each for each in expected if each > iteration]


# -- seconds ----------------------------------------------------------------------------------------------------------

SECONDS = [3, 9, 10, 11, 19, 55, 56, 59, 60.5, 61]
DUE = [False, False, True, False, False, True, False, False, True, False]


def test_a_time_trigger_is_true_once_after_each_period_and_once_after_a_long_step():
    trigger = triggers.TimeTrigger(10)
    assert [trigger(at(1, elapsed_time=seconds)) for seconds in SECONDS] == DUE


@pytest.mark.parametrize("cut", range(len(SECONDS)))
def test_a_time_trigger_that_was_saved_and_loaded_is_true_at_the_same_times(cut):
    first = triggers.TimeTrigger(10)
    found = [first(at(1, elapsed_time=seconds)) for seconds in SECONDS[:cut]]
    second = again(first, triggers.TimeTrigger(10))
    assert found + [second(at(1, elapsed_time=seconds)) for seconds in SECONDS[cut:]] == DUE


def test_a_trainer_that_goes_on_from_a_snapshot_asks_its_time_triggers_the_same(make_trainer, tmp_path, monkeypatch):
    monkeypatch.setattr(Trainer, "elapsed_time", property(lambda trainer: 2.0 * trainer.updater.iteration))

    def make():
        trainer, calls = make_trainer((3, "epoch")), []
        trainer.extend(
            lambda trainer: calls.append(trainer.updater.iteration), name="call", trigger=triggers.TimeTrigger(9)
        )
        return trainer, calls

    whole, expected = make()
    whole.extend(extensions.snapshot(), trigger=(4, "iteration"))
    whole.run()
    assert expected == [5, 9, 14, 18]
    for iteration in (4, 8, 12, 16):
        trainer, found = make()
        trainer.extend(extensions.snapshot(), trigger=NEVER)
        load_npz(tmp_path / f"snapshot_iter_{iteration}", trainer)
        trainer.run()
        assert found == [each for each in expected if each > iteration]


# -- wrong arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: triggers.EarlyStoppingTrigger(mode="least"), "EarlyStoppingTrigger: mode is 'least'"),
        (lambda: triggers.EarlyStoppingTrigger(patience=0), "EarlyStoppingTrigger: patience is 0"),
        (lambda: triggers.EarlyStoppingTrigger(check_trigger=3), "trigger: got 3"),
        (lambda: triggers.ManualScheduleTrigger([1], "second"), "ManualScheduleTrigger: unit is 'second'"),
        (lambda: triggers.ManualScheduleTrigger([], "epoch"), r"points is \[\]"),
        (lambda: triggers.ManualScheduleTrigger([0, 1], "epoch"), r"points is \[0, 1\].*call_before_training"),
        (lambda: triggers.TimeTrigger(0), "TimeTrigger: period is 0"),
        (lambda: triggers.TimeTrigger(math.nan), "TimeTrigger: period is nan"),
    ],
)
def test_wrong_arguments_are_refused_in_words(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_triggers_say_in_their_repr_when_they_are_due():
    assert repr(triggers.TimeTrigger(5)) == "<TimeTrigger: every 5 seconds>"
    assert repr(triggers.ManualScheduleTrigger([1, 2.5], "epoch")) == "<ManualScheduleTrigger: epochs 1, 2.5>"
