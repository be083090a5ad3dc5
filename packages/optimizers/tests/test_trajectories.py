"""Each optimizer walks as its paper says."""

import numpy as np
import pytest

import chainette
from chainette_optimizers import SGD, Adam, MomentumSGD

STEPS = 100
TARGET = np.array([[3.0, -1.0, 0.5], [0.0, 10.0, -4.0]])
CURVATURE = np.array([[1.0, 0.3, 2.0], [0.7, 0.1, 1.5]])


def gradient(p, t):
    """Of a quadratic bowl, with a noise that depends on the step, so that averages differ from gradients."""
    return 2 * CURVATURE * (p - TARGET) + np.sin(7.0 * t + np.arange(6.0).reshape(2, 3))


def sgd(p, lr=0.01):
    for t in range(1, STEPS + 1):
        p = p - lr * gradient(p, t)
        yield p


def momentum_sgd(p, lr=0.01, momentum=0.9):
    velocity = 0.0
    for t in range(1, STEPS + 1):
        velocity = momentum * velocity - lr * gradient(p, t)
        p = p + velocity
        yield p


def adam(p, alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8, eta=1.0, weight_decay_rate=0.0, amsgrad=False):
    """The paper's algorithm with corrected means, eps scaled so as to be that of the uncorrected root."""
    m = v = largest = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        largest = np.maximum(largest, v) if amsgrad else v
        m_hat = m / (1 - beta1**t)
        v_hat = largest / (1 - beta2**t)
        step = alpha * m_hat / (np.sqrt(v_hat) + eps / np.sqrt(1 - beta2**t))
        p = p - eta * (step + weight_decay_rate * p)
        yield p


CASES = [
    (SGD, sgd, {}),
    (SGD, sgd, {"lr": 0.2}),
    (MomentumSGD, momentum_sgd, {}),
    (MomentumSGD, momentum_sgd, {"lr": 0.05, "momentum": 0.5}),
    (Adam, adam, {}),
    (Adam, adam, {"alpha": 0.1, "beta1": 0.5, "beta2": 0.9, "eps": 0.1}),
    (Adam, adam, {"alpha": 0.01, "weight_decay_rate": 0.02, "eta": 0.5}),
    (Adam, adam, {"alpha": 0.05, "beta2": 0.7, "amsgrad": True}),
    (Adam, adam, {"alpha": 0.05, "beta2": 0.7, "amsgrad": True, "weight_decay_rate": 0.1}),
]


@pytest.mark.parametrize(("optimizer_class", "reference", "settings"), CASES)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 3e-4), ("float16", 0.15)])
def test_it_walks_as_the_formula_says_and_keeps_the_dtype(optimizer_class, reference, settings, dtype, tolerance):
    start = np.linspace(-2, 2, 6).reshape(2, 3)
    W = chainette.Parameter(start.astype(dtype))
    array = W.array
    optimizer = optimizer_class(**settings).setup([W])
    for t, expected in enumerate(reference(start, **settings), 1):
        W.grad = gradient(W.array.astype(np.float64), t).astype(dtype)
        optimizer.update()
        np.testing.assert_allclose(W.array.astype(np.float64), expected, rtol=tolerance, atol=tolerance)
    assert W.array is array
    assert W.dtype == dtype
    assert optimizer.t == W.update_rule.t == STEPS


@pytest.mark.parametrize("optimizer_class", [SGD, MomentumSGD, Adam])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1)])
def test_any_shape_is_updated(optimizer_class, shape):
    W = chainette.Parameter(np.ones(shape, np.float32))
    W.grad = np.ones(shape, np.float32)
    optimizer_class().setup([W]).update()
    assert W.shape == shape
    assert W.dtype == np.float32
    assert (W.array < 1).all()


@pytest.mark.parametrize("optimizer_class", [SGD, MomentumSGD, Adam])
def test_an_array_that_is_not_contiguous_is_updated_in_place(optimizer_class):
    whole = np.ones((4, 6), np.float32)
    W = chainette.Parameter(whole[::2, ::-3].T)
    W.grad = np.ones(W.shape, np.float32)
    optimizer_class().setup([W]).update()
    assert (whole < 1).sum() == W.size == 4


def test_adam_in_half_precision_does_not_divide_by_a_square_that_underflowed():
    W = chainette.Parameter(np.zeros(3, np.float16))
    W.grad = np.array([0, 1e-4, -2e-5], np.float16)
    Adam(alpha=0.01).setup([W]).update()
    np.testing.assert_allclose(W.array, [0, -0.01, 0.01], rtol=0.02)


def test_the_rate_of_adam_is_that_of_the_latest_step():
    W = chainette.Parameter(np.zeros(1))
    optimizer = Adam(alpha=0.5, beta1=0.5, beta2=0.75).setup([W])
    with pytest.raises(RuntimeError, match="Read alpha"):
        _ = optimizer.lr
    W.grad = np.ones(1)
    optimizer.update()
    optimizer.update()
    assert optimizer.lr == pytest.approx(0.5 * (1 - 0.75**2) ** 0.5 / (1 - 0.5**2))
    assert W.update_rule.lr == optimizer.lr
    with pytest.raises(AttributeError, match="Set alpha"):
        optimizer.lr = 0.1


def test_amsgrad_may_be_switched_on_and_off_on_the_way():
    W = chainette.Parameter(np.zeros(2))
    optimizer = Adam().setup([W])
    for amsgrad, scale in [(False, 1), (True, 5), (True, 0), (False, 0), (True, 0)]:
        optimizer.amsgrad = amsgrad
        W.grad = np.full(2, float(scale))
        optimizer.update()
    assert list(W.update_rule.state) == ["m", "v", "vhat"]
    assert (W.update_rule.state["vhat"] > W.update_rule.state["v"]).all()
