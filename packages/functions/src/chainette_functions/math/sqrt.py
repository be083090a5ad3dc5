"""Square root."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class Sqrt(Function):
    """The square root."""

    def forward(self, x: Array) -> Array:
        y = self.xp.sqrt(x)
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return gy / (2 * self.retained("y"))


def sqrt(x: ArrayLike) -> Variable:
    """Square root, element by element.

    Args:
        x: any shape, a floating dtype; NaN for negative values, as NumPy has it.

    Returns:
        The shape and dtype of ``x``. The gradient at 0 is infinite, as the true one is.

    >>> sqrt(np.array([4.0, 9.0])).array
    array([2., 3.])
    """
    return Sqrt().apply(x)


def rsqrt(x: ArrayLike) -> Variable:
    """Reciprocal of the square root, ``1 / sqrt(x)`` element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``; infinite at 0, NaN below, as NumPy has it.

    >>> rsqrt(np.array([4.0, 16.0])).array
    array([0.5 , 0.25])
    """
    return 1.0 / sqrt(x)
