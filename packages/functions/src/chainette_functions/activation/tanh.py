"""Hyperbolic tangent."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class Tanh(Function):
    """tanh(x)."""

    def forward(self, x: Array) -> Array:
        y = self.xp.tanh(x)
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return TanhGrad().apply(self.retained("y"), gy)


class TanhGrad(Function):
    """gy (1 - y^2)."""

    def forward(self, y: Array, gy: Array) -> Array:
        self.retain(y=y, gy=gy)
        gx = gy * y
        gx *= y
        return gy - gx

    def backward(self, ggx: Variable) -> tuple[Variable, Variable]:
        y, gy = self.retained("y"), self.retained("gy")
        return -2 * ggx * gy * y, TanhGrad().apply(y, ggx)


def tanh(x: ArrayLike) -> Variable:
    """Hyperbolic tangent, element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``; values between -1 and 1.

    >>> tanh(np.array([0.0, 100.0])).array
    array([0., 1.])
    """
    return Tanh().apply(x)
