"""Lion."""

from __future__ import annotations

from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.hyperparameter import HyperparameterProxy
from chainette_optimizers.optimizer import GradientMethod
from chainette_optimizers.update_rule import UpdateRule


class LionRule(UpdateRule):
    """Lion's step. Hyperparameters: lr, beta1, beta2, weight_decay_rate. State: m, the mean gradient."""

    name = "lion_rule"

    def init_state(self, param: Parameter) -> None:
        assert self.state is not None
        self.state["m"] = self.zeros(param)

    def update_core(self, array: Array, grad: Array, *state: Array) -> None:
        xp, hp = self.xp, self.hyperparam
        lr, beta1, beta2, decay = hp.lr, hp.beta1, hp.beta2, hp.weight_decay_rate
        for p, g, m, difference, step in self.blocks(array, grad, *state, buffers=2):
            xp.subtract(g, m, out=difference, dtype=difference.dtype)
            xp.multiply(difference, 1 - beta1, out=step)
            step += m
            xp.sign(step, out=step)
            step *= lr
            if decay:
                p *= 1 - lr * decay
            p -= step
            difference *= 1 - beta2
            m += difference


class Lion(GradientMethod):
    """Lion: steps of one size, by the sign of a mean of momentum and gradient. ::

        p <- p - lr (sign(beta1 m + (1 - beta1) g) + weight_decay_rate p)
        m <- beta2 m + (1 - beta2) g

    It remembers half of what Adam does. Its rate should be 3 to 10 times smaller than Adam's, its weight decay as much
    larger.

    Args:
        lr: the size of each step, 1e-4 by default.
        beta1: the part of m in the step, 0.9 by default; 0 <= beta1 < 1.
        beta2: how much of m stays at each step, 0.99 by default; 0 <= beta2 < 1.
        weight_decay_rate: weight decay apart from the gradient, and in proportion with lr. 0 by default.

    All of them may be changed at any time: ``optimizer.lr = 1e-5``.

    Raises:
        WrongTypeError: (a TypeError) one of them is not a number.
        ArgumentError: (a ValueError) one of them is out of its range.

    Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", NeurIPS 2023, algorithm 2.

    >>> x = chainette.Parameter(np.array(0.0))
    >>> optimizer = Lion(lr=0.001).setup([x])
    >>> for _ in range(100):
    ...     optimizer.update(lambda: (x - 3) ** 2)
    >>> round(x.item(), 3)
    0.1
    """

    lr = HyperparameterProxy()
    beta1 = HyperparameterProxy(least=0, below=1)
    beta2 = HyperparameterProxy(least=0, below=1)
    weight_decay_rate = HyperparameterProxy()

    def __init__(self, lr: float = 1e-4, beta1: float = 0.9, beta2: float = 0.99, weight_decay_rate: float = 0) -> None:
        super().__init__()
        self.lr = lr
        self.beta1 = beta1
        self.beta2 = beta2
        self.weight_decay_rate = weight_decay_rate

    def create_update_rule(self) -> LionRule:
        return LionRule(self.hyperparam)
