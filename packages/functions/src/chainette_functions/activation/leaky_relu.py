"""Leaky rectified linear unit."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike


class LeakyReLU(Function):
    """x where x >= 0, else slope x."""

    def __init__(self, slope: float) -> None:
        self.slope = slope

    def forward(self, x: Array) -> Array:
        factor = self.xp.where(x >= 0, x.dtype.type(1), x.dtype.type(self.slope))
        self.retain(factor=factor)
        return x * factor

    def backward(self, gy: Variable) -> Variable:
        return gy * self.retained("factor")


def leaky_relu(x: ArrayLike, slope: float = 0.2) -> Variable:
    """Leaky rectified linear unit, ``x`` where x >= 0, else ``slope x``, element by element.

    Args:
        x: any shape, a floating dtype.
        slope: the slope for negative values.

    Returns:
        The shape and dtype of ``x``. The gradient at exactly 0 is 1.

    Source: Maas, Hannun, Ng, "Rectifier Nonlinearities Improve Neural Network Acoustic Models", ICML 2013.

    >>> leaky_relu(np.array([-1.0, 3.0])).array
    array([-0.2,  3. ])
    """
    return LeakyReLU(slope).apply(x)
