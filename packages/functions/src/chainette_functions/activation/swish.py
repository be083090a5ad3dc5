"""Swish and SiLU."""

from chainette import Variable, as_variable
from chainette.operators import mul
from chainette.typing import ArrayLike
from chainette_functions.activation.sigmoid import sigmoid


def swish(x: ArrayLike, beta: ArrayLike) -> Variable:
    """Swish, ``x sigmoid(beta x)`` element by element.

    Args:
        x: any shape, a floating dtype.
        beta: a number, or an array that is broadcast to ``x``; it gets a gradient.

    Returns:
        The shape and dtype of ``x``.

    Source: Ramachandran, Zoph, Le, "Searching for Activation Functions", 2017.

    >>> swish(np.array([0.0, 2.0]), 1.0).array.round(4)
    array([0.    , 1.7616])
    """
    x = as_variable(x)
    return x * sigmoid(mul(beta, x))


def silu(x: ArrayLike) -> Variable:
    """Sigmoid linear unit, ``x sigmoid(x)`` element by element: ``swish`` with beta 1.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.

    >>> silu(np.array([0.0, 2.0])).array.round(4)
    array([0.    , 1.7616])
    """
    return swish(x, 1.0)
