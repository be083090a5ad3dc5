"""Padding."""

from typing import Any

import numpy as np

from chainette import Function, Variable, as_variable
from chainette.checks import require_one_of
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import cast, get_item
from chainette.typing import Array, ArrayLike

Pairs = list[list[Any]]
"""For each axis what concerns its beginning and what concerns its end."""


class Pad(Function):
    """x with constants around it."""

    def __init__(self, widths: Pairs, values: Pairs) -> None:
        self.widths = widths
        self.values = values

    def forward(self, x: Array) -> Array:
        self.inside = tuple(slice(before, before + n) for n, (before, _) in zip(x.shape, self.widths, strict=True))
        return self.xp.pad(x, self.widths, "constant", constant_values=self.values)

    def backward(self, gy: Variable) -> Variable:
        return get_item(gy, self.inside)


def pad(x: ArrayLike, pad_width: Any, mode: str, **keywords: Any) -> Variable:
    """``x`` with elements added before and behind it along each axis, as ``numpy.pad`` does.

    Args:
        x: any shape and dtype.
        pad_width: how many: a number for all sides, a pair ``(before, after)`` for all axes, or a pair for each axis.
        mode: what is added. ``"constant"``: the number ``constant_values``. Else elements of ``x``, which get the
            gradients of their copies: ``"edge"`` the outermost one, ``"reflect"`` the mirror image without the edge,
            ``"symmetric"`` the mirror image with it, ``"wrap"`` what lies at the other end.
        keywords: ``constant_values``, 0 by default: given as ``pad_width`` is.

    Returns:
        The dtype of ``x``; ``x`` itself, as a Variable, where nothing is added.

    Raises:
        ArgumentError: there is no such mode or keyword, or a width is no integer, or negative.
        ShapeError: the widths or values are not as many as the axes, or an axis without elements is to be extended
            with some.

    >>> pad(np.array([1.0, 2.0]), (1, 2), "constant", constant_values=9.0).array
    array([9., 1., 2., 9., 9.])
    >>> pad(np.array([1.0, 2.0, 3.0]), 2, "reflect").array
    array([3., 2., 1., 2., 3., 2., 1.])
    """
    x = as_variable(x)
    require_one_of("pad", "mode", mode, ("constant", "edge", "reflect", "symmetric", "wrap"))
    unknown = [name for name in keywords if name != "constant_values" or mode != "constant"]
    if unknown:
        raise ArgumentError(f"pad: {', '.join(unknown)} means nothing with mode={mode!r}. Leave it out.")
    widths = _for_each_axis("pad_width", pad_width, x)
    if not all(type(n) is int and n >= 0 for pair in widths for n in pair):
        raise ArgumentError(f"pad: pad_width={pad_width} (expected integers of at least 0).")
    if not any(n for pair in widths for n in pair):
        return x
    if mode == "constant":
        return Pad(widths, _for_each_axis("constant_values", keywords.get("constant_values", 0), x)).apply(x)
    y = cast(x, "f") if x.dtype == "e" else x  # so that the gradients of many copies are summed up in float32
    for axis, (size, width) in enumerate(zip(x.shape, widths, strict=True)):
        if sum(width) == 0:
            continue
        if size == 0:
            raise ShapeError(f"pad: axis {axis} of x {x.shape} has no elements (expected some, with mode={mode!r}).")
        positions = x.device.send(np.pad(np.arange(size), width, mode))  # type: ignore[call-overload]
        y = get_item(y, (*[slice(None)] * axis, positions))
    return cast(y, x.dtype)


def _for_each_axis(name: str, value: Any, x: Variable) -> Pairs:
    try:
        pairs: Pairs = np.broadcast_to(value, (x.ndim, 2)).tolist()
    except ValueError:
        raise ShapeError(
            f"pad: {name}={value} does not fit x of shape {x.shape} (expected a number, a pair, or {x.ndim} pairs)."
        ) from None
    return pairs
