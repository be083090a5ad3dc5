"""Images sampled between their elements, and the convolution made of it: rows, and what they cannot say."""

import numpy as np
import pytest

import chainette_functions as F
from chainette import Variable
from chainette.testing import Case, FunctionTests, arrays
from chainette.testing.arrays import Recipe


def nearness(position, size):
    """How much each element along an axis counts at each position: 1 on it, 0 from its neighbours on."""
    elements = np.arange(size).reshape(-1, *[1] * (position.ndim - 1))
    return np.maximum(0, 1 - np.abs(position[:, None] - elements))


def sampler(x, grid):
    height, width = x.shape[2:]
    row, column = (grid[:, 1] + 1) / 2 * (height - 1), (grid[:, 0] + 1) / 2 * (width - 1)
    return np.einsum("nchw,nhij,nwij->ncij", x, nearness(row, height), nearness(column, width))


def affine_grid(height, width):
    def reference(theta):
        y = np.zeros((len(theta), 2, height, width))
        for i, j in np.ndindex(height, width):
            right, down = (2 * at / (size - 1) - 1 if size > 1 else -1 for at, size in ((j, width), (i, height)))
            y[:, :, i, j] = theta @ np.array([right, down, 1.0])
        return y

    return reference


def deformable(x, offset, W, b=None, stride=(1, 1), pad=(0, 0)):
    (height, width), (kh, kw), (oh, ow) = x.shape[2:], W.shape[2:], offset.shape[2:]
    i, j = np.arange(oh)[:, None] * stride[0] - pad[0], np.arange(ow) * stride[1] - pad[1]
    y = np.zeros((len(x), len(W), oh, ow))
    for u, v in np.ndindex(kh, kw):
        row, column = i + u + offset[:, kh * kw + u * kw + v], j + v + offset[:, u * kw + v]
        sampled = np.einsum("nchw,nhij,nwij->ncij", x, nearness(row, height), nearness(column, width))
        y += np.einsum("oc,ncij->noij", W[:, :, u, v], sampled)
    return y if b is None else y + b[:, None, None]


def between(generator, low, high, shape):
    """Positions that are nowhere near an element, where the slope changes."""
    return generator.integers(low, high, shape) + generator.uniform(0.2, 0.8, shape)


def grid(shape, height, width):
    """Coordinates within images of that size and around them."""

    def draw(generator, size):
        column, row = (between(generator, -3, n + 2, (size[0], *size[2:])) / (n - 1) * 2 - 1 for n in (width, height))
        return np.stack([column, row], axis=1)

    return Recipe(shape, draw)


def offsets(shape):
    return Recipe(shape, lambda generator, size: between(generator, -2, 2, size))


CASES = [
    Case(F.spatial_transformer_grid, [arrays.normal((2, 2, 3))], affine_grid(3, 4), kwargs={"output_shape": (3, 4)}),
    Case(F.spatial_transformer_grid, [arrays.normal((1, 2, 3))], affine_grid(1, 2), kwargs={"output_shape": (1, 2)},
         name="spatial_transformer_grid of one row"),
    Case(F.spatial_transformer_sampler, [arrays.normal((2, 3, 4, 5)), grid((2, 2, 5, 7), 4, 5)], sampler),
    Case(F.spatial_transformer_sampler, [arrays.normal((1, 2, 2, 3)), grid((1, 2, 3, 2), 2, 3)], sampler,
         name="spatial_transformer_sampler of a small image"),
    Case(F.deformable_convolution_2d_sampler,
         [arrays.normal((2, 3, 4, 5)), offsets((2, 12, 3, 3)), arrays.normal((4, 3, 2, 3)), arrays.normal((4,))],
         deformable, batched=(True, True, False, False)),
    Case(F.deformable_convolution_2d_sampler,
         [arrays.normal((1, 2, 5, 4)), offsets((1, 12, 3, 2)), arrays.normal((2, 2, 3, 2))],
         lambda x, offset, W: deformable(x, offset, W, stride=(2, 5), pad=(1, 2)),
         kwargs={"stride": (2, 5), "pad": (1, 2)}, batched=(True, True, False),
         name="deformable_convolution_2d_sampler with stride and pad, without bias"),
]  # fmt: skip


class TestSpatialTransformer(FunctionTests):
    module = F
    homes = (
        "chainette_functions.array.spatial_transformer",
        "chainette_functions.connection.deformable_convolution_2d_sampler",
    )
    cases = CASES


X = np.random.default_rng(0).standard_normal((2, 3, 4, 5))


def test_the_identity_samples_each_element_where_it_is():
    theta = np.broadcast_to(np.eye(2, 3), (2, 2, 3))
    np.testing.assert_allclose(F.spatial_transformer_sampler(X, F.spatial_transformer_grid(theta, (4, 5))).array, X)


@pytest.mark.parametrize("far", [1e30, -1e30, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [0, 1])
def test_what_lies_far_outside_is_zero_and_so_are_its_gradients(far, axis):
    points = np.zeros((2, 2, 1, 2))
    points[:, axis] = far
    x, grid = Variable(X), Variable(points)
    y = F.spatial_transformer_sampler(x, grid)
    y.grad = np.ones(y.shape)
    y.backward()
    assert not y.array.any()
    assert not x.grad.any()
    assert not grid.grad.any()


def test_a_coordinate_that_is_nan_gives_nan_there_only():
    points = np.zeros((2, 2, 1, 2))
    points[0, 0, 0, 1] = np.nan
    y = F.spatial_transformer_sampler(X, points).array
    assert np.isnan(y).sum() == np.isnan(y[0, :, 0, 1]).sum() == 3


def test_the_border_fades_into_zeros_over_the_distance_of_two_elements():
    x = np.array([[[[2.0, 4.0]]]])
    points = np.array([[-3.0, -2.5, -1.0, 1.0, 2.0, 3.0], np.zeros(6)]).reshape(1, 2, 1, 6)
    assert F.spatial_transformer_sampler(x, points).array.ravel().tolist() == [0, 0.5, 2, 4, 2, 0]


def test_an_image_of_one_element_is_the_same_from_everywhere():
    points = np.array([[-7.0, 0.0, 9.0], [1.0, 2.0, -4.0]]).reshape(1, 2, 1, 3)
    assert F.spatial_transformer_sampler(np.full((1, 1, 1, 1), 3.0), points).array.ravel().tolist() == [3, 3, 3]


@pytest.mark.parametrize(
    ("x", "points"),
    [(X[:, :, :0], np.ones((2, 2, 3, 4))), (X[:, :0], np.ones((2, 2, 3, 4))), (X, np.ones((2, 2, 0, 4)))],
    ids=["no elements", "no channels", "no points"],
)
def test_what_is_empty_goes_through(x, points):
    x, points = Variable(x), Variable(points)
    y = F.spatial_transformer_sampler(x, points)
    assert y.shape == (2, x.shape[1], *points.shape[2:])
    assert not y.array.any()
    y.grad = np.ones(y.shape)
    y.backward()
    assert (x.grad.shape, points.grad.shape) == (x.shape, points.shape)


def test_a_point_met_many_times_adds_its_gradients_up_in_float32():
    x, points = Variable(np.ones((1, 1, 2, 2), "e")), np.full((1, 2, 64, 64), -1, "e")
    y = F.spatial_transformer_sampler(x, points)
    y.grad = np.ones(y.shape, "e")
    y.backward()
    assert x.grad.ravel().tolist() == [4096, 0, 0, 0]


def test_without_offsets_it_is_a_convolution():
    generator = np.random.default_rng(1)
    W, b = generator.standard_normal((4, 3, 3, 2)), generator.standard_normal(4)
    expected = F.convolution_2d(X, W, b, stride=(1, 2), pad=(1, 2)).array
    offset = np.zeros((2, 12, *expected.shape[2:]))
    found = F.deformable_convolution_2d_sampler(X, offset, W, b, stride=(1, 2), pad=(1, 2)).array
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
