"""Linear transformation."""

from functools import reduce
from math import prod
from typing import Any

from chainette import Function, Variable, as_variable
from chainette.errors import ShapeError
from chainette.operators import add, broadcast_to, matmul, reshape
from chainette.typing import Array, ArrayLike


class Linear(Function):
    """x W^T, plus b."""

    def forward(self, x: Array, W: Array, b: Array | None = None) -> Array:
        self.retain(x=x, W=W)
        y: Array = x.dot(W.T)
        if b is not None:
            y += b
        return y

    def backward(self, gy: Variable) -> tuple[Variable | None, ...]:
        needed = self.needs_input_grad
        found: Any = LinearGrad(needed).gradient_of(self).apply(self.retained("x"), self.retained("W"), gy)
        gradients = iter(found)
        return tuple([next(gradients) if each else None for each in needed])


class LinearGrad(Function):
    """gy W, gy^T x and the sum of gy over the batch: of the gradients by x, W and b those that are needed."""

    def __init__(self, needed: list[bool]) -> None:
        self.needed = needed

    def forward(self, x: Array, W: Array, gy: Array) -> tuple[Array, ...]:
        self.retain(x=x, W=W, gy=gy)
        gx, gW, *gb = self.needed
        gradients = [gy.dot(W)] if gx else []
        if gW:
            gradients.append(gy.T.dot(x))
        if gb and gb[0]:
            gradients.append(gy.sum(0) if gy.dtype.char != "e" else gy.sum(0, dtype="f").astype("e"))
        return tuple(gradients)

    def backward(self, *gradients: Variable | None) -> tuple[Variable | None, Variable | None, Variable | None]:
        x, W, gy = self.retained("x"), self.retained("W"), self.retained("gy")
        given = iter(gradients)
        ggx, ggW, ggb = [next(given) if each else None for each in (*self.needed, False)[:3]]
        parts = [
            Linear().apply(ggx, W) if ggx is not None else None,
            Linear().apply(x, ggW) if ggW is not None else None,
            broadcast_to(ggb, gy.shape) if ggb is not None else None,
        ]
        present = [part for part in parts if part is not None]
        return (
            matmul(gy, ggW) if ggW is not None else None,
            matmul(gy, ggx, transa=True) if ggx is not None else None,
            reduce(add, present) if present else None,
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
    W_shape = W.shape
    if len(W_shape) != 2 or W_shape[1] != shape[1]:
        raise ShapeError(f"linear: W has shape {W_shape} (expected (out_size, {shape[1]}), since x is {shape}).")
    if b is None:
        return Linear().apply(x, W)
    b = as_variable(b)
    if b.shape != W_shape[:1]:
        raise ShapeError(f"linear: b has shape {b.shape} (expected {W_shape[:1]}, since W is {W_shape}).")
    return Linear().apply(x, W, b)


def require_batch_axes(x: Variable, n_batch_axes: int) -> None:
    """There are features behind the batch axes; a single axis is a batch of numbers.

    Raises:
        ShapeError: there are none.
    """
    if not 1 <= n_batch_axes < max(x.ndim, 2) or x.ndim == 0:
        raise ShapeError(f"linear: n_batch_axes={n_batch_axes} does not fit x of shape {x.shape}.")
