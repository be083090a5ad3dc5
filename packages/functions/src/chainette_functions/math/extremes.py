"""The larger and the smaller of two arrays, and the positions of the largest and the smallest element."""

from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette.typing import Array, ArrayLike
from chainette_functions.array.where import Where


class Maximum(Function):
    """max(x1, x2); where they are equal, the gradient goes to x1."""

    def forward(self, x1: Array, x2: Array) -> Array:
        self.retain(first=x1 >= x2)
        return self.xp.maximum(x1, x2)

    def backward(self, gy: Variable) -> tuple[Variable | None, Variable | None]:
        first = self.retained("first")
        wanted1, wanted2 = self.needs_input_grad
        return (
            Where().apply(first, gy, 0.0) if wanted1 else None,
            Where().apply(first, 0.0, gy) if wanted2 else None,
        )


class Minimum(Maximum):
    """min(x1, x2); where they are equal, the gradient goes to x1."""

    def forward(self, x1: Array, x2: Array) -> Array:
        self.retain(first=x1 <= x2)
        return self.xp.minimum(x1, x2)


class ArgExtremum(Function):
    """The position of an extreme element."""

    def __init__(self, method: str, axis: int | None) -> None:
        self.method = method
        self.axis = axis

    def forward(self, x: Array) -> Array:
        positions: Any = getattr(x, self.method)(self.axis)
        return self.xp.asarray(positions).astype("int32")


def maximum(x1: ArrayLike, x2: ArrayLike) -> Variable:
    """The larger of two values, element by element, broadcast.

    Args:
        x1: any shape, a real dtype.
        x2: a shape that broadcasts with that of ``x1``.

    Returns:
        The broadcast shape. Where both are equal, the gradient goes to ``x1``.

    >>> maximum(np.array([1.0, 5.0]), np.array([4.0, 2.0])).array
    array([4., 5.])
    """
    return Maximum().apply(x1, x2)


def minimum(x1: ArrayLike, x2: ArrayLike) -> Variable:
    """The smaller of two values, element by element, broadcast.

    Args:
        x1: any shape, a real dtype.
        x2: a shape that broadcasts with that of ``x1``.

    Returns:
        The broadcast shape. Where both are equal, the gradient goes to ``x1``.

    >>> minimum(np.array([1.0, 5.0]), np.array([4.0, 2.0])).array
    array([1., 2.])
    """
    return Minimum().apply(x1, x2)


def argmax(x: ArrayLike, axis: int | None = None) -> Variable:
    """The position of the largest element along ``axis``, the first one of several. It has no gradient.

    Args:
        x: any real dtype.
        axis: an axis; None counts through the flattened array.

    Returns:
        int32 positions, without that axis.

    Raises:
        ShapeError: there is no such axis, or nothing to choose from.

    >>> argmax(np.array([[1.0, 5.0], [7.0, 2.0]]), axis=1).array
    array([1, 0], dtype=int32)
    """
    return _position("argmax", x, axis)


def argmin(x: ArrayLike, axis: int | None = None) -> Variable:
    """The position of the smallest element along ``axis``, the first one of several. It has no gradient.

    Args:
        x: any real dtype.
        axis: an axis; None counts through the flattened array.

    Returns:
        int32 positions, without that axis.

    Raises:
        ShapeError: there is no such axis, or nothing to choose from.

    >>> argmin(np.array([[1.0, 5.0], [7.0, 2.0]]), axis=1).array
    array([0, 1], dtype=int32)
    """
    return _position("argmin", x, axis)


def _position(name: str, x: ArrayLike, axis: int | None) -> Variable:
    x = as_variable(x)
    if axis is not None:
        axis = normalize_axis(name, axis, x.ndim)
    if (x.size if axis is None else x.shape[axis]) == 0:
        raise ShapeError(f"{name}: x of shape {x.shape} has no elements along axis={axis}.")
    return ArgExtremum(name, axis).apply(x)
