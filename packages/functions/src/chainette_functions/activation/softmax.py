"""Softmax."""

from chainette import Function, Variable, as_variable
from chainette.checks import normalize_axis, removed_arguments, require_floating
from chainette.operators import sum
from chainette.typing import Array, ArrayLike


class Softmax(Function):
    """exp(x) / sum(exp(x)) along an axis."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, x: Array) -> Array:
        y, total = exp_and_sum(self.xp, x, self.axis)
        y /= total
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        y = self.retained("y")
        ygy = y * gy
        return ygy - y * sum(ygy, self.axis, keepdims=True)


def exp_and_sum(xp: Array, x: Array, axis: int) -> tuple[Array, Array]:
    """``exp(x - max)`` along an axis, where the maximum makes overflow impossible, and its sum.

    The sum of float16 is taken in float32: 65,504 ones would overflow it.
    """
    if x.shape[axis] == 0:
        return x.copy(), x.sum(axis, keepdims=True)
    e = x - x.max(axis, keepdims=True)
    xp.exp(e, out=e)
    return e, e.sum(axis, dtype="f" if x.dtype == "e" else None, keepdims=True)


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def softmax(x: ArrayLike, axis: int = 1) -> Variable:
    """Softmax, ``exp(x_i) / sum_j exp(x_j)`` along ``axis``.

    Args:
        x: any shape, a floating dtype. No value overflows.
        axis: the axis along which the results sum to 1.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: there is no such axis.
        DtypeError: ``x`` is not floating.

    >>> softmax(np.array([[1000.0, 1000.0, 0.0]])).array
    array([[0.5, 0.5, 0. ]])
    """
    x = as_variable(x)
    require_floating("softmax", x=x)
    return Softmax(normalize_axis("softmax", axis, x.ndim)).apply(x)


def softmin(x: ArrayLike, axis: int = 1) -> Variable:
    """Softmin, ``softmax(-x)`` along ``axis``.

    Args:
        x: any shape, a floating dtype.
        axis: the axis along which the results sum to 1.

    Returns:
        The shape and dtype of ``x``.

    >>> softmin(np.array([[1000.0, 1000.0, 2000.0]])).array
    array([[0.5, 0.5, 0. ]])
    """
    return softmax(-as_variable(x), axis)
