"""SMORMS3: squared mean over root mean squared cubed."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class SMORMS3Rule(UpdateRule):
    """SMORMS3's step. Hyperparameters: lr, eps. State: mem, for how long to remember; g and g2, the gradients' mean
    and mean square over that time."""

    name = "smorms3_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["mem"] = self.zeros(param)
        self.state["mem"] += 1
        self.state["g"] = self.zeros(param)
        self.state["g2"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, lr, eps = self.xp, self.hyperparam.lr, self.hyperparam.eps
        for p, gradient, mem, g, g2, x, change in self.blocks(array, grad, *state, buffers=2):
            xp.add(mem, 1, out=x)
            xp.divide(1, x, out=x)  # so much of the means is new
            xp.subtract(gradient, g, out=change, dtype=change.dtype)
            change *= x
            g += change
            xp.multiply(gradient, gradient, out=change, dtype=change.dtype)
            change -= g2
            change *= x
            g2 += change
            xp.add(g2, eps, out=change)
            xp.multiply(g, g, out=x)
            x /= change
            xp.multiply(mem, x, out=change)
            mem -= change
            mem += 1
            xp.minimum(x, lr, out=x)
            x *= gradient
            xp.sqrt(g2, out=change)
            change += eps
            x /= change
            p -= x


class SMORMS3(GradientMethod):
    """SMORMS3: the rate of an element is limited by how much its gradients agree. ::

        r    = 1 / (mem + 1)
        g   <- (1 - r) g + r gradient
        g2  <- (1 - r) g2 + r gradient^2
        x    = g^2 / (g2 + eps)
        p   <- p - min(lr, x) gradient / (sqrt(g2) + eps)
        mem <- 1 + mem (1 - x)

    ``mem`` starts from 1, ``g`` and ``g2`` from 0.

    Args:
        lr: the largest rate, 0.001 by default.
        eps: keeps the divisions finite, 1e-16 by default.

    Both may be changed at any time: ``optimizer.lr = 0.01``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) eps is below 0.

    Source: Funk, "RMSprop loses to SMORMS3 - Beware the Epsilon!", sifter.org/~simon/journal/20150420.html, 2015.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = SMORMS3(lr=0.1).setup([x])
    >>> for _ in range(100):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    lr = HyperparameterProxy()
    eps = HyperparameterProxy(least=0)

    def __init__(self, lr: float = 0.001, eps: float = 1e-16) -> None:
        super().__init__()
        self.lr = lr
        self.eps = eps

    def create_update_rule(self) -> SMORMS3Rule:
        return SMORMS3Rule(self.hyperparam)
