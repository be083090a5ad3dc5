"""Convolution, Deconvolution and InnerProduct beside loops."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import chainette
from chainette import Variable
from chainette_caffe_import import CaffeNetError

from .building import make_layer

ENDS = 'bottom: "x" top: "y"'
rng = np.random.default_rng(0)


def assert_near(got: Any, want: Any) -> None:
    assert got.shape == want.shape
    assert (np.abs(got - want) <= 2e-5 * max(1.0, np.abs(want).max()) + 1e-4 * np.abs(want)).all()


def placed(x: Any, W: Any, stride: Any, pad: Any, dilation: Any, size: Any) -> Any:
    """Every pair of an output place and the input place that a weight connects it with: (out, tap, in)."""
    taps = itertools.product(*map(range, W.shape[2:]))
    for tap in taps:
        for out in itertools.product(*map(range, size)):
            place = tuple(o * s - p + k * d for o, s, p, k, d in zip(out, stride, pad, tap, dilation, strict=True))
            if all(0 <= i < n for i, n in zip(place, x.shape[2:], strict=True)):
                yield out, tap, place


def convolved(x: Any, W: Any, b: Any, stride: Any, pad: Any, dilation: Any, group: int) -> Any:
    size = [
        (n + 2 * p - d * (k - 1) - 1) // s + 1
        for n, k, s, p, d in zip(x.shape[2:], W.shape[2:], stride, pad, dilation, strict=True)
    ]
    y = np.zeros((len(x), len(W), *size)) + np.reshape(b, (-1, *[1] * len(size)))
    outs, ins = len(W) // group, W.shape[1]
    for out, tap, place in placed(x, W, stride, pad, dilation, size):
        for o, i in itertools.product(range(len(W)), range(ins)):
            y[:, o, *out] += W[o, i, *tap] * x[:, o // outs * ins + i, *place]
    return y


def transposed(x: Any, W: Any, b: Any, stride: Any, pad: Any, dilation: Any, group: int) -> Any:
    size = [
        s * (n - 1) + d * (k - 1) + 1 - 2 * p
        for n, k, s, p, d in zip(x.shape[2:], W.shape[2:], stride, pad, dilation, strict=True)
    ]
    outs, ins = W.shape[1], len(W) // group
    y = np.zeros((len(x), outs * group, *size)) + np.reshape(b, (-1, *[1] * len(size)))
    for place, tap, out in placed(y, W, stride, pad, dilation, x.shape[2:]):
        for i, o in itertools.product(range(len(W)), range(outs)):
            y[:, i // ins * outs + o, *out] += W[i, o, *tap] * x[:, i, *place]
    return y


KINDS = [
    ("kernel_size: 3", (3, 3), (1, 1), (0, 0), (1, 1), 1),
    ("kernel_size: 3 stride: 2 pad: 1", (3, 3), (2, 2), (1, 1), (1, 1), 1),
    ("kernel_h: 1 kernel_w: 3 pad_w: 1 stride_h: 2", (1, 3), (2, 1), (0, 1), (1, 1), 1),
    ("kernel_size: 3 kernel_size: 2 stride: 1 stride: 2 pad: 1 pad: 0", (3, 2), (1, 2), (1, 0), (1, 1), 1),
    ("kernel_size: 2 dilation: 2 group: 2", (2, 2), (1, 1), (0, 0), (2, 2), 2),
    ("kernel_size: 3 group: 4 pad: 2 dilation: 1 dilation: 2", (3, 3), (1, 1), (2, 2), (1, 2), 4),
    ("kernel_size: 2 kernel_size: 1 kernel_size: 3 pad: 1", (2, 1, 3), (1,) * 3, (1,) * 3, (1,) * 3, 2),
    ("kernel_size: 3 stride: 2", (3,), (2,), (0,), (1,), 1),
]  # fmt: skip


@pytest.mark.parametrize("type", ["Convolution", "Deconvolution"])
@pytest.mark.parametrize(("text", "kernel", "stride", "pad", "dilation", "group"), KINDS)
def test_every_kind_of_window(
    type: str, text: str, kernel: Any, stride: Any, pad: Any, dilation: Any, group: int
) -> None:
    group_text = "" if "group" in text else f"group: {group}"
    x = rng.standard_normal((2, 4, 7, 6, 5)[: 2 + len(kernel)])
    W, b = rng.standard_normal((4, 4 // group, *kernel)), rng.standard_normal(4)
    layer = make_layer(f'type: "{type}" {ENDS} convolution_param {{ num_output: 4 {text} {group_text} }}', W, b)
    reference = convolved if type == "Convolution" else transposed
    assert_near(layer(Variable(x.astype("f")))[0].array, reference(x, W, b, stride, pad, dilation, group))


@pytest.mark.parametrize("type", ["DepthwiseConvolution", "ConvolutionDepthwise"])
def test_the_depthwise_layers_of_forks_have_one_window_a_channel(type: str) -> None:
    x, W, b = rng.standard_normal((1, 4, 5, 5)), rng.standard_normal((4, 1, 3, 3)), rng.standard_normal(4)
    layer = make_layer(f'type: "{type}" {ENDS} convolution_param {{ num_output: 4 kernel_size: 3 }}', W, b)
    assert_near(layer(Variable(x.astype("f")))[0].array, convolved(x, W, b, (1, 1), (0, 0), (1, 1), 4))


def test_several_images_share_the_weights() -> None:
    layer = make_layer(
        'type: "Convolution" bottom: "a" bottom: "b" top: "c" top: "d" convolution_param { num_output: 2 '
        "kernel_size: 1 bias_term: false }",
        np.ones((2, 3, 1, 1)),
    )
    a, b = layer(np.ones((1, 3, 2, 2), "f"), np.full((1, 3, 1, 1), 2, "f"))
    assert a.shape == (1, 2, 2, 2)
    assert b.array.ravel().tolist() == [6, 6]


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize(("axis", "shape"), [(1, (2, 60)), (2, (6, 20)), (-1, (24, 5)), (0, (1, 120))])
def test_inner_products_over_the_axes_behind(axis: int, shape: Any, transpose: bool) -> None:
    x, W, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal((7, shape[1])), rng.standard_normal(7)
    text = f"num_output: 7 axis: {axis} transpose: {str(transpose).lower()}"
    layer = make_layer(
        f'type: "InnerProduct" {ENDS} inner_product_param {{ {text} }}', W.T.copy() if transpose else W, b
    )
    front = x.shape[: axis % 4]
    want = np.array([[(row * w).sum() for w in W] for row in x.reshape(shape)]) + b
    assert_near(layer(Variable(x.astype("f"))).array, want.reshape(*front, 7))


@pytest.mark.parametrize("type", ["Convolution", "Deconvolution"])
def test_without_a_model_the_fillers_count_and_the_first_input_gives_the_sizes(type: str) -> None:
    chainette.seed(0)
    layer = make_layer(
        f'type: "{type}" {ENDS} convolution_param {{ num_output: 6 group: 2 kernel_size: 3 '
        'weight_filler { type: "msra" } bias_filler { type: "constant" value: 0.5 } }'
    )
    layer(np.ones((1, 8, 9, 9), "f"))
    assert layer.W.shape == ((6, 4, 3, 3) if type == "Convolution" else (8, 3, 3, 3))
    assert layer.b.array.tolist() == [0.5] * 6
    assert 0.5 < layer.W.array.std() / np.sqrt(2 / layer.W.array[0].size) < 1.5


def test_the_bilinear_filler_enlarges_without_seams() -> None:
    layer = make_layer(
        f'type: "Deconvolution" {ENDS} convolution_param {{ num_output: 1 kernel_size: 4 stride: 2 pad: 1 '
        'bias_term: false weight_filler { type: "bilinear" } }'
    )
    ramp = np.arange(6, dtype="f").reshape(1, 1, 1, 6).repeat(4, 2)
    y = layer(ramp)[0].array[0, 0]
    assert np.allclose(y[2:-2, 1:-1], np.arange(0.25, 5, 0.5))


@pytest.mark.parametrize(
    ("text", "blobs", "what"),
    [
        ("num_output: 0 kernel_size: 3", [], "num_output is 0"),
        ("num_output: 3 group: 2 kernel_size: 3", [], "group 2"),
        ("num_output: 2", [], "kernel_size is missing"),
        ("num_output: 2 kernel_size: 3 kernel_h: 3", [], "both kernel_size and kernel_h"),
        ("num_output: 2 kernel_size: 3 stride: 0", [], "stride is 0"),
        ("num_output: 2 kernel_size: 3 pad: -1", [], "pad is -1"),
        ("num_output: 2 kernel_size: 3 kernel_size: 3 kernel_size: 3 stride: 1 stride: 1", [], "stride has 2 values"),
        ("num_output: 2 kernel_size: 3 axis: 2", [], "axis is 2"),
        ("num_output: 2 kernel_size: 3", [np.ones((2, 1, 3, 2)), np.ones(2)], r"shape \(2, 1, 3, 2\)"),
        ("num_output: 2 kernel_size: 3", [np.ones((2, 1, 3, 3))], "one more, for b"),
        ("num_output: 2 kernel_size: 3 bias_term: false", [np.ones((2, 1, 3, 3)), np.ones(2)], "2 blobs"),
        ('num_output: 2 kernel_size: 3 weight_filler { type: "magic" }', [], "filler 'magic'"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(text: str, blobs: list[Any], what: str) -> None:
    with pytest.raises(CaffeNetError, match=what):
        make_layer(f'type: "Convolution" {ENDS} convolution_param {{ {text} }}', *blobs)
