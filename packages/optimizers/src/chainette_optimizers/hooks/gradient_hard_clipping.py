"""Gradient clipping element by element."""

from __future__ import annotations

import numpy as np

from chainette.errors import ArgumentError
from chainette.parameter import Parameter
from chainette_optimizers.update_rule import UpdateRule


class GradientHardClipping:
    """Moves each element of a gradient that lies outside of ``[lower_bound, upper_bound]`` to the nearer bound.

    Args:
        lower_bound: the least value, as a rule below 0. No default.
        upper_bound: the largest value. No default.

    Raises:
        ArgumentError: (a ValueError) lower_bound is not below upper_bound.

    Added to an optimizer it serves all parameters, added to ``param.update_rule`` that one alone. It turns the
    direction of the step; ``GradientClipping`` does not.

    Source: Mikolov, "Statistical Language Models Based on Neural Networks", Brno University of Technology, 2012.

    >>> from chainette.optimizers import SGD
    >>> x = chainette.Parameter(np.array([0.0, 0.0]))
    >>> x.grad = np.array([0.5, -40.0])
    >>> optimizer = SGD(lr=1).setup([x])
    >>> optimizer.add_hook(GradientHardClipping(-2, 2))
    >>> optimizer.update()
    >>> x.array
    array([-0.5,  2. ])
    """

    name = "GradientHardClipping"
    call_for_each_param = True
    timing = "pre"

    def __init__(self, lower_bound: float, upper_bound: float) -> None:
        if not lower_bound < upper_bound:
            raise ArgumentError(
                f"GradientHardClipping: the bounds are {lower_bound} and {upper_bound} (expected a lower one first)."
            )
        self.lower_bound = float(lower_bound)
        self.upper_bound = float(upper_bound)

    def __call__(self, rule: UpdateRule | None, param: Parameter) -> None:
        if param.grad is not None:
            with param.device.use(), np.errstate(over="ignore"):  # a bound too large for float16 is no bound
                param.xp.clip(param.grad, self.lower_bound, self.upper_bound, out=param.grad)
