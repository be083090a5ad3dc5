"""Matrix product, ``a @ b``."""

from __future__ import annotations

from math import prod

from chainette.errors import ShapeError
from chainette.function import Function
from chainette.operators.shape import reshape
from chainette.typing import Array, ArrayLike
from chainette.variable import Variable, as_variable


class MatMul(Function):
    """a @ b for matrices or stacks of matrices, whose leading axes are broadcast; each may be transposed first."""

    def __init__(self, transa: bool = False, transb: bool = False) -> None:
        self.transa = transa
        self.transb = transb

    def forward(self, a: Array, b: Array) -> Array:
        if self.edges is not None:
            first, second = self.edges
            self.retain(a=None if second is None else a, b=None if first is None else b)
        a = a.swapaxes(-1, -2) if self.transa else a
        b = b.swapaxes(-1, -2) if self.transb else b
        if a.shape[-1] == 1 and a.ndim == b.ndim == 2:
            return self.xp.dot(
                a, b
            )  # a column by a row: 5 to 8 times faster than NumPy's matmul (benchmarks/overhead.py)
        return self.xp.matmul(a, b)

    def backward(self, gy: Variable) -> tuple[Variable | None, Variable | None]:
        transa, transb = self.transa, self.transb
        first, second = self.edges or (None, None)
        ga = gb = None
        if first is not None:
            b = self.retained("b")
            ga = MatMul(transb, True).apply(b, gy) if transa else MatMul(False, not transb).apply(gy, b)
        if second is not None:
            a = self.retained("a")
            gb = MatMul(True, transa).apply(gy, a) if transb else MatMul(not transa, False).apply(a, gy)
        return ga, gb


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
    if a.ndim == 1 or b.ndim == 1:
        return _with_vector(a, b, transa, transb)
    _check(a, b, transa, transb)
    if b.ndim == 2 and a.ndim > 2 and not transa:  # one product instead of a stack of them, and one for b's gradient
        y = MatMul(False, transb).apply(reshape(a, (prod(a.shape[:-1]), a.shape[-1])), b)
        return reshape(y, (*a.shape[:-1], y.shape[-1]))
    return MatMul(transa, transb).apply(a, b)


def _with_vector(a: Variable, b: Variable, transa: bool, transb: bool) -> Variable:
    if b.ndim == 1:
        y = matmul(a, reshape(b, (-1, 1)), transa and a.ndim > 1)
        return reshape(y, y.shape[:-1])
    y = matmul(reshape(a, (1, -1)), b, False, transb)
    return reshape(y, (*y.shape[:-2], y.shape[-1]))


def _check(a: Variable, b: Variable, transa: bool, transb: bool) -> None:
    if a.ndim == 0 or b.ndim == 0:
        raise ShapeError(f"matmul: 0-d operands (a: {a.shape}, b: {b.shape}). Write a * b.")
    inner = a.shape[-2 if transa else -1], b.shape[-1 if transb else -2]
    if inner[0] != inner[1]:
        raise ShapeError(f"matmul: the inner sizes differ, {inner[0]} and {inner[1]} (a: {a.shape}, b: {b.shape}).")
    for x, y in zip(a.shape[-3::-1], b.shape[-3::-1], strict=False):
        if x != y and 1 not in (x, y):
            raise ShapeError(f"matmul: the leading axes do not broadcast (a: {a.shape}, b: {b.shape}).")
