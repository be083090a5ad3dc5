"""Curves of what was observed."""

import math
import subprocess
import sys
import textwrap
import types
import warnings

import numpy as np
import pytest

from chainette.errors import ArgumentError, MissingPluginError
from chainette.serializers import load_npz, save_npz
from chainette.training import extensions
from chainette_training.extensions import picture as drawing

KEYS = ["main/loss", "main/accuracy"]
MATPLOTLIB = "matplotlib draws the curves"


def picture(folder, x_key="iteration", y_keys=("y",), **values):
    """The axes with the curves of some values, as they are drawn at the end."""
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)
    seen = []
    options = {"x_key": x_key, "trigger": (1, "iteration"), **values.pop("options", {})}
    report = extensions.PlotReport(y_keys, postprocess=lambda *given: seen.append(given), **options)
    trainer = types.SimpleNamespace(out=str(folder), elapsed_time=0.5, is_before_training=False)
    report.initialize(trainer)
    for i in range(max(map(len, values.values()))):
        trainer.updater = types.SimpleNamespace(epoch=i + 1, iteration=10 * (i + 1))
        trainer.observation = {name: column[i] for name, column in values.items() if i < len(column)}
        report(trainer)
    assert not seen
    report.finalize()
    [(_, axes, curves)] = seen
    return axes, curves


def test_a_curve_has_the_means_of_each_interval(make_trainer, tmp_path):
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)
    trainer, log, seen = make_trainer((2, "epoch")), extensions.LogReport(), []
    trainer.extend(log)
    trainer.extend(extensions.PlotReport(KEYS, postprocess=lambda figure, axes, curves: seen.append((axes, curves))))
    trainer.run()
    [(axes, curves)] = seen
    for line, key in zip(axes.lines, KEYS, strict=True):
        assert curves[key] == [[entry["iteration"], entry[key]] for entry in log.log]
        np.testing.assert_array_equal(line.get_xydata(), curves[key])
    assert [name for name in (path.name for path in tmp_path.iterdir()) if "log" not in name] == ["plot.png"]


@pytest.mark.parametrize(
    ("filename", "begin"), [("a.png", b"\x89PNG"), ("b.svg", b"<?xml"), ("c.pdf", b"%PDF"), ("plain", b"\x89PNG")]
)
def test_the_file_is_of_the_format_that_its_ending_says_and_nothing_else_is_left(tmp_path, filename, begin):
    picture(tmp_path, y=[1.0, 2.0], options={"filename": filename})
    assert [path.name for path in tmp_path.iterdir()] == [filename]
    assert (tmp_path / filename).read_bytes().startswith(begin)


def test_what_is_drawn_is_more_than_a_blank_page(tmp_path):
    image = pytest.importorskip("PIL.Image", reason="pillow reads the picture")
    picture(tmp_path, y=[1.0, 2.0])
    pixels = np.asarray(image.open(tmp_path / "plot.png").convert("RGB")).astype(int)
    assert pixels.shape == (540, 840, 3)
    assert (pixels.max(axis=2) - pixels.min(axis=2) > 100).sum() > 500  # the blue line
    assert (pixels == 255).all(axis=2)[:4].all()  # nothing reaches the edge


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        ([1.0, 0.01], "log"),
        ([1.0, 0.1], "linear"),
        ([1.0, 0.0], "linear"),
        ([1.0, -1e-3], "linear"),
        ([1.0, math.nan, 1e-3], "log"),
        ([1e6, math.inf, 1.0], "log"),
        ([math.nan, math.nan], "linear"),
    ],
)
def test_the_axis_is_logarithmic_where_values_are_positive_and_far_apart(tmp_path, values, scale):
    assert picture(tmp_path, y=values)[0].get_yscale() == scale


def test_the_legend_has_the_last_values_and_a_key_that_was_not_observed_is_left_out(tmp_path):
    axes, curves = picture(tmp_path, y_keys=["a", "b", "c"], a=[1.0, 0.123456], b=[2.0])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a, 0.1235", "b, 2"]
    assert curves == {"a": [[10, 1.0], [20, 0.123456]], "b": [[10, 2.0]], "c": []}


def test_the_x_axis_may_be_epochs_seconds_or_another_value(tmp_path):
    assert picture(tmp_path, "epoch", y=[1.0, 2.0])[1] == {"y": [[1, 1.0], [2, 2.0]]}
    axes, curves = picture(tmp_path, "elapsed_time", y=[1.0])
    assert (axes.get_xlabel(), curves) == ("elapsed time (s)", {"y": [[0.5, 1.0]]})
    axes, curves = picture(tmp_path, "lr", y=[1.0, 2.0], lr=[0.1, 0.2])
    assert (axes.get_xlabel(), curves) == ("lr", {"y": [[0.1, 1.0], [0.2, 2.0]]})


def test_an_x_key_that_was_not_observed_is_named(tmp_path):
    with pytest.raises(ArgumentError, match=r"PlotReport: x_key='lr' was not observed \(there are: epoch, iter"):
        picture(tmp_path, "lr", y=[1.0])
    with pytest.raises(ArgumentError, match="y_keys is empty"):
        extensions.PlotReport([])


def test_marker_and_grid_can_be_had_or_not(tmp_path):
    def is_gridded(axes):
        return any(line.get_visible() for line in axes.get_xgridlines())

    axes, _ = picture(tmp_path, y=[1.0] * 300)
    assert axes.lines[0].get_marker() == "x"
    assert axes.lines[0].get_markevery() == 10  # 30 of them can be told apart
    assert is_gridded(axes)
    with warnings.catch_warnings(action="error"):
        axes, _ = picture(tmp_path, y=[1.0, 2.0], options={"marker": None, "grid": False})
    assert axes.lines[0].get_marker() == "None"
    assert not is_gridded(axes)


def test_in_training_it_is_drawn_when_fifty_times_the_last_drawing_has_gone_by(make_trainer, monkeypatch):
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)
    now, drawings = [1000.0], []
    monkeypatch.setattr(drawing, "perf_counter", lambda: now[0])

    def draw(figure, axes, curves):
        now[0] += 0.5
        drawings.append(trainer.updater.iteration)

    def second(trainer):
        now[0] += 1.0

    trainer = make_trainer((80, "iteration"))
    trainer.extend(extensions.PlotReport(KEYS, trigger=(1, "iteration"), postprocess=draw))
    trainer.extend(second, priority=1000)
    trainer.run()
    assert drawings == [10, 35, 60, 80]  # after 10 seconds, then each 25, and at the end


def test_nothing_new_is_not_drawn_again_and_nothing_at_all_leaves_no_file(tmp_path, make_trainer):
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)
    trainer = make_trainer((3, "iteration"))
    trainer.extend(extensions.PlotReport(KEYS))
    trainer.run()
    assert list(tmp_path.iterdir()) == []


def test_several_of_them_draw_different_files(make_trainer, tmp_path):
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)
    trainer = make_trainer((1, "epoch"))
    for key in KEYS:
        trainer.extend(extensions.PlotReport(key, "epoch", filename=f"{key.replace('/', '-')}.png"))
    trainer.run()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["main-accuracy.png", "main-loss.png"]


def test_curves_go_on_after_a_snapshot(make_trainer, tmp_path):
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)

    def trainer(stop):
        trainer = make_trainer(stop)
        trainer.extend(extensions.PlotReport(KEYS, postprocess=lambda figure, axes, curves: seen.append(dict(curves))))
        return trainer

    seen = []
    trainer((3, "epoch")).run()
    first = trainer((10, "iteration"))  # in the middle of the second epoch
    first.run()
    save_npz(tmp_path / "saved.npz", first)
    second = trainer((3, "epoch"))
    load_npz(tmp_path / "saved.npz", second)
    second.run()
    whole, _, resumed = seen
    assert [x for x, _ in whole[KEYS[0]]] == [7, 13, 19]
    assert resumed == whole


def test_a_point_can_be_had_before_the_first_step(make_trainer):
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)
    trainer, seen = make_trainer((1, "epoch")), []

    def report(trainer):
        trainer.observation["mine"] = 3.0

    trainer.extend(report, priority=300, call_before_training=True)
    plot = extensions.PlotReport("mine", "epoch", postprocess=lambda figure, axes, curves: seen.append(curves))
    trainer.extend(plot, call_before_training=True)
    trainer.run()
    assert seen == [{"mine": [[0, 3.0], [1, 3.0]]}]


def test_without_matplotlib_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(drawing, "find_spec", lambda name: None)
    assert not extensions.PlotReport.available()
    with pytest.raises(
        MissingPluginError, match=r"PlotReport draws with matplotlib: pip install 'chainette-training\[p"
    ):
        extensions.PlotReport(KEYS)


def test_pyplot_is_left_alone_and_matplotlib_is_imported_when_there_is_something_to_draw(tmp_path):
    pytest.importorskip("matplotlib", reason=MATPLOTLIB)
    program = textwrap.dedent("""
        import sys, types
        from chainette.training import extensions
        report = extensions.PlotReport(["y"], trigger=(1, "iteration"))
        assert report.available() and "matplotlib" not in sys.modules
        report.initialize(None)
        report(types.SimpleNamespace(
            out=sys.argv[1], observation={"y": 1.0}, elapsed_time=0.0, is_before_training=False,
            updater=types.SimpleNamespace(epoch=1, iteration=1),
        ))
        report.finalize()
        assert "matplotlib.figure" in sys.modules and "matplotlib.pyplot" not in sys.modules
    """)
    subprocess.run([sys.executable, "-W", "ignore", "-c", program, str(tmp_path)], check=True)
    assert (tmp_path / "plot.png").stat().st_size > 5000
