"""Exponential function."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class Exp(Function):
    """e^x."""

    def forward(self, x: Array) -> Array:
        y = self.xp.exp(x)
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return gy * self.retained("y")


def exp(x: ArrayLike) -> Variable:
    """Exponential function, ``e^x`` element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``.

    >>> exp(np.array([0.0, 1.0])).array
    array([1.        , 2.71828183])
    """
    return Exp().apply(x)
