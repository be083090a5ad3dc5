"""Reads a .caffemodel: protobuf's binary format, with the blobs left in the file until they are wanted."""

from __future__ import annotations

import codecs
import mmap
import os
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette_caffe_import.errors import CaffeFormatError
from chainette_caffe_import.fields import Field, enum_name, fields_by_number
from chainette_caffe_import.message import Blob, Message

MAX_DEPTH = 100
MAX_VALUES = 1 << 20  # ten times the largest nets; a file of nothing but empty layers must not fill the memory
OBJECT_COST = 8  # a message or an array takes the memory of some values
MAX_AXES = 32
MAX_SIZE = 1 << 60

_VARINT, _EIGHT, _LENGTH, _GROUP, _GROUP_END, _FOUR = range(6)
_WIRE_TYPES = {"int": _VARINT, "bool": _VARINT, "enum": _VARINT, "double": _EIGHT, "float": _FOUR}
_FLOATS = {"float": "<f4", "double": "<f8"}
_RAW = {"DOUBLE": "<f8", "FLOAT": "<f4", "FLOAT16": "<f2", "INT": "<i4", "UINT": "<u4"}
_OLD_SHAPE = ("num", "channels", "height", "width")


def read_caffemodel(path: str | os.PathLike[str]) -> Message:
    """Read the net and the weights that Caffe has stored.

    The file is mapped, not read: the weights are views of it until ``Blob.array`` copies them.

    Args:
        path: a ``.caffemodel``.

    Returns:
        A ``NetParameter``.

    Raises:
        CaffeFormatError: the file is no Caffe model, or is damaged; the message says at which byte.
        OSError: the file cannot be opened.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "tiny.caffemodel")
    >>> _ = path.write_bytes(b"\\x0a\\x04tiny")  # field 1, the name, of 4 bytes
    >>> read_caffemodel(path).get("name")
    'tiny'
    """
    name = Path(path).name
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise CaffeFormatError(f"{name}: the file is empty (expected a Caffe model). Download it again.")
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    head = bytes(data[:512])
    if head.startswith(b"\x89HDF"):
        raise CaffeFormatError(f"{name}: this is HDF5 (expected a .caffemodel). Save the net in Caffe's binary format.")
    try:
        net = _Reader(data, name).message("NetParameter", len(data))
        if not any(field in net for field in ("layer", "layers", "input", "name")):
            raise CaffeFormatError(f"{name}: this is no Caffe model (expected layers, got none). Is it another's file?")
    except CaffeFormatError:
        if _is_text(head):
            what = "this is text (expected a binary .caffemodel). Is it a prototxt, or a web page about the file?"
            raise CaffeFormatError(f"{name}: {what}") from None
        raise
    return net


def make_blob(message: Message, where: str, error: Callable[[str], CaffeFormatError]) -> Blob:
    """The blob that a ``BlobProto`` describes, whose data fields hold arrays."""
    raw = [piece for piece in message.all("raw_data") if piece.size][-1:]
    pieces: list[npt.NDArray[Any]] = raw or message.all("double_data") or message.all("data")
    if raw:
        dtype = _RAW.get(message.get("raw_data_type", "DOUBLE"))
        if dtype is None:
            raise error(f"expected a raw_data_type among {', '.join(_RAW)} (got {message.get('raw_data_type')})")
        if raw[0].size % np.dtype(dtype).itemsize:
            raise error(f"expected raw_data of whole values of type {dtype[1:]} (got {raw[0].size:,} bytes)")
        pieces = [raw[0].view(dtype)]
    is_old = "shape" not in message and any(side in message for side in _OLD_SHAPE)
    if is_old:
        shape = [message.get(side, 0) for side in _OLD_SHAPE]
    elif "shape" in message:
        shape = message.message("shape").all("dim")
    else:
        shape = [sum(piece.size for piece in pieces)]
    size = 1
    for length in shape[: MAX_AXES + 1]:
        size *= length or 1  # an empty array has a shape too: none of its lengths may be absurd
    if len(shape) > MAX_AXES or size > MAX_SIZE or any(length < 0 for length in shape):
        shown = ", ".join(map(str, shape[:MAX_AXES]))
        raise error(f"expected a blob of at most {MAX_AXES} axes, none of them negative or absurd (got {shown})")
    return Blob(tuple(shape), is_old, pieces, where)


class _Reader:
    """A place in a file; each method reads on from there, and never past the ``end`` it is given."""

    def __init__(self, data: memoryview, name: str) -> None:
        self.data = data
        self.name = name
        self.at = 0
        self.values = 0

    def error(self, at: int, what: str) -> CaffeFormatError:
        return CaffeFormatError(f"{self.name}: byte {at:,}: {what}. The file is damaged, or is no Caffe model.")

    def count(self, values: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            raise self.error(self.at, f"expected at most {MAX_VALUES:,} values outside blobs (got more)")

    def message(self, kind: str, end: int) -> Message:
        self.count(OBJECT_COST)
        message, fields = Message(kind), fields_by_number(kind)
        while self.at < end:
            start = self.at
            number, wire_type = self.tag(end)
            field = fields.get(number)
            if field is None:
                self.skip(start, number, wire_type, end)
                continue
            fits = wire_type == _WIRE_TYPES.get(field.type, _LENGTH)
            if not fits and (wire_type != _LENGTH or field.type not in _WIRE_TYPES):
                raise self.error(start, f"expected {kind}.{field.name} to be {field.type} (got wire type {wire_type})")
            if kind == "BlobProto" and field.name in ("diff", "double_diff"):
                self.skip(start, number, wire_type, end)
            elif kind == "BlobProto" and field.type in ("float", "double", "bytes"):
                message.add(field.name, self.array(field, wire_type, end))
            elif wire_type == _LENGTH:
                self.delimited(message, field, end)
            else:
                self.count(1)
                message.add(field.name, self.scalar(field, end))
        return message

    def delimited(self, message: Message, field: Field, end: int) -> None:
        """Add what follows a length: a string, a message, or numbers in one piece."""
        start, stop = self.at, self.length(end)
        if field.type == "message":
            begin = self.at
            inner = self.message(field.kind, stop)
            is_blob = field.kind == "BlobProto"
            message.add(
                field.name, make_blob(inner, f"byte {begin:,}", partial(self.error, begin)) if is_blob else inner
            )
        elif field.type in ("string", "bytes"):
            self.count(OBJECT_COST)
            value_bytes = bytes(self.data[self.at : stop])
            message.add(field.name, value_bytes.decode("utf-8", "replace"))
            self.at = stop
        else:
            if field.type in _FLOATS:
                self.whole(field, start, stop)
            while self.at < stop:
                self.count(1)
                message.add(field.name, self.scalar(field, stop))

    def scalar(self, field: Field, end: int) -> Any:
        if field.type in _FLOATS:
            size = int(_FLOATS[field.type][2])
            start, self.at = self.at, self.forward(size, end)
            return struct.unpack_from("<f" if size == 4 else "<d", self.data, start)[0]
        value = self.varint(end)
        value -= (value >> 63) << 64  # two's complement
        if field.type == "bool":
            return value != 0
        return enum_name(field.kind, value) if field.type == "enum" else value

    def array(self, field: Field, wire_type: int, end: int) -> npt.NDArray[Any]:
        """A view of a blob's values: of all in one piece, or of as many as follow with a tag each."""
        self.count(OBJECT_COST)
        dtype = np.dtype(_FLOATS.get(field.type, "u1"))
        if wire_type == _LENGTH:
            start, stop = self.at, self.length(end)
            self.whole(field, start, stop)
            begin, self.at = self.at, stop
            size = (stop - begin) // dtype.itemsize
            return np.frombuffer(self.data, dtype, size, begin) if size else np.empty(0, dtype)
        record = np.dtype([("tag", "u1"), ("value", dtype)])
        self.forward(dtype.itemsize, end)
        tag, begin = field.number << 3 | wire_type, self.at - 1
        records = np.frombuffer(self.data, record, (end - begin) // record.itemsize, begin)
        found, step = 1, 1
        while found < len(records):  # ever longer steps: the file may change between tags after each value
            others = np.flatnonzero(records["tag"][found : found + step] != tag)
            if len(others):
                found += int(others[0])
                break
            found, step = min(found + step, len(records)), min(2 * step, 1 << 16)
        self.at = begin + found * record.itemsize
        return records["value"][:found]

    def whole(self, field: Field, start: int, stop: int) -> None:
        """Refuse a length that ends within a number."""
        itemsize = np.dtype(_FLOATS.get(field.type, "u1")).itemsize
        if (stop - self.at) % itemsize:
            raise self.error(start, f"expected {field.name} of a multiple of {itemsize} bytes (got {stop - self.at:,})")

    def tag(self, end: int) -> tuple[int, int]:
        start, key = self.at, self.varint(end)
        if not 0 < key >> 3 < 1 << 29:
            raise self.error(start, f"expected a field number from 1 to {(1 << 29) - 1:,} (got {key >> 3:,})")
        return key >> 3, key & 7

    def varint(self, end: int) -> int:
        start, value = self.at, 0
        for shift in range(0, 70, 7):
            if self.at >= end:
                raise self.error(start, "expected a whole varint (got its beginning)")
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF
        raise self.error(start, "expected a varint of at most 10 bytes (got a longer one)")

    def length(self, end: int) -> int:
        """Read a length; the place where what it measures ends."""
        start, length = self.at, self.varint(end)
        if length > end - self.at:
            raise self.error(start, f"expected a length of at most {end - self.at:,} (got {length:,})")
        return self.at + length

    def forward(self, size: int, end: int) -> int:
        """The place that many bytes on."""
        if self.at + size > end:
            raise self.error(self.at, f"expected {size} bytes (got {end - self.at})")
        return self.at + size

    def skip(self, start: int, number: int, wire_type: int, end: int) -> None:
        """Pass over a field that is not known, and all that it contains if it is a group."""
        groups: list[int] = []
        while True:
            if wire_type == _VARINT:
                self.varint(end)
            elif wire_type == _LENGTH:
                self.at = self.length(end)
            elif wire_type in (_EIGHT, _FOUR):
                self.at = self.forward(8 if wire_type == _EIGHT else 4, end)
            elif wire_type == _GROUP:
                groups.append(number)
                if len(groups) > MAX_DEPTH:
                    raise self.error(start, f"expected groups of at most {MAX_DEPTH} levels (got more)")
            elif wire_type != _GROUP_END:
                raise self.error(start, f"expected a wire type from 0 to 5 (got {wire_type})")
            elif not groups or groups.pop() != number:
                raise self.error(start, f"expected no end of group {number} here (got one)")
            if not groups:
                return
            if self.at >= end:
                raise self.error(self.at, f"expected the end of group {groups[-1]} (got the end of what it is in)")
            start = self.at
            number, wire_type = self.tag(end)


def _is_text(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return all(byte >= 32 or byte in b"\t\n\f\r" for byte in head)
