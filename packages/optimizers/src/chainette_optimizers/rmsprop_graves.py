"""RMSprop as Alex Graves uses it: by the variance of the gradient, and with momentum."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class RMSpropGravesRule(UpdateRule):
    """Graves's step. Hyperparameters: lr, alpha, momentum, eps. State: n and g, the gradients' mean square and mean;
    delta, the latest step."""

    name = "rmsprop_graves_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        for name in ("n", "g", "delta"):
            self.state[name] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, hp = self.xp, self.hyperparam
        lr, alpha, momentum, eps = hp.lr, hp.alpha, hp.momentum, hp.eps
        for p, gradient, n, g, delta, step in self.blocks(array, grad, *state):
            xp.multiply(gradient, gradient, out=step, dtype=step.dtype)
            step *= 1 - alpha
            n *= alpha
            n += step
            xp.multiply(gradient, 1 - alpha, out=step, dtype=step.dtype)
            g *= alpha
            g += step
            xp.multiply(g, g, out=step)
            xp.subtract(n, step, out=step)
            xp.maximum(step, 0, out=step)  # rounding makes the variance of equal gradients negative
            step += eps
            xp.sqrt(step, out=step)
            xp.divide(gradient, step, out=step)
            step *= lr
            delta *= momentum
            delta -= step
            p += delta


class RMSpropGraves(GradientMethod):
    """RMSprop by the variance of the gradient, with momentum. ::

        n     <- alpha n + (1 - alpha) gradient^2
        g     <- alpha g + (1 - alpha) gradient
        delta <- momentum delta - lr gradient / sqrt(n - g^2 + eps)
        p     <- p + delta

    Args:
        lr: the learning rate, 1e-4 by default.
        alpha: how much of both means stays at each step, 0.95 by default.
        momentum: how much of a step is repeated in the next one, 0.9 by default.
        eps: keeps the division finite, 1e-4 by default.

    All of them may be changed at any time: ``optimizer.lr = 1e-5``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) eps is below 0.

    Source: Graves, "Generating Sequences With Recurrent Neural Networks", 2013, equations (38) to (41).

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = RMSpropGraves(lr=0.01, alpha=0.5, momentum=0.5).setup([x])
    >>> for _ in range(100):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    3.0
    """

    lr = HyperparameterProxy()
    alpha = HyperparameterProxy()
    momentum = HyperparameterProxy()
    eps = HyperparameterProxy(least=0)

    def __init__(self, lr: float = 1e-4, alpha: float = 0.95, momentum: float = 0.9, eps: float = 1e-4) -> None:
        super().__init__()
        self.lr = lr
        self.alpha = alpha
        self.momentum = momentum
        self.eps = eps

    def create_update_rule(self) -> RMSpropGravesRule:
        return RMSpropGravesRule(self.hyperparam)
