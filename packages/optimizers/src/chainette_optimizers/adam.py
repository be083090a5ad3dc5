"""Adam; on request with decoupled weight decay, AMSGrad and AdaBound."""

from __future__ import annotations

import math
from typing import Any

from chainette.errors import ConfigError
from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.errors import NotReadyError
from chainette_optimizers.hyperparameter import Hyperparameter, HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class AdamRule(UpdateRule):
    """Adam's step. Hyperparameters: those of Adam. State: m, v, and vhat with amsgrad.

    Attributes:
        initial_alpha: alpha when the rule was made; AdaBound's final rate changes in proportion with alpha since then.
    """

    name = "adam_rule"

    def __init__(self, parent: Hyperparameter | None = None, /, **values: Any) -> None:
        super().__init__(parent, **values)
        self.initial_alpha: float = self.hyperparam.get_dict().get("alpha", 0.0)

    @property
    def lr(self) -> float:
        """alpha, corrected for averages that started from 0."""
        return corrected_rate(self.hyperparam, self.t)

    @property
    def bounds(self) -> tuple[float, float]:
        """Between what AdaBound keeps the rates at step t; both go to final_lr."""
        hp = self.hyperparam
        final = hp.final_lr * hp.alpha / self.initial_alpha if self.initial_alpha else hp.final_lr
        return final * (1 - 1 / (hp.gamma * self.t + 1)), final * (1 + 1 / (hp.gamma * self.t))

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["m"] = self.zeros(param)
        self.state["v"] = self.zeros(param)
        if self.hyperparam.amsgrad:
            self.state["vhat"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, hp, lr = self.xp, self.hyperparam, self.lr
        beta1, beta2, eps, eta, decay = hp.beta1, hp.beta2, hp.eps, hp.eta, hp.weight_decay_rate
        amsgrad, bounds = hp.amsgrad, self.bounds if hp.adabound else None
        if amsgrad and len(state) == 2:  # it was switched on after the first step
            assert self.state is not None
            self.state["vhat"] = state[1].copy()
            state = (*state, self.state["vhat"])
        for p, g, m, v, *vhat, step in self.blocks(array, grad, *state):
            xp.subtract(g, m, out=step, dtype=step.dtype)
            step *= 1 - beta1
            m += step
            xp.multiply(g, g, out=step, dtype=step.dtype)
            step -= v
            step *= 1 - beta2
            v += step
            if amsgrad:
                v = xp.maximum(vhat[0], v, out=vhat[0])
            xp.sqrt(v, out=step)
            step += eps
            if bounds is None:
                xp.divide(m, step, out=step)
                step *= eta * lr
            else:
                xp.divide(lr, step, out=step)
                xp.clip(step, *bounds, out=step)
                step *= m
                step *= eta
            if decay:
                p *= 1 - eta * decay
            p -= step


class Adam(GradientMethod):
    """Adam: steps along the mean gradient m, divided by the root of the mean square v of the gradient g. ::

        m <- m + (1 - beta1) (g - m)
        v <- v + (1 - beta2) (g^2 - v)
        lr = alpha sqrt(1 - beta2^t) / (1 - beta1^t)
        p <- p - eta (lr m / (sqrt(v) + eps) + weight_decay_rate p)

    ``eps`` is added to the root before the correction, as in the last form of the paper's section 2. With ``adabound``
    the rate ``lr / (sqrt(v) + eps)`` of each element is kept between two bounds that meet as t grows::

        final_lr (1 - 1 / (gamma t + 1))  and  final_lr (1 + 1 / (gamma t))

    in which ``final_lr`` changes in proportion with alpha after ``setup``.

    Args:
        alpha: the step size, 0.001 by default.
        beta1: how much of m stays at each step, 0.9 by default; 0 <= beta1 < 1.
        beta2: how much of v stays at each step, 0.999 by default; 0 <= beta2 < 1.
        eps: keeps the division finite, 1e-8 by default.
        eta: scales the whole step, weight decay included; 1.0 by default. For schedules.
        weight_decay_rate: weight decay apart from the gradient (AdamW), 0 by default.
        amsgrad: divide by the root of the largest v so far, kept as vhat. False by default.
        adabound: keep the rates between bounds. False by default.
        final_lr: the rate to which the bounds lead, 0.1 by default.
        gamma: how fast they do, 1e-3 by default; above 0.

    All of them may be changed at any time: ``optimizer.alpha = 1e-4``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) one of them is out of its range.

    Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015; Loshchilov and Hutter, "Decoupled
    Weight Decay Regularization", ICLR 2019; Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond", ICLR 2018;
    Luo et al., "Adaptive Gradient Methods with Dynamic Bound of Learning Rate", ICLR 2019.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = Adam(alpha=0.1).setup([x])
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
    amsgrad = HyperparameterProxy()
    adabound = HyperparameterProxy()
    final_lr = HyperparameterProxy()
    gamma = HyperparameterProxy(above=0)

    def __init__(
        self,
        alpha: float = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        eta: float = 1.0,
        weight_decay_rate: float = 0,
        amsgrad: bool = False,
        adabound: bool = False,
        final_lr: float = 0.1,
        gamma: float = 1e-3,
    ) -> None:
        super().__init__()
        self.alpha = alpha
        self.beta1 = beta1
        self.beta2 = beta2
        self.eps = eps
        self.eta = eta
        self.weight_decay_rate = weight_decay_rate
        self.amsgrad = amsgrad
        self.adabound = adabound
        self.final_lr = final_lr
        self.gamma = gamma

    @property
    def lr(self) -> float:
        """The rate of the latest step, ``alpha sqrt(1 - beta2^t) / (1 - beta1^t)``.

        Raises:
            NotReadyError: (a RuntimeError) there was no step yet.
        """
        if self.t == 0:
            raise NotReadyError("Adam.lr: it is that of the latest step, and there was none yet. Read alpha.")
        return corrected_rate(self.hyperparam, self.t)

    @lr.setter
    def lr(self, value: float) -> None:
        raise ConfigError("Adam.lr: it follows from alpha and cannot be set. Set alpha.")

    def create_update_rule(self) -> AdamRule:
        return AdamRule(self.hyperparam)


def corrected_rate(hyperparam: Hyperparameter, t: int) -> float:
    """alpha sqrt(1 - beta2^t) / (1 - beta1^t)."""
    rate: float = hyperparam.alpha * math.sqrt(1 - hyperparam.beta2**t) / (1 - hyperparam.beta1**t)
    return rate
