"""Swish and SiLU."""

from chainette import Variable, as_variable
from chainette.errors import ShapeError
from chainette.operators import mul, reshape
from chainette.typing import SCALAR_TYPES, ArrayLike
from chainette_functions.activation.sigmoid import sigmoid


def swish(x: ArrayLike, beta: ArrayLike) -> Variable:
    """Swish, ``x sigmoid(beta x)`` element by element.

    Args:
        x: any shape, a floating dtype.
        beta: a number; or an array whose shape is the beginning of ``x.shape[1:]`` (the rest is broadcast), such as
            ``(channels,)``. It gets a gradient.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit.

    Source: Ramachandran, Zoph, Le, "Searching for Activation Functions", 2017.

    >>> swish(np.array([0.0, 2.0]), 1.0).array.round(4)
    array([0.    , 1.7616])
    """
    x = as_variable(x)
    if type(beta) in SCALAR_TYPES:
        return x * sigmoid(mul(beta, x))
    beta = as_variable(beta)
    if beta.shape != x.shape[1 : 1 + beta.ndim]:
        raise ShapeError(f"swish: beta has shape {beta.shape} (expected how {x.shape[1:]}, one sample, begins).")
    return x * sigmoid(x * reshape(beta, (*beta.shape, *(1,) * (x.ndim - 1 - beta.ndim))))


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
    x = as_variable(x)
    return x * sigmoid(x)
