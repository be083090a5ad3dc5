"""The log as a table."""

import io
import sys
import types

import numpy as np
import pytest

from chainette.errors import ArgumentError
from chainette.serializers import load_npz, save_npz
from chainette.training import extensions

NAMES = ["epoch", "iteration", "main/loss", "validation/main/loss", "main/accuracy", "validation/main/accuracy"]


def table(entries, log, columns=None, monkeypatch=None):
    """What is printed of a log."""
    out = io.StringIO()
    if columns is not None:
        out.isatty = lambda: True
        monkeypatch.setenv("COLUMNS", str(columns))
    report = extensions.PrintReport(entries, out=out)
    trainer = types.SimpleNamespace(get_extension=lambda name: types.SimpleNamespace(log=log))
    report.initialize(trainer)
    report(trainer)
    return out.getvalue()


def column(*values, name="main/loss"):
    """The texts of one column, with the spaces before them but for those that all have."""
    lines = [line[2:] for line in table(["x", name], [{name: value} for value in values]).splitlines()[1:]]
    margin = min(len(line) - len(line.lstrip()) for line in lines if line)
    return [line[margin:] for line in lines]


def test_numbers_have_five_digits_and_their_points_stand_below_each_other():
    assert column(2.302585, 0.6931472, 0.0693147, 0.00693147, 12.5, 123.4567) == [
        "  2.3026",
        "  0.69315",
        "  0.069315",
        "  0.006931",
        " 12.500",
        "123.46",
    ]


def test_a_number_that_is_whole_has_no_point_and_stands_where_the_others_have_the_whole_part():
    assert column(0.5, 1.0, 0.0, 64.0, -3.0, np.float32(0.3)) == [
        " 0.50000", " 1", " 0", "64", "-3", " 0.30000",
    ]  # fmt: skip


def test_very_small_and_very_large_numbers_have_an_exponent():
    assert column(1e-4, 0.000123456, 123456.7, 15e6) == ["1.0000e-04", "1.2346e-04", "1.2346e+05", "  15000000"]


def test_what_is_no_finite_number_is_printed_as_it_is():
    assert column(float("nan"), float("-inf"), "high", True) == [" nan", "-inf", "high", "True"]


def test_a_value_that_is_missing_leaves_its_place_empty():
    assert table(
        ["epoch", "main/loss", "lr"], [{"epoch": 1, "lr": 0.5}, {"epoch": 2, "main/loss": 0.5}]
    ).splitlines() == [
        "epoch   main/loss          lr",
        "    1                0.50000",
        "    2    0.50000",
    ]


def test_epochs_and_iterations_are_whole_numbers_and_the_time_is_in_seconds():
    log = [
        {"epoch": 1, "iteration": 600, "elapsed_time": 12.345},
        {"epoch": 20, "iteration": 12000, "elapsed_time": 4e3},
    ]
    assert table(["epoch", "iteration", "elapsed_time"], log).splitlines() == [
        "epoch  iteration  elapsed_time",
        "    1        600        12.3 s",
        "   20      12000      4000.0 s",
    ]


def test_names_stand_in_one_line_where_there_is_room_and_are_broken_at_their_slashes_where_not(monkeypatch):
    log = [dict(zip(NAMES, [1, 600, 0.5, 0.25, 0.75, 0.125], strict=True))]
    assert table(NAMES, log, 120, monkeypatch).splitlines() == [
        "epoch  iteration   main/loss  validation/main/loss  main/accuracy  validation/main/accuracy",
        "    1        600    0.50000               0.25000        0.75000                   0.12500",
    ]
    narrow = table(NAMES, log, 80, monkeypatch).splitlines()
    assert narrow == [
        "                              validation/              validation/",
        "                       main/        main/       main/        main/",
        "epoch  iteration        loss         loss    accuracy     accuracy",
        "    1        600    0.50000      0.25000     0.75000      0.12500",
    ]
    monkeypatch.setenv("COLUMNS", "20")
    assert (
        table(NAMES, log).splitlines()[0] == table(NAMES, log, 120, monkeypatch).splitlines()[0]
    )  # a file is 100 wide


def run(trainer, log_report="LogReport", entries=("epoch", "iteration", "main/loss")):
    out = io.StringIO()
    trainer.extend(extensions.PrintReport(entries, log_report, out))
    trainer.run()
    return out.getvalue().splitlines()


@pytest.mark.parametrize("order", ["log first", "log last"])
def test_each_line_is_printed_when_it_is_logged_whichever_was_added_first(make_trainer, order):
    trainer, out = make_trainer((2, "epoch")), io.StringIO()
    parts = [extensions.LogReport(), extensions.PrintReport(["epoch", "iteration"], out=out)]
    for part in parts if order == "log first" else reversed(parts):
        trainer.extend(part)
    counts = []
    trainer.extend(lambda trainer: counts.append(len(out.getvalue().splitlines())), name="count", priority=0)
    trainer.run()
    assert counts == [1] * 6 + [2] * 6 + [3]
    assert out.getvalue().splitlines()[1:] == ["    1          7", "    2         13"]


def test_it_may_have_a_log_of_its_own_or_one_of_another_name(make_trainer):
    own = extensions.LogReport(trigger=(5, "iteration"), filename=None)
    assert len(run(make_trainer((1, "epoch")), own)) == 2
    assert [entry["iteration"] for entry in own.log] == [5]
    trainer = make_trainer((1, "epoch"))
    trainer.extend(extensions.LogReport(trigger=(2, "iteration")), name="fine")
    assert len(run(trainer, "fine")) == 4


def test_a_log_that_is_not_there_is_missed_before_training_begins(make_trainer):
    trainer = make_trainer()
    trainer.extend(extensions.PrintReport(["epoch"], "LogRepört"))
    with pytest.raises(ArgumentError, match=r"PrintReport: the trainer has no LogReport of the name 'LogRepört'\. Ext"):
        trainer.run()
    assert trainer.updater.iteration == 0
    with pytest.raises(ArgumentError, match="entries is empty"):
        extensions.PrintReport([])


@pytest.mark.parametrize("own", [False, True])
def test_all_lines_are_printed_once_more_when_training_goes_on_from_a_snapshot(make_trainer, tmp_path, own):
    def log():
        return extensions.LogReport(filename=None) if own else "LogReport"

    def trainer(stop):
        trainer = make_trainer(stop)
        if not own:
            trainer.extend(extensions.LogReport())
        return trainer

    first = trainer((2, "epoch"))
    before = run(first, log())
    save_npz(tmp_path / "saved.npz", first)

    second, out = trainer((3, "epoch")), io.StringIO()
    second.extend(extensions.PrintReport(["epoch", "iteration", "main/loss"], log(), out))
    load_npz(tmp_path / "saved.npz", second)
    second.run()
    after = out.getvalue().splitlines()
    assert len(before) == 3
    assert after[:3] == before
    assert len(after) == 4


def test_when_an_interrupted_run_goes_on_the_names_are_printed_again_but_no_line_is(make_trainer):
    trainer, out = make_trainer((2, "epoch")), io.StringIO()
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.PrintReport(["iteration"], out=out))

    def interrupt(trainer):
        if trainer.updater.iteration == 8 and not interrupted:
            interrupted.append(True)
            raise KeyboardInterrupt

    interrupted = []
    trainer.extend(interrupt)
    with pytest.raises(KeyboardInterrupt):
        trainer.run()
    trainer.run()
    assert out.getvalue().split() == ["iteration", "7", "iteration", "13"]


def test_lines_go_above_a_bar_that_moves_also_where_the_stream_was_named(make_trainer, monkeypatch):
    class Bar:
        """What rich puts in the place of a stream."""

        def __init__(self, stream):
            self.rich_proxied_file, self.text, self.flush = stream, "", lambda: None

        def write(self, text):
            self.text += text

    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", bar := Bar(out))
    trainer = make_trainer((1, "epoch"))
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.PrintReport(["epoch"], out=out))
    trainer.run()
    assert bar.text == "epoch\n    1\n"
    assert not out.getvalue()


def test_a_single_name_may_stand_for_a_list(make_trainer, capsys):
    trainer = make_trainer((1, "epoch"))
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.PrintReport("epoch"))
    trainer.run()
    assert capsys.readouterr().out == "epoch\n    1\n"
