"""Layer normalization."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_same_shape
from chainette.errors import ShapeError
from chainette.operators import reshape
from chainette.typing import ArrayLike
from chainette_functions.normalization.standardize import Standardize, require_eps


class LayerNormalization(Standardize):
    """Standardize over the last axes, all of which gamma has."""


def layer_normalization(x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eps: float = 1e-5) -> Variable:
    """Layer normalization, ``gamma (x - mean) / sqrt(var + eps) + beta``, with mean and variance of each example.

    Args:
        x: ``(batch, units)``, or any shape that ends as gamma's: ``(batch, length, units)`` with gamma ``(units,)``
            normalizes each position. A floating dtype; float16 is computed in float32.
        gamma: factors, one for each element that is normalized together.
        beta: what is added, of the shape of ``gamma``.
        eps: what keeps the divisor from 0, above 0.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: an array is not floating.
        ArgumentError: ``eps`` is not above 0.

    Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.

    >>> layer_normalization(np.array([[1.0, 3.0]]), np.ones(2), np.zeros(2)).array.round(3)
    array([[-1.,  1.]])
    """
    name = "layer_normalization"
    x, gamma, beta = as_variable(x), as_variable(gamma), as_variable(beta)
    require_floating(name, x=x, gamma=gamma, beta=beta)
    if not 0 < gamma.ndim <= x.ndim or x.shape[x.ndim - gamma.ndim :] != gamma.shape:
        raise ShapeError(f"{name}: gamma has shape {gamma.shape} (expected how x's {x.shape} ends).")
    require_same_shape(name, gamma=gamma, beta=beta)
    require_eps(name, eps)
    lead = x.ndim - gamma.ndim
    aligned = (1,) * lead + gamma.shape
    axes = tuple(range(lead, x.ndim))
    return LayerNormalization(axes, eps).apply(x, reshape(gamma, aligned), reshape(beta, aligned))
