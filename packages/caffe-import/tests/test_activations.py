"""Activations beside formulas that are worked out value by value, in Python's own numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import chainette
from chainette import Variable
from chainette.errors import ShapeError
from chainette.testing import check_backward, check_double_backward, fake_backend, isolated_plugins
from chainette_caffe_import import CaffeNetError, CaffeUnsupportedError, Layer

from .building import make_layer

X = np.array([[-100, -7.25, -1, -0.5, -0.0], [0, 0.5, 1, 6, 100]], "f")
SMOOTH = np.array([[-2.7, -1.1, -0.4], [0.3, 1.4, 2.2]])
"""Values that are far from every place where a slope jumps."""


def make(type: str, text: str = "", *blobs: Any) -> Layer:
    return make_layer(f'type: "{type}" bottom: "x" top: "y" {text}', *blobs)


def assert_near(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape
    assert (np.abs(got - want) <= 2e-5 * max(1.0, np.abs(want).max()) + 1e-4 * np.abs(want)).all()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x > 0 else math.exp(x) / (1 + math.exp(x))


ACTIVATIONS: list[tuple[str, str, Callable[[float], float]]] = [
    ("AbsVal", "", abs),
    ("BNLL", "", lambda x: max(x, 0) + math.log(1 + math.exp(-abs(x)))),
    ("Clip", "clip_param { min: -0.75 max: 2 }", lambda x: max(-0.75, min(x, 2))),
    ("Clip", "clip_param { min: 1 max: 1 }", lambda x: 1.0),
    ("Dropout", "dropout_param { dropout_ratio: 0.3 }", lambda x: x),
    ("ELU", "", lambda x: x if x > 0 else math.exp(x) - 1),
    ("ELU", "elu_param { alpha: 0.3 }", lambda x: x if x > 0 else 0.3 * (math.exp(x) - 1)),
    ("PReLU", "", lambda x: x if x > 0 else 0.25 * x),
    ("PReLU", "prelu_param { filler { value: -2 } channel_shared: true }", lambda x: x if x > 0 else -2 * x),
    ("PReLU", 'prelu_param { filler { type: "constant" } }', lambda x: max(x, 0)),
    ("ReLU", "relu_param { engine: CAFFE }", lambda x: max(x, 0)),
    ("ReLU", "relu_param { negative_slope: 0.1 }", lambda x: x if x > 0 else 0.1 * x),
    ("ReLU", "relu_param { negative_slope: -1.5 }", lambda x: x if x > 0 else -1.5 * x),
    ("ReLU6", "", lambda x: min(max(x, 0), 6)),
    ("Sigmoid", "sigmoid_param { engine: CAFFE }", sigmoid),
    ("Swish", "", lambda x: x * sigmoid(x)),
    ("Swish", "swish_param { beta: -0.5 }", lambda x: x * sigmoid(-0.5 * x)),
    ("TanH", "tanh_param { engine: CUDNN }", math.tanh),
]


@pytest.mark.parametrize(("type", "text", "reference"), ACTIVATIONS)
def test_every_value_is_that_of_the_formula(type: str, text: str, reference: Callable[[float], float]) -> None:
    with chainette.using_config("train", False):
        y = make(type, text)(Variable(X))
    assert y.dtype == np.float32
    assert_near(y.array, [[reference(float(x)) for x in row] for row in X])


@pytest.mark.parametrize(("type", "text", "reference"), ACTIVATIONS)
def test_gradients_of_first_and_second_order_equal_numerics(
    type: str, text: str, reference: Callable[[float], float]
) -> None:
    layer = make(type, text)
    with chainette.using_config("train", False):
        layer(Variable(SMOOTH.astype("f")))  # what is open gets its shape
        gy = np.array([[0.3, -1.2, 0.7], [1.9, -0.6, 0.4]])
        check_backward(layer, SMOOTH, gy, params=list(layer.params()))
        check_double_backward(layer, SMOOTH, gy, 1 - gy, params=list(layer.params()))


@pytest.mark.parametrize(
    ("type", "text", "at", "slope"),
    [
        ("AbsVal", "", 0, 0),
        ("Clip", "clip_param { min: -1 max: 2 }", -1, 1),
        ("Clip", "clip_param { min: -1 max: 2 }", 2, 1),
        ("ELU", "elu_param { alpha: 0.5 }", 0, 0.5),
        ("PReLU", "", 0, 0.25),
        ("ReLU", "", 0, 0),
        ("ReLU", "relu_param { negative_slope: 0.5 }", 0, 0.5),
        ("ReLU6", "", 0, 0),
        ("ReLU6", "", 6, 0),
    ],
)
def test_where_the_slope_jumps_it_is_caffes(type: str, text: str, at: float, slope: float) -> None:
    x = Variable(np.full((1, 1), at, "f"))
    make(type, text)(x).backward()
    assert x.grad.item() == slope


@pytest.mark.parametrize("type", [*dict.fromkeys(type for type, _, _ in ACTIVATIONS if type != "Clip"), "Threshold"])
def test_each_works_on_every_device(type: str) -> None:
    with isolated_plugins(fake_backend.plugin, installed=True), chainette.using_config("train", False):
        layer, x = make(type), Variable(chainette.to_device(X, "fake:1"))
        wanted = make(type)(Variable(X)).array
        y = layer.to_device("fake:1")(x)
        assert (chainette.to_device(y.array, "cpu") == wanted).all()
        if y.requires_grad:
            chainette.functions.sum(y).backward()
            assert str(x.grad_var.device) == "fake:1"


@pytest.mark.parametrize("type", ["BNLL", "Sigmoid", "Swish", "TanH", "ELU"])
def test_no_value_overflows(type: str) -> None:
    x = Variable(np.array([[-1e4, 1e4]], "f"))
    y = make(type)(x)
    chainette.functions.sum(y).backward()
    assert np.isfinite(y.array).all()
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize(("text", "threshold"), [("", 0.0), ("threshold_param { threshold: -1 }", -1.0)])
def test_threshold_tells_what_is_above(text: str, threshold: float) -> None:
    x = Variable(X)
    y = make("Threshold", text)(x)
    assert y.dtype == np.float32
    assert y.array.tolist() == [[float(value > threshold) for value in row] for row in X]
    assert not y.requires_grad


# PReLU


@given(shape=st.lists(st.integers(1, 4), min_size=2, max_size=5), is_shared=st.booleans(), seed=st.integers(0, 9))
def test_prelu_has_a_slope_for_each_channel_or_one_for_all(shape: list[int], is_shared: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, W = rng.standard_normal(shape).astype("f"), rng.standard_normal(() if is_shared else shape[1]).astype("f")
    gy = rng.standard_normal(shape).astype("f")
    layer = make("PReLU", f"prelu_param {{ channel_shared: {str(is_shared).lower()} }}", W)
    bottom = Variable(x)
    y = layer(bottom)
    y.grad = gy
    y.backward()
    wanted, gx, gW = np.zeros(shape), np.zeros(shape), np.zeros(W.shape)
    for place in np.ndindex(*shape):
        channel = () if is_shared else (place[1],)
        is_positive = x[place] > 0
        wanted[place] = x[place] if is_positive else float(W[channel]) * x[place]
        gx[place] = gy[place] if is_positive else float(W[channel]) * gy[place]
        gW[channel] += 0 if is_positive else float(gy[place]) * x[place]
    assert_near(y.array, wanted)
    assert_near(bottom.grad, gx)
    assert_near(layer.W.grad, gW)


def test_a_shared_slope_may_be_written_as_an_array_of_one() -> None:
    y = make("PReLU", "prelu_param { channel_shared: true }", [0.5])(Variable(X))
    assert_near(y.array, [[x if x > 0 else 0.5 * x for x in row] for row in X.tolist()])


@pytest.mark.parametrize("blob", [[0.5], [0.5] * 3])
def test_slopes_for_another_number_of_channels_do_not_fit(blob: list[float]) -> None:
    with pytest.raises(ShapeError):
        make("PReLU", "", blob)(Variable(np.ones((2, 5, 3), "f")))


def test_prelu_needs_channels() -> None:
    with pytest.raises(ShapeError, match=r"PReLU: x has shape \(3,\) \(expected \(batch, channels"):
        make("PReLU")(Variable(np.ones(3, "f")))


# Dropout


@pytest.mark.parametrize(("text", "ratio"), [("", 0.5), ("dropout_param { dropout_ratio: 0.2 }", 0.2)])
def test_dropout_in_training_sets_values_to_0_and_scales_the_others(text: str, ratio: float) -> None:
    chainette.seed(0)
    x = Variable(np.full((100, 100), 3, "f"))
    layer = make("Dropout", text)
    with chainette.using_config("train", True):
        y = layer(x)
    chainette.functions.sum(y).backward()
    kept = y.array != 0
    assert abs(kept.mean() - (1 - ratio)) < 0.03
    assert_near(y.array, np.where(kept, 3 / (1 - ratio), 0))
    assert_near(x.grad, np.where(kept, 1 / (1 - ratio), 0))


def test_dropout_of_nothing_keeps_everything() -> None:
    with chainette.using_config("train", True):
        y = make("Dropout", "dropout_param { dropout_ratio: 0 }")(Variable(X))
    assert y.array.tolist() == X.tolist()


@pytest.mark.parametrize(
    ("type", "text", "blobs", "what"),
    [
        ("Clip", "", [], "min is missing"),
        ("Clip", "clip_param { min: 1 }", [], "max is missing"),
        ("Clip", "clip_param { min: 1 max: 0 }", [], "min is 1.0 and max 0"),
        ("Dropout", "dropout_param { dropout_ratio: 1 }", [], "dropout_ratio is 1.0"),
        ("Dropout", "dropout_param { dropout_ratio: -0.1 }", [], "dropout_ratio is -0.1"),
        ("PReLU", "", [0.5], r"shape \(\) \(expected \(any\)\)"),
        ("PReLU", "prelu_param { channel_shared: true }", [[0.5, 0.5]], r"shape \(2,\) \(expected \(\)\)"),
        ("PReLU", 'prelu_param { filler { type: "magic" } }', [], "filler 'magic'"),
        ("ReLU", "", [[0.5]], "the model has 1 blobs"),
    ],
)
def test_what_makes_no_sense_is_refused(type: str, text: str, blobs: list[Any], what: str) -> None:
    with pytest.raises(CaffeNetError, match=what):
        make(type, text, *blobs)


def test_a_slope_of_relu6_is_not_passed_over() -> None:
    with pytest.raises(CaffeUnsupportedError, match=r"relu_param\.negative_slope"):
        make("ReLU6", "relu_param { negative_slope: 0.1 }")
