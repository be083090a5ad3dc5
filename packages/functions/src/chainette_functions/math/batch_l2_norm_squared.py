"""Squared length of each row."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_ndim
from chainette.operators import cast, sum
from chainette.typing import ArrayLike
from chainette_functions.math.square import square


def batch_l2_norm_squared(x: ArrayLike) -> Variable:
    """Squared L2 norm of each example, ``sum_j x_ij^2``.

    Args:
        x: ``(batch, ...)``, a floating dtype. float16 is computed in float32.

    Returns:
        ``(batch,)``, of the dtype of ``x``.

    Raises:
        ShapeError: ``x`` has no axes.
        DtypeError: it is not floating.

    >>> batch_l2_norm_squared(np.array([[3.0, 4.0], [1.0, 0.0]])).array
    array([25.,  1.])
    """
    x = as_variable(x)
    require_floating("batch_l2_norm_squared", x=x)
    require_ndim("batch_l2_norm_squared", "x", x, 1, "(batch, ...)")
    wide = cast(x, "f") if x.dtype == "e" else x
    return cast(sum(square(wide), tuple(range(1, x.ndim))), x.dtype)
