"""Length of vectors: what cosine_similarity and normalize share."""

from chainette import Function, Variable
from chainette.typing import Array


class L2Norm(Function):
    """sqrt(sum(x^2)) over axes, which stay with size 1. The gradient of a vector of zeros is 0, not NaN."""

    def __init__(self, axes: tuple[int, ...] | None) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Array:
        y = self.xp.sqrt(self.xp.square(x).sum(self.axes, keepdims=True))
        self.retain(x=x, y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        x, y = self.retained("x"), self.retained("y")
        divisor: Variable = y + (y.array == 0).astype(y.dtype)
        return x * (gy / divisor)
