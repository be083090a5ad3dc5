"""Where mathematical functions go wrong: singular matrices, vectors of zeros, the tails of erf; and random slopes."""

import math

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.errors import ArgumentError
from chainette.testing import check_backward, check_double_backward, fake_backend, isolated_plugins

FLOATS = ["float16", "float32", "float64"]
EPS = {dtype: float(np.finfo(dtype).eps) for dtype in FLOATS}


def gradient(function, *inputs, gy=None):
    """The output's array and the first input's gradient."""
    x = Variable(inputs[0])
    y = function(x, *inputs[1:])
    y.grad = np.ones(y.shape, y.dtype) if gy is None else gy
    y.backward()
    return y.array, x.grad


# Matrices

SINGULAR = {
    "of rank 2": np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]]),
    "of rank 1": np.outer([1.0, -2.0, 3.0], [2.0, 1.0, 1.0]),
    "of zeros": np.zeros((3, 3)),
    "of one zero": np.zeros((1, 1)),
    "with a row of zeros": np.diag([1.0, 2.0, 0.0, 4.0]),
}


@pytest.mark.parametrize("a", SINGULAR.values(), ids=SINGULAR)
def test_the_gradient_of_a_determinant_is_right_for_singular_matrices(a):
    check_backward(F.det, a)
    check_double_backward(F.det, a, None, np.random.default_rng(0).standard_normal(a.shape))


def test_one_singular_matrix_does_not_spoil_the_gradients_of_its_batch():
    a = np.stack([np.diag([2.0, 3.0]), np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 4.0]])])
    y, gx = gradient(F.batch_det, a, gy=np.array([1.0, 1.0, 10.0]))
    np.testing.assert_allclose(y, [6, 0, 0])
    np.testing.assert_allclose(gx, [[[3, 0], [0, 2]], [[0, 0], [0, 0]], [[40, -20], [-20, 10]]])


def test_the_gradient_at_a_singular_matrix_is_the_same_on_every_device():
    with isolated_plugins(fake_backend.plugin, installed=True):
        x = Variable(chainette.to_device(SINGULAR["with a row of zeros"], "fake:1"))
        F.det(x).backward(enable_double_backprop=True)
        first = chainette.to_device(x.grad, "cpu")
        F.sum(x.grad_var).backward()
        np.testing.assert_allclose(first, gradient(F.det, chainette.to_device(x.array, "cpu"))[1])


def test_the_gradient_of_a_determinant_is_precise_close_to_a_singular_matrix():
    a = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0 + 1e-13]])
    _, gx = gradient(F.det, a)
    np.testing.assert_allclose(gx, [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]], rtol=1e-10)


def test_a_singular_matrix_has_no_inverse():
    with pytest.raises(ArgumentError, match="inv: a is singular"):
        F.inv(np.ones((2, 2)))
    with pytest.raises(ValueError, match="batch_inv: one of the 2 matrices is singular"):
        F.batch_inv(np.stack([np.eye(2), np.zeros((2, 2))]))


def test_the_determinant_and_the_inverse_of_float16_are_computed_in_float32():
    assert F.det(np.diag([256, 256, 0.5]).astype("e")).item() == 32768
    a = np.array([[1, 0.999], [0.999, 1]], "e")
    for function, exact in ((F.det, np.linalg.det), (F.inv, np.linalg.inv)):
        y, gx = gradient(function, a)
        assert y.dtype == gx.dtype == "float16"
        np.testing.assert_allclose(y, exact(a.astype("d")), rtol=1e-3)


def test_the_determinant_of_nothing_is_one():
    assert F.det(np.zeros((0, 0))).item() == 1
    assert F.batch_det(np.zeros((2, 0, 0))).array.tolist() == [1, 1]
    assert F.batch_inv(np.zeros((0, 3, 3))).shape == (0, 3, 3)


def test_two_axes_are_a_batch_of_columns():
    a, b = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    assert F.batch_matmul(a, b, transa=True).array.tolist() == [[[17]], [[53]]]
    assert F.batch_matmul(a, b, transb=True).array.tolist() == [[[5, 6], [10, 12]], [[21, 24], [28, 32]]]


def test_identity_gives_new_variables_over_the_same_arrays():
    x, y = Variable(np.ones(2)), Variable(np.ones(3))
    a, b = F.identity(x, y)
    assert a is not x
    assert a.array is x.array
    F.sum(b).backward()
    assert x.grad is None
    assert y.grad.tolist() == [1, 1, 1]


# Vectors of zeros, and lengths that float16 cannot hold


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("other", [[3, 4], [0, 0]])
def test_a_vector_of_zeros_has_the_similarity_0_and_a_finite_gradient(dtype, other):
    x, other = Variable(np.zeros((1, 2), dtype)), np.array([other], dtype)
    y = F.cosine_similarity(x, other)
    assert y.array.tolist() == [0]
    assert y.dtype == dtype
    y.backward(enable_double_backprop=True)
    assert np.isfinite(x.grad).all()
    assert (x.grad == 0).all() == (other == 0).all()
    F.sum(x.grad_var * 1e-3).backward()
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("length", [1e-3, 1.0, 60000.0])
def test_similarity_does_not_see_the_length(dtype, length):
    x, y = np.full((1, 4), length, dtype), np.array([[1, 1, -1, 1]], dtype)
    np.testing.assert_allclose(F.cosine_similarity(x, x).array, 1, rtol=1e-3)
    np.testing.assert_allclose(F.cosine_similarity(x, y).array, 0.5, rtol=1e-3)


def test_squared_lengths_of_float16_are_gathered_in_float32():
    x = np.full((1, 4096), 1e-4, "e")
    np.testing.assert_allclose(F.batch_l2_norm_squared(x).array, 4096e-8, rtol=5e-3)


# erf and what is made of it


@pytest.mark.parametrize("dtype", FLOATS)
def test_erf_is_precise_to_rounding_also_for_the_smallest_numbers(dtype):
    smallest = float(np.finfo(dtype).tiny)
    x = np.concatenate([np.linspace(0, 7, 701), np.geomspace(smallest, 1, 50), [1000, 60000, np.inf]]).astype(dtype)
    exact = np.array([math.erf(each) for each in x.tolist()])
    np.testing.assert_allclose(F.erf(x).array, exact, rtol=4 * EPS[dtype])
    np.testing.assert_array_equal(F.erf(-x).array, -F.erf(x).array)


@pytest.mark.parametrize(
    ("dtype", "far", "rtol"), [("float16", 2.5, 1e-3), ("float32", 9, 5e-5), ("float64", 26, 5e-12)]
)
def test_erfc_keeps_its_digits_where_it_is_small(dtype, far, rtol):
    x = np.linspace(-far, far, 1001).astype(dtype)
    np.testing.assert_allclose(F.erfc(x).array, [math.erfc(each) for each in x.tolist()], rtol=rtol)
    ends = F.erfc(np.array([-np.inf, -60000, -0.0, 0.0, 60000, np.inf], dtype)).array
    assert ends.tolist() == [2, 2, 1, 1, 0, 0]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", [F.erf, F.erfc])
def test_far_out_erf_is_flat(function, dtype):
    x = np.array([-np.inf, -60000, -1000, 1000, 60000, np.inf], dtype)
    assert not gradient(function, x)[1].any()


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_slopes_of_erf_and_gelu_are_precise(dtype):
    x = np.linspace(-2.5, 2.5, 101).astype(dtype)
    wide = x.astype("d")
    exact = 2 / math.sqrt(math.pi) * np.exp(-(wide**2))
    slope = [math.erfc(-v / math.sqrt(2)) / 2 for v in x.tolist()] + wide * np.exp(-(wide**2) / 2) / math.tau**0.5
    np.testing.assert_allclose(gradient(F.gelu, x)[1], slope, rtol=10 * EPS[dtype], atol=2 * EPS[dtype])
    np.testing.assert_allclose(gradient(F.erf, x)[1], exact, rtol=10 * EPS[dtype])
    np.testing.assert_allclose(gradient(F.erfc, x)[1], -exact, rtol=10 * EPS[dtype])


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_is_0_or_x_far_out(dtype, approximate):
    x = np.array([-60000, -1000, -0.0, 0.0, 1000, 60000], dtype)
    y, gx = gradient(lambda x: F.gelu(x, approximate), x)
    np.testing.assert_allclose(y, [0, 0, 0, 0, 1000, np.asarray(60000, dtype)], atol=1e-200)
    np.testing.assert_allclose(gx, [0, 0, 0.5, 0.5, 1, 1], atol=1e-200)
    assert y.dtype == gx.dtype == dtype


def test_gelu_of_infinities_is_that_of_relu():
    y, gx = gradient(F.gelu, np.array([-np.inf, np.inf]))
    assert (y.tolist(), gx.tolist()) == ([0, np.inf], [0, 1])


@pytest.mark.parametrize(("dtype", "far", "rtol"), [("float16", 3, 2e-3), ("float32", 9, 5e-5), ("float64", 30, 1e-11)])
def test_gelu_keeps_its_digits_where_it_is_small(dtype, far, rtol):
    x = np.linspace(-far, 0, 301).astype(dtype)
    np.testing.assert_allclose(F.gelu(x).array, [v * math.erfc(-v / math.sqrt(2)) / 2 for v in x.tolist()], rtol=rtol)


def test_the_approximation_of_gelu_is_as_close_as_it_says():
    x = np.linspace(-10, 10, 10001)
    assert 3e-4 < abs(F.gelu(x).array - F.gelu(x, "tanh").array).max() < 5e-4


# Random slopes


@pytest.mark.parametrize("dtype", FLOATS)
def test_rrelu_draws_a_slope_for_each_element_and_repeats_those_it_is_given(dtype, seeded):
    x = np.full((100, 100), -1, dtype)
    y, r = F.rrelu(x, return_r=True)
    np.testing.assert_array_equal(y.array, -r)
    assert r.dtype == y.dtype == dtype
    assert 0.124 < r.min() < 0.13 < 0.32 < r.max() < 0.334
    assert abs(r.mean(dtype="d") - 11 / 48) < 0.002
    again, same = F.rrelu(x, r=r, return_r=True)
    np.testing.assert_array_equal(again.array, y.array)
    assert same is r
    with chainette.test_mode():
        np.testing.assert_array_equal(F.rrelu(x, r=r).array, y.array)
        y, r = F.rrelu(x, 0.25, 0.75, return_r=True)
        assert (y.array == -0.5).all()
        assert (r == 0.5).all()


def test_the_seed_decides_the_slopes_of_rrelu():
    x = -np.ones(100)
    chainette.seed(1)
    first, second = F.rrelu(x).array, F.rrelu(x).array
    chainette.seed(1)
    np.testing.assert_array_equal(F.rrelu(x).array, first)
    assert (first != second).any()


def test_slopes_of_another_dtype_do_not_widen_the_result():
    assert F.rrelu(-np.ones(2, "f"), r=np.ones(2)).dtype == "float32"
    assert gradient(lambda x: F.rrelu(x, r=np.full(3, 0.5)), np.array([-1.0, 0.0, 1.0]))[1].tolist() == [0.5, 1, 1]
