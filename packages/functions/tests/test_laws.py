"""Laws that hold whatever the numbers: found by hypothesis where they do not."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import chainette_functions as F
from chainette import Variable, backward

from . import (
    test_activation,
    test_array,
    test_connection,
    test_convolution,
    test_loss,
    test_math,
    test_normalization,
    test_pooling,
    test_rnn,
)

TABLES = (
    test_activation,
    test_array,
    test_connection,
    test_convolution,
    test_loss,
    test_math,
    test_normalization,
    test_pooling,
    test_rnn,
)
ROWS = [case for table in TABLES for case in table.CASES if case.gradient and not case.random]


def floats(shape, bound=50):
    return hnp.arrays(np.float64, shape, elements=st.floats(-bound, bound))


matrices = floats(hnp.array_shapes(min_dims=2, max_dims=4, max_side=4))


@settings(deadline=None)
@given(matrices, st.integers(0, 1), st.floats(-100, 100))
def test_softmax_sums_to_one_and_does_not_see_a_shift(x, axis, shift):
    y = F.softmax(x, axis=axis).array
    np.testing.assert_allclose(y.sum(axis), 1)
    assert (y >= 0).all()
    np.testing.assert_allclose(F.softmax(x + shift, axis=axis).array, y, atol=1e-12)
    np.testing.assert_allclose(np.exp(F.log_softmax(x, axis=axis).array), y, atol=1e-12)


@settings(deadline=None)
@given(matrices, st.integers(0, 1), st.data())
def test_concat_undoes_split_axis(x, axis, data):
    positions = sorted(data.draw(st.lists(st.integers(0, x.shape[axis]), max_size=3)))
    variable = Variable(x)
    y = F.concat(F.split_axis(variable, positions, axis), axis)
    np.testing.assert_array_equal(y.array, x)
    y.grad = x.copy()
    y.backward()
    np.testing.assert_array_equal(variable.grad, x)


@settings(deadline=None)
@given(matrices, st.data())
def test_transpose_and_reshape_are_undone(x, data):
    axes = tuple(data.draw(st.permutations(range(x.ndim))))
    inverse = tuple(int(i) for i in np.argsort(axes))
    variable = Variable(x)
    y = F.transpose(F.transpose(variable, axes), inverse)
    z = F.reshape(F.reshape(y, (-1,)), x.shape)
    np.testing.assert_array_equal(z.array, x)
    z.grad = x.copy()
    z.backward()
    np.testing.assert_array_equal(variable.grad, x)


@settings(deadline=None)
@given(matrices)
def test_summing_is_what_broadcasting_s_gradient_does(x):
    shape = (2, *x.shape)
    variable = Variable(x)
    y = F.broadcast_to(variable, shape)
    y.grad = np.broadcast_to(x, shape).copy()
    y.backward()
    np.testing.assert_allclose(variable.grad, 2 * x)
    np.testing.assert_allclose(F.sum_to(y, x.shape).array, 2 * x)


@settings(deadline=None)
@given(matrices, st.integers(0, 1))
def test_the_loss_is_minus_log_softmax_at_the_label(x, label):
    t = np.full((x.shape[0], *x.shape[2:]), min(label, x.shape[1] - 1))
    loss = F.softmax_cross_entropy(x, t, reduce="no")
    expected = -np.take(F.log_softmax(x).array, t.flat[0], axis=1)
    np.testing.assert_allclose(loss.array, expected, atol=1e-10)
    np.testing.assert_allclose(F.softmax_cross_entropy(x, t).array, expected.mean(), atol=1e-10)


@settings(deadline=None)
@given(matrices)
def test_extrema_are_mirrored(x):
    np.testing.assert_array_equal(F.max(x, axis=0).array, -F.min(-x, axis=0).array)
    np.testing.assert_array_equal(F.clip(x, -1.0, 1.0).array, np.clip(x, -1, 1))


@settings(deadline=None, max_examples=200)
@given(case=st.sampled_from(ROWS), a=st.floats(-3, 3), b=st.floats(-3, 3), seed=st.integers(0, 100))
def test_backward_is_linear_in_the_gradient_that_arrives(case, a, b, seed):
    arrays = case.arrays("float64")
    outputs = case.run(*arrays)
    generator = np.random.default_rng(seed)
    one, other = ([generator.standard_normal(y.shape) for y in outputs] for _ in range(2))
    both = [a * gy + b * other_gy for gy, other_gy in zip(one, other, strict=True)]
    found = [
        case.gradients(arrays, [np.asarray(gy, y.dtype) for gy, y in zip(weights, outputs, strict=True)])
        for weights in (one, other, both)
    ]
    for gx, other_gx, sum_gx in zip(*found, strict=True):
        if sum_gx is not None:
            np.testing.assert_allclose(sum_gx, a * gx + b * other_gx, rtol=1e-9, atol=1e-9)


W4, W2, BIAS = (np.random.default_rng(0).standard_normal(shape) for shape in ((4, 3, 2, 2), (2, 48), (4,)))
ROWWISE = [
    ("relu", F.relu),
    ("softmax", F.softmax),
    ("log_softmax", F.log_softmax),
    ("maxout", lambda x: F.maxout(x, 3)),
    ("logsumexp", lambda x: F.logsumexp(x, axis=1)),
    ("normalize", F.normalize),
    ("linear", lambda x: F.linear(x, W2)),
    ("convolution_2d", lambda x: F.convolution_2d(x, W4, BIAS, stride=2, pad=1)),
    ("deconvolution_2d", lambda x: F.deconvolution_2d(x, W4.swapaxes(0, 1), BIAS, stride=2)),
    ("max_pooling_2d", lambda x: F.max_pooling_2d(x, 3, stride=2, pad=1)),
    ("average_pooling_2d", lambda x: F.average_pooling_2d(x, 3, stride=1, pad=1)),
    ("spatial_pyramid_pooling_2d", lambda x: F.spatial_pyramid_pooling_2d(x, 2)),
    ("unpooling_2d", lambda x: F.unpooling_2d(x, 2)),
    ("local_response_normalization", F.local_response_normalization),
    ("group_normalization", lambda x: F.group_normalization(x, 3, np.ones(3), np.zeros(3))),
    ("layer_normalization", lambda x: F.layer_normalization(F.reshape(x, (len(x), -1)), np.ones(48), np.zeros(48))),
    ("resize_images", lambda x: F.resize_images(x, (3, 5))),
    ("im2col", lambda x: F.im2col(x, 2)),
    ("space2depth", lambda x: F.space2depth(x, 2)),
]


@pytest.mark.parametrize("function", [row[1] for row in ROWWISE], ids=[row[0] for row in ROWWISE])
@settings(deadline=None, max_examples=10)
@given(order=st.permutations(range(4)), seed=st.integers(0, 100))
def test_what_treats_each_sample_alone_does_not_see_their_order(function, order, seed):
    x = Variable(np.random.default_rng(seed).standard_normal((4, 3, 4, 4)))
    shuffled = Variable(x.array[order])
    y, shuffled_y = function(x), function(shuffled)
    np.testing.assert_allclose(shuffled_y.array, y.array[order], rtol=1e-10, atol=1e-12)
    y.grad = np.random.default_rng(1).standard_normal(y.shape)
    shuffled_y.grad = y.grad[order]
    backward([y, shuffled_y])
    np.testing.assert_allclose(shuffled.grad, x.grad[order], rtol=1e-10, atol=1e-12)
