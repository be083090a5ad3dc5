"""Bilinear transformation of two inputs."""

from math import prod

import numpy as np

from chainette import Variable, as_variable
from chainette.checks import require_ndim, require_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import cast, matmul, reshape
from chainette.typing import ArrayLike


def bilinear(
    e1: ArrayLike,
    e2: ArrayLike,
    W: ArrayLike,
    V1: ArrayLike | None = None,
    V2: ArrayLike | None = None,
    b: ArrayLike | None = None,
) -> Variable:
    """Bilinear transformation, ``y_k = sum_ij e1_i e2_j W_ijk``, plus ``e1 V1 + e2 V2 + b``.

    Args:
        e1: ``(batch, ...)``: what follows the first axis is flattened to ``left_size`` features.
        e2: ``(batch, ...)``: likewise, to ``right_size`` features.
        W: ``(left_size, right_size, out_size)``.
        V1: ``(left_size, out_size)``; V1, V2 and b are given together or not at all.
        V2: ``(right_size, out_size)``.
        b: ``(out_size,)``.

    Returns:
        ``(batch, out_size)``. float16 is computed in float32.

    Raises:
        ShapeError: the sizes do not fit.
        ArgumentError: some of V1, V2 and b are given, but not all.

    >>> bilinear(np.array([[1.0, 2.0]]), np.array([[3.0]]), np.ones((2, 1, 4))).array
    array([[9., 9., 9., 9.]])
    """
    linear = (V1, V2, b)
    if any(x is None for x in linear) and any(x is not None for x in linear):
        names = [name for name, x in zip(("V1", "V2", "b"), linear, strict=True) if x is not None]
        raise ArgumentError(f"bilinear: only {' and '.join(names)} given (expected V1, V2 and b, or none of them).")
    e1, e2, W, *rest = [as_variable(x) for x in (e1, e2, W, *linear) if x is not None]
    e1, e2 = _as_rows("e1", e1), _as_rows("e2", e2)
    (batch, left), (_, right) = e1.shape, e2.shape
    if len(e2) != batch:
        raise ShapeError(f"bilinear: e1 has {batch} rows and e2 has {len(e2)} (expected one batch).")
    if W.ndim != 3 or W.shape[:2] != (left, right):
        raise ShapeError(f"bilinear: W has shape {W.shape} (expected ({left}, {right}, out_size)).")
    size = W.shape[2]
    for name, x, shape in zip(("V1", "V2", "b"), rest, ((left, size), (right, size), (size,)), strict=False):
        require_shape("bilinear", name, x, shape)
    if np.result_type(*[x.dtype for x in (e1, e2, W, *rest)]) == "e":
        return cast(_bilinear(*[cast(x, "f") for x in (e1, e2, W, *rest)]), "e")
    return _bilinear(e1, e2, W, *rest)


def _bilinear(e1: Variable, e2: Variable, W: Variable, *rest: Variable) -> Variable:
    left, right, size = W.shape
    from_left = reshape(matmul(e1, reshape(W, (left, right * size))), (len(e1), right, size))
    y = reshape(matmul(reshape(e2, (len(e2), 1, right)), from_left), (len(e1), size))
    if rest:
        V1, V2, b = rest
        y = y + matmul(e1, V1) + matmul(e2, V2) + b
    return y


def _as_rows(name: str, x: Variable) -> Variable:
    require_ndim("bilinear", name, x, 1, "(batch, ...)")
    return reshape(x, (len(x), prod(x.shape[1:])))
