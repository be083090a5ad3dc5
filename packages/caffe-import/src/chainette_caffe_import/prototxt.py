"""Reads a prototxt: protobuf's text format, with all the liberties that protobuf's own reader takes."""

from __future__ import annotations

import os
import re
import warnings
from array import array
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from chainette_caffe_import.errors import CaffeFormatError, CaffeWarning
from chainette_caffe_import.fields import Field, enum_name, enum_names, enum_number, fields_by_name
from chainette_caffe_import.message import Blob, Message
from chainette_caffe_import.wire import MAX_DEPTH, MAX_VALUES, OBJECT_COST, make_blob

# All repetitions are possessive: a token of a megabyte takes one pass, whether it matches or not.
_GAP = re.compile(r"(?:\s++|#[^\n]*+)*+", re.ASCII)
_TOKEN = re.compile(
    r"""
    (?P<string> "(?:[^"\\\n]++|\\.)*+" | '(?:[^'\\\n]++|\\.)*+' )
    | (?P<number> -?\s*+ (?: 0[xX][0-9a-fA-F]++ | (?: \d++(?:\.\d*+)?+ | \.\d++ ) (?:[eE][-+]?\d++)?+ [fF]?+ )
                  (?![\w.]) )
    | (?P<word> -?\s*+ [A-Za-z_]\w*+ )
    | (?P<mark> [{}<>\[\]:,;] )
    """,
    re.ASCII | re.VERBOSE,
)
_ESCAPE = re.compile(rb"\\(?:[xX]([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))", re.DOTALL)
_ESCAPES = dict(zip(b"abfnrtv?\\'\"", b"\a\b\f\n\r\t\v?\\'\"", strict=True))
_BOOLS = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}
_CLOSERS = {"{": "}", "<": ">", "[": "]"}
_LONGEST_NUMBER = 400


def read_prototxt(path: str | os.PathLike[str], warn: bool = True) -> Message:
    """Read a net's description.

    Fields that no version of Caffe has are kept, for layers of one's own, with a ``CaffeWarning``, once for each.

    Args:
        path: a ``.prototxt``.
        warn: whether to warn of them.

    Returns:
        A ``NetParameter``.

    Raises:
        CaffeFormatError: the file is no net in text form; the message says in which line and column.
        OSError: the file cannot be read.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp(), "tiny.prototxt")
    >>> _ = path.write_text("name: 'tiny'  # so small")
    >>> read_prototxt(path).get("name")
    'tiny'
    """
    path = Path(path)
    data = path.read_bytes()
    if data.startswith(b"\x89HDF") or b"\0" in data[:512]:
        raise CaffeFormatError(f"{path.name}: this is binary (expected text). Is it a .caffemodel?")
    return parse_prototxt(data.decode("utf-8-sig", "replace"), path.name, warn)


def parse_prototxt(text: str, name: str = "prototxt", warn: bool = True) -> Message:
    """Read a net's description from a string.

    Args:
        text: what a ``.prototxt`` contains.
        name: what errors and warnings call it.
        warn: whether to warn of fields that no version of Caffe has.

    Returns:
        A ``NetParameter``.

    Raises:
        CaffeFormatError: it is no net in text form; the message says in which line and column.

    >>> net = parse_prototxt("layer { name: 'pool' type: 'Pooling' pooling_param { pool: AVE kernel_size: [2, 3] } }")
    >>> pooling = net.all("layer")[0].message("pooling_param")
    >>> pooling.get("pool"), pooling.all("kernel_size")
    ('AVE', [2, 3])
    """
    parser = _Parser(text, name)
    net = parser.message("NetParameter", "", 0)
    if warn:
        warn_of_unknown([net])
    return net


def warn_of_unknown(messages: Iterable[Message]) -> None:
    """Warn of fields that no version of Caffe has and that nobody has read, once for each."""
    for text in dict.fromkeys(text for message in messages for text in message.unread_unknown()):
        warnings.warn(text, CaffeWarning, stacklevel=3)


class _Parser:
    """A place in a text: the token there, and what sort it is of (``"end"`` after the last)."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.name = name
        self.values = 0
        self.warnings: dict[tuple[str, str], str] = {}
        self._line, self._line_counted_to = 1, 0
        self.sort, self.token, self.start, self.end = "", "", 0, 0
        self.take()

    def take(self) -> str:
        """The token; goes on to the next."""
        taken = self.token
        gap = _GAP.match(self.text, self.end)
        self.start = gap.end() if gap else self.end
        found = _TOKEN.match(self.text, self.start)
        if found:
            self.sort, self.token, self.end = str(found.lastgroup), found[0], found.end()
        elif self.start == len(self.text):
            self.sort, self.token, self.end = "end", "", self.start
        elif self.text[self.start] in "\"'":
            raise self.error(self.start, "expected a string that ends on its line (got one that does not)")
        else:
            raise self.error(self.start, f"expected a name or a value (got {self.text[self.start]!r})")
        return taken

    def error(self, at: int, what: str) -> CaffeFormatError:
        line, column = self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)
        return CaffeFormatError(f"{self.name}, line {line:,}, column {column:,}: {what}. Correct the text.")

    def got(self) -> str:
        return f"(got {_short(self.token)})" if self.sort != "end" else "(got the end of the text)"

    def line(self) -> int:
        """The number of the line. Asked for from front to back, all calls together count the text once."""
        self._line += self.text.count("\n", self._line_counted_to, self.start)
        self._line_counted_to = self.start
        return self._line

    def count(self, values: int) -> None:
        self.values += values
        if self.values > MAX_VALUES:
            raise self.error(self.start, f"expected at most {MAX_VALUES:,} values outside blobs (got more)")

    def message(self, kind: str, closer: str, opened_at: int) -> Message:
        """The fields up to the closing brace, which is not taken."""
        self.count(OBJECT_COST)
        message, blob_data = Message(kind), {"data": array("f"), "double_data": array("d")}
        while self.token != closer:
            if self.sort == "end":
                raise self.error(opened_at, f"expected a {closer} that closes this one (got the end of the text)")
            self.field(message, blob_data)
            if self.token in (",", ";"):
                self.take()
        for name, values in blob_data.items():
            if values:
                message.add(name, np.frombuffer(values, values.typecode))
        return message

    def field(self, message: Message, blob_data: dict[str, array[float]]) -> None:
        if self.sort != "word" or self.token[0] == "-":
            raise self.error(self.start, f"expected the name of a field of {message.kind} {self.got()}")
        fields, line = fields_by_name(message.kind), self.line()
        name = self.take()
        field = fields.get(name)
        has_colon = self.token == ":"
        if has_colon:
            self.take()
        elif self.token not in _CLOSERS or (field and field.type not in ("message", "skipped")):
            raise self.error(self.start, f"expected a colon after {_short(name)} {self.got()}")
        if field is None or field.type == "skipped":
            values = self.values_of_any(name, 0)
            if field is None and "*" not in fields:
                what = f"{message.kind} has no field {_short(name)} that is known. It is skipped; the net may need it."
                warning = self.warnings.setdefault((message.kind, name), f"{self.name}, line {line:,}: {what}")
                message.add_unknown(name, values, warning)
            return
        for value in self.list_of(field) if self.token == "[" else [self.value(field)]:
            if message.kind == "BlobProto" and name in blob_data:
                blob_data[name].append(value)
            elif not (message.kind == "BlobProto" and name in ("diff", "double_diff")):
                self.count(1)
                message.add(name, value)

    def list_of(self, field: Field) -> Any:
        self.take()
        while self.token != "]":
            yield self.value(field)
            if self.token == ",":
                self.take()
                if self.token == "]":
                    raise self.error(self.start, "expected a value after the comma (got ])")
            elif self.token != "]":
                raise self.error(self.start, f"expected a comma or ] {self.got()}")
        self.take()

    def value(self, field: Field) -> Any:
        """The value of a field, as its type wants it."""
        if field.type == "message":
            return self.nested(field)
        if field.type in ("string", "bytes"):
            return self.string(field)
        value = self.scalar(field, re.sub(r"\s", "", self.token))
        self.take()
        return value

    def nested(self, field: Field) -> Message | Blob:
        if self.token not in ("{", "<"):
            raise self.error(self.start, f"expected {{ after {field.name} {self.got()}")
        line, opened_at = self.line(), self.start
        message = self.message(field.kind, _CLOSERS[self.take()], opened_at)
        self.take()
        if field.kind == "BlobProto":
            return make_blob(message, f"line {line:,}", partial(self.error, opened_at))
        return message

    def string(self, field: Field) -> Any:
        """A string, or several that adjoin."""
        if self.sort != "string":
            raise self.error(self.start, f"expected {field.name} to be a string in quotes {self.got()}")
        self.count(OBJECT_COST)
        pieces = []
        while self.sort == "string":
            at = self.start
            piece = self.take()[1:-1].encode("utf-8", "replace")
            try:
                pieces.append(_ESCAPE.sub(_unescaped, piece))
            except KeyError as error:
                raise self.error(at, f"expected an escape that is known (got \\{chr(error.args[0])})") from None
        joined = b"".join(pieces)
        return joined.decode("utf-8", "replace") if field.type == "string" else np.frombuffer(joined, "u1")

    def scalar(self, field: Field, token: str) -> Any:
        if self.sort == "number" and len(token) > _LONGEST_NUMBER:
            raise self.error(
                self.start, f"expected a number of at most {_LONGEST_NUMBER} characters (got {len(token):,})"
            )
        if field.type == "bool" and token in _BOOLS:
            return _BOOLS[token]
        if field.type == "enum" and self.sort == "word":
            if token not in enum_names(field.kind):
                names = ", ".join(enum_names(field.kind))
                raise self.error(self.start, f"expected {field.name} to be one of {names} {self.got()}")
            return enum_name(field.kind, enum_number(field.kind, token))
        try:
            if field.type in ("float", "double"):
                return _float(token) if field.type == "double" else array("f", [_float(token)])[0]
            if field.type in ("int", "enum") and self.sort == "number":
                value = _integer(token)
                if -(1 << 63) <= value < 1 << 63:
                    return enum_name(field.kind, value) if field.type == "enum" else value
        except ValueError:
            pass
        raise self.error(self.start, f"expected {field.name} to be {field.type} {self.got()}")

    def values_of_any(self, name: str, depth: int) -> list[Any]:
        """The values of a field that is not known: as they are written, since their types cannot be told."""
        if depth > MAX_DEPTH:
            raise self.error(self.start, f"expected messages of at most {MAX_DEPTH} levels (got more)")
        at, token = self.start, self.token
        if self.sort in ("end", "mark") and token not in _CLOSERS:
            raise self.error(at, f"expected a value {self.got()}")
        self.count(OBJECT_COST)
        if self.sort == "string":
            return [self.string(Field(name, 0, "string"))]
        self.take()
        if token not in _CLOSERS:
            return [_as_written(re.sub(r"\s", "", token))]
        closer, message = _CLOSERS[token], Message(name)
        found: list[Any] = []
        while self.token != closer:
            if self.sort == "end":
                raise self.error(at, f"expected a {closer} that closes this one (got the end of the text)")
            if token == "[":
                found += self.values_of_any(name, depth + 1)
            else:
                self.field_of_any(message, depth)
            if self.token in (",", ";"):
                self.take()
        self.take()
        return found if token == "[" else [message]

    def field_of_any(self, message: Message, depth: int) -> None:
        if self.sort != "word" or self.token[0] == "-":
            raise self.error(self.start, f"expected the name of a field {self.got()}")
        name = self.take()
        if self.token == ":":
            self.take()
        for value in self.values_of_any(name, depth + 1):
            message.add(name, value)


def _short(token: str) -> str:
    return token if len(token) <= 40 else f"{token[:37]}..."


def _as_written(token: str) -> Any:
    """A number or a bool where it looks like one, else the word."""
    if token in ("true", "false"):
        return token == "true"
    for number in (_integer, _float):
        try:
            return number(token)
        except ValueError:
            continue
    return token


def _unescaped(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return bytes([int(escape[1], 16)])
    if escape[2]:
        return bytes([int(escape[2], 8) & 0xFF])
    return bytes([_ESCAPES[escape[3][0]]])


def _integer(token: str) -> int:
    digits = token.lstrip("-").lower()
    base = 16 if digits.startswith("0x") else 8 if digits.startswith("0") else 10
    return int(digits, base) * (-1 if token[0] == "-" else 1)


def _float(token: str) -> float:
    if "0x" in token.lower():
        return float(_integer(token))
    is_word = token.lstrip("-")[:1].isalpha()
    return float(token if is_word else token.rstrip("fF"))
