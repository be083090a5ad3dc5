"""Writes Caffe's binary format, for the tests: the reader's table of fields, and nothing else of the reader."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from chainette_caffe_import.fields import Field, enum_number, fields_by_name

VARINT, EIGHT, LENGTH, GROUP, GROUP_END, FOUR = range(6)


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers in two's complement of 64 bits."""
    value %= 1 << 64
    found = []
    while value >= 128:
        found.append(value % 128 + 128)
        value //= 128
    return bytes([*found, value])


def tag(number: int, wire_type: int) -> bytes:
    return varint(number * 8 + wire_type)


def delimited(number: int, content: bytes) -> bytes:
    return tag(number, LENGTH) + varint(len(content)) + content


def encode(kind: str, fields: dict[str, Any], *, old: bool = False, packed: bool = False) -> bytes:
    """A message.

    Args:
        kind: which.
        fields: values by name: numbers, texts, names of enumerations, a dict for a message, an array for a blob, and a
            list of these for a repeated field.
        old: write the arrays' shapes as num, channels, height and width.
        packed: write lists of numbers in one piece.
    """
    found = b""
    for name, values in fields.items():
        field = fields_by_name(kind)[name]
        several = values if isinstance(values, list) else [values]
        if field.type in ("string", "bytes"):
            texts = (each if isinstance(each, bytes) else each.encode() for each in several)
            found += b"".join(delimited(field.number, text) for text in texts)
        elif field.kind == "BlobProto" and any(isinstance(each, np.ndarray) for each in several):
            found += b"".join(delimited(field.number, encode_blob(each, old)) for each in several)
        elif field.type == "message":
            contents = (encode(field.kind, each, old=old, packed=packed) for each in several)
            found += b"".join(delimited(field.number, content) for content in contents)
        elif packed and isinstance(values, list):
            found += delimited(field.number, b"".join(_number(field, each)[1] for each in values))
        else:
            for each in several:
                wire_type, content = _number(field, each)
                found += tag(field.number, wire_type) + content
    return found


def encode_blob(array: np.ndarray, old: bool = False) -> bytes:
    """A BlobProto with that array's shape and packed values; float64 becomes double_data."""
    if old:
        sides = dict(zip(("num", "channels", "height", "width"), (1, 1, 1, 1, *array.shape)[-4:], strict=True))
        shape = encode("BlobProto", sides)
    else:
        shape = delimited(7, encode("BlobShape", {"dim": list(array.shape)}, packed=True) if array.ndim else b"")
    number, dtype = (8, "<f8") if array.dtype == np.float64 else (5, "<f4")
    return shape + delimited(number, array.astype(dtype).tobytes())


def _number(field: Field, value: Any) -> tuple[int, bytes]:
    if field.type == "float":
        return FOUR, struct.pack("<f", value)
    if field.type == "double":
        return EIGHT, struct.pack("<d", value)
    if field.type == "enum" and isinstance(value, str):
        value = enum_number(field.kind, value)
    return VARINT, varint(int(value))
