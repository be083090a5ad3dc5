"""Gradient clipping by the global norm."""

from __future__ import annotations

import math

from chainette.errors import ArgumentError
from chainette.parameter import Parameter
from chainette.typing import Array
from chainette_optimizers.optimizer import Optimizer
from chainette_optimizers.update_rule import UpdateRule


class GradientClipping:
    """Scales all gradients down, by one factor, so that their joint L2 norm is at most ``threshold``.

    Smaller gradients stay as they are. Squares are summed in float64 whatever the gradients' dtype.

    Args:
        threshold: the largest norm, above 0. No default.

    Raises:
        ArgumentError: (a ValueError) threshold is not above 0.

    Added to an optimizer it takes the norm over all parameters, added to ``param.update_rule`` over that one alone.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", ICML 2013.

    >>> from chainette.optimizers import SGD
    >>> x = chainette.Parameter(np.array([0.0, 0.0]))
    >>> x.grad = np.array([30.0, 40.0])
    >>> optimizer = SGD(lr=1).setup([x])
    >>> optimizer.add_hook(GradientClipping(5))
    >>> optimizer.update()
    >>> x.array
    array([-3., -4.])
    """

    name = "GradientClipping"
    timing = "pre"

    def __init__(self, threshold: float) -> None:
        if not threshold > 0:
            raise ArgumentError(f"GradientClipping: threshold is {threshold} (expected a number above 0).")
        self.threshold = float(threshold)

    def __call__(self, optimizer: Optimizer | UpdateRule, param: Parameter | None = None) -> None:
        if isinstance(optimizer, Optimizer):
            params = [each for _, each in optimizer.namedparams() if each.grad is not None]
        else:
            params = [param] if param is not None and param.grad is not None else []
        # First all sums are asked for, then all are read, so that an accelerator is waited for only once.
        norm = math.sqrt(sum([float(square) for square in [_sum_of_squares(each) for each in params]]))
        if norm > self.threshold:
            for each in params:
                with each.device.use():
                    grad = each.grad
                    grad *= self.threshold / norm


def _sum_of_squares(param: Parameter) -> Array:
    with param.device.use():
        axes = list(range(param.grad.ndim))
        return param.xp.einsum(param.grad, axes, param.grad, axes, [], dtype="float64")
