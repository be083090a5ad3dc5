"""Extensions of a few lines: what they observe, and what they end."""

import io
import math
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, Variable, optimizers
from chainette.errors import MissingPluginError
from chainette.iterators import SerialIterator
from chainette.serializers import DictionarySerializer, NpzDeserializer, load_npz
from chainette.testing import fake_backend, isolated_plugins
from chainette.training import PRIORITY_EDITOR, PRIORITY_WRITER, Trainer, extensions, triggers, updaters
from chainette_training.extensions.fail_on_non_number import NonNumberError

EACH = (1, "iteration")
NEVER = (10**9, "iteration")


def seen_by(trainer):
    """What each step observes in the end."""
    seen = []
    trainer.extend(lambda trainer: seen.append(dict(trainer.observation)), name="see", priority=-1)
    return seen


# -- observing --------------------------------------------------------------------------------------------------------


def test_observed_values_are_there_for_extensions_that_read_and_by_default_at_the_end_of_an_epoch(make_trainer):
    trainer = make_trainer((2, "epoch"))
    seen = seen_by(trainer)
    trainer.extend(extensions.observe_value("where", lambda trainer: trainer.updater.iteration))
    trainer.extend(extensions.observe_value("each", lambda trainer: -trainer.updater.iteration), trigger=EACH)
    trainer.run()
    assert [each.get("where") for each in seen] == [None] * 6 + [7] + [None] * 5 + [13]
    assert [each["each"] for each in seen] == [-i for i in range(1, 14)]
    assert extensions.observe_value("a", len).priority == PRIORITY_WRITER
    assert trainer.get_extension("observe_where")


def test_the_learning_rate_of_any_optimizer_is_observed(make_trainer):
    trainer = make_trainer((2, "iteration"))
    named = {"main": optimizers.SGD(lr=0.5), "critic": optimizers.MomentumSGD(lr=0.25)}
    trainer.updater.get_optimizer = named.__getitem__
    seen = seen_by(trainer)
    trainer.extend(extensions.observe_lr(), trigger=EACH)
    trainer.extend(extensions.observe_lr("critic", observation_key="critic/lr"), trigger=EACH)
    trainer.run()
    assert [(each["lr"], each["critic/lr"]) for each in seen] == [(0.5, 0.25)] * 2


def test_the_rate_of_adam_is_that_of_its_latest_step(make_trainer):
    trainer = make_trainer((1, "iteration"))
    seen = seen_by(trainer)
    trainer.extend(extensions.observe_lr(), trigger=EACH)
    trainer.run()
    assert seen[0]["lr"] == pytest.approx(0.001 * math.sqrt(1 - 0.999) / (1 - 0.9))


# -- the average of all examples --------------------------------------------------------------------------------------


def step(iteration, **observation):
    return SimpleNamespace(updater=SimpleNamespace(iteration=iteration), observation=observation)


def averages(average, pairs, begin=1):
    found = []
    for iteration, (n, d) in enumerate(pairs, begin):
        trainer = step(iteration, n=n, d=d)
        average(trainer)
        found.append(trainer.observation.get("average"))
    return found


PAIRS = [(1, 1), (0, 3), (5, 5), (1, 5), (3, 4), (2, 2), (0, 2)]


def micro(period=2):
    return extensions.MicroAverage("n", "d", "average", (period, "iteration"))


def test_a_micro_average_is_the_ratio_of_the_sums_since_the_time_before():
    assert averages(micro(), PAIRS) == [None, 1 / 4, None, 6 / 10, None, 5 / 6, None]
    assert averages(micro(1), PAIRS) == [n / d for n, d in PAIRS]


def test_a_micro_average_takes_arrays_and_variables_and_loses_nothing_of_large_sums():
    large = [(np.float32(2**24), np.int32(2**30)), (Variable(np.array(1, "f")), np.array(2**30 + 1, "i"))]
    assert averages(micro(), large)[1] == (2**24 + 1) / (2**31 + 1)


def test_a_micro_average_passes_over_steps_without_both_values_and_is_nan_where_nothing_was_counted():
    average, trainer = micro(1), step(1, n=3)
    average(trainer)
    assert math.isnan(trainer.observation["average"])
    trainer = step(2, n=3, d=4)
    average(trainer)
    assert trainer.observation["average"] == 0.75
    assert average.priority == PRIORITY_EDITOR


@pytest.mark.parametrize("cut", range(7))
def test_a_micro_average_that_was_saved_and_loaded_goes_on(cut):
    first, second = micro(3), micro(3)
    found = averages(first, PAIRS[:cut])
    saved = DictionarySerializer()
    saved.save(first)
    NpzDeserializer(saved.target).load(second)
    assert found + averages(second, PAIRS[cut:], cut + 1) == averages(micro(3), PAIRS)


def test_a_micro_average_of_a_trainer_is_that_of_all_examples_and_is_logged(make_trainer):
    trainer = make_trainer((1, "epoch"))
    model = trainer.updater.get_optimizer("main").target
    trainer.updater.loss_func = lambda x, t: counted(model, x, t)
    trainer.extend(extensions.MicroAverage("main/right", "main/all", "accuracy"))
    log = extensions.LogReport(filename=None)
    trainer.extend(log)
    seen = seen_by(trainer)
    trainer.run()
    rights = [each["main/right"] for each in seen]
    assert log.log[0]["accuracy"] == sum(rights) / 56


def counted(model, x, t):
    loss = model(x, t)
    right = int((model.y.array.argmax(axis=1) == t).sum())
    chainette.report({"right": right, "all": len(t)}, model)
    return loss


@pytest.mark.parametrize(
    "make",
    [
        lambda trigger: extensions.MicroAverage("a", "b", "c", trigger=trigger),
        lambda trigger: extensions.TensorboardWriter(trigger=trigger),
        pytest.param(
            lambda trigger: extensions.VariableStatisticsPlot(L.Linear(2, 2), trigger=trigger),
            marks=pytest.mark.skipif(not extensions.VariableStatisticsPlot.available(), reason="needs matplotlib"),
        ),
    ],
    ids=["MicroAverage", "TensorboardWriter", "VariableStatisticsPlot"],
)
def test_the_trigger_within_an_extension_is_saved_with_it(make):
    first, second = triggers.OnceTrigger(), triggers.OnceTrigger()
    extension, other = make(first), make(second)
    assert first(None)
    saved = DictionarySerializer()
    saved.save(extension)
    NpzDeserializer(saved.target).load(other)
    assert not second(None)


# -- numbers that are none --------------------------------------------------------------------------------------------


def test_parameters_that_are_no_numbers_end_training_by_an_error_that_names_them(make_trainer):
    trainer = make_trainer((5, "iteration"))
    model = trainer.updater.get_optimizer("main").target

    def spoil(trainer):
        if trainer.updater.iteration == 3:
            model.predictor.l1.W.array[0, 0] = np.nan
            model.predictor.l2.b.array[...] = -np.inf

    trainer.extend(spoil, priority=PRIORITY_WRITER)
    trainer.extend(extensions.FailOnNonNumber())
    trainer.extend(extensions.snapshot(), trigger=EACH)
    with pytest.raises(NonNumberError) as error:
        trainer.run()
    assert str(error.value).splitlines()[:3] == [
        "FailOnNonNumber: after 3 iterations parameters are no numbers:",
        "  main/predictor/l1/W: NaN",
        "  main/predictor/l2/b: infinite",
    ]
    assert isinstance(error.value, RuntimeError)
    assert sorted(os.listdir(trainer.out)) == ["snapshot_iter_1", "snapshot_iter_2"]


def test_parameters_of_any_device_are_looked_at():
    with isolated_plugins(fake_backend.plugin, installed=True):
        model = L.Linear(2, 2).to_device("fake:1")
        updater = SimpleNamespace(iteration=1, get_all_optimizers=lambda: {"main": optimizers.SGD().setup(model)})
        extensions.FailOnNonNumber()(SimpleNamespace(updater=updater))
        with model.device.use():
            model.b.array[...] = np.nan
        with pytest.raises(NonNumberError, match="main/b: NaN"):
            extensions.FailOnNonNumber()(SimpleNamespace(updater=updater))


def test_parameters_of_open_shape_are_passed_over_and_large_numbers_are_numbers():
    model = Chain(l1=L.Linear(None, 2), l2=L.Linear(2, 2, initialW=3e38))
    updater = SimpleNamespace(iteration=1, get_all_optimizers=lambda: {"main": optimizers.SGD().setup(model)})
    extensions.FailOnNonNumber()(SimpleNamespace(updater=updater))


# -- graphs -----------------------------------------------------------------------------------------------------------


class Recurrent(Chain):
    """Sums up; holds its state as a plain attribute."""

    def __init__(self):
        super().__init__(cell=L.LSTM(3, 4), out=L.Linear(4, 2))
        self.last = None

    def __call__(self, x, t):
        h = self.cell(x)
        if self.last is not None:
            h = h + self.last
        self.last = h
        return F.softmax_cross_entropy(self.out(h), t)


def recurrent_trainer(tmp_path):
    chainette.seed(0)
    examples = [(np.full(3, i, "f"), np.int32(i % 2)) for i in range(8)]
    optimizer = optimizers.SGD().setup(Recurrent())
    return Trainer(updaters.StandardUpdater(SerialIterator(examples, 2), optimizer), (4, "iteration"), out=tmp_path)


def test_unchain_variables_lets_a_model_with_state_go_on_from_its_values_alone(tmp_path):
    trainer = recurrent_trainer(tmp_path)
    with pytest.raises(chainette.errors.ReleasedGraphError):
        trainer.run()
    trainer = recurrent_trainer(tmp_path)
    trainer.extend(extensions.unchain_variables())
    trainer.run()
    model = trainer.updater.get_optimizer("main").target
    assert model.cell.h.creator is model.cell.c.creator is model.last.creator is None
    assert np.abs(model.cell.h.array).sum() > 0


def test_unchain_variables_cuts_what_was_observed_after_all_that_may_still_use_it(tmp_path, make_trainer):
    trainer, creators, W = make_trainer((1, "iteration")), [], chainette.Parameter(np.ones(2, "f"))

    def observe(trainer):
        trainer.observation["y"] = F.sum(W * 2)
        trainer.observation["W"] = W

    trainer.extend(observe, priority=PRIORITY_WRITER)
    trainer.extend(extensions.unchain_variables())
    trainer.extend(lambda trainer: creators.append(trainer.observation["y"].creator), name="before")
    trainer.run()
    assert creators[0] is not None
    assert trainer.observation["y"].creator is None
    y = F.sum(W * 3)
    y.backward()
    assert (W.grad == 3).all()


# -- TensorBoard ------------------------------------------------------------------------------------------------------


class FakeBoard:
    """In place of tensorboardX: what was written, folder by folder."""

    def __init__(self):
        self.opened, self.rows, self.closed = [], [], 0

    def SummaryWriter(self, folder, purge_step=None):
        self.opened.append((folder, purge_step))
        return self

    def add_scalar(self, name, value, step):
        self.rows.append((step, name, value))

    def flush(self):
        pass

    def close(self):
        self.closed += 1


@pytest.fixture
def board(monkeypatch):
    board = FakeBoard()
    monkeypatch.setitem(sys.modules, "tensorboardX", board)
    return board


def test_a_tensorboard_writer_writes_means_and_in_the_end_what_is_left(make_trainer, board, tmp_path):
    trainer = make_trainer((7, "iteration"))
    seen = seen_by(trainer)
    trainer.extend(extensions.TensorboardWriter((3, "iteration"), keys=["main/loss", "other"]))
    trainer.run()
    losses = [float(each["main/loss"].array) for each in seen]
    means = [np.mean(losses[:3]), np.mean(losses[3:6]), losses[6]]
    assert [(step, name) for step, name, _ in board.rows] == [(3, "main/loss"), (6, "main/loss"), (7, "main/loss")]
    assert [value for *_, value in board.rows] == pytest.approx(means)
    assert board.opened == [(str(tmp_path / "tensorboard"), None)]
    assert board.closed == 1


def test_a_tensorboard_writer_writes_everything_by_default(make_trainer, board):
    trainer = make_trainer((2, "iteration"))
    trainer.extend(extensions.TensorboardWriter())
    trainer.run()
    assert {name for _, name, _ in board.rows} == {"main/loss", "main/accuracy"}


def test_after_a_snapshot_a_tensorboard_writer_goes_on_and_hides_what_came_later(make_trainer, board, tmp_path):
    def make(snapshots):
        trainer = make_trainer((10, "iteration"))
        trainer.extend(extensions.TensorboardWriter((4, "iteration"), log_dir=tmp_path / "board"))
        trainer.extend(extensions.snapshot(), trigger=snapshots)
        return trainer

    make(EACH).run()
    expected = list(board.rows)
    for iteration in (3, 5):
        board.rows.clear()
        trainer = make(NEVER)
        load_npz(tmp_path / f"snapshot_iter_{iteration}", trainer)
        trainer.run()
        assert board.rows == [row for row in expected if row[0] > iteration]
        assert board.opened[-1] == (str(tmp_path / "board"), iteration + 1)


def test_real_files_for_tensorboard_can_be_written(make_trainer, tmp_path):
    pytest.importorskip("tensorboardX")
    trainer = make_trainer((3, "iteration"))
    trainer.extend(extensions.TensorboardWriter(EACH))
    trainer.run()
    (file,) = (tmp_path / "tensorboard").iterdir()
    assert b"main/loss" in file.read_bytes()


def test_without_tensorboardx_the_error_says_how_to_install_it(make_trainer, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    trainer = make_trainer()
    trainer.extend(extensions.TensorboardWriter())
    with pytest.raises(MissingPluginError, match=r"pip install 'chainette-training\[tensorboard\]'"):
        trainer.run()


# -- the machine ------------------------------------------------------------------------------------------------------


def test_runtime_info_has_versions_devices_and_the_library_that_multiplies_matrices(capsys):
    chainette.print_runtime_info()
    printed = capsys.readouterr().out
    for word in ("chainette-training", "Python", "NumPy", np.__version__, "platform", "cpu", "BLAS", "h5py"):
        assert word in printed
    out = io.StringIO()
    chainette.print_runtime_info(out)
    assert capsys.readouterr().out == ""
    assert out.getvalue() == printed


def test_runtime_info_may_be_called_once_by_a_trainer(make_trainer, capsys):
    trainer = make_trainer((3, "iteration"))
    trainer.extend(chainette.print_runtime_info, trigger=triggers.OnceTrigger())
    trainer.run()
    assert capsys.readouterr().out.count("versions\n") == 1


def test_runtime_info_does_without_what_is_not_installed_or_not_known(monkeypatch, capsys):
    from importlib import metadata

    from chainette_training import runtime_info

    def version(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(runtime_info, "version", version)
    monkeypatch.setattr(np, "show_config", lambda mode: {"Build Dependencies": {}})
    chainette.print_runtime_info()
    printed = capsys.readouterr().out
    assert "BLAS          unknown" in printed
    assert "tensorboardX  not installed" in printed
