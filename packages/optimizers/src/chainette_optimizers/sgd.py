"""Stochastic gradient descent."""

from __future__ import annotations

from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class SGDRule(UpdateRule):
    """p -= lr g. Hyperparameter: lr."""

    name = "sgd_rule"

    def update_core(self, array: Array, grad: Array) -> None:
        xp, lr = self.xp, self.hyperparam.lr
        for p, g, step in self.blocks(array, grad):
            xp.multiply(g, lr, out=step, dtype=step.dtype)
            p -= step


class SGD(GradientMethod):
    """Stochastic gradient descent: ``p <- p - lr g`` for each parameter p with gradient g.

    Args:
        lr: the learning rate, 0.01 by default. It may be changed at any time: ``optimizer.lr = 0.001``.

    Raises:
        WrongTypeError: (a TypeError) lr is not a number.

    Source: Robbins and Monro, "A Stochastic Approximation Method", Annals of Mathematical Statistics 22, 1951.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = SGD(lr=0.1).setup([x])
    >>> for _ in range(50):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    lr = HyperparameterProxy()

    def __init__(self, lr: float = 0.01) -> None:
        super().__init__()
        self.lr = lr

    def create_update_rule(self) -> SGDRule:
        return SGDRule(self.hyperparam)
