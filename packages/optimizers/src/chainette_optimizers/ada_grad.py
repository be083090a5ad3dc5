"""AdaGrad."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class AdaGradRule(UpdateRule):
    """h += g^2; p -= lr g / (sqrt(h) + eps). Hyperparameters: lr, eps. State: h."""

    name = "ada_grad_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["h"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, lr, eps = self.xp, self.hyperparam.lr, self.hyperparam.eps
        for p, g, h, step in self.blocks(array, grad, *state):
            xp.multiply(g, g, out=step, dtype=step.dtype)
            h += step
            xp.sqrt(h, out=step)
            step += eps
            xp.divide(g, step, out=step)
            step *= lr
            p -= step


class AdaGrad(GradientMethod):
    """AdaGrad: a rate for each element, which falls as its squared gradients add up. ::

        h <- h + g^2
        p <- p - lr g / (sqrt(h) + eps)

    Args:
        lr: the learning rate, 0.001 by default.
        eps: keeps the division finite, 1e-8 by default.

    Both may be changed at any time: ``optimizer.lr = 0.01``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) eps is below 0.

    Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization",
    JMLR 12, 2011.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = AdaGrad(lr=1.0).setup([x])
    >>> for _ in range(100):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    lr = HyperparameterProxy()
    eps = HyperparameterProxy(least=0)

    def __init__(self, lr: float = 0.001, eps: float = 1e-8) -> None:
        super().__init__()
        self.lr = lr
        self.eps = eps

    def create_update_rule(self) -> AdaGradRule:
        return AdaGradRule(self.hyperparam)
