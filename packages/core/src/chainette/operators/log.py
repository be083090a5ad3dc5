"""Natural logarithm."""

from __future__ import annotations

from chainette.function import Function
from chainette.typing import Array, ArrayLike
from chainette.variable import Variable


class Log(Function):
    """ln(x)."""

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        return self.xp.log(x)

    def backward(self, gy: Variable) -> Variable:
        return gy / self.retained("x")


def log(x: ArrayLike) -> Variable:
    """Natural logarithm, ``ln(x)``, element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``; -inf at 0 and NaN below, as NumPy has it.

    >>> log(np.array([1.0, np.e])).array
    array([0., 1.])
    """
    return Log().apply(x)
