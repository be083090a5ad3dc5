"""Axes in another order."""

from chainette import Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette.operators import transpose
from chainette.typing import ArrayLike


def swapaxes(x: ArrayLike, axis1: int, axis2: int) -> Variable:
    """``x`` with two axes exchanged.

    Args:
        x: any dtype.
        axis1: the one axis.
        axis2: the other.

    Raises:
        ShapeError: there is no such axis.

    >>> swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    x = as_variable(x)
    order = list(range(x.ndim))
    i, j = normalize_axis("swapaxes", axis1, x.ndim), normalize_axis("swapaxes", axis2, x.ndim)
    order[i], order[j] = order[j], order[i]
    return transpose(x, tuple(order))


def rollaxis(x: ArrayLike, axis: int, start: int = 0) -> Variable:
    """``x`` with one axis moved to before the place where axis ``start`` stands now.

    Args:
        x: any dtype.
        axis: the axis to move.
        start: where it goes, from ``-ndim`` to ``ndim``.

    Raises:
        ShapeError: there is no such axis or place.

    >>> rollaxis(np.zeros((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    x = as_variable(x)
    axis = normalize_axis("rollaxis", axis, x.ndim)
    if not -x.ndim <= start <= x.ndim:
        raise ShapeError(f"rollaxis: start={start} is out of range for an array of {x.ndim} axes.")
    place = start + x.ndim if start < 0 else start
    order = [i for i in range(x.ndim) if i != axis]
    order.insert(place - (axis < place), axis)
    return transpose(x, tuple(order))


def moveaxis(x: ArrayLike, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Variable:
    """``x`` with some axes moved; the others keep their order.

    Args:
        x: any dtype.
        source: the axes to move.
        destination: the place of each in the result.

    Raises:
        ShapeError: there is no such axis, one is named twice, or the numbers of axes differ.

    >>> moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    x = as_variable(x)
    sources = [normalize_axis("moveaxis", i, x.ndim) for i in ((source,) if isinstance(source, int) else source)]
    places = [
        normalize_axis("moveaxis", i, x.ndim) for i in ((destination,) if isinstance(destination, int) else destination)
    ]
    if not len(sources) == len(set(sources)) == len(places) == len(set(places)):
        raise ShapeError(f"moveaxis: source={source} and destination={destination} must name as many axes, each once.")
    order = [i for i in range(x.ndim) if i not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, tuple(order))
