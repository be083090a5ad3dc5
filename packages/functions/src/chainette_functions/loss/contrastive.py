"""Contrastive loss."""

from chainette import Variable, as_variable
from chainette.checks import (
    require_floating,
    require_integers,
    require_one_of,
    require_range,
    require_same_shape,
    require_shape,
)
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import sum
from chainette.typing import ArrayLike
from chainette_functions.activation.relu import relu
from chainette_functions.array.where import where
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.sqrt import sqrt
from chainette_functions.math.square import square


def contrastive(x0: ArrayLike, x1: ArrayLike, y: ArrayLike, margin: float = 1, reduce: str = "mean") -> Variable:
    """Contrastive loss, which draws similar pairs together and pushes others apart up to a margin.

    With the distance ``d = |x0 - x1|`` a pair costs ``d^2 / 2`` if it is similar, else ``max(0, margin - d)^2 / 2``.

    Args:
        x0: points, ``(batch, dimension)``, a floating dtype.
        x1: the points to compare them with, of the shape of ``x0``.
        y: ``(batch,)``, an integer dtype: 1 for a similar pair, 0 for another.
        margin: above 0: the distance beyond which a pair that is not similar costs nothing.
        reduce: ``"mean"`` over the batch, or ``"no"`` for the loss of each pair.

    Returns:
        A 0-d Variable (0 for an empty batch), or one of shape ``(batch,)``. The gradient at distance 0 is 0.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: ``y`` is not of integers, or ``x0`` or ``x1`` is not floating.
        ArgumentError: a label, ``margin`` or ``reduce`` is none of the above.

    Source: Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006.

    >>> contrastive(np.array([[0.0, 0.0], [0.0, 0.5]]), np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([1, 0])).array
    array(6.3125)
    """
    x0, x1, y = as_variable(x0), as_variable(x1), as_variable(y)
    require_one_of("contrastive", "reduce", reduce, ("mean", "no"))
    if not margin > 0:
        raise ArgumentError(f"contrastive: margin={margin} (expected a number above 0).")
    require_floating("contrastive", x0=x0, x1=x1)
    require_integers("contrastive", y=y)
    if x0.ndim != 2:
        raise ShapeError(f"contrastive: x0 has shape {x0.shape} (expected (batch, dimension)).")
    require_same_shape("contrastive", x0=x0, x1=x1)
    require_shape("contrastive", "y", y, x0.shape[:1])
    require_range("contrastive", "y", y.array, 0, 2)
    squared = sum(square(widen(x0) - x1), axis=1)
    with x0.device.use():
        coincident = (squared.array == 0).astype(squared.dtype)
        similar = y.array == 1
    distance = sqrt(squared + coincident) - coincident  # the slope of the root at 0 is infinite, and 0 times it NaN
    loss = where(similar, squared, square(relu(margin - distance))) / 2
    return reduced(loss, reduce, [x0, x1])
