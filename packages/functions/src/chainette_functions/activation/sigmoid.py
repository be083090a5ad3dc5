"""Logistic sigmoid."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class Sigmoid(Function):
    """1 / (1 + exp(-x)), computed from exp(-abs(x)), which cannot overflow."""

    def forward(self, x: Array) -> Array:
        small = self.xp.exp(-abs(x))
        y = self.xp.maximum(small, x >= 0)  # 1 where x is not negative; where() takes five times as long
        small += 1
        y /= small
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return SigmoidGrad().apply(self.retained("y"), gy)


class SigmoidGrad(Function):
    """gy y (1 - y)."""

    def forward(self, y: Array, gy: Array) -> Array:
        self.retain(y=y, gy=gy)
        return gy * (y - y * y)

    def backward(self, ggx: Variable) -> tuple[Variable, Variable]:
        y, gy = self.retained("y"), self.retained("gy")
        return ggx * gy * (1 - 2 * y), SigmoidGrad().apply(y, ggx)


def sigmoid(x: ArrayLike) -> Variable:
    """Logistic sigmoid, ``1 / (1 + exp(-x))`` element by element.

    Args:
        x: any shape, a floating dtype. No value overflows.

    Returns:
        The shape and dtype of ``x``; values between 0 and 1.

    >>> sigmoid(np.array([-1000.0, 0.0, 1000.0])).array
    array([0. , 0.5, 1. ])
    """
    return Sigmoid().apply(x)
