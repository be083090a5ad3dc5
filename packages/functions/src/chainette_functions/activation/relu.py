"""Rectified linear unit."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class ReLU(Function):
    """max(x, 0); keeps its output, whose sign is the gradient's mask."""

    def forward(self, x: Array) -> Array:
        y = self.xp.maximum(x, self.xp.zeros(x.shape[1:], x.dtype))  # NumPy takes three times as long for a number
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return ReLUGrad().apply(self.retained("y"), gy)


class ReLUGrad(Function):
    """gy where y > 0, else 0: linear in gy, so it is its own gradient."""

    def forward(self, y: Array, gy: Array) -> Array:
        self.retain(y=y)
        return gy * (y > 0)

    def backward(self, ggx: Variable) -> tuple[None, Variable]:
        return None, ReLUGrad().apply(self.retained("y"), ggx)


def relu(x: ArrayLike) -> Variable:
    """Rectified linear unit, ``max(x, 0)`` element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``. The gradient at exactly 0 is 0.

    Source: Nair and Hinton, "Rectified Linear Units Improve Restricted Boltzmann Machines", ICML 2010.

    >>> relu(np.array([-1.0, 0.0, 2.0])).array
    array([0., 0., 2.])
    """
    return ReLU().apply(x)
