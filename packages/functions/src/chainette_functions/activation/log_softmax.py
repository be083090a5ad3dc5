"""Logarithm of softmax."""

from chainette import Function, Variable, as_variable
from chainette.checks import normalize_axis, removed_arguments, require_floating
from chainette.operators import sum
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.softmax import exp_and_sum
from chainette_functions.math.exp import exp


class LogSoftmax(Function):
    """x - log(sum(exp(x))) along an axis."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, x: Array) -> Array:
        if x.shape[self.axis] == 0:
            y = x.copy()
        else:
            _, total = exp_and_sum(self.xp, x, self.axis)
            y = x - x.max(self.axis, keepdims=True)
            y -= self.xp.log(total)
        self.retain(y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return gy - exp(self.retained("y")) * sum(gy, self.axis, keepdims=True)


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def log_softmax(x: ArrayLike, axis: int = 1) -> Variable:
    """Logarithm of softmax, ``x_i - log(sum_j exp(x_j))`` along ``axis``; precise where softmax underflows.

    Args:
        x: any shape, a floating dtype.
        axis: the axis of the sum.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: there is no such axis.
        DtypeError: ``x`` is not floating.

    >>> log_softmax(np.array([[1000.0, 0.0]])).array
    array([[    0., -1000.]])
    """
    x = as_variable(x)
    require_floating("log_softmax", x=x)
    return LogSoftmax(normalize_axis("log_softmax", axis, x.ndim)).apply(x)
