"""Linear transformation."""

from math import prod

from chainette import Function, Variable, as_variable
from chainette.errors import ShapeError
from chainette.operators import reshape
from chainette.operators.matmul import MatMul
from chainette.operators.reduction import Sum
from chainette.typing import Array, ArrayLike


class Linear(Function):
    """x W^T, plus b."""

    def forward(self, x: Array, W: Array, b: Array | None = None) -> Array:
        self.retain(x=x, W=W)
        y = self.xp.matmul(x, W.T)
        if b is not None:
            y += b
        return y

    def backward(self, gy: Variable) -> tuple[Variable | None, ...]:
        gx, gW, *gb = self.needs_input_grad
        return (
            MatMul().apply(gy, self.retained("W")) if gx else None,
            MatMul(transa=True).apply(gy, self.retained("x")) if gW else None,
            *[Sum((0,), False).apply(gy) if needed else None for needed in gb],
        )


def linear(x: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, n_batch_axes: int = 1) -> Variable:
    """Linear (fully connected) transformation, ``y = x W^T + b``.

    Args:
        x: ``(batch, ...)``: what follows the batch axes is flattened to ``in_size`` features.
        W: weights, ``(out_size, in_size)``.
        b: biases, ``(out_size,)``; None for none.
        n_batch_axes: how many leading axes of ``x`` are kept.

    Returns:
        ``(batch, out_size)``, with as many batch axes as ``x`` has.

    Raises:
        ShapeError: the sizes do not fit.

    >>> linear(np.ones((2, 3)), np.ones((4, 3)), np.zeros(4)).array
    array([[3., 3., 3., 3.],
           [3., 3., 3., 3.]])
    """
    x, W = as_variable(x), as_variable(W)
    shape = x.shape
    if n_batch_axes != 1 or len(shape) != 2:
        require_batch_axes(x, n_batch_axes)
        flat = (prod(shape[:n_batch_axes]), prod(shape[n_batch_axes:]))
        y = linear(reshape(x, flat), W, b)
        return y if n_batch_axes == 1 else reshape(y, (*shape[:n_batch_axes], y.shape[1]))
    if W.ndim != 2 or W.shape[1] != shape[1]:
        raise ShapeError(f"linear: W has shape {W.shape} (expected (out_size, {shape[1]}), since x is {shape}).")
    if b is None:
        return Linear().apply(x, W)
    b = as_variable(b)
    if b.shape != W.shape[:1]:
        raise ShapeError(f"linear: b has shape {b.shape} (expected {W.shape[:1]}, since W is {W.shape}).")
    return Linear().apply(x, W, b)


def require_batch_axes(x: Variable, n_batch_axes: int) -> None:
    """There are features behind the batch axes; a single axis is a batch of numbers.

    Raises:
        ShapeError: there are none.
    """
    if not 1 <= n_batch_axes < max(x.ndim, 2) or x.ndim == 0:
        raise ShapeError(f"linear: n_batch_axes={n_batch_axes} does not fit x of shape {x.shape}.")
