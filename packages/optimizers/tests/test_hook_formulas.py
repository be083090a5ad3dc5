"""What each hook does to gradients."""

import math

import numpy as np
import pytest

import chainette
from chainette.testing import fake_backend
from chainette_optimizers import SGD
from chainette_optimizers.hooks import GradientHardClipping, GradientLARS, GradientNoise, Lasso, WeightDecay

DTYPES = [np.float16, np.float32, np.float64]
P = np.array([[3.0, -1.0, 0.5], [0.0, 10.0, -4.0]])
G = np.array([[0.25, 2.0, -3.0], [1.0, -0.5, 0.0]])


def lars(p, g, threshold=0.01, weight_decay=0.0, eps=1e-9):
    p_norm, g_norm = np.linalg.norm(p), np.linalg.norm(g)
    rate = p_norm / (eps + g_norm + weight_decay * p_norm) if p_norm > threshold else 1.0
    return rate * (g + weight_decay * p)


CASES = [
    (WeightDecay(0.1), P, lambda p, g: g + 0.1 * p),
    (Lasso(0.1), P, lambda p, g: g + 0.1 * np.sign(p)),
    (GradientHardClipping(-0.75, 1.5), P, lambda p, g: np.clip(g, -0.75, 1.5)),
    (GradientHardClipping(-1e6, 0.5), P, lambda p, g: np.minimum(g, 0.5)),
    (GradientLARS(), P, lars),
    (GradientLARS(0.5, 0.3, 0.7), P, lambda p, g: lars(p, g, 0.5, 0.3, 0.7)),
    (GradientLARS(20.0, 0.3, 0.7), P, lambda p, g: g + 0.3 * p),
    (GradientLARS(0.01, 0.2), P / 10_000, lambda p, g: lars(p, g, 0.01, 0.2)),
    (GradientLARS(0.01, 0.2), 0 * P, lambda p, g: g),
]


@pytest.mark.parametrize(("hook", "values", "formula"), CASES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("slope", [G, 0 * G])
def test_a_hook_does_what_its_formula_says_in_place(hook, values, formula, dtype, slope):
    W, unused = chainette.Parameter(values.astype(dtype)), chainette.Parameter(P)
    W.grad = slope.astype(dtype)
    array, gradient = W.array, W.grad
    optimizer = SGD(lr=0).setup([W, unused, chainette.Parameter(0.5)])
    optimizer.add_hook(hook)
    optimizer.update()
    assert W.grad is gradient
    assert gradient.dtype == dtype
    expected = formula(array.astype(np.float64), slope)
    np.testing.assert_allclose(gradient, expected, rtol=4 * np.finfo(dtype).eps, atol=1e-3 * (dtype == np.float16))
    assert unused.grad is None
    np.testing.assert_array_equal(W.array, values.astype(dtype))


@pytest.mark.parametrize("hook", [case[0] for case in CASES] + [GradientNoise(0.1)])
def test_a_hook_serves_one_parameter_alone_and_any_shape(hook):
    served, other = (chainette.Parameter(np.full(shape, 2.0)) for shape in ((), (3, 0)))
    for param in (served, other):
        param.grad = np.ones(param.shape)
        SGD(lr=1).setup([param])
        param.update_rule.add_hook(hook)
    served.update()
    other.update()
    assert served.grad != 1 or isinstance(hook, GradientHardClipping)
    assert other.grad.shape == (3, 0)


# -- noise ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_has_the_variance_of_the_formula_which_falls_with_the_steps(dtype, seeded):
    W = chainette.Parameter(np.zeros(50_000, dtype))
    optimizer = SGD(lr=0).setup([W])
    optimizer.add_hook(GradientNoise(0.3))
    for t in range(4):
        W.grad = np.ones_like(W.array)
        optimizer.update()
        assert W.grad.dtype == dtype
        noise = W.grad.astype(np.float64) - 1
        assert abs(noise.mean()) < 0.02
        assert noise.std() == pytest.approx(math.sqrt(0.3 / (1 + t) ** 0.55), rel=0.02)


def test_the_same_seed_gives_the_same_noise():
    def noisy():
        chainette.seed(1)
        W = chainette.Parameter(np.zeros(5))
        optimizer = SGD(lr=1).setup([W])
        optimizer.add_hook(GradientNoise(1.0))
        for _ in range(2):
            W.grad = np.zeros(5)
            optimizer.update()
        return W.array.tolist()

    assert noisy() == noisy()
    chainette.seed(None)


def test_noise_may_come_from_a_function_of_ones_own():
    asked = []

    def constant(xp, shape, dtype, hook, rule):
        asked.append((xp, shape, dtype, hook.eta, rule.t))
        return xp.full(shape, hook.eta, dtype)

    W = chainette.Parameter(np.zeros((2, 3), np.float32))
    W.grad = np.ones((2, 3), np.float32)
    optimizer = SGD(lr=1).setup([W])
    optimizer.add_hook(GradientNoise(0.5, noise_func=constant))
    optimizer.update()
    assert asked == [(np, (2, 3), np.float32, 0.5, 0)]
    assert (W.array == -1.5).all()


def test_noise_is_drawn_on_the_device_of_the_parameter(isolated_plugins, seeded):
    with isolated_plugins(fake_backend.plugin, installed=True):
        W = chainette.Parameter(np.zeros(100, np.float16)).to_device("fake:1")
        optimizer = SGD(lr=1).setup([W])
        optimizer.add_hook(GradientNoise(1.0))
        W.grad = W.array.copy()
        optimizer.update()
        assert str(W.device) == "fake:1"
        assert 0.7 < chainette.to_device(W.array, "cpu").std() < 1.3


# -- arguments --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [(1, 1), (2, 1), (float("nan"), 1)])
def test_bounds_that_are_not_in_order_are_refused(bounds):
    with pytest.raises(ValueError, match="expected a lower one first"):
        GradientHardClipping(*bounds)


def test_the_norms_of_lars_are_summed_where_the_squares_leave_the_dtype():
    W = chainette.Parameter(np.full(4, 1000, np.float16))
    W.grad = np.full(4, 500, np.float16)
    optimizer = SGD(lr=1).setup([W])
    optimizer.add_hook(GradientLARS())
    optimizer.update()
    np.testing.assert_allclose(W.grad, 1000, rtol=1e-3)
