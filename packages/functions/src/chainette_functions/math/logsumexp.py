"""Logarithm of a sum of exponentials."""

from chainette import Function, Variable, as_variable
from chainette.checks import normalize_axes, require_floating
from chainette.errors import ShapeError
from chainette.operators import broadcast_to, reshape
from chainette.typing import Array, ArrayLike, Axis
from chainette_functions.math.exp import exp


class LogSumExp(Function):
    """log(sum(exp(x))), with the largest element taken out first, so that nothing overflows."""

    def __init__(self, axes: tuple[int, ...] | None) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Array:
        largest = x.max(self.axes, keepdims=True)
        total = self.xp.exp(x - largest).sum(self.axes, dtype="f" if x.dtype == "e" else None, keepdims=True)
        y = (self.xp.log(total) + largest).astype(x.dtype, copy=False)
        self.kept_shape = y.shape
        y = y.reshape([size for i, size in enumerate(y.shape) if self.axes is not None and i not in self.axes])
        self.retain(x=x, y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        x, y = self.retained("x"), reshape(self.retained("y"), self.kept_shape)
        return broadcast_to(reshape(gy, self.kept_shape), x.shape) * exp(x - y)


def logsumexp(x: ArrayLike, axis: Axis = None) -> Variable:
    """Logarithm of the sum of exponentials, ``log(sum(exp(x)))`` along ``axis``.

    Args:
        x: any shape, a floating dtype. No value overflows.
        axis: an axis, a tuple of axes, or None for all.

    Returns:
        x's shape without those axes, and its dtype.

    Raises:
        ShapeError: there is no such axis, or no elements along it.
        DtypeError: ``x`` is not floating.

    >>> logsumexp(np.array([[1000.0, 1000.0], [0.0, -1000.0]]), axis=1).array.round(3)
    array([1000.693,    0.   ])
    """
    x = as_variable(x)
    require_floating("logsumexp", x=x)
    axes = normalize_axes("logsumexp", axis, x.ndim)
    if 0 in (x.shape if axes is None else [x.shape[i] for i in axes]):
        raise ShapeError(f"logsumexp: x of shape {x.shape} has no elements along axis={axis}.")
    return LogSumExp(axes).apply(x)
