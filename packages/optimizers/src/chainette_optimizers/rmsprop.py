"""RMSprop."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class RMSpropRule(UpdateRule):
    """RMSprop's step. Hyperparameters: lr, alpha, eps, eps_inside_sqrt. State: ms, the gradients' mean square."""

    name = "rmsprop_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["ms"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, hp = self.xp, self.hyperparam
        lr, alpha, eps, eps_inside_sqrt = hp.lr, hp.alpha, hp.eps, hp.eps_inside_sqrt
        for p, g, ms, step in self.blocks(array, grad, *state):
            xp.multiply(g, g, out=step, dtype=step.dtype)
            step *= 1 - alpha
            ms *= alpha
            ms += step
            if eps_inside_sqrt:
                xp.add(ms, eps, out=step)
                xp.sqrt(step, out=step)
            else:
                xp.sqrt(ms, out=step)
                step += eps
            xp.divide(g, step, out=step)
            step *= lr
            p -= step


class RMSprop(GradientMethod):
    """RMSprop: divides the gradient by the root of its mean square. ::

        ms <- alpha ms + (1 - alpha) g^2
        p  <- p - lr g / (sqrt(ms) + eps)

    Args:
        lr: the learning rate, 0.01 by default.
        alpha: how much of the mean stays at each step, 0.99 by default.
        eps: keeps the division finite, 1e-8 by default.
        eps_inside_sqrt: divide by ``sqrt(ms + eps)``, as other frameworks do. False by default.

    All of them may be changed at any time: ``optimizer.lr = 0.001``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) eps is below 0.

    Source: Tieleman and Hinton, "Lecture 6.5 - rmsprop", COURSERA: Neural Networks for Machine Learning, 2012.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = RMSprop(lr=0.05).setup([x])
    >>> for _ in range(100):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    lr = HyperparameterProxy()
    alpha = HyperparameterProxy()
    eps = HyperparameterProxy(least=0)
    eps_inside_sqrt = HyperparameterProxy()

    def __init__(self, lr: float = 0.01, alpha: float = 0.99, eps: float = 1e-8, eps_inside_sqrt: bool = False) -> None:
        super().__init__()
        self.lr = lr
        self.alpha = alpha
        self.eps = eps
        self.eps_inside_sqrt = eps_inside_sqrt

    def create_update_rule(self) -> RMSpropRule:
        return RMSpropRule(self.hyperparam)
