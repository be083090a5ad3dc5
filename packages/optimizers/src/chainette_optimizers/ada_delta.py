"""AdaDelta."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class AdaDeltaRule(UpdateRule):
    """AdaDelta's step. Hyperparameters: rho, eps. State: msg and msdx, the mean squares of gradients and steps."""

    name = "ada_delta_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["msg"] = self.zeros(param)
        self.state["msdx"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, rho, eps = self.xp, self.hyperparam.rho, self.hyperparam.eps
        for p, g, msg, msdx, step, below in self.blocks(array, grad, *state, buffers=2):
            xp.multiply(g, g, out=step, dtype=step.dtype)
            step *= 1 - rho
            msg *= rho
            msg += step
            xp.add(msdx, eps, out=step)
            xp.add(msg, eps, out=below)
            step /= below
            xp.sqrt(step, out=step)
            step *= g
            p -= step
            step *= step
            step *= 1 - rho
            msdx *= rho
            msdx += step


class AdaDelta(GradientMethod):
    """AdaDelta: steps in the proportion of the mean sizes of past steps and past gradients; there is no rate. ::

        msg  <- rho msg + (1 - rho) g^2
        dx    = sqrt((msdx + eps) / (msg + eps)) g
        msdx <- rho msdx + (1 - rho) dx^2
        p    <- p - dx

    Args:
        rho: how much of both means stays at each step, 0.95 by default.
        eps: the size of the first steps squared, and what keeps the division finite; 1e-6 by default.

    Both may be changed at any time: ``optimizer.rho = 0.99``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) eps is below 0.

    Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = AdaDelta(eps=1e-2).setup([x])
    >>> for _ in range(300):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    rho = HyperparameterProxy()
    eps = HyperparameterProxy(least=0)

    def __init__(self, rho: float = 0.95, eps: float = 1e-6) -> None:
        super().__init__()
        self.rho = rho
        self.eps = eps

    def create_update_rule(self) -> AdaDeltaRule:
        return AdaDeltaRule(self.hyperparam)
