"""Vectors of length 1."""

from chainette import Variable, as_variable
from chainette.checks import normalize_axes, require_floating
from chainette.operators import cast
from chainette.typing import ArrayLike
from chainette_functions.math.l2_norm import L2Norm
from chainette_functions.normalization.standardize import require_eps


def normalize(x: ArrayLike, eps: float = 1e-5, axis: int | tuple[int, ...] = 1) -> Variable:
    """Vectors divided by their length, ``x / (sqrt(sum(x^2)) + eps)`` along ``axis``.

    Args:
        x: any shape, a floating dtype. float16 is computed in float32.
        eps: what keeps the divisor from 0, above 0. Vectors of zeros stay what they are.
        axis: the axis along which vectors lie, or several, over all of which a length is taken.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: there is no such axis.
        DtypeError: ``x`` is not floating.
        ArgumentError: ``eps`` is not above 0.

    >>> normalize(np.array([[3.0, 4.0], [0.0, 0.0]])).array.round(4)
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    x = as_variable(x)
    require_floating("normalize", x=x)
    require_eps("normalize", eps)
    axes = normalize_axes("normalize", axis, x.ndim)
    wide = cast(x, "f") if x.dtype == "e" else x
    return cast(wide / (L2Norm(axes).apply(wide) + eps), x.dtype)
