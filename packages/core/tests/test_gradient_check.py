"""The checks of the kit must be able to fail: each is shown a function with the fault that it is there to find."""

import numpy as np
import pytest

from chainette import Variable, to_device
from chainette.testing import (
    assert_allclose,
    check_backward,
    check_double_backward,
    fake_backend,
    isolated_plugins,
    numerical_grad,
)

from .faulty_functions import Cube, NoGradient, WrongDoubleGradient, WrongGradient, function, square

X = np.array([0.5, -1.5, 2.0])


# numerical_grad, check_backward, check_double_backward


def test_numerical_gradients_are_those_of_the_weighted_outputs():
    x, y = X.copy(), np.array([2.0, 3.0, 4.0])
    gx, gy = numerical_grad(lambda: (x * y, x + 0, y * y), (x, y), (np.array([1.0, 10, 100]), None, np.ones(3)))
    np.testing.assert_allclose(gx, y * [1, 10, 100], rtol=1e-9)
    np.testing.assert_allclose(gy, x * [1, 10, 100] + 2 * y, rtol=1e-9)
    assert x.tolist() == X.tolist()


def test_right_gradients_pass():
    check_backward(function(Cube), X)
    check_backward(function(Cube), X.astype("f"), np.array([1.0, 2.0, 3.0], "f"))
    check_double_backward(function(Cube), X)
    check_double_backward(function(Cube), X, np.array([1.0, 2.0, 3.0]), np.array([3.0, -1.0, 1.0]))
    check_backward(lambda x: x.sum(), np.ones((2, 2)))
    check_double_backward(lambda x: x.sum(), np.ones((2, 2)))


@pytest.mark.parametrize("fault", [WrongGradient, NoGradient])
def test_a_wrong_or_missing_gradient_is_found(fault):
    with pytest.raises(AssertionError, match="gradient of input 0"):
        check_backward(function(fault), X)


def test_a_wrong_double_gradient_is_found_though_the_gradient_is_right():
    check_backward(function(WrongDoubleGradient), X)
    with pytest.raises(AssertionError, match="gradient of input 0"):
        check_double_backward(function(WrongDoubleGradient), X)


def test_the_input_with_the_wrong_gradient_is_named():
    def faulty(x0, x1):
        return x0 * 1 + Variable(x1.array) * x1

    with pytest.raises(AssertionError, match="gradient of input 1"):
        check_backward(faulty, (X, X + 1))


def test_a_wrong_gradient_of_a_parameter_is_found():
    W = Variable(X.copy())
    check_backward(lambda x: x * W, X, params=[W])
    with pytest.raises(AssertionError, match="gradient of input 1"):
        check_backward(lambda x: x * Variable(W.array), X, params=[W])


def test_a_wrong_gradient_of_one_of_several_outputs_is_found_unless_it_is_left_out():
    def faulty(x):
        return x * 2, function(WrongGradient)(x)

    check_backward(faulty, X, (np.ones(3), None))
    with pytest.raises(AssertionError):
        check_backward(faulty, X, (np.ones(3), np.ones(3)))


def test_integer_inputs_pass_as_long_as_they_get_no_gradient():
    t = np.array([1, 0, 2])

    def take(x, t):
        return x[t.array]

    def gives_one(x, t):
        t.grad = np.zeros_like(t.array)
        return take(x, t)

    check_backward(take, (X, t))
    check_double_backward(take, (X, t))
    with pytest.raises(AssertionError, match="int64 got a gradient"):
        check_backward(gives_one, (X, t))


def test_numpy_scalars_are_checked_like_0d_arrays():
    for x in (np.array(1.5), np.float64(1.5)):
        check_backward(square, x)
        with pytest.raises(AssertionError):
            check_backward(function(WrongGradient), x)


def test_arrays_of_another_device_are_checked_there():
    with isolated_plugins(fake_backend.plugin):
        for device in ("fake:0", "fake:1"):
            check_backward(square, to_device(X, device))
            check_double_backward(square, to_device(X, device))


def test_the_user_s_arrays_stay_as_they_were():
    x = X.copy()
    check_backward(square, x)
    check_double_backward(square, x)
    assert x.tolist() == X.tolist()


def test_assert_allclose_takes_variables_and_arrays_of_any_device():
    assert_allclose(Variable(X), X + 1e-7)
    assert_allclose(1.0, np.float32(1))
    with isolated_plugins(fake_backend.plugin):
        assert_allclose(to_device(X, "fake:1"), X)
    with pytest.raises(AssertionError):
        assert_allclose(Variable(X), X + 1e-2)
    with pytest.raises(AssertionError):
        assert_allclose(X, X + 1e-3, atol=0, rtol=1e-5)
