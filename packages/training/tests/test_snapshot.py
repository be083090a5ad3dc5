"""The whole state of training in a file."""

import os
import signal

import numpy as np
import pytest

from chainette.errors import ArgumentError
from chainette.serializers import load_hdf5, load_npz, save_hdf5
from chainette.training import Extension, extensions, triggers


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_there_is_one_for_each_epoch(make_trainer, tmp_path):
    trainer = make_trainer((3, "epoch"))
    trainer.extend(extensions.snapshot())
    trainer.run()
    assert names(tmp_path) == ["snapshot_iter_13", "snapshot_iter_19", "snapshot_iter_7"]


def test_only_so_many_are_kept_and_they_are_the_latest(make_trainer, tmp_path):
    (tmp_path / "snapshot_iter_x.other").touch()
    (tmp_path / "mine").touch()
    trainer = make_trainer((12, "iteration"))
    trainer.extend(extensions.snapshot(n_retains=2), trigger=(1, "iteration"))
    trainer.run()
    assert {"snapshot_iter_11", "snapshot_iter_12", "mine"} <= set(names(tmp_path))
    assert "snapshot_iter_10" not in names(tmp_path)


@pytest.mark.parametrize("save_and_load", [(None, None), (save_hdf5, load_hdf5)], ids=["npz", "hdf5"])
def test_training_goes_on_from_the_last_one(make_trainer, parameters, tmp_path, save_and_load):
    save, load = save_and_load

    def made(stop, folder, seed):
        trainer = make_trainer((stop, "iteration"), out=tmp_path / folder, seed=seed)
        trainer.extend(extensions.LogReport(trigger=(3, "iteration")))
        trainer.extend(extensions.snapshot(save, autoload=True, loadfun=load), trigger=(4, "iteration"))
        return trainer

    whole = made(17, "whole", 1)
    whole.run()
    made(10, "parts", 1).run()
    second = made(17, "parts", 2)
    second.run()
    assert second.updater.iteration == 17
    assert [entry["iteration"] for entry in second.get_extension("LogReport").log] == [3, 6, 9, 12, 15]
    for mine, theirs in zip(parameters(second), parameters(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_what_was_loaded_is_there_before_other_extensions_begin(make_trainer):
    seen = []

    class Sees(Extension):
        priority = 1000

        def initialize(self, trainer):
            seen.append(trainer.updater.iteration)

        def __call__(self, trainer):
            pass

    for stop in (4, 6):
        trainer = make_trainer((stop, "iteration"))
        trainer.extend(Sees())
        trainer.extend(extensions.snapshot(autoload=True), trigger=(4, "iteration"))
        trainer.run()
    assert seen == [0, 4]


def test_ctrl_c_leaves_one_of_the_step_that_ran(make_trainer, parameters, tmp_path):
    def made(stop, press_at=None):
        trainer = make_trainer((stop, "iteration"))
        if press_at:
            trainer.extend(
                lambda trainer: trainer.updater.iteration == press_at and os.kill(os.getpid(), signal.SIGINT),
                name="press",
            )
        trainer.extend(extensions.snapshot(snapshot_on_error=True, autoload=True), trigger=(100, "iteration"))
        return trainer

    whole = make_trainer((15, "iteration"), out=tmp_path / "whole")
    whole.run()
    for press_at in (3, 11):
        with pytest.raises(KeyboardInterrupt):
            made(15, press_at).run()
    assert {"snapshot_iter_3", "snapshot_iter_11"} <= set(names(tmp_path))
    last = made(15)
    last.run()
    for mine, theirs in zip(parameters(last), parameters(whole), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_an_error_does_not_overwrite_the_whole_state_of_that_step(make_trainer, tmp_path):
    trainer = make_trainer((9, "iteration"))
    trainer.extend(extensions.snapshot(snapshot_on_error=True), trigger=(4, "iteration"))

    def fail(*args):
        if trainer.updater.iteration == 4:
            raise ZeroDivisionError
        return model(*args)

    model = trainer.updater.get_optimizer("main").target
    trainer.updater.loss_func = fail
    written = []
    trainer.extend(lambda trainer: written.append((tmp_path / "snapshot_iter_4").stat().st_mtime_ns)
                   if trainer.updater.iteration == 4 else None, name="see", priority=-200)  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        trainer.run()
    assert [(tmp_path / "snapshot_iter_4").stat().st_mtime_ns] == written


def test_one_that_cannot_be_written_leaves_the_one_before(make_trainer, tmp_path):
    trainer = make_trainer((2, "iteration"))

    class Unsavable(Extension):
        iteration = 0

        def __call__(self, trainer):
            self.iteration = trainer.updater.iteration

        def serialize(self, serializer):
            if self.iteration == 2:
                raise OSError("no space left")
            serializer("x", 1)

    trainer.extend(Unsavable())
    trainer.extend(extensions.snapshot(filename="last"), trigger=(1, "iteration"))
    with pytest.raises(OSError, match="no space left"):
        trainer.run()
    assert names(tmp_path) == ["last"]
    other = make_trainer()
    other.extend(Unsavable())
    load_npz(tmp_path / "last", other)
    assert other.updater.iteration == 1


def test_the_best_model_is_kept_by_a_trigger_that_looks_at_a_value(make_trainer, parameters, tmp_path):
    trainer, history = make_trainer((8, "iteration")), {}
    model = trainer.updater.get_optimizer("main").target
    trainer.extend(
        lambda trainer: history.update({float(trainer.observation["main/loss"].array): parameters(trainer)}),
        name="history", priority=200,
    )  # fmt: skip
    best = triggers.MinValueTrigger("main/loss", trigger=(1, "iteration"))
    trainer.extend(extensions.snapshot_object(model, "best.npz"), trigger=best)
    trainer.run()
    fresh = model.copy(mode="init")
    load_npz(tmp_path / "best.npz", fresh)
    for mine, theirs in zip(fresh.params(), history[min(history)], strict=True):
        np.testing.assert_array_equal(mine.array, theirs)


def test_a_condition_or_a_writer_can_take_part(make_trainer, tmp_path):
    trainer, came = make_trainer((4, "iteration")), []

    class Writer:
        def __call__(self, filename, folder, target, savefun):
            came.append((filename, folder, target))

        def finalize(self):
            came.append("finalize")

    trainer.extend(
        extensions.snapshot(writer=Writer(), condition=lambda: trainer.updater.iteration > 2), trigger=(1, "iteration")
    )
    trainer.run()
    assert came == [(f"snapshot_iter_{i}", str(tmp_path), trainer) for i in (3, 4)] + ["finalize"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_retains": 0}, "n_retains=0"),
        ({"savefun": save_hdf5, "autoload": True}, "Give loadfun="),
        ({"filename": lambda trainer: "x", "autoload": True}, "need a filename that is a text"),
    ],
)
def test_wrong_arguments_are_errors(options, words):
    with pytest.raises(ArgumentError, match=words):
        extensions.snapshot(**options)
