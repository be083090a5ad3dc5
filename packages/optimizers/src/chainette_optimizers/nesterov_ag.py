"""Nesterov's accelerated gradient."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class NesterovAGRule(UpdateRule):
    """v = momentum v - lr g; p += momentum^2 v - (1 + momentum) lr g. Hyperparameters: lr, momentum. State: v."""

    name = "nesterov_ag_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["v"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, lr, momentum = self.xp, self.hyperparam.lr, self.hyperparam.momentum
        for p, g, v, step, ahead in self.blocks(array, grad, *state, buffers=2):
            xp.multiply(g, lr, out=step, dtype=step.dtype)
            v *= momentum
            v -= step
            step *= 1 + momentum
            xp.multiply(v, momentum**2, out=ahead)
            ahead -= step
            p += ahead


class NesterovAG(GradientMethod):
    """Gradient descent whose gradient is taken ahead, where the velocity v leads to. ::

        v <- momentum v - lr g
        p <- p + momentum^2 v - (1 + momentum) lr g

    p is the point ahead. The paper's step has the former v in the second line; here it is the new one, as in every
    version of Chainer, whose results this gives.

    Args:
        lr: the learning rate, 0.01 by default.
        momentum: how much of the velocity is left after a step, 0.9 by default.

    Both may be changed at any time: ``optimizer.lr = 0.001``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.

    Source: Bengio, Boulanger-Lewandowski and Pascanu, "Advances in Optimizing Recurrent Networks", ICASSP 2013,
    equations (6) and (7).

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = NesterovAG(lr=0.1, momentum=0.5).setup([x])
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

    def create_update_rule(self) -> NesterovAGRule:
        return NesterovAGRule(self.hyperparam)
