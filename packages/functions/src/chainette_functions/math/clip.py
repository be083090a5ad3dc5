"""Clipping to an interval."""

from chainette import Function, Variable
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike


class Clip(Function):
    """x, or the nearer bound where x lies outside."""

    def __init__(self, x_min: float | None, x_max: float | None) -> None:
        self.x_min = x_min
        self.x_max = x_max

    def forward(self, x: Array) -> Array:
        y = self.xp.clip(x, self.x_min, self.x_max)
        self.retain(inside=x == y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return gy * self.retained("inside")


def clip(x: ArrayLike, x_min: float | None, x_max: float | None) -> Variable:
    """``x`` limited to the interval from ``x_min`` to ``x_max``, element by element.

    Args:
        x: any shape, a real dtype.
        x_min: the lower bound; None for none.
        x_max: the upper bound; None for none.

    Returns:
        The shape and dtype of ``x``. The gradient is 1 inside and on the bounds, 0 outside.

    Raises:
        ArgumentError: the lower bound lies above the upper one, or both are None.

    >>> clip(np.array([-3.0, 0.5, 7.0]), 0.0, 1.0).array
    array([0. , 0.5, 1. ])
    """
    if x_min is None and x_max is None:
        raise ArgumentError("clip: x_min and x_max are both None. Give at least one bound.")
    if x_min is not None and x_max is not None and x_min > x_max:
        raise ArgumentError(f"clip: x_min={x_min} lies above x_max={x_max}.")
    return Clip(x_min, x_max).apply(x)
