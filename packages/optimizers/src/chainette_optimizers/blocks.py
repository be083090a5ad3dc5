"""Large arrays piece by piece, so that the many passes of an update meet in the processor's cache, and buffers for
what lies between the passes. Buffers are made once; a step then allocates nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette.backend import Device, device_of
from chainette.typing import Array

BLOCK_BYTES = 2**18  # of each array; an update goes through four or five at a time


class _Thread(threading.local):
    def __init__(self) -> None:
        self.buffers: dict[tuple[str, int | None, np.dtype[Any], int], Array] = {}


_thread = _Thread()


def blocks(*arrays: Array, buffers: Sequence[npt.DTypeLike] = ()) -> Iterable[tuple[Array, ...]]:
    """Go through arrays of one shape together, in pieces of a size that stays in the cache.

    Args:
        arrays: of one shape and device, of any strides. An accelerator's come in one piece, and whatever is smaller
            than a piece comes as it is.
        buffers: the dtypes of buffers to compute in.

    Returns:
        To be looped over, once: a view of each array, and the buffers in the same shape. A buffer's content is
        arbitrary at first, and lost when this thread next asks for buffers, for whatever arrays.

    >>> x, y = np.arange(6.0), np.ones(6)
    >>> for a, b, product in blocks(x, y, buffers=["d"]):
    ...     _ = np.multiply(a, 10, out=product)
    ...     b += product
    >>> y
    array([ 1., 11., 21., 31., 41., 51.])
    """
    first = arrays[0]
    device, size, shape = device_of(first), first.size, first.shape
    limit = size if device.backend.is_accelerator else BLOCK_BYTES // max(first.itemsize, 4)
    scratch = [_buffer(device, np.dtype(dtype), slot, min(size, limit)) for slot, dtype in enumerate(buffers)]
    if size <= limit:
        return ((*arrays, *[buffer[:size].reshape(shape) for buffer in scratch]),)
    return (
        (*piece, *[buffer[: piece[0].size].reshape(piece[0].shape) for buffer in scratch])
        for piece in _pieces(arrays, limit)
    )


def computing_blocks(*arrays: Array, buffers: int = 1) -> Iterable[tuple[Array, ...]]:
    """``blocks`` with buffers of the first array's dtype, but float32 where that is half precision."""
    return blocks(*arrays, buffers=[np.promote_types(arrays[0].dtype, np.float32)] * buffers)


def _pieces(arrays: tuple[Array, ...], limit: int) -> Iterator[tuple[Array, ...]]:
    if arrays[0].size <= limit:
        yield arrays
        return
    if all(array.flags.c_contiguous for array in arrays):
        arrays = tuple(array.reshape(-1) for array in arrays)
    length = len(arrays[0])
    rows = limit // (arrays[0].size // length)
    if rows:
        for start in range(0, length, rows):
            yield tuple(array[start : start + rows] for array in arrays)
    else:  # one row is too much already
        for i in range(length):
            yield from _pieces(tuple(array[i] for array in arrays), limit)


def _buffer(device: Device, dtype: np.dtype[Any], slot: int, size: int) -> Array:
    """A flat buffer of at least that many elements: always the same one, unless it was too small."""
    key = device.backend.name, device.index, dtype, slot
    buffer = _thread.buffers.get(key)
    if buffer is None or buffer.size < size:
        with device.use():
            buffer = _thread.buffers[key] = device.xp.empty(size, dtype)
    return buffer
