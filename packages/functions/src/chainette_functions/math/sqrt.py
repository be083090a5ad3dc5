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
