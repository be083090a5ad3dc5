"""Laws that hold whatever the numbers: found by hypothesis where they do not."""

import numpy as np
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import chainette_functions as F
from chainette import Variable

FLOATS = ["float16", "float32", "float64"]
TINY = {"float16": 1e-3, "float32": 1e-6, "float64": 1e-14}
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def gradient(function, *inputs, gy=None):
    """The output's array and the first input's gradient."""
    x = Variable(inputs[0])
    y = function(x, *inputs[1:])
    y.grad = np.ones(y.shape, y.dtype) if gy is None else gy
    y.backward()
    return y.array, x.grad


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
