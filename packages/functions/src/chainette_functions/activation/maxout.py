"""Maxout."""

from chainette import Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette.operators import max, reshape
from chainette.typing import ArrayLike


def maxout(x: ArrayLike, pool_size: int, axis: int = 1) -> Variable:
    """Maxout: the largest of every ``pool_size`` neighbours along an axis.

    Args:
        x: any shape, a real dtype.
        pool_size: how many neighbours make one value.
        axis: the axis; its size must be a multiple of ``pool_size``.

    Returns:
        ``x``'s shape with that axis divided by ``pool_size``. The gradient goes to every element that is the largest.

    Raises:
        ShapeError: the size is no multiple of ``pool_size``, or there is no such axis.

    Source: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout Networks", ICML 2013.

    >>> maxout(np.array([[1.0, 5.0, 7.0, 2.0]]), 2).array
    array([[5., 7.]])
    """
    x = as_variable(x)
    axis = normalize_axis("maxout", axis, x.ndim)
    if pool_size < 1 or x.shape[axis] % pool_size:
        raise ShapeError(f"maxout: axis {axis} of x {x.shape} does not divide into pools of {pool_size}.")
    pools = (*x.shape[:axis], x.shape[axis] // pool_size, pool_size, *x.shape[axis + 1 :])
    return max(reshape(x, pools), axis=axis + 1)
