"""Stochastic gradient descent with momentum, whose velocity does not contain the learning rate."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class CorrectedMomentumSGDRule(UpdateRule):
    """v = momentum v - g; p += lr v. Hyperparameters: lr, momentum. State: v."""

    name = "corrected_momentum_sgd_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["v"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, lr, momentum = self.xp, self.hyperparam.lr, self.hyperparam.momentum
        for p, g, v, step in self.blocks(array, grad, *state):
            v *= momentum
            v -= g
            xp.multiply(v, lr, out=step)
            p += step


class CorrectedMomentumSGD(GradientMethod):
    """Gradient descent with a velocity v apart from the rate: ``v <- momentum v - g``, then ``p <- p + lr v``.

    While ``lr`` stays the same it walks as MomentumSGD does. When ``lr`` changes, the whole step changes at once,
    where MomentumSGD goes on with a velocity made of the former rates.

    Args:
        lr: the learning rate, 0.01 by default.
        momentum: how much of the velocity is left after a step, 0.9 by default.

    Both may be changed at any time: ``optimizer.lr = 0.001``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.

    Source: Goyal et al., "Accurate, Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, section 3, equation (9).

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = CorrectedMomentumSGD(lr=0.1, momentum=0.5).setup([x])
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

    def create_update_rule(self) -> CorrectedMomentumSGDRule:
        return CorrectedMomentumSGDRule(self.hyperparam)
