"""The parameters of a CaffeFunction: from the model or anew, shared, trained, copied and saved."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainette.functions as F
from chainette import Variable, serializers
from chainette_caffe_import import CaffeFunction, CaffeNetError

from .nets import INPUT, blobs, build, product, relu

W, B = np.array([[1, -2, 3], [0, 1, -1]], "f"), np.array([0.5, -4], "f")
X = np.array([[1, 2, 3], [-1, 0, 4]], "f")

# -- blobs --------------------------------------------------------------------------------------------------------


def test_layers_that_only_the_prototxt_has_start_anew_and_others_are_dropped(tmp_path: Path) -> None:
    filler = "inner_product_param { bias_filler { value: 7 } }"
    text = INPUT + product("ip", "x", "ip") + product("new", "ip", "y", filler)
    net = build(tmp_path, text, blobs(gone=[W], ip=[W, B]))
    np.testing.assert_array_equal(net(X).array, np.full((2, 2), 7, "f"))
    assert [name for name, _ in net.namedparams()] == ["/ip/W", "/ip/b", "/new/W", "/new/b"]
    np.testing.assert_array_equal(net["ip"].W.array, W, strict=True)


@pytest.mark.parametrize("old", [False, True])
def test_old_shapes_are_aligned_to_the_right(tmp_path: Path, old: bool) -> None:
    net = build(tmp_path, INPUT + product("ip", "x", "ip"), blobs(ip=[W, B]), old=old)
    np.testing.assert_array_equal(net["ip"].W.array, W, strict=True)
    np.testing.assert_array_equal(net["ip"].b.array, B, strict=True)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([W], "the model has 1 blobs (expected one more, for b)"),
        ([], "the model has 0 blobs (expected one more, for W)"),
        ([W, B, B], "the model has 3 blobs (expected 2)"),
        ([np.vstack([W, W]), B], "blob 0, W, has shape (4, 3) (expected (2, any))"),
        ([W, B[None]], "blob 1, b, has shape (1, 2) (expected (2))"),
    ],
)
def test_blobs_that_do_not_fit_are_refused(tmp_path: Path, found: list[Any], message: str) -> None:
    with pytest.raises(CaffeNetError) as caught:
        build(tmp_path, INPUT + product("ip", "x", "ip"), blobs(ip=found))
    assert f"layer 'ip' (InnerProduct): {message}" in str(caught.value)


@pytest.mark.parametrize("old", [False, True])
def test_a_scalar_is_read(tmp_path: Path, old: bool) -> None:
    text = "layer { name: 'p' type: 'Parameter' top: 'p' parameter_param { shape { } } }"
    net = build(tmp_path, text, {"layer": [{"name": "p", "type": "Parameter", "blobs": [np.array(3, "f")]}]}, old=old)
    assert net.inputs == []
    assert (net({})[0].shape, net({})[0].array) == ((), 3)


# -- sharing ------------------------------------------------------------------------------------------------------

SHARE = "param { name: 'w' } param { name: 'v' }"


@pytest.mark.parametrize("model", [None, blobs(a=[W[:, :2], B], b=[W[:, :2], B])])
def test_a_shared_parameter_is_one_with_the_gradients_of_both_places(
    tmp_path: Path, model: dict[str, Any] | None
) -> None:
    net = build(tmp_path, INPUT + product("a", "x", "a", SHARE) + product("b", "a", "b", SHARE), model)
    x = Variable(X[:, :2])
    net(x)
    assert net["a"].W is net["b"].W
    assert net["a"].b is net["b"].b
    assert net.count_params() == 6
    for parameter in net["a"].params():
        parameter.array[...] = np.arange(parameter.size).reshape(parameter.shape) / 8
    W, b = net["a"].W.array, net["a"].b.array
    net.cleargrads()
    F.sum(net(x)).backward()
    ones = np.ones((2, 2), "f")
    gradient = ones.T @ (x.array @ W.T + b) + (ones @ W).T @ x.array
    np.testing.assert_allclose(net["a"].W.grad, gradient, rtol=1e-5)


def test_a_shared_parameter_takes_what_the_model_has_of_either(tmp_path: Path) -> None:
    text = INPUT + product("new", "x", "a", SHARE) + product("old", "x", "b", SHARE)
    net = build(tmp_path, text, blobs(old=[W, B]))
    assert net["new"].W is net["old"].W
    np.testing.assert_array_equal(net["new"].W.array, W)
    np.testing.assert_array_equal(net["new"].b.array, B)


def test_of_two_layers_that_share_the_later_one_of_the_model_counts(tmp_path: Path) -> None:
    net = build(
        tmp_path, INPUT + product("a", "x", "a", SHARE) + product("b", "x", "b", SHARE), blobs(a=[W, B], b=[W + 1, B])
    )
    np.testing.assert_array_equal(net["a"].W.array, W + 1)


def test_shared_parameters_of_two_shapes_are_refused(tmp_path: Path) -> None:
    text = INPUT + product("a", "x", "a", SHARE) + product("b", "x", "b", "param { name: 'w' }")
    with pytest.raises(CaffeNetError, match=r"'a' and 'b' share a parameter 'w', but .* \(2, 3\) and \(2, 2\)"):
        build(tmp_path, text, blobs(a=[W, B], b=[W[:, :2], B]))


# -- copies and files ---------------------------------------------------------------------------------------------


def shared_net(folder: Path) -> CaffeFunction:
    text = INPUT + product("inception/a", "x", "a", SHARE, 3) + relu("r", "a", "a") + product("b.c", "a", "b", SHARE, 3)
    square = [np.vstack([W, W[:1]]), B[[0, 1, 0]]]
    return build(folder, text, blobs(**{"inception/a": square, "b.c": square}))


@pytest.mark.parametrize(
    "duplicate",
    [
        copy.deepcopy,
        lambda net: pickle.loads(pickle.dumps(net)),
        lambda net: net.copy(),
        lambda net: net.copy("copy"),
        lambda net: net.copy("init"),
    ],
    ids=["deepcopy", "pickle", "share", "copy", "init"],
)
def test_copies_compute_the_same_and_share_what_is_shared(tmp_path: Path, duplicate: Any) -> None:
    net = shared_net(tmp_path)
    expected = net(X).array
    other = duplicate(net)
    np.testing.assert_array_equal(other(X).array, expected)
    assert other["inception/a"].W is other["b.c"].W
    assert other["inception/a"].W is not net["inception/a"].W
    assert (other.inputs, other.outputs, other.count_params()) == (net.inputs, net.outputs, 12)


def test_a_net_goes_to_another_process_without_its_files(tmp_path: Path) -> None:
    net = shared_net(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    assert len(pickle.dumps(net)) < 10_000
    assert pickle.loads(pickle.dumps(net))(X).shape == (2, 3)


@pytest.mark.parametrize("suffix", ["npz", "hdf5"])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_net_is_saved_and_loaded(tmp_path: Path, suffix: str, fresh: bool) -> None:
    net, path = shared_net(tmp_path), tmp_path / f"net.{suffix}"
    expected = net(X).array
    getattr(serializers, f"save_{suffix}")(path, net)
    other = CaffeFunction(None, tmp_path / "it.prototxt") if fresh else shared_net(tmp_path)
    for parameter in other.params():
        if parameter.is_initialized:
            parameter.array[...] = 9
    getattr(serializers, f"load_{suffix}")(path, other)
    np.testing.assert_array_equal(other(X).array, expected)
    assert other["inception/a"].W is other["b.c"].W
