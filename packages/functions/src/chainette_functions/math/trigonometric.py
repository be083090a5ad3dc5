"""Sine and cosine."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class Sin(Function):
    """sin(x)."""

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        return self.xp.sin(x)

    def backward(self, gy: Variable) -> Variable:
        return gy * cos(self.retained("x"))


class Cos(Function):
    """cos(x)."""

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        return self.xp.cos(x)

    def backward(self, gy: Variable) -> Variable:
        return -gy * sin(self.retained("x"))


def sin(x: ArrayLike) -> Variable:
    """Sine of an angle in radians, element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``.

    >>> sin(np.array([0.0, np.pi / 2])).array
    array([0., 1.])
    """
    return Sin().apply(x)


def cos(x: ArrayLike) -> Variable:
    """Cosine of an angle in radians, element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``.

    >>> cos(np.array([0.0, np.pi])).array
    array([ 1., -1.])
    """
    return Cos().apply(x)
