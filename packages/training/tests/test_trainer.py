"""The loop."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from chainette.errors import ArgumentError, LoadError
from chainette.serializers import load_npz, save_npz
from chainette.training import PRIORITY_EDITOR, PRIORITY_WRITER, Extension, Trainer, make_extension
from chainette_training.trainer import TrainerError


def test_it_steps_until_the_stop_trigger_says_so(make_trainer):
    trainer = make_trainer((20, "iteration"))
    trainer.run()
    assert trainer.updater.iteration == 20
    trainer = make_trainer((2, "epoch"))
    trainer.run()
    assert (trainer.updater.epoch, trainer.updater.iteration) == (2, 13)
    trainer = make_trainer(lambda trainer: trainer.updater.iteration == 5)
    trainer.run()
    assert trainer.updater.iteration == 5


def test_extensions_are_called_when_their_triggers_say_so_those_of_higher_priority_first(make_trainer):
    trainer, calls = make_trainer((2, "epoch")), []
    for name, trigger, priority in [
        ("reader", (1, "epoch"), None),
        ("writer", (5, "iteration"), PRIORITY_WRITER),
        ("editor", (1, "epoch"), PRIORITY_EDITOR),
        ("never", lambda trainer: False, None),
    ]:
        trainer.extend(
            lambda trainer, name=name: calls.append((trainer.updater.iteration, name)),
            name=name, trigger=trigger, priority=priority,
        )  # fmt: skip
    trainer.run()
    assert calls == [
        (5, "writer"), (7, "editor"), (7, "reader"), (10, "writer"), (13, "editor"), (13, "reader"),
    ]  # fmt: skip


def test_an_observation_has_what_the_model_and_the_extensions_say_at_that_step(make_trainer):
    trainer, seen = make_trainer((3, "iteration")), []

    @make_extension(priority=PRIORITY_WRITER)
    def write(trainer):
        trainer.observation["mine"] = trainer.updater.iteration

    trainer.extend(write)
    trainer.extend(lambda trainer: seen.append(dict(trainer.observation)), name="read")
    trainer.run()
    assert [set(each) for each in seen] == [{"main/loss", "main/accuracy", "mine"}] * 3
    assert [each["mine"] for each in seen] == [1, 2, 3]
    assert all(each["main/loss"].creator is None for each in seen)


def test_a_name_is_the_extensions_own_and_a_number_tells_two_of_them_apart(make_trainer):
    class Own(Extension):
        name = "mine"

        def __call__(self, trainer):
            pass

    trainer = make_trainer()
    first, second, function = Own(), Own(), lambda trainer: None
    for extension in (first, second, function):
        trainer.extend(extension)
    assert trainer.get_extension("mine") is first
    assert trainer.get_extension("mine_1") is second
    assert trainer.get_extension("<lambda>") is function
    with pytest.raises(ArgumentError, match="there is an extension 'mine' already"):
        trainer.extend(Own(), name="mine")
    with pytest.raises(ArgumentError, match=r"no extension 'other' \(there are: mine, mine_1"):
        trainer.get_extension("other")
    with pytest.raises(ArgumentError, match="is no extension"):
        trainer.extend(3)


def test_extensions_begin_before_the_first_step_and_end_with_training_whatever_happens(make_trainer):
    events = []

    class Watched(Extension):
        def initialize(self, trainer):
            events.append(f"initialize at {trainer.updater.iteration}")

        def __call__(self, trainer):
            events.append(f"call at {trainer.updater.iteration}")
            if trainer.updater.iteration == 2:
                raise ZeroDivisionError

        def on_error(self, trainer, exception, traceback):
            events.append(f"on_error with {type(exception).__name__}")

        def finalize(self):
            events.append("finalize")

    trainer = make_trainer()
    trainer.extend(Watched(), call_before_training=True)
    with pytest.raises(ZeroDivisionError) as error:
        trainer.run()
    assert error.value.__notes__ == ["Trainer: this arose after 2 iterations."]
    assert events == [
        "initialize at 0", "call at 0", "call at 1", "call at 2", "on_error with ZeroDivisionError", "finalize",
    ]  # fmt: skip


def test_an_extension_that_cannot_end_does_not_keep_the_others_from_it(make_trainer):
    ended = []

    class Ends(Extension):
        def __init__(self, fails):
            self.fails = fails

        def __call__(self, trainer):
            pass

        def finalize(self):
            ended.append(self.fails)
            if self.fails:
                raise ZeroDivisionError

    trainer = make_trainer((1, "iteration"))
    for fails in (False, True, False):
        trainer.extend(Ends(fails))
    with pytest.raises(ZeroDivisionError):
        trainer.run()
    assert sorted(ended) == [False, False, True]


def test_a_trainer_that_has_run_to_its_end_does_not_run_again(make_trainer):
    trainer = make_trainer((1, "iteration"))
    trainer.run()
    elapsed = trainer.elapsed_time
    assert elapsed > 0
    assert trainer.elapsed_time == elapsed
    with pytest.raises(TrainerError, match="has run to its end"):
        trainer.run()


class Switch:
    """True on the iterations of its choice; it remembers that it was asked."""

    def __init__(self, *at):
        self.at, self.asked = at, 0

    def __call__(self, trainer):
        self.asked += 1
        return trainer.updater.iteration in self.at

    def serialize(self, serializer):
        self.asked = serializer("asked", self.asked)


class Remembers(Extension):
    def __init__(self):
        self.total = 0

    def __call__(self, trainer):
        self.total += trainer.updater.iteration

    def serialize(self, serializer):
        self.total = serializer("total", self.total)


@pytest.mark.parametrize("pause", [1, 6, 7, 11])
def test_a_loaded_trainer_goes_on_as_if_nothing_had_happened(make_trainer, parameters, tmp_path, pause):
    def made(stop, seed):
        trainer = make_trainer((stop, "iteration"), seed=seed)
        trainer.extend(Remembers(), trigger=Switch(3, 6, 9))
        return trainer

    whole = made(20, 1)
    whole.run()
    first = made(pause, 1)
    first.run()
    save_npz(tmp_path / "snapshot", first)
    second = made(20, 2)
    load_npz(tmp_path / "snapshot", second)
    assert second.elapsed_time == first.elapsed_time
    second.run()
    for mine, theirs in zip(parameters(second), parameters(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert second.get_extension("Remembers").total == whole.get_extension("Remembers").total == 18
    assert second._extensions["Remembers"].trigger.asked == 20


def test_a_file_that_does_not_fit_leaves_the_trainer_as_it_was(make_trainer, parameters, tmp_path):
    trainer = make_trainer((3, "iteration"))
    trainer.run()
    save_npz(tmp_path / "snapshot", trainer)
    other = make_trainer(seed=2)
    other.extend(Remembers())
    before = parameters(other)
    with pytest.raises(LoadError, match="extensions/Remembers/total"):
        load_npz(tmp_path / "snapshot", other)
    assert other.updater.iteration == 0
    for mine, theirs in zip(parameters(other), before, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_ctrl_c_waits_for_the_end_of_the_step_and_training_can_go_on(make_trainer, parameters):
    whole = make_trainer((20, "iteration"))
    whole.run()

    trainer, steps = make_trainer((20, "iteration")), []

    @make_extension(priority=PRIORITY_WRITER)
    def press(trainer):
        if trainer.updater.iteration == 8 and len(steps) == 7:
            os.kill(os.getpid(), signal.SIGINT)

    trainer.extend(press)
    trainer.extend(lambda trainer: steps.append(trainer.updater.iteration), name="last")
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert steps == list(range(1, 9))
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    trainer.run()
    assert steps == list(range(1, 21))
    for mine, theirs in zip(parameters(trainer), parameters(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_second_ctrl_c_does_not_wait(make_trainer, capfd):
    trainer = make_trainer((20, "iteration"))

    def press(trainer):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
        raise AssertionError("the second one stops it")

    trainer.extend(press)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    assert trainer.updater.iteration == 1
    assert "Once more to stop at once" in capfd.readouterr().err


def test_a_program_with_a_handler_of_its_own_keeps_it(make_trainer):
    heard, before = [], signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, lambda *_: heard.append(1))
    try:
        trainer = make_trainer((3, "iteration"))
        trainer.extend(lambda trainer: os.kill(os.getpid(), signal.SIGINT), name="press")
        trainer.run()
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(heard) == 3


def test_the_parts_import_without_what_is_optional():
    """Only who uses a plot, a bar or an estimator needs what draws it."""
    program = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter("error")
for name in ("matplotlib", "rich", "PIL", "sklearn", "tensorboardX"):
    sys.modules[name] = None
import chainette_training
for module in pkgutil.walk_packages(chainette_training.__path__, "chainette_training."):
    if module.name != "chainette_training.estimators":  # which chainette_training.sklearn imports when it is used
        importlib.import_module(module.name)
from chainette.training import extensions, triggers, sklearn
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_module_of_a_facade_is_found_as_an_attribute():
    from chainette import training

    assert training.triggers.OnceTrigger
    assert training.extensions.LogReport
    assert training.updaters.StandardUpdater
    assert training.Trainer is Trainer
