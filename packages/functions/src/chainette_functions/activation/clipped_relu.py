"""Rectified linear unit with a ceiling."""

from chainette import Function, Variable
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike


class ClippedReLU(Function):
    """min(max(x, 0), z)."""

    def __init__(self, z: float) -> None:
        self.z = z

    def forward(self, x: Array) -> Array:
        self.retain(inside=(x > 0) & (x < self.z))
        return self.xp.clip(x, 0, self.z)

    def backward(self, gy: Variable) -> Variable:
        return gy * self.retained("inside")


def clipped_relu(x: ArrayLike, z: float = 20.0) -> Variable:
    """Rectified linear unit with a ceiling, ``min(max(x, 0), z)`` element by element.

    Args:
        x: any shape, a floating dtype.
        z: the ceiling, above 0.

    Returns:
        The shape and dtype of ``x``. The gradient at exactly 0 and ``z`` is 0.

    Raises:
        ArgumentError: ``z`` is not above 0.

    >>> clipped_relu(np.array([-1.0, 5.0, 30.0])).array
    array([ 0.,  5., 20.])
    """
    if not z > 0:
        raise ArgumentError(f"clipped_relu: z={z} (expected a number above 0).")
    return ClippedReLU(z).apply(x)
