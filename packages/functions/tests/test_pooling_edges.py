"""Pooling where it goes wrong: sizes, ties, NaN, padding, overlapping windows, and what is each other's gradient."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.errors import ShapeError

LINES = [F.max_pooling_1d, F.max_pooling_nd]


def image(*rows, dtype="d"):
    return np.array([[rows]], dtype)


def gradient(y, x, gy=None):
    y.grad = np.ones(y.shape, y.dtype) if gy is None else np.asarray(gy, y.dtype).reshape(y.shape)
    y.backward()
    return x.grad


# Sizes


def test_max_pooling_covers_all_by_default_and_average_pooling_never_does():
    x = np.ones((1, 1, 6, 6))
    assert F.max_pooling_2d(x, 3, stride=2).shape == (1, 1, 3, 3)
    assert F.max_pooling_2d(x, 3, stride=2, cover_all=False).shape == (1, 1, 2, 2)
    assert F.average_pooling_2d(x, 3, stride=2).shape == (1, 1, 2, 2)


def test_unpooling_gives_the_smallest_size_by_default():
    x = np.ones((1, 1, 2, 2))
    assert F.unpooling_2d(x, 2).shape == (1, 1, 3, 3)
    assert F.unpooling_2d(x, 2, cover_all=False).shape == (1, 1, 4, 4)
    assert F.upsampling_2d(x, np.zeros(x.shape, "i"), 2).shape == (1, 1, 3, 3)
    assert F.upsampling_2d(x, np.zeros(x.shape, "i"), 2, cover_all=False).shape == (1, 1, 4, 4)


@pytest.mark.parametrize("cover_all", [True, False])
@pytest.mark.parametrize("outsize", [5, 6, 7, 8, 9])
def test_an_outsize_is_taken_if_pooling_it_gives_the_size_of_x(outsize, cover_all):
    """Windows of 3 at a distance of 3 over 5 to 9 elements: 2 of them with or without covering all."""
    x = Variable(np.ones((1, 1, 2)))
    if 4 <= outsize <= 8:
        y = F.unpooling_1d(x, 3, outsize=outsize, cover_all=cover_all)
        assert y.array.ravel().tolist() == [1] * min(outsize, 6) + [0] * (outsize - 6)
    else:
        with pytest.raises(ShapeError, match="expected 4 to 8"):
            F.unpooling_1d(x, 3, outsize=outsize, cover_all=cover_all)


def test_sizes_are_numbers_or_sequences_of_any_integer_kind():
    x = np.random.default_rng(0).random((1, 2, 6, 6))
    expected = F.max_pooling_2d(x, 2, 2, 0).array
    for two in ([2, 2], (2, 2), np.int64(2), np.array([2, 2])):
        np.testing.assert_array_equal(F.max_pooling_2d(x, two, two).array, expected)


def test_a_window_may_be_larger_than_the_array_if_all_is_to_be_covered():
    x = image([1.0, 3.0], [2.0, 0.0])
    assert F.max_pooling_2d(x, 5).array.tolist() == [[[[3]]]]
    with pytest.raises(ShapeError, match="do not fit"):
        F.max_pooling_2d(x, 5, cover_all=False)


def test_windows_may_reach_far_beyond_both_ends():
    x = Variable(np.array([[[8.0]]]))
    y = F.average_pooling_1d(x, 8, 1, 5)
    assert y.array.tolist() == [[[1, 1, 1, 1]]]
    assert gradient(y, x).tolist() == [[[0.5]]]


def test_one_window_over_all_is_the_maximum_and_the_mean():
    x = np.random.default_rng(0).standard_normal((2, 3, 7, 5))
    np.testing.assert_array_equal(F.max_pooling_2d(x, (7, 5)).array, x.max((2, 3), keepdims=True))
    np.testing.assert_allclose(F.average_pooling_2d(x, (7, 5)).array, x.mean((2, 3), keepdims=True))


# Padding


def test_padding_counts_in_the_mean_unless_it_is_told_not_to():
    x = np.ones((1, 1, 4, 4))
    y = F.average_pooling_2d(x, 3, stride=1, pad=1).array[0, 0]
    np.testing.assert_allclose([y[0, 0], y[0, 1], y[1, 1]], [4 / 9, 6 / 9, 1])
    np.testing.assert_allclose(F.average_pooling_nd(x, 3, 1, 1, pad_value=0).array[0, 0], y)
    np.testing.assert_allclose(F.average_pooling_nd(x, 3, 1, 1, pad_value=None).array, x)


def test_padding_is_never_the_maximum():
    x = Variable(-1 - np.arange(4.0).reshape(1, 1, 2, 2))
    y = F.max_pooling_2d(x, 2, stride=1, pad=1)
    assert y.array.tolist() == [[[[-1, -1, -2], [-1, -1, -2], [-3, -3, -4]]]]
    assert gradient(y, x).tolist() == [[[[4, 2], [2, 1]]]]


def test_even_where_all_elements_are_minus_infinity():
    x = Variable(np.full((1, 1, 2, 2), -np.inf))
    y, index = F.max_pooling_2d(x, 2, stride=1, pad=1, return_indices=True)
    assert (y.array == -np.inf).all()
    assert index.tolist() == [[[[3, 2, 2], [1, 0, 0], [1, 0, 0]]]]
    assert gradient(y, x).tolist() == [[[[4, 2], [2, 1]]]]


@pytest.mark.parametrize(
    ("size", "arguments"), [(4, (1, 2)), (5, (2, 2, 1)), (4, (2, 2, 2)), (4, (2, 3, 3)), (3, (2, 5, 1))]
)
def test_a_window_of_padding_alone_has_no_maximum(size, arguments):
    with pytest.raises(ShapeError, match=r"max_pooling_1d: a window of .* nothing but padding"):
        F.max_pooling_1d(np.ones((1, 1, size)), *arguments)


def test_windows_that_would_start_beyond_the_end_are_left_out_without_cover_all():
    x = np.arange(4.0).reshape(1, 1, 4)
    assert F.max_pooling_1d(x, 1, 2, cover_all=False).array.tolist() == [[[0, 2]]]
    assert F.max_pooling_1d(np.ones((1, 1, 5)), 2, 2, 1, cover_all=False).shape == (1, 1, 3)


def test_the_mean_of_padding_alone_is_0_if_padding_counts():
    assert F.average_pooling_1d(np.ones((1, 1, 2)), 1, 1, 1).array.tolist() == [[[0, 1, 1, 0]]]
    with pytest.raises(ShapeError, match=r"nothing but padding.*Give less padding"):
        F.average_pooling_1d(np.ones((1, 1, 2)), 1, 1, 1, pad_value=None)


# Ties and NaN


def test_the_first_of_equal_elements_gets_the_gradient():
    x = Variable(image([0, 2, 1, 1], [2, 2, 1, 1]))
    y, index = F.max_pooling_2d(x, 2, return_indices=True)
    assert index.tolist() == [[[[1, 0]]]]
    assert gradient(y, x, [5, 7]).tolist() == [[[[0, 5, 7, 0], [0, 0, 0, 0]]]]


@pytest.mark.parametrize("pool", LINES)
def test_a_nan_makes_its_windows_nan_and_no_others(pool):
    x = np.array([[[1, np.nan, np.nan, 5, 9, np.inf, 2, 3]]])
    v = Variable(x)
    y, index = pool(v, 2, return_indices=True)
    np.testing.assert_array_equal(y.array, [[[np.nan, np.nan, np.inf, 3]]])
    np.testing.assert_array_equal(pool(x, 2).array, y.array)
    assert index.tolist() == [[[1, 0, 1, 1]]]
    assert gradient(y, v).tolist() == [[[0, 1, 1, 0, 0, 1, 0, 1]]]
    np.testing.assert_array_equal(F.average_pooling_1d(x, 2).array, [[[np.nan, np.nan, np.inf, 2.5]]])


@pytest.mark.parametrize("pool", LINES)
def test_the_indices_do_not_depend_on_whether_a_graph_is_recorded(pool):
    x = np.random.default_rng(0).standard_normal((2, 3, 11)).astype("f")
    y, index = pool(x, 3, 2, 1, return_indices=True)
    again, recorded = pool(Variable(x), 3, 2, 1, return_indices=True)
    np.testing.assert_array_equal(y.array, again.array)
    np.testing.assert_array_equal(index, recorded)
    assert type(index) is np.ndarray
    assert index.dtype == "int32"


def test_max_pooling_keeps_its_indices_and_nothing_else():
    kept = []
    with chainette.retention(
        lambda array: (kept.append((array.shape, str(array.dtype))), array)[1], lambda array: array
    ):
        F.max_pooling_2d(Variable(np.ones((1, 2, 6, 6))), 3, 2)
        F.average_pooling_2d(Variable(np.ones((1, 2, 6, 6))), 3, 2)
    assert kept == [((1, 2, 3, 3), "uint8")]


# Gradients


@pytest.mark.parametrize("pool", LINES)
def test_gradients_of_any_order_reach_the_maximum(pool):
    x = Variable(np.array([[[1.0, 3.0, 2.0]]]))
    y = pool(x, 3) ** 4
    for expected in (4 * 27, 12 * 9, 24 * 3, 24):
        (y,) = chainette.grad([y], [x], enable_double_backprop=True)
        assert y.array.tolist() == [[[0, expected, 0]]]


@pytest.mark.parametrize("pool", LINES)
def test_gradients_flow_through_what_a_gradient_is_multiplied_by(pool):
    """With m = max(x): the gradient of m^3, times x^2, is 3 m^4 at the maximum."""
    x = Variable(np.array([[[1.0, 2.0, -1.0]]]))
    (gx,) = chainette.grad([pool(x, 3) ** 3], [x], enable_double_backprop=True)
    y = F.sum(gx * x**2)
    for expected in (12 * 8, 36 * 4, 72 * 2):
        (gx,) = chainette.grad([y], [x], enable_double_backprop=True)
        assert gx.array.tolist() == [[[0, expected, 0]]]
        y = F.sum(gx)


axes = st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4), st.integers(0, 3))


@settings(deadline=None)
@given(st.lists(axes, min_size=1, max_size=3), st.sampled_from([0, None]))
def test_averaging_and_its_gradient_are_adjoint(chosen, pad_value):
    size, ksize, stride, pad = zip(*chosen, strict=True)
    generator = np.random.default_rng(0)
    x = Variable(generator.standard_normal((2, 1, *size)))
    try:
        y = F.average_pooling_nd(x, ksize, stride, pad, pad_value=pad_value)
    except ShapeError:
        return
    gy = generator.standard_normal(y.shape)
    np.testing.assert_allclose((gradient(y, x, gy) * x.array).sum(), (gy * y.array).sum(), atol=1e-10)


@settings(deadline=None)
@given(st.lists(axes, min_size=1, max_size=3), st.booleans())
def test_unpooling_is_the_gradient_of_sums_and_upsampling_that_of_max_pooling(chosen, cover_all):
    size, ksize, stride, pad = zip(*chosen, strict=True)
    generator = np.random.default_rng(0)
    x = Variable(generator.standard_normal((1, 2, *size)))
    try:
        y, index = F.max_pooling_nd(x, ksize, stride, pad, cover_all, return_indices=True)
    except ShapeError:
        return
    v = Variable(generator.standard_normal(y.shape))
    spread = F.unpooling_nd(v, ksize, stride, pad, outsize=size, cover_all=cover_all)
    sums = gradient(spread, v, x.array)
    np.testing.assert_allclose((spread.array * x.array).sum(), (sums * v.array).sum(), atol=1e-10)
    if len(size) == 2:
        put = F.upsampling_2d(v, index, ksize, stride, pad, outsize=size, cover_all=cover_all)
        np.testing.assert_allclose(put.array, gradient(y, x, v.array), atol=1e-12)
        np.testing.assert_allclose((put.array * x.array).sum(), (v.array * y.array).sum(), atol=1e-10)


def test_upsampling_puts_the_maxima_back_in_their_places():
    x = np.random.default_rng(0).permutation(60).reshape(1, 3, 4, 5) + 1.0
    y, index = F.max_pooling_2d(x, 2, return_indices=True)
    back = F.upsampling_2d(y, index, 2, outsize=(4, 5)).array
    assert set(back[back > 0]) == set(y.array.ravel())
    np.testing.assert_array_equal(back[back > 0], x[back > 0])
    again, same = F.max_pooling_2d(back, 2, return_indices=True)
    np.testing.assert_array_equal(again.array, y.array)
    np.testing.assert_array_equal(same, index)


def test_what_upsampling_would_put_outside_is_lost():
    x = Variable(np.arange(1.0, 5).reshape(1, 1, 2, 2))
    y = F.upsampling_2d(x, image([0, 3], [3, 0], dtype="i"), 2, pad=1, cover_all=False)
    assert y.array.tolist() == [[[[0, 0], [0, 4]]]]
    assert gradient(y, x).tolist() == [[[[0, 0], [0, 1]]]]


# float16


def test_float16_adds_up_in_float32():
    assert F.average_pooling_1d(np.full((1, 1, 4), 60000, "e"), 4).array.item() == 60000
    halves = np.full((1, 1, 4097), 0.5, "e")
    assert F.unpooling_1d(halves, 4096, 1, cover_all=False).array[0, 0, 4096] == 2048
    x = Variable(np.zeros((1, 1, 8191), "e"))
    x.array[0, 0, 4095] = 1
    assert gradient(F.max_pooling_1d(x, 4096, 1), x, np.full(4096, 0.5))[0, 0, 4095] == 2048
    x = Variable(np.ones((1, 1, 1, 1), "e"))
    y = F.roi_pooling_2d(x, np.zeros((4096, 5)), 1, 1, 1.0)
    assert gradient(y, x, np.full(4096, 0.5)).item() == 2048


# Pyramids


def test_a_pyramid_has_one_size_for_images_of_any():
    for height, width in ((4, 4), (7, 12), (16, 3 * 4), (31, 9)):
        assert F.spatial_pyramid_pooling_2d(np.ones((2, 5, height, width)), 3).shape == (2, 5 * 21, 1, 1)


def test_a_pyramid_goes_level_by_level_and_in_each_channel_by_channel():
    x = np.array([[[[1.0, 2.0], [3.0, 4.0]], [[8.0, 7.0], [6.0, 5.0]]]])
    assert F.spatial_pyramid_pooling_2d(x, 2).array.ravel().tolist() == [4, 8, 1, 2, 3, 4, 8, 7, 6, 5]


# Regions


def test_corners_are_scaled_and_rounded_with_halves_to_the_even_number():
    x = np.arange(36.0).reshape(1, 1, 6, 6)
    for corners, corner in (((1, 3, 5, 7), 26), ((1.2, 3.1, 2.8, 6.4), 19), ((1, 1, 1, 1), 0), ((3, 3, 3, 3), 14)):
        y = F.roi_pooling_2d(x, np.array([[0, *corners]]), 1, 1, 0.5)
        assert y.array.item() == corner, corners


def test_bins_outside_of_the_image_give_0_and_take_no_gradient():
    x = Variable(-1 - np.arange(4.0).reshape(1, 1, 2, 2))
    y = F.roi_pooling_2d(x, np.array([[0, 1, 1, 2, 2]]), 2, 2, 1.0)
    assert y.array.tolist() == [[[[-4, 0], [0, 0]]]]
    assert gradient(y, x, [3, np.nan, np.nan, np.nan]).tolist() == [[[[0, 0], [0, 3]]]]


def test_regions_that_overlap_add_their_gradients_up_in_their_own_image():
    x = Variable(np.arange(8.0).reshape(2, 1, 2, 2))
    y = F.roi_pooling_2d(x, np.array([[1, 0, 0, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0]], "e"), 1, 1, 1.0)
    assert y.array.ravel().tolist() == [7, 7, 0]
    assert gradient(y, x, [2, 3, 5]).ravel().tolist() == [5, 0, 0, 0, 0, 0, 0, 5]


def test_equal_elements_of_a_region_give_their_gradient_to_the_first_and_nan_is_largest():
    x = Variable(image([1, 2, 2], [2, 2, np.nan]))
    y = F.roi_pooling_2d(x, np.array([[0, 0, 0, 1, 1], [0, 1, 0, 2, 1]]), 1, 1, 1)
    np.testing.assert_array_equal(y.array.ravel(), [2, np.nan])
    assert gradient(y, x, [3, 5]).tolist() == [[[[0, 3, 0], [0, 0, 5]]]]


def test_no_regions_give_an_empty_result_and_a_gradient_of_zeros():
    for batch in (2, 0):
        x = Variable(np.ones((batch, 3, 4, 4), "f"))
        y = F.roi_pooling_2d(x, np.zeros((0, 5), "f"), 2, 3, 1.0)
        assert y.shape == (0, 3, 2, 3)
        assert (gradient(y, x) == 0).all()
        assert x.grad.shape == x.shape
