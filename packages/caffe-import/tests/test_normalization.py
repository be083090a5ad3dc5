"""BatchNorm, Scale, Bias, LRN, MVN and Normalize beside loops."""

from __future__ import annotations

import io
import itertools
import math
from typing import Any

import numpy as np
import pytest

import chainette
import chainette.functions as F
from chainette import Variable
from chainette.errors import ShapeError
from chainette.testing import check_backward, check_double_backward, fake_backend, isolated_plugins
from chainette_caffe_import import CaffeNetError
from chainette_serializers import load_npz, save_npz

from .building import make_layer

ENDS = 'bottom: "x" top: "y"'
rng = np.random.default_rng(0)


def assert_near(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape
    assert (np.abs(got - want) <= 2e-5 * max(1.0, np.abs(want).max(initial=0)) + 1e-4 * np.abs(want)).all()


def check_gradients(layer: Any, *xs: Any) -> None:
    weights = rng.standard_normal(layer(*xs).shape)
    check_backward(layer, xs, weights, params=list(layer.params()))
    check_double_backward(layer, xs, weights, tuple(rng.standard_normal(x.shape) for x in xs))


def by_channel(x: Any, take: Any) -> Any:
    """What ``take`` gives of the elements of each channel; of an array with one axis, of all."""
    channels = x.shape[1] if x.ndim > 1 else 1
    return np.array([take([v for at, v in np.ndenumerate(x) if x.ndim == 1 or at[1] == c]) for c in range(channels)])


def normalized(x: Any, mean: Any, var: Any, eps: float) -> Any:
    y = np.empty(x.shape)
    for at, value in np.ndenumerate(x):
        c = at[1] if x.ndim > 1 else 0
        y[at] = (value - mean[c]) / math.sqrt(var[c] + eps)
    return y


def mean_of(values: Any) -> float:
    return sum(values) / len(values)


def var_of(values: Any) -> float:
    return mean_of([(v - mean_of(values)) ** 2 for v in values])


SHAPES = [(5,), (4, 3), (2, 3, 4), (2, 3, 4, 5), (2, 3, 2, 2, 3)]


def batch_norm(text: str, *blobs: Any) -> Any:
    return make_layer(f'type: "BatchNorm" {ENDS} batch_norm_param {{ {text} }}', *blobs)


@pytest.mark.parametrize("factor", [1.0, 999.98, 0.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_sums_are_divided_by_their_factor_and_by_nothing_if_that_is_zero(shape: Any, factor: float) -> None:
    x, channels = rng.standard_normal(shape), shape[1] if len(shape) > 1 else 1
    mean, var = rng.standard_normal(channels), rng.random(channels) + 0.1
    layer = batch_norm("eps: 0.01", mean, var, [factor])
    scale = 1 / factor if factor else 0.0
    assert_near(layer.avg_mean, mean * scale)
    with chainette.test_mode():
        assert_near(layer(x.astype("f")).array, normalized(x, mean * scale, var * scale, 0.01))
        check_gradients(layer, x)


@pytest.mark.parametrize("shape", SHAPES)
def test_in_training_the_batch_counts(shape: Any) -> None:
    x = rng.standard_normal(shape) * 2 + 1
    y = batch_norm("")(x.astype("f"))
    assert_near(y.array, normalized(x, by_channel(x, mean_of), by_channel(x, var_of), 1e-5))
    check_gradients(batch_norm("eps: 0.1"), x)


@pytest.mark.parametrize(("text", "fraction"), [("", 0.999), ("moving_average_fraction: 0.5", 0.5)])
@pytest.mark.parametrize("shape", [(6,), (4, 3), (1, 3), (2, 3, 4)])
def test_training_goes_on_with_caffes_sums(shape: Any, text: str, fraction: float) -> None:
    channels = shape[1] if len(shape) > 1 else 1
    sums, factor = [rng.standard_normal(channels), rng.random(channels) + 0.1], 3.5
    layer = batch_norm(text, *sums, [factor])
    for _ in range(3):
        x = rng.standard_normal(shape) + 2
        layer(x.astype("f"))
        m = x.size // channels
        now = by_channel(x, mean_of), by_channel(x, var_of) * (m / (m - 1) if m > 1 else 1)
        sums = [each + fraction * before for each, before in zip(now, sums, strict=True)]
        factor = factor * fraction + 1
        assert layer.factor == pytest.approx(factor)
        assert_near(layer.avg_mean, sums[0] / factor)
        assert_near(layer.avg_var, sums[1] / factor)


def test_without_a_model_the_first_batch_is_the_average() -> None:
    layer, x = batch_norm(""), rng.standard_normal((8, 3, 4)).astype("f")
    assert layer.avg_mean is None
    layer(x)
    assert_near(layer.avg_mean, x.mean((0, 2)))
    assert_near(layer.avg_var, x.var((0, 2), ddof=1))
    fresh = batch_norm("eps: 0.25")
    with chainette.test_mode():
        assert_near(fresh(x).array, x.astype("d") / 0.5)


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("written", ["false", "true"])
def test_what_the_file_says_of_global_statistics_holds_in_both_modes(written: str, train: bool) -> None:
    layer, x = batch_norm(f"use_global_stats: {written}", [1, 2], [4, 9], [1]), rng.standard_normal((5, 2))
    with chainette.using_config("train", train):
        got = layer(x.astype("f")).array
    given = ([1, 2], [4, 9]) if written == "true" else (x.mean(0), x.var(0))
    assert_near(got, normalized(x, *given, 1e-5))
    assert layer.factor == (1.999 if train and written == "false" else 1.0)


def test_an_eps_of_zero_is_taken() -> None:
    with chainette.test_mode():
        assert_near(batch_norm("eps: 0", [1], [4], [1])(np.array([[3.0]], "f")).array, [[1.0]])


def test_repeating_a_forward_pass_does_not_train_twice() -> None:
    layer, x = batch_norm("", [1, 2], [4, 9], [1]), Variable(rng.standard_normal((5, 2)).astype("f"))
    F.sum(F.checkpoint(layer, x)).backward()
    assert layer.factor == pytest.approx(1.999)
    once = batch_norm("", [1, 2], [4, 9], [1])
    once(x)
    assert_near(layer.avg_mean, once.avg_mean)


def test_averages_are_saved_and_loaded() -> None:
    layer, fresh, file = batch_norm("", [1, 2], [4, 9], [2]), batch_norm(""), io.BytesIO()
    save_npz(file, layer)
    file.seek(0)
    load_npz(file, fresh)
    assert (fresh.avg_mean.tolist(), fresh.avg_var.tolist(), fresh.factor) == ([0.5, 1], [2, 4.5], 2)
    fresh(np.ones((2, 2), "f"))


@pytest.mark.parametrize(
    ("text", "blobs", "what"),
    [
        ("eps: -1", [], "eps is -1"),
        ("", [[1, 2], [1, 2]], "one more, for factor"),
        ("", [[1, 2], [1, 2, 3], [1]], r"avg_var, has shape \(3,\)"),
        ("", [[1, 2], [1, 2], [1, 2]], "factor, has shape"),
        ("", [[1, 2], [1, 2], [1], [1, 2]], "4 blobs"),
    ],
)
def test_batch_norms_that_cannot_be_are_refused(text: str, blobs: Any, what: str) -> None:
    with pytest.raises(CaffeNetError, match=what):
        batch_norm(text, *blobs)


def aligned(x: Any, operand: Any, axis: int) -> Any:
    """The operand's element for each element of x."""
    spread = np.empty(x.shape)
    for at in np.ndindex(*x.shape):
        spread[at] = operand[at[axis : axis + operand.ndim]]
    return spread


ALONG = [
    ("", 1, (3,)),
    ("axis: 0", 0, (2,)),
    ("axis: -1", 3, (5,)),
    ("axis: -3 num_axes: 2", 1, (3, 4)),
    ("axis: 2 num_axes: -1", 2, (4, 5)),
    ("axis: 0 num_axes: -1", 0, (2, 3, 4, 5)),
    ("num_axes: 0", 0, ()),
]


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("text", "axis", "shape"), ALONG)
def test_scale_multiplies_from_an_axis_on(text: str, axis: int, shape: Any, bias: bool) -> None:
    x, W, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal(shape), rng.standard_normal(shape)
    text = f'type: "Scale" {ENDS} scale_param {{ {text} bias_term: {str(bias).lower()} }}'
    layer = make_layer(text, W, *([b] if bias else []))
    want = x * aligned(x, W, axis) + (aligned(x, b, axis) if bias else 0)
    assert_near(layer(x.astype("f")).array, want)
    check_gradients(layer, x)
    fresh = make_layer(text)
    assert_near(fresh(x.astype("f")).array, x)
    assert [each.shape for each in fresh.params()] == [shape] * (1 + bias)


@pytest.mark.parametrize(("text", "axis", "shape"), ALONG)
def test_bias_adds_from_an_axis_on(text: str, axis: int, shape: Any) -> None:
    x, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal(shape)
    text = f'type: "Bias" {ENDS} bias_param {{ {text} }}'
    layer = make_layer(text, b)
    assert_near(layer(x.astype("f")).array, x + aligned(x, b, axis))
    check_gradients(layer, x)
    fresh = make_layer(text)
    assert_near(fresh(x.astype("f")).array, x)
    assert fresh.b.shape == shape


@pytest.mark.parametrize(("text", "axis", "shape"), [each for each in ALONG if "num_axes" not in each[0]] + [
    ("axis: 1", 1, (3, 4)), ("axis: 2", 0, ())
])  # fmt: skip
def test_a_second_bottom_takes_the_blobs_place(text: str, axis: int, shape: Any) -> None:
    x, other, b = rng.standard_normal((2, 3, 4, 5)), rng.standard_normal(shape), rng.standard_normal(shape)
    ends = 'bottom: "x" bottom: "w" top: "y"'
    bias = make_layer(f'type: "Bias" {ends} bias_param {{ {text} }}')
    assert_near(bias(x.astype("f"), other.astype("f")).array, x + aligned(x, other, axis))
    check_gradients(bias, x, other)
    text = f'type: "Scale" {ends} scale_param {{ {text} bias_term: true }}'
    scale = make_layer(text, b)
    assert [each.name for each in scale.params()] == ["b"]
    want = x * aligned(x, other, axis) + aligned(x, b, axis)
    assert_near(scale(x.astype("f"), other.astype("f")).array, want)
    check_gradients(scale, x, other)
    assert_near(make_layer(text)(x.astype("f"), other.astype("f")).array, x * aligned(x, other, axis))


def test_without_a_model_the_fillers_count() -> None:
    filler = 'filler { type: "constant" value: 3 } bias_term: true bias_filler { value: 0.5 }'
    layer = make_layer(f'type: "Scale" {ENDS} scale_param {{ {filler} }}')
    assert_near(layer(np.ones((1, 2), "f")).array, [[3.5, 3.5]])
    empty = make_layer(f'type: "Scale" {ENDS} scale_param {{ filler {{ }} }}')
    assert_near(empty(np.ones((1, 2), "f")).array, [[0, 0]])
    bias = make_layer(f'type: "Bias" {ENDS} bias_param {{ filler {{ value: 2 }} }}')
    assert_near(bias(np.ones((1, 2), "f")).array, [[3, 3]])
    norm = make_layer(f'type: "Normalize" {ENDS} norm_param {{ scale_filler {{ value: 20 }} channel_shared: false }}')
    assert_near(norm(np.ones((1, 4), "f")).array, [[10] * 4])


def test_a_filler_that_there_is_no_use_for_is_no_fault() -> None:
    make_layer(f'type: "Scale" {ENDS} scale_param {{ bias_term: false bias_filler {{ value: 1 }} }}')
    make_layer(f'type: "Scale" bottom: "w" {ENDS} scale_param {{ filler {{ value: 1 }} }}')


@pytest.mark.parametrize(
    ("text", "blobs", "what"),
    [
        ('type: "Scale" scale_param { num_axes: -2 }', [], "num_axes is -2"),
        ('type: "Scale"', [np.ones((2, 2))], r"W, has shape \(2, 2\)"),
        ('type: "Scale" scale_param { bias_term: true }', [np.ones(2)], "one more, for b"),
        ('type: "Bias" bottom: "w"', [np.ones(2)], "1 blobs"),
        ('type: "Scale" scale_param { filler { type: "magic" } }', [], "filler 'magic'"),
    ],
)
def test_factors_that_do_not_fit_are_refused(text: str, blobs: Any, what: str) -> None:
    with pytest.raises(CaffeNetError, match=what):
        make_layer(f"{text} {ENDS}", *blobs)


def test_factors_must_fit_the_input() -> None:
    with pytest.raises(ShapeError, match="expected 3 axes from 1 on"):
        make_layer(f'type: "Scale" {ENDS} scale_param {{ num_axes: 3 }}')(np.ones((1, 2, 3), "f"))
    with pytest.raises(ShapeError, match="does not fit"):
        make_layer(f'type: "Scale" {ENDS}', np.ones(4))(np.ones((1, 2, 3), "f"))


def lrn(text: str) -> Any:
    return make_layer(f'type: "LRN" {ENDS} lrn_param {{ {text} }}')


@pytest.mark.parametrize(
    ("text", "size", "alpha", "beta", "k"),
    [
        ("", 5, 1.0, 0.75, 1.0),
        ("local_size: 3 alpha: 0.6 beta: 0.5 k: 2", 3, 0.6, 0.5, 2.0),
        ("local_size: 11 alpha: 2 norm_region: ACROSS_CHANNELS", 11, 2.0, 0.75, 1.0),
        ("local_size: 1", 1, 1.0, 0.75, 1.0),
    ],
)
@pytest.mark.parametrize("within", [False, True])
def test_responses_are_normalized_by_their_neighbours(
    text: str, size: int, alpha: float, beta: float, k: float, within: bool
) -> None:
    x, reach = rng.standard_normal((2, 6, 4, 5)) * 2, size // 2
    want = np.empty(x.shape)
    for n, c, h, w in np.ndindex(*x.shape):
        total = 0.0
        steps = range(-reach, reach + 1)
        for dc, dh, dw in itertools.product([0], steps, steps) if within else itertools.product(steps, [0], [0]):
            at = c + dc, h + dh, w + dw
            if all(0 <= i < limit for i, limit in zip(at, x.shape[1:], strict=True)):
                total += x[n, *at] ** 2
        scale = 1 + alpha / size**2 * total if within else k + alpha / size * total
        want[n, c, h, w] = x[n, c, h, w] / scale**beta
    layer = lrn(text.replace("norm_region: ACROSS_CHANNELS", "") + " norm_region: WITHIN_CHANNEL" if within else text)
    assert_near(layer(x.astype("f")).array, want)
    check_gradients(layer, x[:1, :3, :3, :3])


@pytest.mark.parametrize(
    ("text", "what"),
    [("local_size: 4", "local_size is 4"), ("local_size: -1", "local_size is -1"), ("k: 0", "k is 0"),
     ("norm_region: 5", "norm_region is 5")],
)  # fmt: skip
def test_neighbourhoods_that_cannot_be_are_refused(text: str, what: str) -> None:
    with pytest.raises(CaffeNetError, match=what):
        lrn(text)


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("variance", [False, True])
@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 5), (2, 3, 2, 2, 2)])
def test_mean_and_variance_are_those_of_an_image_or_a_channel(shape: Any, variance: bool, across: bool) -> None:
    x, eps = rng.standard_normal(shape) + 3, 0.5
    want = np.empty(shape)
    for at in np.ndindex(*shape[: 1 if across else 2]):
        values = x[at].ravel().tolist()
        divisor = math.sqrt(var_of(values)) + eps if variance else 1
        want[at] = np.reshape([(v - mean_of(values)) / divisor for v in values], x[at].shape)
    text = f"across_channels: {str(across).lower()} normalize_variance: {str(variance).lower()} eps: {eps}"
    layer = make_layer(f'type: "MVN" {ENDS} mvn_param {{ {text} }}')
    assert_near(layer(x.astype("f")).array, want)
    check_gradients(layer, x)


def test_an_image_of_one_value_has_a_gradient() -> None:
    layer = make_layer(f'type: "MVN" {ENDS} mvn_param {{ eps: 0.5 }}')
    x = Variable(np.full((1, 1, 2, 2), 3, "f"))
    y = layer(x)
    assert y.array.tolist() == [[[[0, 0], [0, 0]]]]
    F.sum(y * np.array([[1, 2], [3, 6]], "f")).backward()
    assert_near(x.grad, np.array([[[[-4, -2], [0, 6]]]]))  # (gy - mean) / eps


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 4, 5)])
def test_norms_are_those_of_an_image_or_a_place(shape: Any, across: bool, shared: bool) -> None:
    x, W, eps = rng.standard_normal(shape), rng.standard_normal(() if shared else 3), 0.3
    want = np.empty(shape)
    for n, c, *place in np.ndindex(*shape):
        values = x[n].ravel() if across else x[(n, slice(None), *place)]
        norm = math.sqrt(sum(v * v for v in values.tolist()) + eps)
        want[(n, c, *place)] = x[(n, c, *place)] / norm * (W if shared else W[c])
    text = f"across_spatial: {str(across).lower()} channel_shared: {str(shared).lower()} eps: {eps}"
    layer = make_layer(f'type: "Normalize" {ENDS} norm_param {{ {text} }}', W)
    assert_near(layer(x.astype("f")).array, want)
    check_gradients(layer, x)
    assert_near(make_layer(f'type: "Normalize" {ENDS}')(x.astype("f")).array[0], x[0] / np.sqrt((x[0] ** 2).sum()))


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        'type: "BatchNorm"',
        'type: "Scale" scale_param { bias_term: true }',
        'type: "Bias" bias_param { num_axes: -1 }',
        'type: "LRN"',
        'type: "LRN" lrn_param { norm_region: WITHIN_CHANNEL }',
        'type: "MVN"',
        'type: "Normalize" norm_param { across_spatial: false channel_shared: false }',
    ],
)
def test_they_compute_the_same_on_another_device(text: str, train: bool) -> None:
    array = rng.standard_normal((2, 3, 4, 5)).astype("f")
    with isolated_plugins(fake_backend.plugin, installed=True), chainette.using_config("train", train):
        want = make_layer(f"{text} {ENDS}")(array).array
        layer, x = make_layer(f"{text} {ENDS}").to_device("fake:1"), Variable(chainette.to_device(array, "fake:1"))
        y = layer(x)
        F.sum(y).backward()
        assert str(y.device) == "fake:1"
        assert_near(chainette.to_device(y.array, "cpu"), want)
