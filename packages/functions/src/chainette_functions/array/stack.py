"""Joining along a new axis, and along the axes that have names."""

from collections.abc import Sequence

from chainette import Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import reshape
from chainette.typing import ArrayLike
from chainette_functions.array.concat import concat
from chainette_functions.array.expand_dims import expand_dims
from chainette_functions.array.split_axis import split_axis
from chainette_functions.array.squeeze import squeeze


def stack(xs: Sequence[ArrayLike], axis: int = 0) -> Variable:
    """Join arrays of one shape along a new axis.

    Args:
        xs: at least one; all of one shape.
        axis: where the new axis will stand in the result.

    Raises:
        ArgumentError: there is nothing to join.
        ShapeError: the shapes differ, or there is no such place.

    >>> stack([np.zeros(2), np.ones(2)]).array
    array([[0., 0.],
           [1., 1.]])
    """
    variables = _at_least_one("stack", xs)
    for i, x in enumerate(variables):
        if x.shape != variables[0].shape:
            raise ShapeError(f"stack: xs[{i}] has shape {x.shape} (expected {variables[0].shape}, that of xs[0]).")
    axis = normalize_axis("stack", axis, variables[0].ndim + 1)
    return concat([expand_dims(x, axis) for x in variables], axis)


def hstack(xs: Sequence[ArrayLike]) -> Variable:
    """Join arrays side by side: along the second axis, vectors along their only one.

    Args:
        xs: at least one.

    Raises:
        ArgumentError: there is nothing to join.
        ShapeError: the shapes do not fit.

    >>> hstack([np.zeros((2, 1)), np.ones((2, 1))]).array
    array([[0., 1.],
           [0., 1.]])
    """
    variables = [x if x.ndim else reshape(x, (1,)) for x in _at_least_one("hstack", xs)]
    return concat(variables, 0 if variables[0].ndim == 1 else 1)


def vstack(xs: Sequence[ArrayLike]) -> Variable:
    """Join arrays one above the other: along the first axis, where vectors count as rows.

    Args:
        xs: at least one.

    Raises:
        ArgumentError: there is nothing to join.
        ShapeError: the shapes do not fit.

    >>> vstack([np.zeros(2), np.ones(2)]).array
    array([[0., 0.],
           [1., 1.]])
    """
    rows = [x if x.ndim > 1 else reshape(x, (1, x.size)) for x in _at_least_one("vstack", xs)]
    return concat(rows, 0)


def dstack(xs: Sequence[ArrayLike]) -> Variable:
    """Join arrays along the third axis: vectors count as one row, matrices as one layer.

    Args:
        xs: at least one.

    Raises:
        ArgumentError: there is nothing to join.
        ShapeError: the shapes do not fit.

    >>> dstack([np.zeros((2, 2)), np.ones((2, 2))]).shape
    (2, 2, 2)
    """
    layers = []
    for x in _at_least_one("dstack", xs):
        row = x if x.ndim > 1 else reshape(x, (1, x.size))
        layers.append(row if row.ndim > 2 else expand_dims(row, 2))
    return concat(layers, 2)


def separate(x: ArrayLike, axis: int = 0) -> tuple[Variable, ...]:
    """The slices of ``x`` along an axis, which they lack: what ``stack`` joins.

    Args:
        x: any dtype.
        axis: the axis.

    Raises:
        ShapeError: there is no such axis, or it has size 0.

    >>> [piece.array.tolist() for piece in separate(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1)]
    [[1.0, 3.0], [2.0, 4.0]]
    """
    x = as_variable(x)
    axis = normalize_axis("separate", axis, x.ndim)
    if x.shape[axis] == 0:
        raise ShapeError(f"separate: axis {axis} of x {x.shape} has no slices.")
    return tuple(squeeze(piece, axis) for piece in split_axis(x, x.shape[axis], axis))


def _at_least_one(name: str, xs: Sequence[ArrayLike]) -> list[Variable]:
    if not xs:
        raise ArgumentError(f"{name}: xs is empty (expected at least one array).")
    return [as_variable(x) for x in xs]
