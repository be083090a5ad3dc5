"""A new axis of size 1."""

from chainette import Variable, as_variable
from chainette.checks import normalize_axis
from chainette.operators import reshape
from chainette.typing import ArrayLike


def expand_dims(x: ArrayLike, axis: int) -> Variable:
    """``x`` with a new axis of size 1 before the present axis ``axis``.

    Args:
        x: any dtype.
        axis: where the new axis will stand, from ``-ndim - 1`` to ``ndim``.

    Raises:
        ShapeError: ``axis`` is out of that range.

    >>> expand_dims(np.zeros((2, 3)), 1).shape
    (2, 1, 3)
    """
    x = as_variable(x)
    axis = normalize_axis("expand_dims", axis, x.ndim + 1)
    return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))
