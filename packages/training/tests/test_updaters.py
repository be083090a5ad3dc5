"""One step of training."""

import numpy as np
import pytest

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import optimizers
from chainette.errors import ArgumentError
from chainette.iterators import SerialIterator
from chainette.testing import fake_backend
from chainette.training import updaters


def made(length=8, batch_size=4, **options):
    rng = np.random.default_rng(0)
    examples = [(x, int(x.sum() > 0)) for x in rng.standard_normal((length, 3)).astype("f")]
    model = L.Classifier(L.Linear(3, 2, initialW=chainette.initializers.Constant(0.1)))
    optimizer = optimizers.SGD(lr=0.5).setup(model)
    return updaters.StandardUpdater(SerialIterator(examples, batch_size, shuffle=False), optimizer, **options), model


def test_a_step_is_that_of_the_optimizer_on_the_next_batch():
    updater, model = made()
    expected = model.copy(mode="copy")
    optimizer = optimizers.SGD(lr=0.5).setup(expected)
    batch = SerialIterator(updater.get_iterator("main").dataset, 4, shuffle=False).next()
    optimizer.update(expected, np.stack([x for x, _ in batch]), np.array([t for _, t in batch]))
    updater.update()
    for mine, theirs in zip(model.params(), expected.params(), strict=True):
        np.testing.assert_array_equal(mine.array, theirs.array)


def test_an_updater_counts_steps_and_tells_the_optimizer_of_new_epochs():
    updater, _ = made(length=8, batch_size=3)
    seen = []
    for _ in range(6):
        updater.update()
        seen.append((updater.iteration, updater.epoch, updater.is_new_epoch))
    assert seen == [(1, 0, False), (2, 0, False), (3, 1, True), (4, 1, False), (5, 1, False), (6, 2, True)]
    assert updater.get_optimizer("main").epoch == 2
    assert updater.previous_epoch_detail == pytest.approx(15 / 8)
    assert made(auto_new_epoch=False)[0].get_optimizer("main").epoch == 0


@pytest.mark.parametrize(
    ("examples", "names"),
    [
        ([np.ones(3, "f")] * 4, ["x"]),
        ([(np.ones(3, "f"), np.ones(2, "f"))] * 4, ["x", "y"]),
        ([{"y": np.ones(2, "f"), "x": np.ones(3, "f")}] * 4, ["x", "y"]),
    ],
    ids=["arrays", "tuples", "dicts"],
)
def test_examples_become_the_arguments_of_the_loss(examples, names):
    layer, came = L.Linear(3, 2), {}

    def loss_func(x, y=None):
        came.update(x=x, **({} if y is None else {"y": y}))
        return F.sum(layer(x))

    optimizer = optimizers.SGD().setup(layer)
    updaters.StandardUpdater(SerialIterator(examples, 2), optimizer, loss_func=loss_func).update()
    assert sorted(came) == names
    assert came["x"].shape == (2, 3)


def test_a_device_takes_the_model_and_the_batches(isolated_plugins):
    with isolated_plugins(fake_backend.plugin, installed=True):
        updater, model = made(device="fake:1")
        assert str(updater.input_device) == str(model.device) == "fake:1"
        updater.update()
        follows, its_model = made()
        its_model.to_device("fake:0")
        follows.update()
        assert isinstance(its_model.predictor.W.array, fake_backend.FakeArray)


def test_a_loss_scale_changes_nothing_but_the_range():
    scaled, model = made(loss_scale=1024)
    plain, expected = made()
    for _ in range(3):
        scaled.update()
        plain.update()
    assert scaled.get_optimizer("main").loss_scale == 1024
    np.testing.assert_allclose(model.predictor.W.array, expected.predictor.W.array, rtol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 4, 5])
@pytest.mark.parametrize("places", [["fake:0"], ["fake:0", "fake:1", "cpu"]], ids=["one", "three"])
def test_several_devices_make_the_step_that_one_would_make(isolated_plugins, batch_size, places):
    rng = np.random.default_rng(0)
    examples = [(x, int(x.sum() > 0)) for x in rng.standard_normal((20, 3)).astype("f")]

    def trained(make):
        chainette.seed(1)
        model = L.Classifier(L.Linear(None, 2))
        optimizer = optimizers.MomentumSGD(lr=0.5).setup(model)
        updater = make(SerialIterator(examples, batch_size, shuffle=False), optimizer)
        for _ in range(6):
            updater.update()
        return chainette.to_device(model.predictor.W.array, "cpu")

    with isolated_plugins(fake_backend.plugin, installed=True):
        names = {f"device {i}" if i else "main": place for i, place in enumerate(places)}
        many = trained(lambda *args: updaters.ParallelUpdater(*args, devices=names))
        one = trained(lambda *args: updaters.StandardUpdater(*args, device=places[0]))
    np.testing.assert_allclose(many, one, rtol=1e-4, atol=1e-6)


def test_models_of_a_parallel_updater_can_be_given_and_report_under_their_names():
    examples = [(np.ones(3, "f"), 0), (np.zeros(3, "f"), 1)]
    model = L.Classifier(L.Linear(3, 2))
    other = model.copy(mode="copy")
    optimizer = optimizers.SGD().setup(model)
    updater = updaters.ParallelUpdater(
        SerialIterator(examples, 2), optimizer, models={"main": model, "second": other}, loss_scale=8
    )
    trainer = chainette.training.Trainer(updater, (1, "iteration"))
    with trainer.reporter:
        updater.update()
    assert {"main/loss", "second/loss"} <= set(trainer.reporter.observation)
    np.testing.assert_array_equal(other.predictor.b.array, [0, 0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "either models or devices"),
        ({"devices": {"a": "cpu"}}, "nothing is called 'main'"),
        ({"models": {"main": L.Linear(1, 1)}}, "is not the model"),
    ],
)
def test_a_parallel_updater_says_what_it_needs(options, words):
    model = L.Classifier(L.Linear(3, 2))
    with pytest.raises(ArgumentError, match=words):
        updaters.ParallelUpdater(SerialIterator([1], 1), optimizers.SGD().setup(model), **options)


def test_wrong_arguments_are_errors():
    iterator = SerialIterator([1], 1)
    with pytest.raises(ArgumentError, match=r"no iterator is called 'main' \(there are: train\)"):
        updaters.StandardUpdater({"train": iterator}, optimizers.SGD().setup(L.Linear(1, 1)))
    with pytest.raises(ArgumentError, match="has no model"):
        updaters.StandardUpdater(iterator, optimizers.SGD())
    with pytest.raises(NotImplementedError, match="Write update"):
        updaters.Updater().update()
