"""M-SVAG: momentum, with each element's step damped by its variance."""

from __future__ import annotations

import numpy as np

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class MSVAGRule(UpdateRule):
    """M-SVAG's step. Hyperparameters: lr, beta, eta, weight_decay_rate. State: m and v, the gradients' mean and mean
    square, not corrected for their start from 0."""

    name = "msvag_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["m"] = self.zeros(param)
        self.state["v"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, hp = self.xp, self.hyperparam
        beta, eta, decay = hp.beta, hp.eta, hp.weight_decay_rate
        weight = 1 - beta**self.t
        rho = (1 - beta) * (1 + beta**self.t) / ((1 + beta) * weight)
        # The factor m^2 / (m^2 + rho s) in terms of m and v as they are: m^2 / ((1 - share) m^2 + share weight v).
        # It is 1 where a single gradient is all there is: that has no variance, and rho is 1.
        share = None if self.t == 1 or rho >= 1 else rho / (1 - rho)
        for p, g, m, v, step, factor, below in self.blocks(array, grad, *state, buffers=3):
            xp.subtract(g, m, out=step, dtype=step.dtype)
            step *= 1 - beta
            m += step
            xp.multiply(g, g, out=step, dtype=step.dtype)
            step -= v
            step *= 1 - beta
            v += step
            xp.multiply(m, eta * hp.lr / weight, out=step)
            if share is not None:
                xp.multiply(m, m, out=factor)
                xp.multiply(factor, 1 - share, out=below)
                xp.multiply(v, share * weight, out=factor)
                below += factor
                xp.maximum(below, np.finfo(below.dtype).tiny, out=below)  # all gradients were 0, and 0 / 0 is NaN
                xp.multiply(m, m, out=factor)
                factor /= below
                step *= factor
            if decay:
                p *= 1 - eta * decay
            p -= step


class MSVAG(GradientMethod):
    """Momentum whose step shrinks where gradients disagree, by the variance s of the gradient g. ::

        m   <- beta m + (1 - beta) g
        v   <- beta v + (1 - beta) g^2
        rho  = (1 - beta) (1 + beta^t) / ((1 + beta) (1 - beta^t))
        s    = (v' - m'^2) / (1 - rho)
        p   <- p - eta (lr m' m'^2 / (m'^2 + rho s) + weight_decay_rate p)

    m' and v' are m and v divided by ``1 - beta^t``. The first step is ``lr g``.

    Args:
        lr: the learning rate, 0.1 by default.
        beta: how much of m and v stays at each step, 0.9 by default; 0 <= beta < 1.
        eta: scales the whole step, weight decay included; 1.0 by default. For schedules.
        weight_decay_rate: weight decay apart from the gradient, 0 by default.

    All of them may be changed at any time: ``optimizer.lr = 0.01``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) beta is out of its range.

    Source: Balles and Hennig, "Dissecting Adam: The Sign, Magnitude and Variance of Stochastic Gradients", ICML 2018,
    algorithm 2.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = MSVAG().setup([x])
    >>> for _ in range(300):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    lr = HyperparameterProxy()
    beta = HyperparameterProxy(least=0, below=1)
    eta = HyperparameterProxy()
    weight_decay_rate = HyperparameterProxy()

    def __init__(self, lr: float = 0.1, beta: float = 0.9, eta: float = 1.0, weight_decay_rate: float = 0) -> None:
        super().__init__()
        self.lr = lr
        self.beta = beta
        self.eta = eta
        self.weight_decay_rate = weight_decay_rate

    def create_update_rule(self) -> MSVAGRule:
        return MSVAGRule(self.hyperparam)
