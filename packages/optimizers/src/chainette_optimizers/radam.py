"""RAdam: Adam without its unreliable first steps."""

from __future__ import annotations

import math

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class RAdamRule(UpdateRule):
    """RAdam's step. Hyperparameters: those of RAdam. State: m and v."""

    name = "radam_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["m"] = self.zeros(param)
        self.state["v"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, hp = self.xp, self.hyperparam
        beta1, beta2, eps, eta, decay = hp.beta1, hp.beta2, hp.eps, hp.eta, hp.weight_decay_rate
        rectification = rectify(beta2, self.t)
        lr = eta * hp.alpha / (1 - beta1**self.t)
        if rectification is not None:
            lr *= rectification * math.sqrt(1 - beta2**self.t)
        for p, g, m, v, step in self.blocks(array, grad, *state):
            xp.subtract(g, m, out=step, dtype=step.dtype)
            step *= 1 - beta1
            m += step
            xp.multiply(g, g, out=step, dtype=step.dtype)
            step -= v
            step *= 1 - beta2
            v += step
            if rectification is None:
                xp.multiply(m, lr, out=step)
            else:
                xp.sqrt(v, out=step)
                step += eps
                xp.divide(m, step, out=step)
                step *= lr
            if decay:
                p *= 1 - eta * decay
            p -= step


def rectify(beta2: float, t: int) -> float | None:
    """The factor r for the step number t; None where v is a mean over too few gradients to be divided by."""
    longest = 2 / (1 - beta2) - 1
    length = longest - 2 * t * beta2**t / (1 - beta2**t)
    if length <= 4:
        return None
    return math.sqrt(
        (length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length),
    )


class RAdam(GradientMethod):
    """Rectified Adam: as long as v is a mean over few gradients, it is not divided by; then ever more. ::

        m <- m + (1 - beta1) (g - m)
        v <- v + (1 - beta2) (g^2 - v)
        rho_inf = 2 / (1 - beta2) - 1
        rho     = rho_inf - 2 t beta2^t / (1 - beta2^t)
        r       = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho))
        lr      = alpha / (1 - beta1^t)
        step    = r lr sqrt(1 - beta2^t) m / (sqrt(v) + eps)  where rho > 4,  else  lr m
        p <- p - eta (step + weight_decay_rate p)

    So it needs no warm-up. ``eps`` is added to the root before the correction, as in Adam.

    Args:
        alpha: the step size, 0.001 by default.
        beta1: how much of m stays at each step, 0.9 by default; 0 <= beta1 < 1.
        beta2: how much of v stays at each step, 0.999 by default; 0 <= beta2 < 1.
        eps: keeps the division finite, 1e-8 by default.
        eta: scales the whole step, weight decay included; 1.0 by default. For schedules.
        weight_decay_rate: weight decay apart from the gradient, 0 by default.

    All of them may be changed at any time: ``optimizer.alpha = 1e-4``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) one of them is out of its range.

    Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020, algorithm 2.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = RAdam(alpha=0.1).setup([x])
    >>> for _ in range(300):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    alpha = HyperparameterProxy()
    beta1 = HyperparameterProxy(least=0, below=1)
    beta2 = HyperparameterProxy(least=0, below=1)
    eps = HyperparameterProxy(least=0)
    eta = HyperparameterProxy()
    weight_decay_rate = HyperparameterProxy()

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eta: float = 1.0,
        weight_decay_rate: float = 0,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.eta = eta
        self.weight_decay_rate = weight_decay_rate

    def create_update_rule(self) -> RAdamRule:
        return RAdamRule(self.hyperparam)
