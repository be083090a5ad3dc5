"""Square."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class Square(Function):
    """x^2."""

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        return self.xp.square(x)

    def backward(self, gy: Variable) -> Variable:
        return gy * (2 * self.retained("x"))


def square(x: ArrayLike) -> Variable:
    """Square, ``x^2`` element by element.

    Args:
        x: any shape and numeric dtype.

    Returns:
        The shape and dtype of ``x``.

    >>> square(np.array([-3.0, 2.0])).array
    array([9., 4.])
    """
    return Square().apply(x)
