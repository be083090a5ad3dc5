"""Padding, resizing, scattering and the like at their edges."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Parameter, Variable

FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def gradient(function, x, gy=None):
    x = Variable(x)
    y = function(x)
    y.grad = np.ones(y.shape, y.dtype) if gy is None else gy
    y.backward()
    return y.array, x.grad


# depth2space, space2depth


def test_channels_are_spread_in_the_order_of_chainer_s_documentation():
    X = np.arange(24, dtype="f").reshape(1, 4, 2, 3)
    spread = [[0, 6, 1, 7, 2, 8], [12, 18, 13, 19, 14, 20], [3, 9, 4, 10, 5, 11], [15, 21, 16, 22, 17, 23]]
    assert F.depth2space(X, 2).array.tolist() == [[spread]]
    assert F.space2depth(np.array([[spread]], "f"), 2).array.tolist() == X.tolist()


@pytest.mark.parametrize("r", [1, 2, 3, np.int64(3)])
def test_space2depth_undoes_depth2space(r):
    X = np.random.default_rng(0).standard_normal((2, 5 * r * r, 2, 3))
    Y = F.depth2space(X, r)
    assert Y.shape == (2, 5, 2 * r, 3 * r)
    np.testing.assert_array_equal(F.space2depth(Y, r).array, X)


def test_groups_of_channels_are_r_times_r_apart_by_the_number_of_results():
    X = np.arange(8.0).reshape(1, 8, 1, 1)  # two channels come out: 0 2 / 4 6 and 1 3 / 5 7
    assert F.depth2space(X, 2).array.tolist() == [[[[0, 2], [4, 6]], [[1, 3], [5, 7]]]]


# pad


@pytest.mark.parametrize("dtype", ["int32", "bool", "float16"])
@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
def test_padding_keeps_any_dtype(mode, dtype):
    x = np.array([[1, 0, 1], [0, 0, 1]], dtype)
    y = F.pad(x, ((1, 1), (2, 4)), mode).array
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.pad(x, ((1, 1), (2, 4)), mode))


@pytest.mark.parametrize(
    "width", [1, (2,), (1, 2), [(1, 2)], ((1, 2), (3, 0)), ((1,), (2,)), np.array([[0, 1], [2, 3]])]
)
def test_widths_are_given_as_numpy_takes_them(width):
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(F.pad(x, width, "constant").array, np.pad(x, width))
    np.testing.assert_array_equal(F.pad(x, width, "edge").array, np.pad(x, width, "edge"))


def test_each_side_has_a_value_of_its_own_and_corners_take_that_of_the_last_axis():
    x, values = np.zeros((1, 2)), ((1, 2), (3, 4))
    expected = np.pad(x, 1, constant_values=values)
    np.testing.assert_array_equal(F.pad(x, 1, "constant", constant_values=values).array, expected)


def test_nothing_to_pad():
    assert F.pad(np.array(3.0), 2, "constant").array == 3
    assert F.pad(np.ones((0, 2)), ((0, 0), (1, 1)), "edge").shape == (0, 4)
    assert F.pad(np.ones((0, 2)), 1, "constant").shape == (2, 4)
    assert F.pad(np.ones((2, 1)), 2, "reflect").array.tolist() == np.ones((6, 5)).tolist()


def test_many_copies_of_an_edge_in_float16_gather_their_gradients_in_float32():
    _, gx = gradient(lambda x: F.pad(x, (0, 4095), "edge"), np.ones(1, "e"), np.full(4096, 0.5, "e"))
    assert gx.tolist() == [2048]
    assert gx.dtype == np.float16


# scatter_add


@pytest.mark.parametrize(
    ("index", "shape"),
    [
        (1, (4,)),
        (-1, (4,)),
        (np.s_[1:], (2, 4)),
        (np.s_[::-2, None], (2, 1, 4)),
        (np.s_[..., 0], (3,)),
        (np.array([0, 2, 0]), (3, 4)),
        ([0, 2, 0], (3, 4)),
        (np.s_[[0, 0], [1, 1]], (2,)),
        (np.s_[[[0], [2]], [1, 1, 3]], (2, 3)),
        (np.array([True, False, True]), (2, 4)),
        (np.tri(3, 4, dtype="?"), (6,)),
        (np.s_[[0, 0], ..., None], (2, 4, 1)),
        (np.array([], "i"), (0, 4)),
    ],
)
def test_every_kind_of_index_adds_up(index, shape):
    a, b = Variable(np.ones((3, 4))), Variable(np.random.default_rng(0).standard_normal(shape))
    y = F.scatter_add(a, index, b)
    expected = a.array.copy()
    np.add.at(expected, index, b.array)
    np.testing.assert_allclose(y.array, expected)
    y.grad = np.random.default_rng(1).standard_normal((3, 4))
    y.backward()
    np.testing.assert_array_equal(a.grad, y.grad)
    np.testing.assert_array_equal(b.grad, y.grad[index])
    assert (a.array == 1).all()


def test_scatter_add_broadcasts_what_is_added_and_keeps_the_dtype_of_the_first():
    assert F.scatter_add(np.zeros(3, "f"), [0, 0], 2.0).array.tolist() == [4, 0, 0]
    y = F.scatter_add(np.zeros(3, "f"), [0, 0], np.ones(2))
    assert y.dtype == np.float32
    assert F.scatter_add(np.zeros(2, "i8"), 0, np.array(3, "i4")).array.tolist() == [3, 0]
    b = Variable(np.ones(1))
    y = F.scatter_add(np.zeros((2, 3)), np.s_[:, [0, 1]], b)
    y.grad = np.ones((2, 3))
    y.backward()
    assert b.grad.tolist() == [4]


def test_scatter_add_of_float16_adds_up_in_float32():
    y = F.scatter_add(np.zeros(2, "e"), np.zeros(4096, "i"), np.full(4096, 0.5, "e"))
    assert y.array.tolist() == [2048, 0]
    assert y.dtype == np.float16
    y = F.scatter_add(np.array([60000.0], "e"), [0, 0], np.array([60000.0, -60000.0], "e"))
    assert y.array.tolist() == [60000]


# one_hot


@pytest.mark.parametrize("dtype", INTEGERS)
def test_labels_of_any_integer_dtype(dtype):
    assert F.one_hot(np.array([2, 0], dtype), 3).array.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert F.one_hot(np.array([2, 0], dtype), 3, ignore_label=-1).array.tolist() == [[0, 0, 1], [1, 0, 0]]


def test_one_hot_has_the_dtype_that_is_set_or_given():
    t = np.array([1])
    assert F.one_hot(t, 2).dtype == np.float32
    with chainette.using_config("dtype", np.float16):
        assert F.one_hot(t, 2).dtype == np.float16
    assert F.one_hot(t, 2, bool).array.tolist() == [[False, True]]
    assert F.one_hot(t, 2, "i8").array.tolist() == [[0, 1]]


def test_an_ignored_label_may_also_be_one_of_the_classes():
    assert F.one_hot(np.array([0, 1]), 2, ignore_label=0).array.tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(("axis", "shape"), [(0, (4, 2, 3)), (1, (2, 4, 3)), (2, (2, 3, 4)), (-3, (4, 2, 3))])
def test_the_vectors_lie_along_the_axis(axis, shape):
    y = F.one_hot(np.ones((2, 3), "i"), 4, axis=axis)
    assert y.shape == shape
    assert (np.moveaxis(y.array, axis, -1) == [0, 1, 0, 0]).all()


def test_one_hot_of_one_label_and_of_none():
    assert F.one_hot(np.array(1), 3).array.tolist() == [0, 1, 0]
    assert F.one_hot(np.zeros((0, 2), "i"), 3).shape == (0, 2, 3)


# resize_images


def test_the_size_that_is_there_already_gives_the_very_same_variable():
    x = Variable(np.ones((1, 1, 2, 3)))
    assert F.resize_images(x, (2, 3)) is F.resize_images(x, np.array([2, 3]), mode="nearest") is x


@pytest.mark.parametrize(("align", "expected"), [(True, [0, 2 / 3, 4 / 3, 2]), (False, [0, 0.5, 1.5, 2])])
def test_corners_are_aligned_by_their_centres_or_their_edges(align, expected):
    y = F.resize_images(np.array([[[[0.0, 2.0]]]]), (1, 4), align_corners=align)
    np.testing.assert_allclose(y.array[0, 0, 0], expected, rtol=1e-15)


def test_one_pixel_is_the_first_one_where_corners_are_aligned_and_else_the_middle():
    x = np.arange(9.0).reshape(1, 1, 3, 3)
    assert F.resize_images(x, (1, 1)).item() == 0
    assert F.resize_images(x, (1, 1), align_corners=False).item() == 4
    assert F.resize_images(x[..., :1, :1], (2, 3)).array.tolist() == [[[[0, 0, 0], [0, 0, 0]]]]


def test_the_nearest_pixel_is_found_without_rounding_errors():
    for old, new in ((3, 10), (49, 7), (7, 49), (10, 3), (93, 31)):
        x = np.arange(float(old)).reshape(1, 1, 1, old)
        y = F.resize_images(x, (1, new), mode="nearest").array.ravel()
        assert y.tolist() == [i * old // new for i in range(new)]


@pytest.mark.parametrize(("mode", "spoilt"), [("bilinear", [3, 4, 5]), ("nearest", [4, 5])])
def test_an_infinite_pixel_spoils_only_what_it_is_mixed_into(mode, spoilt):
    x = np.zeros((1, 1, 1, 5))
    x[..., 2] = np.inf
    y = F.resize_images(x, (1, 9), mode=mode).array.ravel()
    assert y.tolist() == [np.inf if i in spoilt else 0 for i in range(9)]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("align", [True, False])
def test_what_is_linear_stays_linear_and_the_gradient_sums_to_the_pixels(dtype, align):
    x = np.full((1, 1, 40, 30), 3.0, dtype)
    y, gx = gradient(lambda x: F.resize_images(x, (90, 70), align_corners=align), x)
    np.testing.assert_allclose(y, 3, rtol=1e-3 if dtype == "float16" else 1e-6)
    assert y.dtype == gx.dtype == dtype
    np.testing.assert_allclose(gx.sum(dtype="d"), 90 * 70, rtol=1e-3)


# bilinear


def test_float16_products_that_overflow_on_the_way_do_not_spoil_the_sum():
    e1, e2 = np.full((1, 2), 300, "e"), np.full((1, 1), 300, "e")
    y = F.bilinear(e1, e2, np.array([[[1.0]], [[-0.9995]]], "e"))
    assert y.dtype == np.float16
    np.testing.assert_allclose(y.array, [[90000 * (1 - float(np.float16(0.9995)))]], rtol=1e-3)


def test_bilinear_takes_batches_of_numbers_and_of_nothing():
    W = np.full((1, 1, 2), 2.0)
    assert F.bilinear(np.array([1.0, 2.0]), np.array([3.0, 4.0]), W).array.tolist() == [[6, 6], [16, 16]]
    assert F.bilinear(np.ones((2, 0)), np.ones((2, 3)), np.ones((0, 3, 4))).array.tolist() == np.zeros((2, 4)).tolist()


def test_bilinear_gives_gradients_to_every_argument():
    e1, e2 = Variable(np.ones((2, 3))), Variable(np.ones((2, 4)))
    weights = [Parameter(np.ones(shape)) for shape in ((3, 4, 5), (3, 5), (4, 5), (5,))]
    F.sum(F.bilinear(e1, e2, *weights)).backward()
    assert e1.grad.tolist() == np.full((2, 3), 4 * 5 + 5).tolist()
    assert e2.grad.tolist() == np.full((2, 4), 3 * 5 + 5).tolist()
    assert [x.grad.ravel()[0] for x in weights] == [2, 2, 2, 2]
