"""Dropping axes of size 1, and flattening."""

from chainette import Variable, as_variable
from chainette.checks import normalize_axes
from chainette.errors import ShapeError
from chainette.operators import reshape
from chainette.typing import ArrayLike, Axis


def squeeze(x: ArrayLike, axis: Axis = None) -> Variable:
    """``x`` without axes of size 1.

    Args:
        x: any dtype.
        axis: the axis or axes to drop; None drops every axis of size 1.

    Raises:
        ShapeError: an axis has another size, is out of range, or is named twice.

    >>> squeeze(np.zeros((1, 3, 1)), axis=0).shape
    (3, 1)
    """
    x = as_variable(x)
    axes = normalize_axes("squeeze", axis, x.ndim)
    if axes is None:
        axes = tuple(i for i, size in enumerate(x.shape) if size == 1)
    if any(x.shape[i] != 1 for i in axes):
        raise ShapeError(f"squeeze: x of shape {x.shape} has an axis in axis={axis} whose size is not 1.")
    return reshape(x, tuple(size for i, size in enumerate(x.shape) if i not in axes))


def flatten(x: ArrayLike) -> Variable:
    """All elements in one axis, in row-major order.

    Args:
        x: any shape and dtype.

    >>> flatten(np.zeros((2, 3))).shape
    (6,)
    """
    return reshape(x, (-1,)) if as_variable(x).size else reshape(x, (0,))
