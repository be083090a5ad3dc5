"""Errors of each element, and the mean of them."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_same_shape
from chainette.operators import absolute, mean
from chainette.typing import ArrayLike
from chainette_functions.math.square import square


def absolute_error(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """The absolute error of each element, ``|x0 - x1|``.

    Args:
        x0: any shape, a floating dtype.
        x1: the shape of ``x0``.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.

    >>> absolute_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])).array
    array([0., 2.])
    """
    return absolute(_difference("absolute_error", x0, x1))


def squared_error(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """The squared error of each element, ``(x0 - x1)^2``.

    Args:
        x0: any shape, a floating dtype.
        x1: the shape of ``x0``.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.

    >>> squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])).array
    array([0., 4.])
    """
    return square(_difference("squared_error", x0, x1))


def mean_absolute_error(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """The mean absolute error, ``mean(|x0 - x1|)`` over all elements.

    Args:
        x0: any shape, a floating dtype.
        x1: the shape of ``x0``.

    Returns:
        A 0-d Variable.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.

    >>> mean_absolute_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])).array
    array(1.)
    """
    return mean(absolute(_difference("mean_absolute_error", x0, x1)))


def _difference(name: str, x0: ArrayLike, x1: ArrayLike) -> Variable:
    x0, x1 = as_variable(x0), as_variable(x1)
    require_floating(name, x0=x0, x1=x1)
    require_same_shape(name, x0=x0, x1=x1)
    return x0 - x1
