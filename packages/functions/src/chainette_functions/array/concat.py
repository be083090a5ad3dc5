"""Joining along an axis; and splitting, which is its gradient."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Array, ArrayLike, Shape


class Concat(Function):
    """The arrays one behind the other along an axis."""

    def __init__(self, axis: int) -> None:
        self.axis = axis

    def forward(self, *xs: Array) -> Array:
        self.sizes = [x.shape[self.axis] for x in xs]
        return self.xp.concatenate(xs, self.axis)

    def backward(self, gy: Variable) -> tuple[Variable, ...]:
        positions = list(accumulate(self.sizes[:-1]))
        gradients: Any = SplitAxis(positions, self.axis).apply(gy)
        return gradients  # type: ignore[no-any-return]


class SplitAxis(Function):
    """The pieces of x between the given positions along an axis."""

    def __init__(self, positions: list[int], axis: int) -> None:
        self.positions = positions
        self.axis = axis

    def forward(self, x: Array) -> tuple[Array, ...]:
        before = (slice(None),) * self.axis
        pieces, start = [], 0
        for end in (*self.positions, x.shape[self.axis]):
            pieces.append(x[(*before, slice(start, end))])
            start = end
        return tuple(pieces)

    def backward(self, *gys: Variable | None) -> Variable:
        present = next(gy for gy in gys if gy is not None)
        with present.device.use():  # pieces that nothing was computed from have a gradient of zeros
            pieces = [
                present.xp.zeros(shape, dtype) if gy is None else gy
                for gy, (shape, dtype) in zip(gys, self.output_types, strict=True)
            ]
        return Concat(self.axis).apply(*pieces)


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
    shapes = [x.shape for x in arrays]
    axis = normalize_axis("concat", axis, len(shapes[0]))
    if shapes.count(shapes[0]) < len(shapes):
        _require_fitting(shapes, axis)
    return Concat(axis).apply(*arrays)


def _require_fitting(shapes: list[Shape], axis: int) -> None:
    first = shapes[0]
    for i, shape in enumerate(shapes):
        if len(shape) != len(first) or (*shape[:axis], *shape[axis + 1 :]) != (*first[:axis], *first[axis + 1 :]):
            raise ShapeError(f"concat: xs[{i}] is {shape}, which does not fit {first} along axis={axis}.")
