"""Means of what was observed, by name, into a file and out of a snapshot again."""

import json
import math

import numpy as np
import pytest

from chainette import DictSummary, Summary, Variable, to_device
from chainette.serializers import load_npz, save_npz
from chainette.testing import fake_backend, isolated_plugins
from chainette.training import PRIORITY_WRITER, extensions


def observe(trainer):
    trainer.observation["x"] = trainer.updater.iteration
    if trainer.updater.iteration % 2:
        trainer.observation["odd"] = np.float32(trainer.updater.iteration)


def lines(folder, name="log.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]


def test_a_line_has_the_means_since_the_line_before(make_trainer, tmp_path):
    trainer = make_trainer((7, "iteration"))
    trainer.extend(observe, priority=PRIORITY_WRITER)
    report = extensions.LogReport(["x", "odd"], trigger=(3, "iteration"))
    trainer.extend(report)
    trainer.run()
    assert [(each["x"], each["odd"], each["iteration"], each["epoch"]) for each in lines(tmp_path)] == [
        (2.0, 2.0, 3, 0),
        (5.0, 5.0, 6, 0),
    ]
    assert report.log == lines(tmp_path)
    assert 0 < report.log[0]["elapsed_time"] < report.log[1]["elapsed_time"]


def test_all_values_are_noted_unless_keys_are_given(make_trainer, tmp_path):
    trainer = make_trainer((1, "epoch"))
    trainer.extend(extensions.LogReport())
    trainer.run()
    assert set(lines(tmp_path)[0]) == {"main/loss", "main/accuracy", "epoch", "iteration", "elapsed_time"}


def test_an_entry_can_be_changed_before_it_is_written_and_the_file_be_named_by_it(make_trainer, tmp_path):
    trainer = make_trainer((2, "iteration"))
    trainer.extend(
        extensions.LogReport(
            trigger=(1, "iteration"),
            postprocess=lambda entry: entry.update(double=2 * np.int64(entry["iteration"])),
            filename="log_{iteration}",
        )
    )
    trainer.run()
    assert [each["double"] for each in lines(tmp_path, "log_2")] == [2, 4]
    assert len(lines(tmp_path, "log_1")) == 1


def test_a_resumed_run_has_the_log_of_a_whole_one(make_trainer, tmp_path):
    def made(stop, folder, seed=1):
        trainer = make_trainer((stop, "iteration"), out=tmp_path / folder, seed=seed)
        trainer.extend(observe, priority=PRIORITY_WRITER)
        trainer.extend(extensions.LogReport(trigger=(4, "iteration")))
        return trainer

    made(18, "whole").run()
    first = made(10, "first")
    first.run()
    save_npz(tmp_path / "snapshot", first)
    second = made(18, "second", seed=2)
    load_npz(tmp_path / "snapshot", second)
    second.run()
    whole, resumed = lines(tmp_path / "whole"), lines(tmp_path / "second")
    for entry in (*whole, *resumed):
        del entry["elapsed_time"]
    assert resumed == whole
    assert len(whole) == 4


def test_values_that_are_not_finite_are_written_as_they_are(make_trainer, tmp_path):
    trainer = make_trainer((1, "iteration"))
    trainer.extend(lambda trainer: trainer.observation.update(x=float("nan"), y=float("inf")), priority=PRIORITY_WRITER)
    trainer.extend(extensions.LogReport(["x", "y"], trigger=(1, "iteration")))
    trainer.run()
    (entry,) = lines(tmp_path)
    assert math.isnan(entry["x"])
    assert entry["y"] == float("inf")


@pytest.mark.parametrize("kind", [float, np.float32, np.array, lambda x: Variable(np.array(x))])
def test_a_summary_takes_every_kind_of_number(kind):
    summary = Summary()
    values = np.random.default_rng(0).standard_normal(20)
    for value in values:
        summary.add(kind(value))
    np.testing.assert_allclose(summary.make_statistics(), (values.mean(), values.std()), rtol=1e-5)


def test_weights_make_a_weighted_mean():
    summary = DictSummary()
    summary.add({"x": (1.0, 3)})
    summary.add({"x": (5.0, 1), "name": "no number", "vector": np.ones(3), "flag": True})
    assert summary.compute_mean() == {"x": 2.0, "flag": 1.0}
    assert summary.make_statistics() == {"x": 2.0, "x.std": pytest.approx(math.sqrt(3)), "flag": 1.0, "flag.std": 0.0}
    assert math.isnan(Summary().compute_mean())


def test_numbers_of_another_device_stay_there_until_the_mean_is_asked_for():
    with isolated_plugins(fake_backend.plugin):
        summary = Summary()
        for value in (1.0, 2.0):
            summary.add(to_device(np.array(value), "fake:0"))
        assert isinstance(summary._sum, fake_backend.FakeArray)
        assert summary.compute_mean() == 1.5
