"""Statistics of parameters: observed, and drawn."""

import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import chainette
import chainette.links as L
from chainette import Chain, Parameter, Reporter
from chainette.errors import ArgumentError, LoadError, MissingPluginError
from chainette.serializers import DictionarySerializer, NpzDeserializer, load_npz
from chainette.testing import fake_backend, isolated_plugins
from chainette.training import PRIORITY_WRITER, extensions
from chainette_training.extensions import picture as drawing
from chainette_training.extensions.variable_statistics_plot import Reservoir

EACH = (1, "iteration")
NEVER = (10**9, "iteration")
DEFAULT = ["mean", "std", "min", "max", "zeros", *(f"percentile/{i}" for i in range(7))]


def observed(*arguments, **options):
    with Reporter() as reporter:
        extensions.ParameterStatistics(*arguments, **options)()
    return reporter.observation


def model():
    made = Chain(l1=L.Linear(3, 2), l2=L.Linear(None, 2))
    made.l1.W.array[...] = [[0, 1, 2], [3, 4, -4]]
    made.l1.W.grad = np.array([[0, 0, 2], [0, 4, 5]], "f")
    return made


# -- observed ---------------------------------------------------------------------------------------------------------


def test_statistics_are_those_of_numpy_over_all_elements():
    link = model()
    found = observed(link)
    assert [name for name in found if "W/data" in name] == [f"None/l1/W/data/{name}" for name in DEFAULT]
    for kind in ("data", "grad"):
        x = getattr(link.l1.W, kind)
        percentiles = np.percentile(x, [0.13, 2.28, 15.87, 50, 84.13, 97.72, 99.87])
        expected = [x.mean(), x.std(), x.min(), x.max(), (x == 0).sum(), *percentiles]
        assert [float(found[f"None/l1/W/{kind}/{name}"]) for name in DEFAULT] == pytest.approx(expected)


def test_gradients_that_are_not_there_and_parameters_of_open_shape_are_passed_over():
    found = observed(model())
    assert not any("l2/W" in name for name in found)
    assert not any("b/grad" in name for name in found)
    assert any("b/data" in name for name in found)


def test_parameters_and_gradients_may_be_left_out():
    assert not any("/grad/" in name for name in observed(model(), report_grads=False))
    assert not any("/data/" in name for name in observed(model(), report_params=False))
    assert observed(model(), report_params=False, report_grads=False) == {}


def test_names_have_a_prefix_and_the_name_of_each_link():
    link = model()
    found = observed((link.l1, link.l2), {"sum": lambda x: x.sum()}, report_grads=False, prefix="net")
    assert list(found) == ["net/l1/W/data/sum", "net/l1/b/data/sum", "net/l2/b/data/sum"]


def test_a_function_gets_a_flat_array_and_may_give_several_numbers():
    shapes = []
    functions = {
        "shape": lambda x: shapes.append(x.shape) or 0,
        "list": lambda x: [1, 2],
        "array": lambda x: np.array([3.0]),
        "scalar": lambda x: np.array(4.0),
    }
    found = observed(model().l1, functions, report_grads=False)
    found = {name.removeprefix("l1/W/data/"): value for name, value in found.items() if "/W/" in name}
    assert found == {"shape": 0, "list/0": 1, "list/1": 2, "array/0": 3.0, "scalar": 4.0}
    assert shapes == [(6,), (2,)]


def test_a_function_may_be_added_and_replaces_one_of_its_name():
    statistics = extensions.ParameterStatistics(model().l1, {"first": lambda x: x[0]}, report_grads=False)
    statistics.register_statistics("size", lambda x: x.size)
    statistics.register_statistics("first", lambda x: -1)
    with Reporter() as reporter:
        statistics()
    assert [v for k, v in reporter.observation.items() if "/W/" in k] == [-1, 6]


def test_a_function_that_is_added_to_the_default_ones_is_not_added_for_others():
    extensions.ParameterStatistics(model()).register_statistics("size", lambda x: x.size)
    assert len(observed(model().l1)) == len(DEFAULT) * 3


def test_nan_is_passed_on_unless_such_parameters_are_to_be_skipped():
    link = model().l1
    link.W.array[0, 0] = np.nan
    functions = {"zeros": lambda x: (x == 0).sum(), "two": lambda x: [1, 2]}
    assert observed(link, functions)["l1/W/data/zeros"] == 0
    found = observed(link, functions, skip_nan_params=True)
    assert math.isnan(found["l1/W/data/zeros"])
    assert math.isnan(found["l1/W/data/two"])
    assert found["l1/W/grad/zeros"] == 3


def test_statistics_are_observed_when_their_trigger_says_so_before_they_are_logged(make_trainer):
    trainer = make_trainer((2, "epoch"))
    link = trainer.updater.get_optimizer("main").target
    trainer.extend(extensions.ParameterStatistics(link, prefix="s", trigger=(5, "iteration")))
    log = extensions.LogReport(trigger=EACH, filename=None)
    trainer.extend(log)
    trainer.run()
    has = [entry["iteration"] for entry in log.log if "s/None/predictor/l1/W/grad/percentile/3" in entry]
    assert has == [5, 10]
    assert trainer.get_extension("parameter_statistics")


def test_statistics_of_an_accelerator_are_made_there():
    with isolated_plugins(fake_backend.plugin, installed=True):
        link = model().l1.to_device("fake:1")
        found = observed(link, {"there": lambda x: isinstance(x, fake_backend.FakeArray), "max": lambda x: x.max()})
        assert found["l1/W/data/there"]
        with link.device.use():
            assert float(found["l1/W/data/max"]) == 4
            assert float(observed(link)["l1/W/grad/percentile/3"]) == 1


# -- drawn ------------------------------------------------------------------------------------------------------------

matplotlib = pytest.mark.skipif(not extensions.VariableStatisticsPlot.available(), reason="matplotlib is not installed")


def at(iteration, out):
    return SimpleNamespace(updater=SimpleNamespace(iteration=iteration), out=str(out))


def test_a_reservoir_keeps_everything_while_there_is_room():
    reservoir = Reservoir(5, 2)
    for number in (3, 1, 2):
        reservoir.add([number, number * 10])
    assert reservoir.rows().tolist() == [[1, 10], [2, 20], [3, 30]]


def test_a_reservoir_keeps_each_row_with_the_same_likelihood():
    counts, size, total = np.zeros(200), 40, 200
    reservoir = Reservoir(size, 1)
    for number in range(total):
        reservoir.add([number])
    kept = reservoir.rows()[:, 0]
    assert len(set(kept)) == size
    for offset in range(400):  # other numbers of rows that came before stand in for other seeds
        reservoir = Reservoir(size, 1)
        order = np.random.default_rng(offset).permutation(total)
        for number in order:
            reservoir.add([number])
        counts[reservoir.rows()[:, 0].astype(int)] += 1
    assert abs(counts / 400 - size / total).max() < 0.1
    halves = [(kept < total / 2).sum(), (kept >= total / 2).sum()]
    assert min(halves) > 10


def test_a_reservoir_that_was_saved_and_loaded_keeps_the_same_rows():
    whole, first, second = Reservoir(4, 1), Reservoir(4, 1), Reservoir(4, 1)
    for number in range(60):
        whole.add([number])
    for number in range(23):
        first.add([number])
    saved = DictionarySerializer()
    saved.save(first)
    NpzDeserializer(saved.target).load(second)
    for number in range(23, 60):
        second.add([number])
    assert second.rows().tolist() == whole.rows().tolist()


@matplotlib
def test_samples_are_the_means_of_the_statistics_of_all_variables(tmp_path):
    a, b = Parameter(np.array([1.0, 3.0])), Parameter(np.array([[0.0, 0.0], [2.0, 2.0]]))
    a.grad = np.array([2.0, 4.0])
    plot = extensions.VariableStatisticsPlot([a, b], percentile_sigmas=(0, 50), trigger=NEVER)
    plot(at(1, tmp_path))
    # data: (2 + 1) / 2, (1 + 1) / 2, (1 + 0) / 2, (2 + 1) / 2; grad: of a alone
    assert plot._samples.rows().tolist() == [[1, 1.5, 1, 0.5, 1.5, 3, 1, 2, 3]]


@matplotlib
def test_variables_without_an_element_are_passed_over(tmp_path):
    full, empty = Parameter(np.array([1.0, 3.0])), Parameter(np.zeros((0, 2)))
    options = {"report_grad": False, "plot_std": False, "percentile_sigmas": (), "trigger": NEVER}
    plot = extensions.VariableStatisticsPlot([full, empty], **options)
    plot(at(1, tmp_path))
    assert plot._samples.rows().tolist() == [[1, 2]]


@matplotlib
def test_samples_of_an_accelerator_are_the_same(tmp_path):
    here = extensions.VariableStatisticsPlot(model().l1, trigger=NEVER)
    here(at(1, tmp_path))
    with isolated_plugins(fake_backend.plugin, installed=True):
        there = extensions.VariableStatisticsPlot(model().l1.to_device("fake:1"), trigger=NEVER)
        there(at(1, tmp_path))
    np.testing.assert_allclose(there._samples.rows(), here._samples.rows(), rtol=1e-6)


@matplotlib
def test_only_what_is_to_be_drawn_is_computed(tmp_path):
    a = Parameter(np.array([1.0, 3.0]))
    for options, expected in [
        ({"report_grad": False, "plot_std": False, "percentile_sigmas": ()}, [2]),
        ({"report_grad": False, "plot_mean": False, "percentile_sigmas": ()}, [1]),
        ({"report_grad": False, "plot_mean": False, "plot_std": False, "percentile_sigmas": 100}, [3]),
    ]:
        plot = extensions.VariableStatisticsPlot(a, trigger=NEVER, **options)
        plot(at(1, tmp_path))
        assert plot._samples.rows()[0, 1:].tolist() == expected


@matplotlib
def test_float16_does_not_overflow_and_what_is_not_there_is_nan(tmp_path):
    a = Parameter(np.full(4, 60000.0, np.float16))
    plot = extensions.VariableStatisticsPlot(a, percentile_sigmas=(), trigger=NEVER)
    plot(at(1, tmp_path))
    row = plot._samples.rows()[0]
    assert row[1:3].tolist() == [60000, 0]
    assert np.isnan(row[3:]).all()


@matplotlib
@pytest.mark.parametrize("name", ["statistics.png", "some.pdf", "picture.svg", "bare"])
def test_the_picture_appears_whole_when_the_trigger_says_so(make_trainer, tmp_path, name):
    trainer = make_trainer((6, "iteration"))
    link = trainer.updater.get_optimizer("main").target
    plot = extensions.VariableStatisticsPlot(link, max_sample_size=4, trigger=(3, "iteration"), filename=name)
    trainer.extend(plot)
    trainer.run()
    begins = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}.get(Path(name).suffix, b"\x89PNG")
    assert (tmp_path / name).read_bytes().startswith(begins)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@matplotlib
def test_pictures_that_cost_time_are_drawn_seldom_and_in_the_end(make_trainer, tmp_path, monkeypatch):
    now, drawn = [0.0], []
    monkeypatch.setattr(drawing, "perf_counter", lambda: now[0])
    trainer = make_trainer((100, "iteration"))
    plot = extensions.VariableStatisticsPlot(trainer.updater.get_optimizer("main").target, trigger=EACH)

    def figure():
        drawn.append(trainer.updater.iteration)
        now[0] += 1.0  # second
        return SimpleNamespace(savefig=lambda path, format: None)

    monkeypatch.setattr(plot, "figure", figure)
    trainer.extend(lambda trainer: now.__setitem__(0, now[0] + 1.0), name="time", priority=PRIORITY_WRITER)
    trainer.extend(plot)
    trainer.run()
    assert drawn == [10, 60, 100]


@matplotlib
def test_every_combination_of_what_is_drawn_can_be_drawn(tmp_path):
    a = Parameter(np.array([1.0, 3.0]))
    for options in [
        {"report_grad": False, "plot_std": False, "percentile_sigmas": ()},
        {"report_data": False, "plot_mean": False, "marker": "x", "grid": False, "figsize": (3, 2)},
        {"plot_mean": False, "plot_std": False, "percentile_sigmas": 50},
    ]:
        plot = extensions.VariableStatisticsPlot(a, trigger=EACH, **options)
        for iteration in (1, 2):
            plot(at(iteration, tmp_path))
        (tmp_path / "statistics.png").unlink()


@matplotlib
def test_pyplot_is_left_alone(tmp_path):
    code = f"""
import sys
import numpy as np
from types import SimpleNamespace
from chainette import Parameter
from chainette.training import extensions
plot = extensions.VariableStatisticsPlot(Parameter(np.ones(3)), trigger=(1, "iteration"))
assert "matplotlib" not in sys.modules
plot(SimpleNamespace(updater=SimpleNamespace(iteration=1), out={str(tmp_path)!r}))
assert "matplotlib.figure" in sys.modules and "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@matplotlib
def test_drawing_takes_no_random_numbers_from_anybody(tmp_path):
    chainette.seed(3)
    states = np.random.get_state()[1].tolist(), chainette.random.get_state()
    plot = extensions.VariableStatisticsPlot(Parameter(np.ones(3)), max_sample_size=2, trigger=(8, "iteration"))
    for iteration in range(1, 9):
        plot(at(iteration, tmp_path))
    assert (np.random.get_state()[1].tolist(), chainette.random.get_state()) == states


@matplotlib
def test_a_trainer_that_goes_on_from_a_snapshot_has_the_same_samples(make_trainer, tmp_path):
    def make(snapshots, size=6):
        trainer = make_trainer((15, "iteration"))
        link = trainer.updater.get_optimizer("main").target
        trainer.extend(extensions.VariableStatisticsPlot(link, max_sample_size=size, trigger=NEVER))
        trainer.extend(extensions.snapshot(), trigger=snapshots)
        return trainer

    whole = make((4, "iteration"))
    whole.run()
    expected = whole.get_extension("VariableStatisticsPlot")._samples.rows()
    for iteration in (4, 12):
        trainer = make(NEVER)
        load_npz(tmp_path / f"snapshot_iter_{iteration}", trainer)
        trainer.run()
        found = trainer.get_extension("VariableStatisticsPlot")._samples.rows()
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(LoadError, match="samples/rows"):
        load_npz(tmp_path / "snapshot_iter_4", make(NEVER, size=7))


@matplotlib
def test_wrong_arguments_of_the_plot_are_refused_in_words():
    link = L.Linear(2, 2)
    for options in (
        {"report_data": False, "report_grad": False},
        {"plot_mean": False, "plot_std": False, "percentile_sigmas": ()},
    ):
        with pytest.raises(ArgumentError, match="there is nothing to draw"):
            extensions.VariableStatisticsPlot(link, **options)
    with pytest.raises(ArgumentError, match="max_sample_size is 0"):
        extensions.VariableStatisticsPlot(link, max_sample_size=0)


def test_wrong_statistics_are_refused_in_words():
    with pytest.raises(ArgumentError, match="ParameterStatistics: statistics is 'all'"):
        extensions.ParameterStatistics(L.Linear(2, 2), "all")


def test_without_matplotlib_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(drawing, "find_spec", lambda name: None)
    assert not extensions.VariableStatisticsPlot.available()
    with pytest.raises(MissingPluginError, match=r"pip install 'chainette-training\[plot\]'"):
        extensions.VariableStatisticsPlot(L.Linear(2, 2))
