"""Matrix products of two batches."""

from chainette import Variable, as_variable
from chainette.errors import ShapeError
from chainette.operators import matmul, reshape
from chainette.typing import ArrayLike


def batch_matmul(a: ArrayLike, b: ArrayLike, transa: bool = False, transb: bool = False) -> Variable:
    """Matrix products of two batches, one of each pair: ``y[i] = a[i] @ b[i]``.

    Args:
        a: ``(batch, n, k)``; or ``(batch, n)``, a batch of columns: ``(batch, n, 1)``.
        b: ``(batch, k, m)``; or ``(batch, k)``, a batch of columns: ``(batch, k, 1)``.
        transa: transpose each matrix of ``a`` first: columns become rows.
        transb: transpose each matrix of ``b`` first.

    Returns:
        ``(batch, n, m)``: always three axes.

    Raises:
        ShapeError: the sizes do not fit, or there are not two or three axes.

    >>> batch_matmul(np.ones((2, 3)), np.ones((2, 3)), transa=True).array
    array([[[3.]],
    <BLANKLINE>
           [[3.]]])
    """
    a, b = _as_matrices("a", as_variable(a)), _as_matrices("b", as_variable(b))
    if len(a) != len(b):
        raise ShapeError(f"batch_matmul: the batch sizes differ (a: {a.shape}, b: {b.shape}).")
    inner = a.shape[1 if transa else 2], b.shape[2 if transb else 1]
    if inner[0] != inner[1]:
        raise ShapeError(
            f"batch_matmul: the inner sizes differ, {inner[0]} and {inner[1]} "
            f"(a: {a.shape}, b: {b.shape}, transa={transa}, transb={transb})."
        )
    return matmul(a, b, transa, transb)


def _as_matrices(name: str, x: Variable) -> Variable:
    if x.ndim not in (2, 3):
        raise ShapeError(f"batch_matmul: {name} has shape {x.shape} (expected (batch, n, k) or (batch, n)).")
    return reshape(x, (*x.shape, 1)) if x.ndim == 2 else x
