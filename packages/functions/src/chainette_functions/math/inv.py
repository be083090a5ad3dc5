"""Inverse of a matrix."""

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import cast, matmul
from chainette.typing import Array, ArrayLike


class Inv(Function):
    """The inverse of each matrix; ``caller`` is what errors call it."""

    def __init__(self, caller: str = "inv") -> None:
        self.caller = caller

    def forward(self, a: Array) -> Array:
        try:
            y = self.xp.linalg.inv(a)
        except ValueError:  # what every LinAlgError is
            which = "a is singular" if a.ndim == 2 else f"one of the {len(a)} matrices is singular"
            raise ArgumentError(f"{self.caller}: {which} (expected matrices that have an inverse).") from None
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        y = self.retained("y")
        return -matmul(matmul(y, gy, transa=True), y, transb=True)


def inv(a: ArrayLike) -> Variable:
    """Inverse of a matrix.

    Args:
        a: ``(n, n)``, a floating dtype. float16 is computed in float32.

    Returns:
        The shape and dtype of ``a``.

    Raises:
        ShapeError: ``a`` is no square matrix.
        ArgumentError: it is singular.
        DtypeError: it is not floating.

    >>> inv(np.array([[2.0, 0.0], [0.0, 4.0]])).array
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return _inv("inv", as_variable(a), 2)


def batch_inv(a: ArrayLike) -> Variable:
    """Inverse of each matrix of a batch.

    Args:
        a: ``(batch, n, n)``, a floating dtype. float16 is computed in float32.

    Returns:
        The shape and dtype of ``a``.

    Raises:
        ShapeError: ``a`` is no batch of square matrices.
        ArgumentError: one of them is singular.
        DtypeError: ``a`` is not floating.

    >>> batch_inv(np.array([[[2.0]], [[4.0]]])).shape
    (2, 1, 1)
    """
    return _inv("batch_inv", as_variable(a), 3)


def _inv(name: str, a: Variable, ndim: int) -> Variable:
    require_square(name, a, ndim)
    y = Inv(name).apply(cast(a, "f") if a.dtype == "e" else a)
    return cast(y, a.dtype)


def require_square(name: str, a: Variable, ndim: int) -> None:
    """``a`` is a floating square matrix (``ndim`` 2), or a batch of them (3).

    Raises:
        DtypeError: it is not floating.
        ShapeError: it is none.
    """
    require_floating(name, a=a)
    if a.ndim != ndim or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"{name}: a has shape {a.shape} (expected {'(n, n)' if ndim == 2 else '(batch, n, n)'}).")
