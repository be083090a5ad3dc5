"""Cosine of the angle between vectors."""

import numpy as np

from chainette import Variable, as_variable
from chainette.checks import normalize_axis, require_floating
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import broadcast_to, cast, reshape, sum
from chainette.typing import ArrayLike, Shape
from chainette_functions.math.extremes import maximum
from chainette_functions.math.l2_norm import L2Norm


def cosine_similarity(x0: ArrayLike, x1: ArrayLike, axis: int = 1, eps: float = 1e-8) -> Variable:
    """Cosine of the angle between vectors, ``sum(x0 x1) / (max(norm(x0), eps) max(norm(x1), eps))`` along ``axis``.

    Args:
        x0: vectors along ``axis``, a floating dtype. float16 is computed in float32.
        x1: a shape that broadcasts with that of ``x0``.
        axis: the vectors' axis in the broadcast shape.
        eps: the smallest length to divide by, above 0; the result for a vector of zeros is 0, and its gradient finite.
            In float16 at least 6e-5, that dtype's smallest normal number.

    Returns:
        The broadcast shape without ``axis``; values between -1 and 1.

    Raises:
        ShapeError: the shapes do not broadcast, or there is no such axis.
        DtypeError: an array is not floating.
        ArgumentError: ``eps`` is not above 0.

    >>> cosine_similarity(np.array([[3.0, 0.0], [3.0, 3.0]]), np.array([1.0, 0.0])).array.round(4)
    array([1.    , 0.7071])
    """
    name = "cosine_similarity"
    x0, x1 = as_variable(x0), as_variable(x1)
    require_floating(name, x0=x0, x1=x1)
    if not eps > 0:
        raise ArgumentError(f"{name}: eps={eps} (expected a number above 0).")
    try:
        shape = np.broadcast_shapes(x0.shape, x1.shape)
    except ValueError:
        raise ShapeError(f"{name}: x0 of shape {x0.shape} and x1 of shape {x1.shape} do not broadcast.") from None
    axis = normalize_axis(name, axis, len(shape))
    dtype = np.result_type(x0.dtype, x1.dtype)
    eps = max(eps, float(np.finfo(dtype).tiny))
    x0, x1 = _prepared(x0, shape, axis), _prepared(x1, shape, axis)
    lengths = maximum(L2Norm((axis,)).apply(x0), eps) * maximum(L2Norm((axis,)).apply(x1), eps)
    y = sum(x0 * x1, axis, keepdims=True) / lengths
    return cast(reshape(y, (*shape[:axis], *shape[axis + 1 :])), dtype)


def _prepared(x: Variable, shape: Shape, axis: int) -> Variable:
    """``x`` with all axes, and with whole vectors along ``axis``; float16 as float32."""
    own = (1,) * (len(shape) - x.ndim) + x.shape
    x = broadcast_to(reshape(x, own), (*own[:axis], shape[axis], *own[axis + 1 :]))
    return cast(x, "f") if x.dtype == "e" else x
