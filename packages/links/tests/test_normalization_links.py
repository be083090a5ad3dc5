"""What the normalizing links keep from call to call, and what rows cannot say of them."""

import copy

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette import Variable, initializers
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.testing import fake_backend, isolated_plugins
from chainette_links.batch_normalization import adapt_from_chainer_1_7

GENERATOR = np.random.default_rng(0)
BATCHES = [3 * GENERATOR.standard_normal((5, 2)).astype("f") + k for k in range(4)]


def predicted(link, x):
    with chainette.test_mode():
        return link(x).array


def by(mean, var, x, eps=2e-5):
    return (x - mean) / np.sqrt(var + eps)


# Batch normalization


@pytest.mark.parametrize("make", [L.BatchNormalization, L.BatchRenormalization])
def test_running_averages_follow_the_batches_in_training_and_are_used_in_testing(make):
    link, mean, var = make(2, decay=0.75), np.zeros(2), np.ones(2)
    for x in BATCHES:
        link(x)
        mean, var = 0.75 * mean + 0.25 * x.mean(0), 0.75 * var + 0.25 * x.var(0, ddof=1)
    np.testing.assert_allclose(link.avg_mean, mean, rtol=1e-5)
    np.testing.assert_allclose(link.avg_var, var, rtol=1e-5)
    np.testing.assert_allclose(predicted(link, BATCHES[0]), by(mean, var, BATCHES[0]), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(link.avg_mean, mean, rtol=1e-5)
    assert link.N == 0


@pytest.mark.parametrize("make", [L.BatchNormalization, L.BatchRenormalization])
def test_finetuning_gives_the_plain_means_over_all_batches(make):
    link = make(2)
    link(BATCHES[0])
    link.start_finetuning()
    for n, x in enumerate(BATCHES, 1):
        link(x, finetune=True)
        assert n == link.N
    np.testing.assert_allclose(link.avg_mean, np.mean([x.mean(0) for x in BATCHES], 0), rtol=1e-5)
    np.testing.assert_allclose(link.avg_var, np.mean([x.var(0, ddof=1) for x in BATCHES], 0), rtol=1e-5)
    predicted(link, BATCHES[0])
    link(BATCHES[0][:0], finetune=True)
    assert link.N == 4
    link.start_finetuning()
    assert link.N == 0


def test_finetuning_does_not_count_where_nothing_is_trained_or_something_is_wrong():
    link = L.BatchNormalization(2)
    with chainette.test_mode():
        link(BATCHES[0], finetune=True)
    with pytest.raises(ShapeError):
        link(np.ones((2, 3), "f"), finetune=True)
    assert link.N == 0


@pytest.mark.parametrize(
    "make", [L.BatchNormalization, L.BatchRenormalization, lambda size: L.DecorrelatedBatchNormalization(size, 1)]
)
def test_a_checkpoint_updates_the_averages_once(make):
    link, other, x = make(2), make(2), Variable(BATCHES[0])
    F.sum(F.checkpoint(lambda x: link(x, finetune=True), x) ** 2).backward()
    F.sum(other(BATCHES[0], finetune=True) ** 2)
    assert link.N == other.N == 1
    np.testing.assert_array_equal(link.avg_mean, other.avg_mean)


def test_averages_are_float32_at_least():
    for dtype, expected in (("float16", "float32"), ("float32", "float32"), ("float64", "float64")):
        link = L.BatchNormalization(2, dtype=dtype)
        assert (link.gamma.dtype, link.beta.dtype, link.avg_mean.dtype, link.avg_var.dtype) == (dtype, dtype) + (
            expected,
        ) * 2
    with chainette.using_config("dtype", "float16"):
        assert L.BatchNormalization(2).avg_var.dtype == "float32"


def test_parameters_and_averages_start_as_chainer_s_or_as_they_are_given():
    link = L.BatchNormalization(2)
    assert [link.gamma.array.tolist(), link.beta.array.tolist()] == [[1, 1], [0, 0]]
    assert [link.avg_mean.tolist(), link.avg_var.tolist(), link.N] == [[0, 0], [1, 1], 0]
    link = L.BatchNormalization(
        2, initial_gamma=3, initial_beta=np.array([1.0, 2.0]), initial_avg_mean=5, initial_avg_var=initializers.One()
    )
    assert [link.gamma.array.tolist(), link.beta.array.tolist()] == [[3, 3], [1, 2]]
    assert [link.avg_mean.tolist(), link.avg_var.tolist()] == [[5, 5], [1, 1]]
    link = L.BatchNormalization(2, use_gamma=False, use_beta=False)
    assert (link.gamma, link.beta) == (None, None)
    assert list(link.params()) == []


def test_names_are_those_of_chainer():
    link = L.BatchNormalization((3, 4))
    assert {name: p.shape for name, p in link.namedparams()} == {"/gamma": (3, 4), "/beta": (3, 4)}
    assert list(link._persistent) == ["avg_mean", "avg_var", "N"]
    assert list(L.DecorrelatedBatchNormalization(32)._persistent) == ["avg_mean", "avg_projection", "N"]


def test_an_open_link_makes_its_averages_where_it_was_sent():
    with isolated_plugins(fake_backend.plugin, installed=True):
        link = L.BatchNormalization().to_device("fake:1")
        assert link.avg_mean is None
        y = link(chainette.to_device(BATCHES[0], "fake:1"))
        assert str(y.device) == "fake:1"
        link.to_cpu()(BATCHES[1])
        np.testing.assert_allclose(link.avg_mean, 0.09 * BATCHES[0].mean(0) + 0.1 * BATCHES[1].mean(0), rtol=1e-5)


def test_an_open_link_loads_its_averages_to_where_it_was_sent():
    stored = {"gamma": np.ones(2), "beta": np.ones(2), "avg_mean": np.ones(2, "f"), "avg_var": np.ones(2, "f"), "N": 3}
    with isolated_plugins(fake_backend.plugin, installed=True):
        link = L.BatchNormalization().to_device("fake:1")
        link.serialize(lambda key, value: stored[key])
        assert str(chainette.backend.device_of(link.avg_mean)) == "fake:1"
        link(chainette.to_device(BATCHES[0], "fake:1"))
        assert link.N == 3


def test_what_does_not_fit_leaves_the_size_open():
    link = L.BatchNormalization()
    for x, error in ((np.ones(3), ShapeError), (np.ones((2, 3), "i"), DtypeError)):
        with pytest.raises(error, match="BatchNormalization: x"):
            link(x)
    with pytest.raises(ShapeError, match="BatchNormalization: axis 3"):
        L.BatchNormalization(axis=3)(np.ones((2, 3)))
    assert not link.gamma.is_initialized
    assert link.avg_mean is None


def test_a_copy_that_is_initialized_anew_begins_with_new_averages():
    link = L.BatchNormalization(2, initial_avg_mean=7)
    for x in BATCHES:
        link(x, finetune=True)
    anew, same = link.copy("init"), copy.deepcopy(link)
    assert (anew.avg_mean.tolist(), anew.avg_var.tolist(), anew.N) == ([7, 7], [1, 1], 0)
    assert (same.avg_mean.tolist(), same.N) == (link.avg_mean.tolist(), 4)
    link(BATCHES[0])
    assert same.avg_mean.tolist() != link.avg_mean.tolist()
    assert anew.avg_mean.tolist() == [7, 7]
    model = L.Sequential(L.DecorrelatedBatchNormalization(2, 1), link)
    model(BATCHES[0])
    first = model.copy("init")[0]
    assert (first.avg_mean.tolist(), first.avg_projection.tolist()) == ([[0, 0]], [[[1, 0], [0, 1]]])


def test_a_link_that_is_in_two_places_is_copied_once():
    link = L.BatchNormalization(2)
    model = L.Sequential(link, link).copy("init")
    assert model[0] is model[1]


# Files of Chainer 1.7


def test_variances_of_chainer_1_7_are_adapted():
    """There the average held eps, here 1e-5 in 3 of 4 parts, and was divided by as it was."""
    link = L.BatchNormalization(2)
    averages = {"gamma": np.array([2, 3], "f"), "beta": np.array([1, 0], "f"), "N": np.array(0),
                "avg_mean": np.array([0.5, -1], "f"), "avg_var": np.array([0.04, 9.0], "f")}  # fmt: skip
    link.serialize(lambda key, value: _filled(value, averages[key]))
    model = L.Sequential(link, L.Linear(2, 2), link)  # in two places, and adapted once
    adapt_from_chainer_1_7(model)
    expected = averages["gamma"] * (BATCHES[0] - averages["avg_mean"]) / np.sqrt(averages["avg_var"]) + averages["beta"]
    np.testing.assert_allclose(predicted(link, BATCHES[0]), expected, rtol=1e-5)
    open_link = L.BatchNormalization()
    adapt_from_chainer_1_7(open_link)
    assert open_link.avg_var is None


def _filled(value, stored):
    if isinstance(value, np.ndarray):
        value[...] = stored
        return value
    return type(value)(stored)


# Batch renormalization


def test_the_limits_may_change_from_call_to_call():
    link = L.BatchRenormalization(2)
    x = BATCHES[3]
    np.testing.assert_allclose(link(x).array, by(x.mean(0), x.var(0), x), rtol=1e-4, atol=1e-5)
    mean, var = link.avg_mean.copy(), link.avg_var.copy()
    link.rmax, link.dmax = 99, 99
    np.testing.assert_allclose(link(x).array, by(mean, var, x), rtol=1e-4, atol=1e-5)


# Decorrelated batch normalization


def test_decorrelation_follows_the_batches_in_training_and_uses_the_averages_in_testing():
    link = L.DecorrelatedBatchNormalization(2, groups=1, decay=0.75)
    y = link(BATCHES[0]).array
    assert np.allclose(np.cov(y.T, bias=True), np.eye(2), atol=1e-3)
    np.testing.assert_allclose(link.avg_mean, 0.25 * BATCHES[0].mean(0, keepdims=True), rtol=1e-5)
    batch = np.linalg.lstsq(BATCHES[0] - BATCHES[0].mean(0), y, rcond=None)[0]
    np.testing.assert_allclose(link.avg_projection[0], 0.75 * np.eye(2) + 0.25 * batch, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(
        predicted(link, BATCHES[1]), (BATCHES[1] - link.avg_mean[0]) @ link.avg_projection[0], rtol=1e-3, atol=1e-4
    )


def test_decorrelation_is_finetuned():
    link = L.DecorrelatedBatchNormalization(2, groups=2)
    for x in BATCHES:
        link(x, finetune=True)
    assert link.N == 4
    np.testing.assert_allclose(link.avg_mean[:, 0], np.mean([x.mean(0) for x in BATCHES], 0), rtol=1e-5)
    link.start_finetuning()
    assert link.N == 0


# Arguments


WRONG = [
    (lambda: L.BatchNormalization(2, use_cudnn=False), TypeError, "BatchNormalization: the argument use_cudnn="),
    (lambda: L.BatchNormalization(2)(BATCHES[0], test=True), TypeError, r"forward: the argument test= .*test_mode"),
    (lambda: L.BatchNormalization(2)(BATCHES[0], True), TypeError, "positional"),
    (lambda: L.BatchNormalization(-1), ShapeError, "negative size"),
    (lambda: L.BatchNormalization(3)(BATCHES[0]), ShapeError, r"batch_normalization: gamma has shape \(3,\)"),
    (lambda: L.BatchNormalization(2, eps=0)(BATCHES[0]), ArgumentError, "batch_normalization: eps=0"),
    (lambda: L.BatchRenormalization(2, rmax=0)(BATCHES[0]), ArgumentError, "batch_renormalization: rmax=0"),
    (lambda: L.GroupNormalization(0), ArgumentError, "GroupNormalization: groups=0"),
    (lambda: L.GroupNormalization(2, 5), ShapeError, "GroupNormalization: 5 channels do not divide into groups=2"),
    (lambda: L.GroupNormalization(2)(np.ones((2, 5))), ShapeError, "GroupNormalization: 5 channels do not divide"),
    (lambda: L.GroupNormalization(1)(np.ones(2)), ShapeError, r"GroupNormalization: x has shape \(2,\)"),
    (lambda: L.GroupNormalization(1)(np.ones((2, 2), "i")), DtypeError, "GroupNormalization: x is int"),
    (lambda: L.LayerNormalization()(np.ones(())), ShapeError, r"LayerNormalization: x has shape \(\)"),
    (lambda: L.LayerNormalization(3)(BATCHES[0]), ShapeError, r"layer_normalization: gamma has shape \(3,\)"),
    (lambda: L.RMSNorm()(np.ones(2, "i")), DtypeError, "RMSNorm: x is int"),
    (lambda: L.DecorrelatedBatchNormalization(10), ShapeError, "10 channels do not divide into groups=16"),
    (lambda: L.DecorrelatedBatchNormalization(2, 0), ArgumentError, "groups=0"),
    (lambda: L.DecorrelatedBatchNormalization(4, 2)(BATCHES[0]), ShapeError, "running_mean has shape"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[says for _, _, says in WRONG])
def test_wrong_arguments_are_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
