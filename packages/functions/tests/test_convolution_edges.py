"""Convolutions where a row cannot say it: laws over all geometries, known results, float16, kernels, what is kept."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette_functions as F
from chainette import Variable
from chainette.backprop import grad
from chainette.errors import ArgumentError, ShapeError
from chainette.hooks import hookimpl
from chainette.kernels import Kernel
from chainette.testing import isolated_plugins
from chainette_functions.connection.convolution_nd import ConvolutionND, ConvolutionNDGradW, DeconvolutionND
from chainette_functions.windows import gather, geometry, scatter

PAIRS = [
    (F.convolution_1d, F.deconvolution_1d, 1),
    (F.convolution_2d, F.deconvolution_2d, 2),
    (F.convolution_3d, F.deconvolution_3d, 3),
    (F.convolution_nd, F.deconvolution_nd, 2),
]


def full(value, shape, ndim, dtype="d"):
    """An array of that shape, with as many axes of size 1 put behind the first two as make ``ndim`` spatial ones."""
    return np.full((*shape[:2], *[1] * (ndim + 2 - len(shape)), *shape[2:]), value, dtype)


# Laws


@st.composite
def problems(draw, ndim=None):
    """x, W and the other arguments of a convolution, of 1 to 3 spatial axes, with any geometry that has a window."""
    ndim, groups = ndim or draw(st.integers(1, 3)), draw(st.integers(1, 2))
    axis = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2))
    window, stride, pad, dilate = zip(*(draw(axis) for _ in range(ndim)), strict=True)
    reach = [(k - 1) * d + 1 - 2 * p for k, d, p in zip(window, dilate, pad, strict=True)]
    size = [max(least, 1) + draw(st.integers(0, 3)) for least in reach]
    counts = st.integers(1, 2)
    x = (draw(counts), groups * draw(counts), *size)
    W = (groups * draw(counts), x[1] // groups, *window)
    generator = np.random.default_rng(draw(st.integers(0, 9)))
    arguments = {"stride": stride, "pad": pad, "dilate": dilate, "groups": groups}
    return generator.standard_normal(x), generator.standard_normal(W), arguments


@settings(deadline=None)
@given(problems())
def test_deconvolution_is_the_transpose_of_convolution(problem):
    x, W, arguments = problem
    y = F.convolution_nd(x, W, **arguments).array
    gy = np.random.default_rng(0).standard_normal(y.shape)
    gx = F.deconvolution_nd(gy, W, outsize=x.shape[2:], **arguments).array
    np.testing.assert_allclose((y * gy).sum(), (x * gx).sum(), atol=1e-10)


@settings(deadline=None)
@given(problems(), st.booleans())
def test_one_number_comes_of_x_and_W_and_gy_from_whichever_side_it_is_computed(problem, cover_all):
    x, W, arguments = problem
    x, W = Variable(x), Variable(W)
    y = F.convolution_nd(x, W, cover_all=cover_all, **arguments)
    y.grad = np.random.default_rng(0).standard_normal(y.shape)
    y.backward()
    for each in (x, W):
        np.testing.assert_allclose((each.array * each.grad).sum(), (y.array * y.grad).sum(), atol=1e-10)


@settings(deadline=None)
@given(problems(), st.floats(-3, 3))
def test_convolution_is_linear_in_x_and_in_W(problem, factor):
    x, W, arguments = problem

    def convolution(x, W):
        return F.convolution_nd(x, W, **arguments).array

    other_x, other_W = np.roll(x, 1), np.roll(W, 1)
    expected = convolution(x, W) + factor * convolution(other_x, W)
    np.testing.assert_allclose(convolution(x + factor * other_x, W), expected, atol=1e-10)
    expected = convolution(x, W) + factor * convolution(x, other_W)
    np.testing.assert_allclose(convolution(x, W + factor * other_W), expected, atol=1e-10)


@settings(deadline=None)
@given(problems())
def test_groups_are_convolutions_side_by_side(problem):
    x, W, arguments = problem
    groups = arguments.pop("groups")
    parts = [
        F.convolution_nd(x_part, W_part, **arguments).array
        for x_part, W_part in zip(np.split(x, groups, 1), np.split(W, groups, 0), strict=True)
    ]
    y = F.convolution_nd(x, W, groups=groups, **arguments).array
    np.testing.assert_allclose(y, np.concatenate(parts, 1), atol=1e-12)


@settings(deadline=None)
@given(problems(), st.data())
def test_outsize_may_be_any_size_from_which_the_convolution_leads_back(problem, data):
    x, W, arguments = problem
    out = F.convolution_nd(x, W, **arguments).shape[2:]
    stride = arguments["stride"]
    size = tuple(n + data.draw(st.integers(-s, s)) for n, s in zip(x.shape[2:], stride, strict=True))
    gy = np.ones((1, len(W), *out))
    try:
        leads_back = F.convolution_nd(np.ones((1, x.shape[1], *size)), W, **arguments).shape[2:] == out
    except (ShapeError, ValueError):  # no window fits, or a size is negative
        leads_back = False
    if leads_back and min(size) > 0:
        assert F.deconvolution_nd(gy, W, outsize=size, **arguments).shape[2:] == size
    else:
        with pytest.raises(ArgumentError, match="outsize="):
            F.deconvolution_nd(gy, W, outsize=size, **arguments)


@settings(deadline=None)
@given(problems(ndim=2), st.booleans())
def test_im2col_turns_a_convolution_into_a_matrix_product(problem, cover_all):
    x, W, arguments = problem
    groups = arguments.pop("groups")
    columns = F.im2col(x, W.shape[2:], **arguments, cover_all=cover_all).array
    columns = columns.reshape(len(x), groups, -1, *columns.shape[2:])
    y = np.einsum("gok,ngkij->ngoij", W.reshape(groups, -1, columns.shape[2]), columns)
    expected = F.convolution_2d(x, W, **arguments, cover_all=cover_all, groups=groups).array
    np.testing.assert_allclose(y.reshape(expected.shape), expected, atol=1e-12)


@settings(deadline=None)
@given(problems(), st.booleans())
def test_scatter_is_the_transpose_of_gather(problem, cover_all):
    x, W, arguments = problem
    del arguments["groups"]
    g = geometry("here", x.shape[2:], W.shape[2:], **arguments, cover_all=cover_all)
    windows = gather(np, x, g)
    assert windows.shape == (*x.shape[:2], *g.ksize, *g.out)
    other = np.random.default_rng(0).standard_normal(windows.shape)
    np.testing.assert_allclose((windows * other).sum(), (x * scatter(np, other, g)).sum(), atol=1e-10)


@pytest.mark.parametrize(("convolution", "deconvolution", "ndim"), PAIRS)
def test_gradients_of_gradients_of_gradients_are_the_three_functions_again(convolution, deconvolution, ndim):
    generator = np.random.default_rng(0)
    shapes = [full(0, shape, ndim).shape for shape in ((2, 2, 5), (4, 1, 3), (2, 4, 3))]
    arguments = {"stride": 2, "pad": (*[0] * (ndim - 1), 1), "groups": 2}
    for function, (x_shape, W_shape, y_shape) in (
        (convolution, shapes),
        (deconvolution, (shapes[2], shapes[1], shapes[0])),
    ):
        x, W, u, v, gy = (
            Variable(generator.standard_normal(shape)) for shape in (x_shape, W_shape, x_shape, W_shape, y_shape)
        )
        (gx,) = grad([function(x, W, **arguments)], [x], [gy], enable_double_backprop=True)
        (gW,) = grad([gx], [W], [u], enable_double_backprop=True)
        (gu,) = grad([gW], [u], [v], enable_double_backprop=True)
        (ggy,) = grad([gu], [gy], [x], enable_double_backprop=True)
        np.testing.assert_allclose(ggy.array, function(x, v, **arguments).array)
        np.testing.assert_allclose((gW.array * v.array).sum(), (gu.array * u.array).sum())


# Known results


def test_a_window_that_picks_its_center_gives_x_back():
    x = np.random.default_rng(0).standard_normal((2, 1, 4, 5))
    W = np.zeros((1, 1, 3, 5))
    W[0, 0, 1, 2] = 1
    np.testing.assert_array_equal(F.convolution_2d(x, W, pad=(1, 2)).array, x)
    np.testing.assert_array_equal(F.deconvolution_2d(x, W, pad=(1, 2)).array, x)


def test_the_window_is_not_flipped_but_that_of_deconvolution_is():
    x, W = np.array([1.0, 2.0, 0.0, 5.0]), np.array([1.0, 10.0, 100.0])
    convolved = F.convolution_1d(x.reshape(1, 1, 4), W.reshape(1, 1, 3)).array
    np.testing.assert_array_equal(convolved.ravel(), np.correlate(x, W, "valid"))
    deconvolved = F.deconvolution_1d(x.reshape(1, 1, 4), W.reshape(1, 1, 3)).array
    np.testing.assert_array_equal(deconvolved.ravel(), np.convolve(x, W, "full"))


def test_ones_count_what_each_window_sees_of_x():
    y = F.convolution_2d(np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3)), pad=1).array
    assert y[0, 0].tolist() == [[4, 6, 4], [6, 9, 6], [4, 6, 4]]


def test_cover_all_adds_a_window_that_reaches_beyond_x():
    x, W = np.ones((1, 1, 6, 6)), np.ones((1, 1, 3, 3))
    assert F.convolution_2d(x, W, stride=2).array[0, 0].tolist() == [[9, 9], [9, 9]]
    assert F.convolution_2d(x, W, stride=2, cover_all=True).array[0, 0].tolist() == [[9, 9, 6], [9, 9, 6], [6, 6, 4]]


def test_a_window_as_large_as_x_is_a_linear_transformation():
    generator = np.random.default_rng(0)
    x, W, b = (generator.standard_normal(shape) for shape in ((2, 3, 4, 5), (6, 3, 4, 5), (6,)))
    y = F.convolution_2d(x, W, b)
    np.testing.assert_allclose(y.array[:, :, 0, 0], F.linear(x, W.reshape(6, 60), b).array)


def test_im2col_lays_out_channel_by_channel_and_row_by_row():
    x = np.arange(12).reshape(1, 2, 2, 3)
    columns = F.im2col(x, (2, 1)).array
    assert columns[0, :, 0, 0].tolist() == [0, 3, 6, 9]
    assert columns.dtype == x.dtype


def test_depthwise_channels_follow_the_channels_of_x():
    x, W = np.array([1.0, 10.0]).reshape(1, 2, 1, 1), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).reshape(3, 2, 1, 1)
    y = F.depthwise_convolution_2d(x, W, np.arange(6) / 8)
    assert y.array.ravel().tolist() == [1, 3.125, 5.25, 20.375, 40.5, 60.625]


# Sizes and numbers at the edge


@pytest.mark.parametrize("stride", [2, (2, 2), [2, 2], np.int64(2), np.array([2, 2])])
def test_numbers_may_be_given_one_for_all_axes_or_one_for_each(stride):
    assert F.convolution_2d(np.ones((1, 1, 5, 5)), np.ones((1, 1, 1, 1)), stride=stride).shape == (1, 1, 3, 3)
    assert F.convolution_2d(np.ones((1, 2, 1, 1)), np.ones((2, 1, 1, 1)), groups=np.int64(2)).shape == (1, 2, 1, 1)


@pytest.mark.parametrize(("convolution", "deconvolution", "ndim"), PAIRS)
@pytest.mark.parametrize("wrong", [{"stride": 0}, {"dilate": 0}, {"pad": -1}, {"outsize": 0}, {"stride": (1, 1, 1, 1)}])
def test_numbers_out_of_range_are_told(convolution, deconvolution, ndim, wrong):
    for function in (convolution, deconvolution) if "outsize" not in wrong else (deconvolution,):
        with pytest.raises(ArgumentError, match=f"{function.__name__}: {next(iter(wrong))}="):
            function(full(1, (1, 1, 4), ndim), full(1, (1, 1, 1), ndim), **wrong)


@pytest.mark.parametrize("function", [F.convolution_2d, F.deconvolution_2d])
@pytest.mark.parametrize(("ins", "outs"), [(0, 2), (2, 0), (0, 0)])
def test_no_channels_at_all_go_forward_and_backward(function, ins, outs):
    W_shape = (outs, ins, 2, 2) if function is F.convolution_2d else (ins, outs, 2, 2)
    x, W, b = (Variable(np.ones(shape)) for shape in ((3, ins, 4, 4), W_shape, (outs,)))
    y = function(x, W, b)
    y.grad = np.ones(y.shape)
    y.backward()
    assert y.shape[:2] == (3, outs)
    assert (y.array == 1).all()
    assert [each.grad.shape for each in (x, W, b)] == [x.shape, W.shape, b.shape]
    assert not x.grad.any()
    assert not W.grad.any()


def test_an_image_without_pixels_is_padding_alone():
    x = Variable(np.ones((2, 1, 0, 3)))
    y = F.convolution_2d(x, np.ones((1, 1, 2, 2)), np.ones(1), pad=1)
    assert y.array.tolist() == np.ones((2, 1, 1, 4)).tolist()
    y.grad = np.ones(y.shape)
    y.backward()
    assert x.grad.shape == x.shape


@pytest.mark.parametrize(("convolution", "deconvolution", "ndim"), PAIRS)
def test_float16_is_accumulated_in_float32(convolution, deconvolution, ndim):
    many, one, tiny = 4096, np.float16(1), np.float16(2**-11)  # which float16 cannot add to 1
    x, W = full(one, (1, many), ndim, "e"), full(tiny, (1, many), ndim, "e")
    assert convolution(x, W).item() == 2
    assert deconvolution(x, W.swapaxes(0, 1)).item() == 2
    for function in (convolution, deconvolution):
        W, b = Variable(full(one, (1, 1), ndim, "e")), Variable(np.zeros(1, "e"))
        y = function(full(one, (many, 1), ndim, "e"), W, b)
        y.grad = full(tiny, y.shape, ndim, "e")
        y.backward()
        assert (W.grad.item(), b.grad.item()) == (2, 2)


@pytest.mark.parametrize(("convolution", "deconvolution", "ndim"), PAIRS)
def test_float16_sums_may_exceed_its_range_on_the_way(convolution, deconvolution, ndim):
    x, W = full(60000, (1, 1, 4), ndim, "e"), full(1, (1, 1, 4), ndim, "e") * np.array([1, 1, -1, -1], "e")
    assert convolution(x, W, np.full(1, 60000, "e")).item() == 60000
    assert convolution(x[..., :2], W[..., :2], np.full(1, -60000, "e")).item() == 60000
    assert deconvolution(x, W, pad=(*[0] * (ndim - 1), 2)).array.ravel().tolist() == [60000, 0, -60000]


def test_float16_overlaps_of_im2col_s_gradient_add_up_in_float32():
    x = Variable(np.ones((1, 1, 1, 4), "e"))
    y = F.im2col(x, (1, 4), pad=(0, 3))
    y.grad = np.array([60000, 60000, -60000, -60000], "e").reshape(1, 4, 1, 1) * np.ones(y.shape, "e")
    y.backward()
    assert (x.grad == 0).all()


# What is kept and what is made


@pytest.mark.parametrize(("convolution", "deconvolution", "ndim"), PAIRS)
def test_results_and_gradients_lie_in_one_piece(convolution, deconvolution, ndim):
    for function in (convolution, deconvolution):
        x, W = Variable(full(1, (3, 4, 5), ndim)), Variable(full(1, (4, 4, 2), ndim))
        y = function(x, W, pad=(*[0] * (ndim - 1), 1), stride=2)
        y.grad = np.ones(y.shape)
        y.backward()
        assert all(each.flags.c_contiguous for each in (y.array, x.grad, W.grad))


@pytest.mark.parametrize(("convolution", "deconvolution", "ndim"), PAIRS)
def test_x_and_W_are_kept_each_for_the_gradient_of_the_other_alone(convolution, deconvolution, ndim):
    x, W = full(1, (2, 2, 3), ndim), full(1, (2, 2, 2), ndim)
    for function in (convolution, deconvolution):
        for first, second in ((Variable(x), Variable(W)), (x, Variable(W)), (Variable(x), W)):
            kept = function(first, second).creator.retained_inputs()
            assert kept[0] is (x if isinstance(second, Variable) else None)
            assert kept[1] is (W if isinstance(first, Variable) else None)
        assert function(x, W, Variable(np.ones(2))).creator.retained_inputs() == (None, None, None)


@pytest.mark.parametrize(("convolution", "deconvolution", "ndim"), PAIRS)
def test_the_bias_belongs_to_the_output_channels(convolution, deconvolution, ndim):
    x, W, b, c = full(0, (2, 3, 4), ndim), full(0, (5, 3, 2), ndim), Variable(np.arange(5.0)), Variable(np.arange(3.0))
    for y, bias in ((convolution(x, W, b), b), (deconvolution(convolution(x, W), W, c), c)):
        assert (y.array == bias.array.reshape(-1, *[1] * ndim)).all()
        y.grad = np.ones(y.shape)
        y.backward()
        assert (bias.grad == y.size / len(bias)).all()
        with pytest.raises(ShapeError, match="b has shape"):
            convolution(x, W, c)
        with pytest.raises(ShapeError, match="b has shape"):
            deconvolution(convolution(x, W), W, b)


def test_one_kernel_serves_the_convolutions_of_all_axes_and_sees_where_the_windows_lie():
    seen = []

    def forward(function, *arrays):
        g = function.geometry
        seen.append((function.name, function.groups, g.size, g.ksize, g.stride, g.pad, g.dilate, g.out, len(arrays)))
        return NotImplemented

    @hookimpl
    def chainette_kernels(backend):
        names = ("convolution_nd", "deconvolution_nd", "convolution_nd_grad_w")
        return [Kernel(name, backend, "watching", forward) for name in names]

    with isolated_plugins(SimpleNamespace(__name__="kernels", chainette_api=1, chainette_kernels=chainette_kernels)):
        x, W, b = Variable(np.ones((1, 2, 5, 6))), Variable(np.ones((4, 1, 2, 3))), np.ones(4)
        y = F.convolution_2d(x, W, b, (2, 1), (1, 0), groups=2)
        F.sum(y).backward()
    windows = (2, (5, 6), (2, 3), (2, 1), (1, 0), (1, 1), (3, 4))
    assert seen == [
        ("convolution_nd", *windows, 3),
        ("deconvolution_nd", *windows, 2),
        ("convolution_nd_grad_w", *windows, 2),
    ]
    assert [each.name for each in (ConvolutionND, DeconvolutionND, ConvolutionNDGradW)] == [row[0] for row in seen]


# Windows


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"ksize": 4}, ShapeError, r"here: windows of \(4, 4\) do not fit into \(3, 5\) \(stride=\(1, 1\)"),
        ({"ksize": (1, 6)}, ShapeError, r"windows of \(1, 6\) do not fit"),
        ({"ksize": 2, "dilate": 3}, ShapeError, r"do not fit .*dilate=\(3, 3\)"),
        ({"ksize": 0}, ArgumentError, "here: ksize=0 .expected 2 numbers of at least 1"),
        ({"ksize": (1, 1, 1)}, ArgumentError, r"ksize=\(1, 1, 1\)"),
        ({"ksize": 1, "stride": 0}, ArgumentError, "stride=0"),
        ({"ksize": 1, "stride": 1.5}, ArgumentError, "stride=1.5"),
        ({"ksize": 1, "stride": (1, "2")}, ArgumentError, "stride="),
        ({"ksize": 1, "stride": None}, ArgumentError, "stride=None"),
        ({"ksize": 1, "pad": (0, -1)}, ArgumentError, r"pad=\(0, -1\) .expected 2 numbers of at least 0"),
        ({"ksize": 1, "dilate": 0}, ArgumentError, "dilate=0"),
    ],
)
def test_windows_that_cannot_be_are_told(arguments, error, says):
    with pytest.raises(error, match=says):
        geometry("here", (3, 5), **arguments)


@pytest.mark.parametrize(
    ("size", "arguments", "pointwise"),
    [
        ((3, 5), {"ksize": 1}, True),
        ((1, 1), {"ksize": 1, "stride": 2}, True),
        ((3, 5), {"ksize": 1, "dilate": 2}, True),
        ((3, 5), {"ksize": (1, 2)}, False),
        ((3, 5), {"ksize": 1, "pad": (1, 0)}, False),
        ((3, 5), {"ksize": 1, "stride": (1, 2)}, False),
        ((2, 2), {"ksize": 1, "stride": 2, "cover_all": True}, False),  # as many windows as elements, elsewhere
        ((5, 5), {"ksize": 3, "pad": 1}, False),
    ],
)
def test_windows_of_single_elements_in_their_places_are_the_array_itself(size, arguments, pointwise):
    g = geometry("here", size, **arguments)
    assert g.pointwise is pointwise
    x = np.random.default_rng(0).standard_normal((2, *size))
    assert np.array_equal(gather(np, x, g).reshape(2, -1), x.reshape(2, -1)) is pointwise
