"""How layers with windows say how large they are, how far apart, and how much is put around the image."""

from __future__ import annotations

import math

from chainette.errors import ShapeError
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.message import Message

MOST_VALUES = 2**31 - 1
"""How many values a blob has at most."""


def along_axes(parameters: Message, name: str, default: int | None, ndim: int, least: int) -> tuple[int, ...]:
    """A value for each spatial axis: one for all, or as many as there are axes, the height first, or ``_h`` and ``_w``.

    Args:
        parameters: the message.
        name: ``"kernel_size"``, ``"stride"``, ``"pad"`` or ``"dilation"``.
        default: what holds where nothing is given; None where something must be.
        ndim: how many spatial axes there are.
        least: the smallest value that makes sense.

    Raises:
        CaffeNetError: a value is missing, is too small, or there is another number of them.

    >>> message = Message("ConvolutionParameter")
    >>> message.add("kernel_h", 3); message.add("kernel_w", 5)
    >>> along_axes(message, "kernel_size", None, 2, 1), along_axes(message, "pad", 0, 2, 0)
    ((3, 5), (0, 0))
    """
    stem = name.removesuffix("_size")
    height, width = parameters.get(f"{stem}_h"), parameters.get(f"{stem}_w")
    values = parameters.all(name)
    if (height is not None or width is not None) and ndim == 2:
        if values:
            raise CaffeNetError(f"both {name} and {stem}_h or {stem}_w are given (expected one of them)")
        found = [default if each is None else each for each in (height, width)]
    else:
        found = list(values) or [default]
    if len(found) == 1:
        found = found * ndim
    if len(found) != ndim:
        raise CaffeNetError(f"{name} has {len(found)} values (expected 1, or {ndim} for as many axes)")
    sizes = []
    for each in found:
        if each is None:
            raise CaffeNetError(f"{name} is missing")
        if each < least:
            raise CaffeNetError(f"{name} is {each} (expected at least {least})")
        sizes.append(int(each))
    return tuple(sizes)


def require_blob(function: str, shape: tuple[int, ...]) -> None:
    """Refuse to make an array, of one image or of weights, that would be too large for a blob: a damaged file may ask
    for any padding.

    Raises:
        ShapeError: it has too many values.
    """
    if math.prod(shape) > MOST_VALUES:
        raise ShapeError(
            f"{function}: an array of shape {shape} would be needed (expected at most {MOST_VALUES:,} values). Is a "
            "kernel, stride, pad or dilation wrong?"
        )
