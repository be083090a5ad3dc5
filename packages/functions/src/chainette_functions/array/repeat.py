"""Repeating, tiling, flipping and broadcasting together."""

import numpy as np

from chainette import Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import broadcast_to, get_item, reshape
from chainette.typing import ArrayLike


def repeat(x: ArrayLike, repeats: int | tuple[int, ...], axis: int | None = None) -> Variable:
    """Each element of ``x`` several times in a row.

    Args:
        x: any dtype.
        repeats: how often: a number for all, or one for each element along ``axis``.
        axis: the axis along which elements are repeated; None flattens ``x`` first.

    Raises:
        ArgumentError: a number is negative.
        ShapeError: there is no such axis, or not one number for each element along it.

    >>> repeat(np.array([1.0, 2.0]), 2).array
    array([1., 1., 2., 2.])
    >>> repeat(np.array([1.0, 2.0]), (1, 2), axis=0).array
    array([1., 2., 2.])
    """
    x = as_variable(x)
    if axis is None:
        x, axis = reshape(x, (x.size,)), 0
    axis = normalize_axis("repeat", axis, x.ndim)
    size = x.shape[axis]
    numbers = [repeats] * size if isinstance(repeats, int) else list(repeats)
    if len(numbers) != size:
        raise ShapeError(f"repeat: {len(numbers)} repeats for {size} elements along axis {axis} of x {x.shape}.")
    if any(n < 0 for n in numbers):
        raise ArgumentError(f"repeat: repeats={repeats} has a negative number.")
    positions = x.device.send(np.repeat(np.arange(size), numbers))
    return get_item(x, (slice(None),) * axis + (positions,))


def tile(x: ArrayLike, reps: int | tuple[int, ...]) -> Variable:
    """``x`` laid out several times along each axis.

    Args:
        x: any dtype.
        reps: how often along each axis; the shorter one of ``reps`` and ``x.shape`` is filled up with ones in front.

    Raises:
        ArgumentError: a number is negative.

    >>> tile(np.array([[1.0, 2.0]]), (2, 2)).array
    array([[1., 2., 1., 2.],
           [1., 2., 1., 2.]])
    """
    x = as_variable(x)
    numbers = (reps,) if isinstance(reps, int) else tuple(reps)
    if any(n < 0 for n in numbers):
        raise ArgumentError(f"tile: reps={reps} has a negative number.")
    numbers = (1,) * (x.ndim - len(numbers)) + numbers
    shape = (1,) * (len(numbers) - x.ndim) + x.shape
    between = tuple(size for pair in zip((1,) * len(shape), shape, strict=True) for size in pair)
    spread = tuple(size for pair in zip(numbers, shape, strict=True) for size in pair)
    y = broadcast_to(reshape(x, between), spread)
    return reshape(y, tuple(n * size for n, size in zip(numbers, shape, strict=True)))


def flip(x: ArrayLike, axis: int) -> Variable:
    """``x`` with the order of the elements along an axis reversed.

    Args:
        x: any dtype.
        axis: the axis.

    Raises:
        ShapeError: there is no such axis.

    >>> flip(np.array([1.0, 2.0, 3.0]), 0).array
    array([3., 2., 1.])
    """
    x = as_variable(x)
    axis = normalize_axis("flip", axis, x.ndim)
    return get_item(x, (slice(None),) * axis + (slice(None, None, -1),))


def broadcast(*args: ArrayLike) -> tuple[Variable, ...]:
    """Arrays broadcast to the shape that fits them all.

    Args:
        args: at least one.

    Raises:
        ArgumentError: there is none.
        ShapeError: they do not broadcast.

    >>> [x.shape for x in broadcast(np.zeros((2, 1)), np.zeros(3))]
    [(2, 3), (2, 3)]
    """
    variables = [as_variable(x) for x in args]
    if not variables:
        raise ArgumentError("broadcast: nothing to broadcast (expected at least one array).")
    shapes = [x.shape for x in variables]
    ndim = max(map(len, shapes))
    columns = zip(*((1,) * (ndim - len(shape)) + shape for shape in shapes), strict=True)
    shape = []
    for sizes in columns:
        larger = {size for size in sizes if size != 1}
        if len(larger) > 1:
            raise ShapeError(f"broadcast: the shapes {', '.join(map(str, shapes))} do not broadcast.")
        shape.append(larger.pop() if larger else 1)
    return tuple(broadcast_to(x, tuple(shape)) for x in variables)
