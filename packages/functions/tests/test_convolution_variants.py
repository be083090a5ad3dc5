"""Whatever computes a convolution gives what a loop over all windows gives, however the batch is cut into blocks."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette_functions as F
from chainette import Variable
from chainette_functions import windows
from chainette_functions.connection import convolving
from chainette_functions.connection.convolving import Bands, Depthwise, Pointwise, Windows, variant
from chainette_functions.windows import geometry


def by_a_loop(x, W, gy, g, groups):
    """The convolution, and the gradients of x and W, one element of one window after the other."""
    y, gx, gW = np.zeros(gy.shape), np.zeros(x.shape), np.zeros(W.shape)
    outs, ins = len(W) // groups, W.shape[1]
    for group, window, at in product(range(groups), np.ndindex(*g.out), np.ndindex(*g.ksize)):
        axes = zip(window, g.stride, at, g.dilate, g.pad, strict=True)
        place = tuple(o * s + k * d - p for o, s, k, d, p in axes)
        if not all(0 <= i < n for i, n in zip(place, g.size, strict=True)):
            continue
        out, into = slice(group * outs, (group + 1) * outs), slice(group * ins, (group + 1) * ins)
        here, there, weights = (slice(None), out, *window), (slice(None), into, *place), (out, slice(None), *at)
        y[here] += x[there] @ W[weights].T
        gx[there] += gy[here] @ W[weights]
        gW[weights] += gy[here].T @ x[there]
    return y, gx, gW


@st.composite
def problems(draw):
    """x, W, the gradient of y, where the windows lie, and how many groups there are."""
    axis = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.integers(0, 4))
    axes = draw(st.lists(axis, min_size=1, max_size=3))
    if draw(st.booleans()):  # windows of one element in its place
        axes = [(1, 1, 0, 1, room) for *_, room in axes]
    window, stride, pad, dilate, room = zip(*axes, strict=True)
    reach = [(k - 1) * d + 1 - 2 * p for k, d, p in zip(window, dilate, pad, strict=True)]
    size = tuple(max(least, 1) + more for least, more in zip(reach, room, strict=True))
    groups, batch = draw(st.integers(1, 4)), draw(st.integers(0, 5))
    ins, outs = draw(st.sampled_from([1, 1, 2, 3])), draw(st.integers(1, 3))
    g = geometry("here", size, window, stride, pad, dilate, draw(st.booleans()))
    generator = np.random.default_rng(draw(st.integers(0, 9)))
    shapes = (batch, groups * ins, *size), (groups * outs, ins, *window), (batch, groups * outs, *g.out)
    return *map(generator.standard_normal, shapes), g, groups


@settings(deadline=None)
@given(problems(), st.sampled_from([1, 7, 20, 10**6]), st.sampled_from([1, 50, 150, 10**6]))
def test_each_variant_is_the_loop(problem, positions, elements):
    x, W, gy, g, groups = problem
    expected = by_a_loop(*problem)
    b, c = np.arange(len(W)) / 8, np.arange(x.shape[1]) / 8
    with pytest.MonkeyPatch.context() as patch:
        for name in ("POSITIONS", "POINTS"):
            patch.setattr(convolving, name, positions)
        for name in ("ELEMENTS", "BAND"):
            patch.setattr(convolving, name, elements)
        patch.setattr(windows, "CACHED", elements)
        special = {Bands: len(g.size) > 1, Pointwise: g.pointwise, Depthwise: W.shape[1] == 1}
        for each in (Windows, *(each for each, possible in special.items() if possible)):
            y = each.convolve(np, x, W, b, g, groups)
            gx = each.deconvolve(np, gy, W, c, g, groups)
            found = y - b.reshape(-1, *[1] * len(g.out)), gx - c.reshape(-1, *[1] * len(g.size))
            for array, right in zip((*found, each.correlate(np, x, gy, g, groups)), expected, strict=True):
                assert array.shape == right.shape, each
                np.testing.assert_allclose(array, right, atol=1e-10, err_msg=str(each))
            np.testing.assert_array_equal(each.deconvolve(np, gy, W, None, g, groups).shape, gx.shape)


@settings(deadline=None)
@given(problems(), st.sampled_from("efd"))
def test_the_functions_are_the_loop_in_all_dtypes(problem, dtype):
    x, W, gy, g, groups = problem
    x, W, gy = (np.round(each * 4).astype(dtype) for each in (x, W, gy))  # so that float16 is exact enough
    expected = by_a_loop(*(each.astype("d") for each in (x, W, gy)), g, groups)
    x, W = Variable(x), Variable(W)
    covering = g.out != geometry("here", g.size, g.ksize, g.stride, g.pad, g.dilate).out
    y = F.convolution_nd(x, W, None, g.stride, g.pad, covering, dilate=g.dilate, groups=groups)
    y.grad = gy
    y.backward()
    for array, right in zip((y.array, x.grad, W.grad), expected, strict=True):
        assert array.dtype == dtype
        assert array.flags.c_contiguous
        np.testing.assert_allclose(array, right, rtol=1e-3 if dtype == "e" else 1e-6)


@pytest.mark.parametrize(
    ("chosen", "W", "groups", "batch", "arguments"),
    [
        (Pointwise, (4, 6, 1, 1), 1, 1, {}),
        (Pointwise, (6, 1, 1, 1), 6, 1, {}),
        (Windows, (4, 6, 1, 1), 1, 2, {"stride": 2}),  # 8 columns for 6 channels
        (Bands, (4, 6, 1, 1), 1, 3, {"stride": 2}),
        (Windows, (4, 17, 3, 3), 1, 9, {"pad": 1}),  # rows of 8 for 17 channels
        (Bands, (4, 16, 3, 3), 1, 9, {"pad": 1}),
        (Bands, (4, 3, 3, 3), 2, 1, {}),
        (Bands, (4, 1, 3, 3), 1, 1, {}),
        (Bands, (18, 1, 3, 3), 6, 1, {}),
        (Windows, (4, 1, 3), 1, 9, {}),  # there is no other axis
        (Depthwise, (6, 1, 3, 3), 6, 1, {}),
        (Depthwise, (12, 1, 3, 3), 6, 1, {"stride": 2}),
    ],
)
def test_the_variant_follows_from_the_windows_and_the_channels(chosen, W, groups, batch, arguments):
    assert variant(geometry("here", (8, 8)[: len(W) - 2], W[2:], **arguments), W, groups, batch) is chosen


@pytest.mark.parametrize(
    ("computing", "x", "W"),
    [
        (Windows, (16, 32, 96, 96), (32, 32, 6, 6)),  # the windows of the whole batch would be 36 times x
        (Bands, (16, 32, 96, 96), (32, 32, 6, 6)),
        (Bands, (1, 16, 3000, 8), (64, 16, 3, 3)),  # the gradients of W by all rows would be 3000 times W
    ],
)
def test_no_block_needs_more_than_its_share(computing, x, W):
    import tracemalloc

    x, W = np.ones(x, "f"), np.ones(W, "f")
    g = geometry("here", x.shape[2:], W.shape[2:])
    gy = computing.convolve(np, x, W, None, g, 1)
    for compute, result in (
        (lambda: computing.convolve(np, x, W, None, g, 1), gy.nbytes),
        (lambda: computing.deconvolve(np, gy, W, None, g, 1), x.nbytes),
        (lambda: computing.correlate(np, x, gy, g, 1), W.nbytes),
    ):
        tracemalloc.start()
        compute()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < result + 3 * 4 * convolving.ELEMENTS
