"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class MomentumSGDRule(UpdateRule):
    """v = momentum v - lr g; p += v. Hyperparameters: lr, momentum. State: v."""

    name = "momentum_sgd_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["v"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, lr, momentum = self.xp, self.hyperparam.lr, self.hyperparam.momentum
        for p, g, v, step in self.blocks(array, grad, *state):
            xp.multiply(g, lr, out=step, dtype=step.dtype)
            v *= momentum
            v -= step
            p += v


class MomentumSGD(GradientMethod):
    """Gradient descent with a velocity v: ``v <- momentum v - lr g``, then ``p <- p + v``.

    Args:
        lr: the learning rate, 0.01 by default.
        momentum: how much of the velocity is left after a step, 0.9 by default.

    Both may be changed at any time: ``optimizer.lr = 0.001``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", USSR Computational
    Mathematics and Mathematical Physics 4, 1964.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = MomentumSGD(lr=0.1, momentum=0.5).setup([x])
    >>> for _ in range(50):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    lr = HyperparameterProxy()
    momentum = HyperparameterProxy()

    def __init__(self, lr: float = 0.01, momentum: float = 0.9) -> None:
        super().__init__()
        self.lr = lr
        self.momentum = momentum

    def create_update_rule(self) -> MomentumSGDRule:
        return MomentumSGDRule(self.hyperparam)
