"""Joining along an axis."""

from collections.abc import Sequence

from chainette import Function, Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import get_item
from chainette.typing import Array, ArrayLike, Shape


class Concat(Function):
    """The arrays one behind the other along an axis."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, *xs: Array) -> Array:
        self.sizes = [x.shape[self.axis] for x in xs]
        return self.xp.concatenate(xs, self.axis)

    def backward(self, gy: Variable) -> tuple[Variable | None, ...]:
        gradients: list[Variable | None] = []
        start = 0
        for size, needed in zip(self.sizes, self.needs_input_grad, strict=True):
            index = (slice(None),) * self.axis + (slice(start, start + size),)
            gradients.append(get_item(gy, index) if needed else None)
            start += size
        return tuple(gradients)


def concat(xs: Sequence[ArrayLike], axis: int = 1) -> Variable:
    """Join arrays along an axis.

    Args:
        xs: at least one; their shapes differ at most along ``axis``.
        axis: the axis along which they are joined. Note the default of 1: the channels.

    Returns:
        A Variable whose size along ``axis`` is the sum of theirs.

    Raises:
        ArgumentError: there is nothing to join.
        ShapeError: the shapes do not fit, or there is no such axis.

    >>> concat([np.zeros((2, 1)), np.ones((2, 2))]).array
    array([[0., 1., 1.],
           [0., 1., 1.]])
    """
    arrays = [as_variable(x) for x in xs]
    if not arrays:
        raise ArgumentError("concat: xs is empty (expected at least one array).")
    first = arrays[0]
    axis = normalize_axis("concat", axis, first.ndim)
    for i, x in enumerate(arrays):
        if x.ndim != first.ndim or _without(x.shape, axis) != _without(first.shape, axis):
            raise ShapeError(f"concat: xs[{i}] is {x.shape}, which does not fit {first.shape} along axis={axis}.")
    return Concat(axis).apply(*arrays)


def _without(shape: Shape, axis: int) -> Shape:
    return (*shape[:axis], *shape[axis + 1 :])
