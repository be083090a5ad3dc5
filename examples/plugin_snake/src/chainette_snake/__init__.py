"""Snake, an activation that learns periodic functions."""

from math import pi

from chainette import Function, Variable
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike

__all__ = ["snake"]


class Snake(Function):
    """x + sin(a x)^2 / a."""

    def __init__(self, a: float) -> None:
        self.a = a

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        return x + self.xp.sin(self.a * x) ** 2 / self.a

    def backward(self, gy: Variable) -> Variable:
        return gy * (1 + Sin().apply(2 * self.a * self.retained("x")))


class Sin(Function):
    """sin(x), whose derivative is a sine too; so every higher gradient of snake exists."""

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        return self.xp.sin(x)

    def backward(self, gy: Variable) -> Variable:
        return gy * Sin().apply(self.retained("x") + pi / 2)


def snake(x: ArrayLike, a: float = 1.0) -> Variable:
    """Snake, ``x + sin(a x)^2 / a`` element by element.

    Args:
        x: any shape, a floating dtype.
        a: how fast the ripples follow each other; not 0.

    Returns:
        The shape and dtype of ``x``.

    Source: Ziyin, Hartwig and Ueda, "Neural Networks Fail to Learn Periodic Functions and How to Fix It", 2020.

    >>> snake(np.array([0.0, np.pi / 2])).array
    array([0.        , 2.57079633])
    """
    if a == 0:
        raise ArgumentError("snake: a is 0 (expected any other number). Leave it out for 1.")
    return Snake(a).apply(x)
