"""Each optimizer walks as its paper says."""

import numpy as np
import pytest

import chainette
from chainette_optimizers import (
    MSVAG,
    SGD,
    SMORMS3,
    AdaBound,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSBound,
    AMSGrad,
    CorrectedMomentumSGD,
    Lion,
    MomentumSGD,
    NesterovAG,
    RAdam,
    RMSprop,
    RMSpropGraves,
)

STEPS = 100
TARGET = np.array([[3.0, -1.0, 0.5], [0.0, 10.0, -4.0]])
CURVATURE = np.array([[1.0, 0.3, 2.0], [0.7, 0.1, 1.5]])


def gradient(p, t):
    """Of a quadratic bowl, with a noise that depends on the step, so that averages differ from gradients."""
    return 2 * CURVATURE * (p - TARGET) + np.sin(7.0 * t + np.arange(6.0).reshape(2, 3))


# -- the papers' algorithms in float64 --------------------------------------------------------------------------


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


def corrected_momentum_sgd(p, lr=0.01, momentum=0.9):
    direction = 0.0
    for t in range(1, STEPS + 1):
        direction = momentum * direction + gradient(p, t)
        p = p - lr * direction
        yield p


def nesterov_ag(p, lr=0.01, momentum=0.9):
    """Not the paper's, which has the former velocity in the second line, but that of all versions of Chainer."""
    velocity = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        velocity = momentum * velocity - lr * g
        p = p + momentum * momentum * velocity - (1 + momentum) * lr * g
        yield p


def ada_grad(p, lr=0.001, eps=1e-8):
    gradients = []
    for t in range(1, STEPS + 1):
        gradients.append(gradient(p, t))
        p = p - lr / (np.linalg.norm(gradients, axis=0) + eps) * gradients[-1]
        yield p


def ada_delta(p, rho=0.95, eps=1e-6):
    mean_g = mean_dx = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        mean_g = rho * mean_g + (1 - rho) * g**2
        dx = -np.sqrt(mean_dx + eps) / np.sqrt(mean_g + eps) * g
        mean_dx = rho * mean_dx + (1 - rho) * dx**2
        p = p + dx
        yield p


def rmsprop(p, lr=0.01, alpha=0.99, eps=1e-8, eps_inside_sqrt=False):
    mean = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        mean = alpha * mean + (1 - alpha) * g**2
        p = p - lr * g / (np.sqrt(mean + eps) if eps_inside_sqrt else np.sqrt(mean) + eps)
        yield p


def rmsprop_graves(p, lr=1e-4, alpha=0.95, momentum=0.9, eps=1e-4):
    square = mean = delta = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        square = alpha * square + (1 - alpha) * g**2
        mean = alpha * mean + (1 - alpha) * g
        delta = momentum * delta - lr * g / np.sqrt(square - mean**2 + eps)
        p = p + delta
        yield p


def smorms3(p, lr=0.001, eps=1e-16):
    memory, mean, square = 1.0, 0.0, 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        r = 1 / (memory + 1)
        mean = (1 - r) * mean + r * g
        square = (1 - r) * square + r * g**2
        agreement = mean**2 / (square + eps)
        p = p - g * np.minimum(lr, agreement) / (np.sqrt(square) + eps)
        memory = 1 + memory * (1 - agreement)
        yield p


def msvag(p, lr=0.1, beta=0.9, eta=1.0, weight_decay_rate=0.0):
    m = v = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        m = beta * m + (1 - beta) * g
        v = beta * v + (1 - beta) * g**2
        m_hat, v_hat = m / (1 - beta**t), v / (1 - beta**t)
        rho = (1 - beta) * (1 + beta**t) / (1 + beta) / (1 - beta**t)
        variance = (v_hat - m_hat**2) / (1 - rho) if t > 1 and beta else 0.0
        factor = m_hat**2 / (m_hat**2 + rho * variance)
        p = p - eta * (lr * factor * m_hat + weight_decay_rate * p)
        yield p


def adam(p, amsgrad=False, bound=False, **settings):
    """The paper's algorithm with corrected means, eps scaled so as to be that of the uncorrected root."""
    s = {"alpha": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "eta": 1.0, "weight_decay_rate": 0.0, **settings}
    final, gamma = s.get("final_lr", 0.1), s.get("gamma", 1e-3)
    m = v = largest = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        m = s["beta1"] * m + (1 - s["beta1"]) * g
        v = s["beta2"] * v + (1 - s["beta2"]) * g**2
        largest = np.maximum(largest, v) if amsgrad else v
        if bound:  # clips the rate of the uncorrected mean
            rate = s["alpha"] * np.sqrt(1 - s["beta2"] ** t) / (1 - s["beta1"] ** t) / (np.sqrt(largest) + s["eps"])
            step = np.clip(rate, final - final / (gamma * t + 1), final + final / (gamma * t)) * m
        else:
            m_hat = m / (1 - s["beta1"] ** t)
            v_hat = largest / (1 - s["beta2"] ** t)
            step = s["alpha"] * m_hat / (np.sqrt(v_hat) + s["eps"] / np.sqrt(1 - s["beta2"] ** t))
        p = p - s["eta"] * (step + s["weight_decay_rate"] * p)
        yield p


def lion(p, lr=1e-4, beta1=0.9, beta2=0.99, weight_decay_rate=0.0):
    m = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        p = p - lr * (np.sign(beta1 * m + (1 - beta1) * g) + weight_decay_rate * p)
        m = beta2 * m + (1 - beta2) * g
        yield p


def radam(p, alpha=0.001, beta1=0.9, beta2=0.999, eps=1e-8, eta=1.0, weight_decay_rate=0.0):
    m = v = 0.0
    longest = 2 / (1 - beta2) - 1
    for t in range(1, STEPS + 1):
        g = gradient(p, t)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        length = longest - 2 * t * beta2**t / (1 - beta2**t)
        step = alpha * m_hat
        if length > 4:
            step /= np.sqrt(v / (1 - beta2**t)) + eps / np.sqrt(1 - beta2**t)
            step *= np.sqrt((length - 4) / (longest - 4) * (length - 2) / (longest - 2) * longest / length)
        p = p - eta * (step + weight_decay_rate * p)
        yield p


# -- the cases --------------------------------------------------------------------------------------------------

CASES = [
    (SGD, sgd, {}),
    (SGD, sgd, {"lr": 0.2}),
    (MomentumSGD, momentum_sgd, {}),
    (MomentumSGD, momentum_sgd, {"lr": 0.05, "momentum": 0.5}),
    (CorrectedMomentumSGD, corrected_momentum_sgd, {}),
    (CorrectedMomentumSGD, corrected_momentum_sgd, {"lr": 0.05, "momentum": 0.5}),
    (NesterovAG, nesterov_ag, {}),
    (NesterovAG, nesterov_ag, {"lr": 0.05, "momentum": 0.5}),
    (AdaGrad, ada_grad, {}),
    (AdaGrad, ada_grad, {"lr": 0.5, "eps": 0.1}),
    (AdaDelta, ada_delta, {}),
    (AdaDelta, ada_delta, {"rho": 0.7, "eps": 0.01}),
    (RMSprop, rmsprop, {}),
    (RMSprop, rmsprop, {"lr": 0.02, "alpha": 0.7, "eps": 0.5}),
    (RMSprop, rmsprop, {"lr": 0.02, "alpha": 0.7, "eps": 0.5, "eps_inside_sqrt": True}),
    (RMSpropGraves, rmsprop_graves, {}),
    (RMSpropGraves, rmsprop_graves, {"lr": 0.01, "alpha": 0.7, "momentum": 0.5, "eps": 0.1}),
    (SMORMS3, smorms3, {}),
    (SMORMS3, smorms3, {"lr": 0.1, "eps": 0.01}),
    (MSVAG, msvag, {}),
    (MSVAG, msvag, {"lr": 0.05, "beta": 0.5, "eta": 0.5, "weight_decay_rate": 0.02}),
    (MSVAG, msvag, {"lr": 0.05, "beta": 0.0}),
    (Adam, adam, {}),
    (Adam, adam, {"alpha": 0.1, "beta1": 0.5, "beta2": 0.9, "eps": 0.1}),
    (Adam, adam, {"alpha": 0.01, "weight_decay_rate": 0.02, "eta": 0.5}),
    (AdamW, adam, {"alpha": 0.05, "weight_decay_rate": 0.02}),
    (AdamW, adam, {"beta1": 0.5, "beta2": 0.9, "eps": 0.1, "eta": 0.5}),
    (AMSGrad, lambda p, **s: adam(p, amsgrad=True, **s), {"alpha": 0.05, "beta2": 0.7}),
    (AMSGrad, lambda p, **s: adam(p, amsgrad=True, **s), {"beta1": 0.5, "beta2": 0.9, "eps": 0.1, "eta": 0.5}),
    (AdaBound, lambda p, **s: adam(p, bound=True, **s), {}),
    (AdaBound, lambda p, **s: adam(p, bound=True, **s), {"final_lr": 0.02, "gamma": 0.1, "eps": 0.1, "eta": 0.5}),
    (AdaBound, lambda p, **s: adam(p, bound=True, **s), {"alpha": 0.1, "beta1": 0.5, "beta2": 0.7, "gamma": 0.5}),
    (AMSBound, lambda p, **s: adam(p, amsgrad=True, bound=True, **s), {"final_lr": 0.02, "beta2": 0.7}),
    (AMSBound, lambda p, **s: adam(p, amsgrad=True, bound=True, **s), {"beta1": 0.5, "gamma": 0.1, "eps": 0.1}),
    (Lion, lion, {}),
    (Lion, lion, {"lr": 0.01, "beta1": 0.5, "beta2": 0.8, "weight_decay_rate": 0.1}),
    (RAdam, radam, {}),
    (RAdam, radam, {"alpha": 0.1, "beta1": 0.5, "beta2": 0.9, "eps": 0.1}),
    (RAdam, radam, {"alpha": 0.05, "beta2": 0.5, "weight_decay_rate": 0.02, "eta": 0.5}),
]  # fmt: skip


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


@pytest.mark.parametrize(("optimizer_class", "reference", "settings"), CASES)
def test_in_half_precision_updated_in_float32_it_stays_nearer(optimizer_class, reference, settings):
    start = np.linspace(-2, 2, 6).reshape(2, 3)
    W = chainette.Parameter(start.astype(np.float16))
    array = W.array
    optimizer = optimizer_class(**settings).setup([W])
    optimizer.use_fp32_update()
    for t, expected in enumerate(reference(start, **settings), 1):
        W.grad = gradient(W.array.astype(np.float64), t).astype(np.float16)
        optimizer.update()
        np.testing.assert_allclose(W.array.astype(np.float64), expected, rtol=0.02, atol=0.02)
    assert W.array is array
