"""Sums of several arrays, and scaling and shifting along an axis."""

from chainette import Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import reshape
from chainette.typing import ArrayLike


def add(*xs: ArrayLike) -> Variable:
    """The sum of two or more arrays, broadcast: ``xs[0] + xs[1] + ...``.

    Args:
        xs: at least one.

    Raises:
        ArgumentError: there is none.

    >>> add(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 1.0).array
    array([5., 7.])
    """
    if not xs:
        raise ArgumentError("add: nothing to add (expected at least one array).")
    total = as_variable(xs[0])
    for x in xs[1:]:
        total = total + x
    return total


def scale(x: ArrayLike, y: ArrayLike, axis: int = 1) -> Variable:
    """``x * y``, where the shape of ``y`` is that of ``x`` from ``axis`` on; what follows is broadcast.

    Args:
        x: any shape.
        y: factors; ``y.shape == x.shape[axis : axis + y.ndim]``.
        axis: the first axis of ``x`` that ``y`` belongs to.

    Raises:
        ShapeError: the shapes do not fit.

    >>> scale(np.ones((1, 2, 2)), np.array([2.0, 3.0])).array
    array([[[2., 2.],
            [3., 3.]]])
    """
    x = as_variable(x)
    return x * _aligned("scale", x, as_variable(y), axis)


def bias(x: ArrayLike, y: ArrayLike, axis: int = 1) -> Variable:
    """``x + y``, where the shape of ``y`` is that of ``x`` from ``axis`` on; what follows is broadcast.

    Args:
        x: any shape.
        y: what to add; ``y.shape == x.shape[axis : axis + y.ndim]``.
        axis: the first axis of ``x`` that ``y`` belongs to.

    Raises:
        ShapeError: the shapes do not fit.

    >>> bias(np.ones((1, 2, 2)), np.array([2.0, 3.0])).array
    array([[[3., 3.],
            [4., 4.]]])
    """
    x = as_variable(x)
    return x + _aligned("bias", x, as_variable(y), axis)


def _aligned(name: str, x: Variable, y: Variable, axis: int) -> Variable:
    axis = normalize_axis(name, axis, x.ndim) if y.ndim else 0
    if x.shape[axis : axis + y.ndim] != y.shape:
        raise ShapeError(f"{name}: y of shape {y.shape} does not fit x {x.shape} from axis {axis} on.")
    return reshape(y, (*y.shape, *(1,) * (x.ndim - axis - y.ndim)))
