"""Determinant of a matrix."""

import numpy as np

from chainette import Function, Variable, as_variable
from chainette.operators import cast, get_item, mul, reshape
from chainette.typing import Array, ArrayLike
from chainette_functions.array.axes import swapaxes
from chainette_functions.array.stack import stack
from chainette_functions.math.inv import Inv, require_square


class Det(Function):
    """The determinant of each matrix. Its gradient is the matrix of cofactors."""

    def forward(self, a: Array) -> Array:
        y = self.xp.linalg.det(a)
        self.retain(a=a, y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return reshape(gy, (*gy.shape, 1, 1)) * cofactors(self.retained("a"), self.retained("y"))


def cofactors(a: Variable, y: Variable) -> Variable:
    """``y inv(a)^T`` with the determinant ``y``, where there is an inverse."""
    if (y.array == 0).any():
        return cofactors_by_minors(a)
    inverse = swapaxes(Inv().apply(a), -1, -2)
    # Close to a singular matrix the errors of y and inv(a) cancel, but not those of their gradients, if any are asked.
    terms = abs(a.array * inverse.array).sum(-1)
    if a.requires_grad and (terms > 0.01 / float(np.finfo(a.dtype).eps)).any():
        return cofactors_by_minors(a)
    return reshape(y, (*y.shape, 1, 1)) * inverse


def cofactors_by_minors(a: Variable) -> Variable:
    """For each element the determinant of what is left without its row and its column, with the chessboard's signs.

    This takes ``n^2`` determinants, but nothing is divided: it is right for singular matrices.
    """
    xp, n = a.xp, a.shape[-1]
    numbers = xp.arange(n)
    others = xp.arange(n - 1) + (xp.arange(n - 1) >= numbers[:, None])  # row i: all numbers but i
    rows = [get_item(a, (..., others[i][:, None], others[:, None])) for i in range(n)]
    signs = 1 - 2 * ((numbers + numbers[:, None]) % 2)
    return mul(stack([Det().apply(minors) for minors in rows], -2), signs.astype(a.dtype))


def det(a: ArrayLike) -> Variable:
    """Determinant of a matrix.

    Args:
        a: ``(n, n)``, a floating dtype. float16 is computed in float32.

    Returns:
        A 0-d Variable of the dtype of ``a``. Its gradients of all orders are right for singular matrices too, where
        they take ``n^2`` determinants of smaller matrices.

    Raises:
        ShapeError: ``a`` is no square matrix.
        DtypeError: it is not floating.

    >>> det(np.array([[2.0, 0.0], [0.0, 4.0]])).array
    array(8.)
    """
    return _det("det", as_variable(a), 2)


def batch_det(a: ArrayLike) -> Variable:
    """Determinant of each matrix of a batch.

    Args:
        a: ``(batch, n, n)``, a floating dtype. float16 is computed in float32.

    Returns:
        ``(batch,)``, of the dtype of ``a``. For gradients see ``det``.

    Raises:
        ShapeError: ``a`` is no batch of square matrices.
        DtypeError: it is not floating.

    >>> batch_det(np.array([[[2.0]], [[4.0]]])).array
    array([2., 4.])
    """
    return _det("batch_det", as_variable(a), 3)


def _det(name: str, a: Variable, ndim: int) -> Variable:
    require_square(name, a, ndim)
    y = Det().apply(cast(a, "f") if a.dtype == "e" else a)
    return cast(y, a.dtype)
