"""Pooling, SPP, ROIPooling and Im2col beside loops."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
import chainette.functions as F
from chainette import Variable
from chainette.errors import ArgumentError, ShapeError
from chainette.testing import check_backward, check_double_backward, fake_backend, isolated_plugins
from chainette_caffe_import import CaffeNetError, CaffeUnsupportedError

from .building import make_layer

ENDS = 'bottom: "x" top: "y"'
LOWEST = float(np.finfo("f").min)
rng = np.random.default_rng(0)


def assert_near(got: Any, want: Any) -> None:
    assert got.shape == want.shape
    assert (np.isnan(got) == np.isnan(want)).all()
    got, want = np.nan_to_num(got, nan=0), np.nan_to_num(want, nan=0)
    assert (
        np.abs(got - want) <= 2e-5 * max(1.0, np.abs(want[want != LOWEST]).max(initial=0)) + 1e-4 * np.abs(want)
    ).all()


def distinct(*shape: int) -> Any:
    """Values that differ by more than the steps of numerical gradients."""
    return rng.permutation(math.prod(shape)).reshape(shape) / 7 - 3


def pooling(text: str) -> Any:
    return make_layer(f'type: "Pooling" {ENDS} pooling_param {{ {text} }}')


def windows(size: Any, kernel: Any, stride: Any, pad: Any, rounded: Any = math.ceil) -> Any:
    """For each axis, for each window: where it begins, where it ends in the image, and what it counts as."""
    found = []
    for n, k, s, p in zip(size, kernel, stride, pad, strict=True):
        count = rounded((n + 2 * p - k) / s) + 1
        if any(pad) and (count - 1) * s >= n + p:
            count -= 1
        axis = []
        for i in range(count):
            begin = i * s - p
            counts_as = min(begin + k, n + p) - begin
            axis.append((max(begin, 0), min(begin + k, n), counts_as))
        found.append(axis)
    return found


def pooled(x: Any, is_max: bool, axes: Any) -> Any:
    y = np.zeros((*x.shape[:2], *map(len, axes)))
    for place in itertools.product(*(range(len(axis)) for axis in axes)):
        window = [axis[i] for axis, i in zip(axes, place, strict=True)]
        ranges = [range(begin, end) for begin, end, _ in window]
        divisor = math.prod(counts_as for *_, counts_as in window)
        for n, c in np.ndindex(*x.shape[:2]):
            values = [x[n, c, *at] for at in itertools.product(*ranges)]
            if is_max:
                y[n, c, *place] = max(values, default=LOWEST)
            else:
                y[n, c, *place] = sum(values) / divisor if divisor else math.nan
    return y


@st.composite
def axes(draw: Any) -> Any:
    kernel = draw(st.integers(1, 4))
    return draw(st.integers(1, 8)), kernel, draw(st.integers(1, 5)), draw(st.integers(0, kernel - 1))


@given(h=axes(), w=axes(), is_max=st.booleans(), floor=st.sampled_from(["", "round_mode: FLOOR", "ceil_mode: false"]))
@settings(max_examples=300, deadline=None)
def test_pooling_follows_caffe_at_any_size(h: Any, w: Any, is_max: bool, floor: str) -> None:
    size, kernel, stride, pad = zip(h, w, strict=True)
    found = windows(size, kernel, stride, pad, math.floor if floor else math.ceil)
    layer = pooling(
        f"pool: {'MAX' if is_max else 'AVE'} kernel_h: {kernel[0]} kernel_w: {kernel[1]} stride_h: {stride[0]} "
        f"stride_w: {stride[1]} pad_h: {pad[0]} pad_w: {pad[1]} {floor}"
    )
    x = Variable(-1 - rng.random((2, 1, *size), "f"))
    if not all(found):
        with pytest.raises(ShapeError, match="no window of"):
            layer(x)
        return
    y = layer(x)
    assert_near(y.array, pooled(x.array.astype("d"), is_max, found))
    y.grad = np.ones(y.shape, "f")
    y.backward()
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((6, 6), "kernel_size: 2 stride: 2"),  # exact
        ((6, 7), "kernel_size: 3 stride: 2"),  # a window beyond the end
        ((5, 6), "kernel_size: 3 stride: 2 pad: 1"),  # one more beyond the padding
        ((6, 6), "kernel_size: 2 stride: 2 pad: 1"),  # a window dropped
        ((6, 5), "kernel_size: 1 stride: 4"),  # a window outside
        ((4, 5), "global_pooling: true"),
        ((7,), "kernel_size: 3 stride: 3 pad: 2"),
        ((3, 4, 3), "kernel_size: 2 stride: 2"),
    ],
)
def test_gradients_of_pooling_are_right_to_the_second_order(size: Any, text: str, pool: str) -> None:
    layer, x = pooling(f"pool: {pool} {text}"), distinct(1, 2, *size)
    y = layer(Variable(x)).array
    gy = np.where((y == LOWEST) | np.isnan(y), 0, rng.standard_normal(y.shape))
    if np.isnan(y).any():
        layer_, layer = layer, lambda x: F.where(np.isnan(y), 0.0, layer_(x))
    check_backward(layer, x, gy)
    check_double_backward(layer, x, gy, rng.standard_normal(x.shape))


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(
    ("size", "text", "given"),
    [
        ((9,), "kernel_size: 3 stride: 2", ((3,), (2,), (0,))),
        ((3, 4, 5), "kernel_size: 2 stride: 2 pad: 1", ((2,) * 3, (2,) * 3, (1,) * 3)),
        ((3, 4, 5), "kernel_size: [1, 2, 3] stride: 2 pad: [0, 1, 2]", ((1, 2, 3), (2,) * 3, (0, 1, 2))),
        ((3, 4), "global_pooling: true", ((3, 4), (1, 1), (0, 0))),
        ((2, 3, 4), "global_pooling: true", ((2, 3, 4), (1,) * 3, (0,) * 3)),
    ],
)
def test_there_may_be_any_number_of_axes(size: Any, text: str, given: Any, pool: str) -> None:
    x = rng.standard_normal((2, 3, *size))
    want = pooled(x, pool == "MAX", windows(size, *given))
    assert_near(pooling(f"pool: {pool} {text}")(Variable(x.astype("f"))).array, want)


def test_the_gradient_goes_to_the_first_of_equal_elements() -> None:
    x = Variable(np.zeros((1, 1, 3, 3), "f"))
    F.sum(pooling("kernel_size: 2 stride: 2 pad: 1")(x)).backward()
    assert x.grad[0, 0].tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "what", "kind"),
    [
        ("pool: STOCHASTIC kernel_size: 2", "STOCHASTIC", CaffeUnsupportedError),
        ("pool: 7 kernel_size: 2", "pool is 7", CaffeUnsupportedError),
        ("", "kernel_size is missing", CaffeNetError),
        ("kernel_h: 2", "kernel_size is missing", CaffeNetError),
        ("kernel_size: 2 kernel_h: 2", "both", CaffeNetError),
        ("kernel_size: 2 stride: 0", "stride is 0", CaffeNetError),
        ("kernel_size: 2 pad: 2", r"pad is \(2,\) \(expected less", CaffeNetError),
        ("kernel_size: [2, 2, 2] stride: [2, 2]", "stride has 2 values", CaffeNetError),
        ("global_pooling: true kernel_size: 3", "kernel_size is given", CaffeNetError),
        ("global_pooling: true stride: 2", "stride is", CaffeNetError),
        ("global_pooling: true pad_h: 1", "pad", CaffeNetError),
    ],
)
def test_pooling_that_cannot_be_is_refused(text: str, what: str, kind: Any) -> None:
    with pytest.raises(kind, match=what):
        pooling(text)


def test_a_second_top_is_refused() -> None:
    with pytest.raises(CaffeUnsupportedError, match="second top"):
        make_layer('type: "Pooling" bottom: "x" top: "y" top: "mask" pooling_param { kernel_size: 2 }')


@pytest.mark.parametrize("text", ["kernel_size: [2, 2, 2]", "kernel_h: 2 kernel_w: 2"])
def test_images_with_other_axes_are_refused(text: str) -> None:
    with pytest.raises(ShapeError, match="axes behind the channels"):
        pooling(text)(np.ones((1, 1, 4), "f"))


@pytest.mark.parametrize("shape", [(2, 3), (1, 2, 0, 4)])
def test_images_without_elements_are_refused(shape: Any) -> None:
    for text in ("kernel_size: 2", "global_pooling: true"):
        with pytest.raises(ShapeError):
            pooling(text)(np.ones(shape, "f"))


@pytest.mark.parametrize("pool", ["MAX", "AVE"])
@pytest.mark.parametrize(("size", "levels"), [((8, 8), 3), ((7, 10), 3), ((5, 9), 2), ((3, 4), 1), ((13, 6), 3)])
def test_a_pyramid_has_windows_that_cover_the_image(size: Any, levels: int, pool: str) -> None:
    layer = make_layer(f'type: "SPP" {ENDS} spp_param {{ pyramid_height: {levels} pool: {pool} }}')
    x, parts = rng.standard_normal((2, 3, *size)), []
    for level in range(levels):
        kernel = [math.ceil(n / 2**level) for n in size]
        pad = [(k * 2**level - n + 1) // 2 for n, k in zip(size, kernel, strict=True)]
        parts.append(pooled(x, pool == "MAX", windows(size, kernel, kernel, pad)))
    want = parts[0] if levels == 1 else np.concatenate([part.reshape(2, -1) for part in parts], 1)
    assert_near(layer(Variable(x.astype("f"))).array, want)
    image = distinct(1, 2, *size)
    check_backward(layer, image, rng.standard_normal(layer(image).shape))


def test_pyramids_that_cannot_be_are_refused() -> None:
    with pytest.raises(CaffeNetError, match="pyramid_height is 0"):
        make_layer(f'type: "SPP" {ENDS}')
    with pytest.raises(CaffeUnsupportedError, match="STOCHASTIC"):
        make_layer(f'type: "SPP" {ENDS} spp_param {{ pyramid_height: 2 pool: STOCHASTIC }}')
    with pytest.raises(ShapeError, match="too small for 4 windows"):
        make_layer(f'type: "SPP" {ENDS} spp_param {{ pyramid_height: 3 }}')(np.ones((1, 1, 2, 8), "f"))


def roi_pooling(height: int, width: int, scale: float) -> Any:
    return make_layer(
        'type: "ROIPooling" bottom: "x" bottom: "rois" top: "y" roi_pooling_param '
        f"{{ pooled_h: {height} pooled_w: {width} spatial_scale: {scale} }}"
    )


def away_from_zero(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def roi_pooled(x: Any, rois: Any, bins: Any, scale: float) -> Any:
    y = np.zeros((len(rois), x.shape[1], *bins))
    for r, (image, *corners) in enumerate(rois):
        x1, y1, x2, y2 = (away_from_zero(corner * scale) for corner in corners)
        for c, i, j in np.ndindex(*y.shape[1:]):
            values = []
            for row, column in np.ndindex(*x.shape[2:]):
                inside = True
                for at, first, last, bin, count in ((row, y1, y2, i, bins[0]), (column, x1, x2, j, bins[1])):
                    size = np.float32(max(last - first + 1, 1)) / np.float32(count)
                    inside &= first + math.floor(np.float32(bin) * size) <= at
                    inside &= at < first + math.ceil(np.float32(bin + 1) * size)
                if inside:
                    values.append(x[int(image), c, row, column])
            y[r, c, i, j] = max(values, default=0)
    return y


ROIS = np.array(
    [
        [0, 0, 0, 7, 7],
        [1, 2.5, 3.5, 6.5, 4.5],  # halves
        [1, 5, 5, 5, 5],  # one element for all bins
        [0, 6, 6, 2, 2],  # the wrong way round
        [0, -7, -3, 20, 30],  # beyond the image
        [1, 30, 30, 40, 40],  # outside
        [1, -2.5, -0.5, 3, 3],  # halves below zero
    ],
    "f",
)


@pytest.mark.parametrize("scale", [1.0, 0.5, 1.5])
@pytest.mark.parametrize("bins", [(2, 2), (3, 1), (7, 7)])
def test_regions_are_pooled_as_fast_rcnn_does(bins: Any, scale: float) -> None:
    x = rng.standard_normal((2, 3, 8, 9)) - 3
    got = roi_pooling(*bins, scale)(x.astype("f"), ROIS)
    assert_near(got.array, roi_pooled(x, ROIS, bins, scale))


@given(st.lists(st.tuples(st.integers(0, 1), *[st.integers(-40, 90)] * 4), max_size=4))
@settings(max_examples=50, deadline=None)
def test_regions_may_lie_anywhere(rois: Any) -> None:
    x, array = rng.standard_normal((2, 1, 5, 4)), np.array(rois, "f").reshape(-1, 5) * np.array([1, *[0.5] * 4], "f")
    assert_near(roi_pooling(3, 2, 0.25)(x.astype("f"), array).array, roi_pooled(x, array, (3, 2), 0.25))


def test_bins_are_computed_in_float32_as_caffe_does() -> None:
    x = np.zeros((1, 1, 1, 60), "f")
    x[..., 57] = 1  # just behind the region; the last of its 7 bins ends at 58, for 7 * float32(57 / 7) > 57
    assert roi_pooling(1, 7, 1.0)(x, np.array([[0, 0, 0, 56, 0]], "f")).array.ravel().tolist() == [0] * 6 + [1]


@pytest.mark.parametrize("shape", [(7, 5), (7, 5, 1, 1)])
def test_regions_get_no_gradient_and_the_image_gets_it_where_the_maximum_was(shape: Any) -> None:
    layer, rois = roi_pooling(3, 2, 0.5), ROIS.reshape(shape)
    check_backward(lambda x: layer(x, rois), distinct(2, 2, 6, 7), rng.standard_normal((7, 2, 3, 2)))
    check_double_backward(lambda x: layer(x, rois), distinct(2, 2, 6, 7), rng.standard_normal((7, 2, 3, 2)))
    regions = Variable(rois)
    F.sum(layer(Variable(np.ones((2, 2, 6, 7), "f")), regions)).backward()
    assert regions.grad is None


def test_regions_that_cannot_be_are_refused() -> None:
    with pytest.raises(CaffeNetError, match="pooled_h and pooled_w"):
        roi_pooling(0, 2, 1.0)
    layer, x = roi_pooling(2, 2, 1.0), np.ones((2, 1, 4, 4), "f")
    for rois in (
        [[2, 0, 0, 1, 1]],
        [[-1, 0, 0, 1, 1]],
        [[0, 0, math.nan, 1, 1]],
        [[0, 0, 0, math.inf, 1]],
        [[math.nan, 0, 0, 1, 1]],
    ):
        with pytest.raises(ArgumentError, match="beyond the batch of 2"):
            layer(x, np.array(rois, "f"))
    with pytest.raises(ShapeError, match=r"expected \(regions, 5\)"):
        layer(x, np.ones((3, 4), "f"))
    with pytest.raises(ShapeError, match="height, width"):
        layer(x[0], np.ones((3, 5), "f"))


@pytest.mark.parametrize(
    ("size", "text", "kernel", "stride", "pad", "dilation"),
    [
        ((5, 6), "kernel_size: 3", (3, 3), (1, 1), (0, 0), (1, 1)),
        ((7, 6), "kernel_h: 3 kernel_w: 2 stride: 2 pad_h: 1 pad_w: 0", (3, 2), (2, 2), (1, 0), (1, 1)),
        ((7, 8), "kernel_size: 2 dilation: 3 pad: 1", (2, 2), (1, 1), (1, 1), (3, 3)),
        ((9,), "kernel_size: 3 stride: 2 pad: 1", (3,), (2,), (1,), (1,)),
        ((4, 5, 6), "kernel_size: [2, 1, 3] dilation: 2 stride: 2 pad: 1", (2, 1, 3), (2,) * 3, (1,) * 3, (2,) * 3),
    ],
)
def test_windows_become_channels(size: Any, text: str, kernel: Any, stride: Any, pad: Any, dilation: Any) -> None:
    layer = make_layer(f'type: "Im2col" {ENDS} convolution_param {{ {text} }}')
    x = rng.standard_normal((2, 3, *size))
    given = list(zip(size, kernel, stride, pad, dilation, strict=True))
    out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in given]
    want = np.zeros((2, 3, *kernel, *out))
    for tap in np.ndindex(*kernel):
        for place in np.ndindex(*out):
            at = [o * s - p + t * d for o, t, (_, _, s, p, d) in zip(place, tap, given, strict=True)]
            if all(0 <= i < n for i, n in zip(at, size, strict=True)):
                want[:, :, *tap, *place] = x[:, :, *at]
    want = want.reshape(2, -1, *out)
    assert_near(layer(Variable(x.astype("f"))).array, want)
    check_backward(layer, x, rng.standard_normal(want.shape))


def test_windows_that_cannot_be_are_refused() -> None:
    with pytest.raises(CaffeNetError, match="axis is 2"):
        make_layer(f'type: "Im2col" {ENDS} convolution_param {{ kernel_size: 2 axis: 2 }}')
    for size in ((3,), (3, 3)):
        with pytest.raises(ShapeError):
            make_layer(f'type: "Im2col" {ENDS} convolution_param {{ kernel_size: 4 }}')(np.ones((1, 1, *size), "f"))


@pytest.mark.parametrize(
    "text",
    [
        'type: "Pooling" pooling_param { pool: MAX kernel_size: 2 stride: 2 pad: 1 }',
        'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2 }',
        'type: "SPP" spp_param { pyramid_height: 2 }',
        'type: "Im2col" convolution_param { kernel_size: 2 }',
        'type: "ROIPooling" bottom: "rois" roi_pooling_param { pooled_h: 2 pooled_w: 2 spatial_scale: 0.5 }',
    ],
)
def test_they_compute_the_same_on_another_device(text: str) -> None:
    inputs = [rng.standard_normal((2, 3, 6, 6)).astype("f"), *([ROIS] if "rois" in text else [])]
    with isolated_plugins(fake_backend.plugin, installed=True):
        layer = make_layer(text + ' bottom: "x" top: "y"')
        want = layer(*inputs).array
        x, *others = [Variable(chainette.to_device(each, "fake:1")) for each in inputs]
        y = layer.to_device("fake:1")(x, *others)
        F.sum(y).backward()
        assert (str(y.device), str(x.grad_var.device)) == ("fake:1", "fake:1")
        assert_near(chainette.to_device(y.array, "cpu"), want)
