"""Piecewise linear sigmoid."""

from chainette import Variable, as_variable
from chainette.typing import ArrayLike
from chainette_functions.math.clip import clip


def hard_sigmoid(x: ArrayLike) -> Variable:
    """Piecewise linear sigmoid, ``min(max(0.2 x + 0.5, 0), 1)`` element by element.

    Args:
        x: any shape, a floating dtype.

    Returns:
        The shape and dtype of ``x``.

    >>> hard_sigmoid(np.array([-3.0, 0.0, 1.0])).array
    array([0. , 0.5, 0.7])
    """
    return clip(0.2 * as_variable(x) + 0.5, 0.0, 1.0)
