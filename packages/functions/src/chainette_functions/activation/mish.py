"""Mish."""

from chainette import Variable, as_variable
from chainette.typing import ArrayLike
from chainette_functions.activation.softplus import softplus
from chainette_functions.activation.tanh import tanh


def mish(x: ArrayLike) -> Variable:
    """Mish, ``x tanh(softplus(x))`` element by element.

    Args:
        x: any shape, a floating dtype. No value overflows.

    Returns:
        The shape and dtype of ``x``.

    Source: Misra, "Mish: A Self Regularized Non-Monotonic Activation Function", BMVC 2020.

    >>> mish(np.array([0.0, 1.0])).array.round(4)
    array([0.    , 0.8651])
    """
    x = as_variable(x)
    return x * tanh(softplus(x))
