"""Scaled exponential linear unit."""

from chainette import Variable
from chainette.typing import ArrayLike
from chainette_functions.activation.elu import elu


def selu(x: ArrayLike, alpha: float = 1.6732632423543772, scale: float = 1.0507009873554805) -> Variable:
    """Scaled exponential linear unit, ``scale * elu(x, alpha)``: keeps mean 0 and variance 1 from layer to layer.

    Args:
        x: any shape, a floating dtype.
        alpha: that of ``elu``.
        scale: the factor.

    Returns:
        The shape and dtype of ``x``.

    Source: Klambauer, Unterthiner, Mayr, Hochreiter, "Self-Normalizing Neural Networks", NIPS 2017.

    >>> selu(np.array([0.0, 1.0])).array.round(4)
    array([0.    , 1.0507])
    """
    return scale * elu(x, alpha)
