"""Broadcasting, and its gradient: summing to a shape."""

from __future__ import annotations

from chainette.errors import ShapeError
from chainette.function import Function
from chainette.typing import Array, ArrayLike, Shape
from chainette.variable import Variable, as_variable


class BroadcastTo(Function):
    """x seen in a larger shape; nothing is copied."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        return self.xp.broadcast_to(x, self.shape)

    def backward(self, gy: Variable) -> Variable:
        return gy  # the walk sums it to the shape of x


class SumTo(Function):
    """The sum over the axes along which ``shape`` would be broadcast to x."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        self.in_shape = x.shape
        lead = x.ndim - len(self.shape)
        axes = tuple(range(lead)) + tuple(
            lead + i for i, size in enumerate(self.shape) if size == 1 and x.shape[lead + i] != 1
        )
        wide = "f" if x.dtype == "e" else None  # float16 sums overflow and lose digits in float16
        return x.sum(axes, dtype=wide, keepdims=True).reshape(self.shape).astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> Variable:
        return BroadcastTo(self.in_shape).apply(gy)


def can_broadcast(shape: Shape, to: Shape) -> bool:
    """Whether an array of the one shape can be seen in the other."""
    lead = len(to) - len(shape)
    return lead >= 0 and all(a in (1, b) for a, b in zip(shape, to[lead:], strict=True))


def broadcast_to(x: ArrayLike, shape: Shape) -> Variable:
    """``x`` broadcast to ``shape`` by NumPy's rules.

    Args:
        x: any dtype.
        shape: the result's shape: that of ``x``, or larger along axes of size 1 and new leading axes.

    Returns:
        A Variable of that shape. Its array is a read-only view of ``x``'s.

    Raises:
        ShapeError: ``x`` does not broadcast to ``shape``.

    >>> broadcast_to(np.array([1.0, 2.0]), (2, 2)).array
    array([[1., 2.],
           [1., 2.]])
    """
    x, shape = as_variable(x), tuple(shape)
    if x.shape == shape:
        return x
    if not can_broadcast(x.shape, shape):
        raise ShapeError(f"broadcast_to: x of shape {x.shape} does not broadcast to {shape}.")
    return BroadcastTo(shape).apply(x)


def sum_to(x: ArrayLike, shape: Shape) -> Variable:
    """The sum of ``x`` over the axes along which ``shape`` would be broadcast to it: the gradient of broadcasting.

    Args:
        x: any floating or integer dtype.
        shape: a shape that broadcasts to that of ``x``.

    Raises:
        ShapeError: it does not.

    >>> sum_to(np.ones((2, 3)), (1, 3)).array
    array([[2., 2., 2.]])
    """
    x, shape = as_variable(x), tuple(shape)
    if x.shape == shape:
        return x
    if not can_broadcast(shape, x.shape):
        raise ShapeError(f"sum_to: {shape} does not broadcast to x's shape {x.shape}.")
    return SumTo(shape).apply(x)
