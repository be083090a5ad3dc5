"""Matrix product, ``a @ b``."""

from __future__ import annotations

from chainette.errors import ShapeError
from chainette.function import Function
from chainette.operators.shape import reshape, swap_last_axes
from chainette.typing import Array, ArrayLike
from chainette.variable import Variable, as_variable


class MatMul(Function):
    """a @ b for matrices or stacks of matrices, whose leading axes are broadcast."""

    def forward(self, a: Array, b: Array) -> Array:
        if self.needs_input_grad:
            first, second = self.needs_input_grad
            self.retain(a=a if second else None, b=b if first else None)
        return self.xp.matmul(a, b)

    def backward(self, gy: Variable) -> tuple[Variable | None, Variable | None]:
        first, second = self.needs_input_grad
        return (
            matmul(gy, swap_last_axes(self.retained("b"))) if first else None,
            matmul(swap_last_axes(self.retained("a")), gy) if second else None,
        )


def matmul(a: ArrayLike, b: ArrayLike, transa: bool = False, transb: bool = False) -> Variable:
    """Matrix product by the rules of ``numpy.matmul``.

    Args:
        a: ``(..., n, k)``, or ``(k,)`` for a row vector whose axis is dropped from the result.
        b: ``(..., k, m)``, or ``(k,)`` for a column vector whose axis is dropped from the result.
        transa: swap the last two axes of ``a`` first. A vector stays as it is.
        transb: swap the last two axes of ``b`` first.

    Returns:
        ``(..., n, m)``, the leading axes broadcast.

    Raises:
        ShapeError: 0-d operands, or sizes that do not fit.

    >>> matmul(np.ones((2, 3)), np.ones((3, 4))).shape
    (2, 4)
    """
    a, b = as_variable(a), as_variable(b)
    if transa and a.ndim > 1:
        a = swap_last_axes(a)
    if transb and b.ndim > 1:
        b = swap_last_axes(b)
    if a.ndim == 2 and b.ndim == 2 and a.shape[1] == b.shape[0]:
        return MatMul().apply(a, b)
    _check(a, b)
    if b.ndim == 1:
        y = matmul(a, reshape(b, (-1, 1)))
        return reshape(y, y.shape[:-1])
    if a.ndim == 1:
        y = matmul(reshape(a, (1, -1)), b)
        return reshape(y, (*y.shape[:-2], y.shape[-1]))
    if b.ndim == 2:  # one matrix product instead of a stack of them, and one for the gradient of b
        y = MatMul().apply(reshape(a, (_size(a.shape[:-1]), a.shape[-1])), b)
        return reshape(y, (*a.shape[:-1], b.shape[-1]))
    return MatMul().apply(a, b)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for each in shape:
        size *= each
    return size


def _check(a: Variable, b: Variable) -> None:
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul: 0-d operands (a: {a.shape}, b: {b.shape}). Write a * b.")
    inner = b.shape[-2] if b.ndim > 1 else b.shape[0]
    if a.shape[-1] != inner:
        raise ShapeError(f"matmul: the inner sizes differ, {a.shape[-1]} and {inner} (a: {a.shape}, b: {b.shape}).")
    for x, y in zip(a.shape[-3::-1], b.shape[-3::-1], strict=False):
        if x != y and 1 not in (x, y):
            raise ShapeError(f"matmul: the leading axes do not broadcast (a: {a.shape}, b: {b.shape}).")
