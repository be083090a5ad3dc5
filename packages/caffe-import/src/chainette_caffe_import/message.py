"""What a file says, whichever of the two formats it is in: a message has fields, each with one or more values."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette_caffe_import.errors import CaffeFormatError

AT_ONCE = 1 << 20
"""How many values are copied from a file before the memory under them is given back."""


class Message:
    """The fields of a message by name, in the order in which they came.

    Values are int, float, bool, str, Message and Blob; a value of an enumeration is its name, or a number that has
    none. A message remembers which fields were asked for, so that what nobody has read can be refused.

    Args:
        kind: the name of the message in Caffe's definition, such as ``"ConvolutionParameter"``.

    >>> message = Message("PoolingParameter")
    >>> message.add("kernel_size", 3)
    >>> message.get("kernel_size"), message.get("stride", 1), "pad" in message, message.unread()
    (3, 1, False, [])
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._fields: dict[str, list[Any]] = {}
        self._read: set[str] = set()
        self._ignored: set[str] = set()
        self.unknown: dict[str, str] = {}  # fields that no version of Caffe has, and what to say if nobody reads them

    def add(self, name: str, value: Any) -> None:
        """Append a value to a field."""
        self._fields.setdefault(name, []).append(value)

    def add_unknown(self, name: str, values: list[Any], warning: str) -> None:
        """Append to a field that no version of Caffe has."""
        self._fields.setdefault(name, []).extend(values)
        self.unknown.setdefault(name, warning)

    def get(self, name: str, default: Any = None) -> Any:
        """The field's last value, as protobuf has it, or the default."""
        self._read.add(name)
        values = self._fields.get(name)
        return values[-1] if values else default

    def all(self, name: str) -> list[Any]:
        """All values of the field."""
        self._read.add(name)
        return self._fields.get(name, [])

    def message(self, name: str, kind: str = "") -> Message:
        """The message in that field, or an empty one. Several are one message that came in pieces."""
        found = self.all(name)
        if len(found) == 1:
            only: Message = found[0]
            return only
        merged = Message(kind or (found[0].kind if found else name))
        for each in found:
            for field in each:
                merged._fields.setdefault(field, []).extend(each._fields[field])
        if found:
            self._fields[name] = [merged]
        return merged

    def ignore(self, *names: str) -> None:
        """Say of fields that nothing depends on them."""
        self._ignored.update(names)

    def unread(self) -> list[str]:
        """The fields that are there and were not asked for, also in the messages within."""
        found = []
        for name, values in self._fields.items():
            if name in self._ignored or name in self.unknown:
                continue
            if name not in self._read:
                found.append(name)
                continue
            for value in values:
                # What a parameter starts from is no matter where the model has it.
                if isinstance(value, Message) and value.kind != "FillerParameter":
                    found += [f"{name}.{inner}" for inner in value.unread()]
        return list(dict.fromkeys(found))

    def unread_unknown(self) -> list[str]:
        """What to say of fields that no version of Caffe has and that were not asked for."""
        found = []
        for name, values in self._fields.items():
            if name in self.unknown:
                found += [] if name in self._read else [self.unknown[name]]
                continue
            for value in values:
                if isinstance(value, Message):
                    found += value.unread_unknown()
        return found

    def __contains__(self, name: str) -> bool:
        return name in self._fields

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __repr__(self) -> str:
        return f"<{self.kind}: {', '.join(self._fields) or 'empty'}>"


class Blob:
    """An array of a model file that has not been copied yet.

    Args:
        shape: its shape; () for a scalar.
        is_old: whether it is written as num, channels, height and width: such a shape is aligned to the right.
        pieces: its values, one behind the other, as views of the file.
        where: the place in the file, for errors.

    >>> Blob((2, 1), False, [np.array([1, 2], "f")], "byte 0").array()
    array([[1.],
           [2.]], dtype=float32)
    """

    def __init__(self, shape: tuple[int, ...], is_old: bool, pieces: list[npt.NDArray[Any]], where: str) -> None:
        self.shape = shape
        self.is_old = is_old
        self._pieces = pieces
        self.where = where

    @property
    def size(self) -> int:
        """How many values there are in the file."""
        return sum(piece.size for piece in self._pieces)

    def array(self) -> npt.NDArray[np.float32]:
        """A copy in float32.

        Raises:
            CaffeFormatError: the file has more or fewer values than the shape says.
        """
        expected = 1
        for length in self.shape:
            expected *= length
        if expected != self.size:
            raise CaffeFormatError(
                f"the blob at {self.where} has shape {self.shape}, which needs {expected:,} values (got "
                f"{self.size:,}). The file is damaged."
            )
        values = np.empty(self.shape, np.float32)
        flat, start = values.reshape(-1), 0
        for part in self._parts():
            with np.errstate(over="ignore"):  # doubles beyond float32 become infinite, as in Caffe
                flat[start : start + part.size] = part
            start += part.size
            _let_go(part)
        return values

    def _parts(self) -> Iterator[npt.NDArray[Any]]:
        for piece in self._pieces:
            for start in range(0, piece.size, AT_ONCE):
                yield piece[start : start + AT_ONCE]


def _let_go(view: npt.NDArray[Any]) -> None:
    """Give back the memory under a view of a mapped file, which holds a copy of what the system has anyway.

    Else the file would be in our memory twice while it is loaded. The view stays what it is: it is read anew if needed.
    """
    base: Any = view
    while isinstance(base, np.ndarray):
        base = base.base
    file = base.obj if isinstance(base, memoryview) else None
    if isinstance(file, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):  # Windows has no such thing
        start = _address(view) - _address(np.frombuffer(base, np.uint8))
        page = start - start % mmap.PAGESIZE
        file.madvise(mmap.MADV_DONTNEED, page, start - page + view.size * view.strides[0])


def _address(array: npt.NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
