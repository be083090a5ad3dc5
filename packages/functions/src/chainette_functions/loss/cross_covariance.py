"""Cross covariance."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_one_of
from chainette.errors import ShapeError
from chainette.operators import matmul, sum
from chainette.typing import ArrayLike
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.square import square


def cross_covariance(y: ArrayLike, z: ArrayLike, reduce: str = "half_squared_sum") -> Variable:
    """Half the sum of squares of all covariances between a feature of ``y`` and a feature of ``z``.

    The covariances are ``C = (y - mean(y))^T (z - mean(z)) / batch``, with means over the batch.

    Args:
        y: ``(batch, features of y)``, a floating dtype.
        z: ``(batch, features of z)``, a floating dtype.
        reduce: ``"half_squared_sum"``, or ``"no"`` for the covariances themselves.

    Returns:
        A 0-d Variable, or ``C``, of shape ``(features of y, features of z)``. An empty batch has covariances of 0.

    Raises:
        ShapeError: one of them is no matrix, or their batch sizes differ.
        DtypeError: one of them is not floating.
        ArgumentError: ``reduce`` is none of the above.

    Source: Cheung et al., "Discovering Hidden Factors of Variation in Deep Networks", 2014, equation 3.

    >>> cross_covariance(np.array([[0.0], [2.0]]), np.array([[1.0, 0.0], [5.0, 0.0]]), reduce="no").array
    array([[2., 0.]])
    """
    y, z = as_variable(y), as_variable(z)
    require_one_of("cross_covariance", "reduce", reduce, ("half_squared_sum", "no"))
    require_floating("cross_covariance", y=y, z=z)
    if y.ndim != 2 or z.ndim != 2 or len(y) != len(z):
        raise ShapeError(f"cross_covariance: y {y.shape} and z {z.shape} must be (batch, features), of one batch size.")
    count = max(len(y), 1)
    covariances = matmul(_centered(widen(y), count), _centered(widen(z), count), transa=True) / count
    if reduce == "no":
        return reduced(covariances, "no", [y, z])
    return reduced(square(covariances) / 2, "sum", [y, z])


def _centered(x: Variable, count: int) -> Variable:
    return x - sum(x, axis=0) / count
