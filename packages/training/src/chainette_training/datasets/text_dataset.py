"""The lines of text files."""

from __future__ import annotations

import codecs
import locale
import os
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from chainette.errors import ArgumentError, LoadError, ShapeError
from chainette_training.datasets.dataset_mixin import DatasetMixin
from chainette_training.datasets.image_dataset import Filename

BLOCK = 1 << 22  # bytes that are searched for ends of lines at once; a multiple of the width of every character
NEWLINES = (None, "", "\n", "\r", "\r\n")
NATIVE = "le" if sys.byteorder == "little" else "be"
MARKS = {  # what a file may begin with, and how it goes on
    "utf-8-sig": {codecs.BOM_UTF8: "utf-8", b"": "utf-8"},
    "utf-16": {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be", b"": f"utf-16-{NATIVE}"},
    "utf-32": {codecs.BOM_UTF32_LE: "utf-32-le", codecs.BOM_UTF32_BE: "utf-32-be", b"": f"utf-32-{NATIVE}"},
}
STATEFUL = ("utf-7", "iso2022", "hz", "idna", "punycode", "unicode-escape", "raw-unicode-escape")


class TextDataset(DatasetMixin):
    """Lines of a text file, or of several files side by side, without loading them: only where lines begin is kept.

    Args:
        paths: one file, whose lines are the examples; or several with the same number of lines: then an example is the
            tuple of their lines.
        encoding, errors, newline: as for ``open``; a list has one for each file.
        filter_func: called with one line of each file; where it gives False, these lines are left out. It is called
            once for each line, at the beginning.

    A line keeps its end, as ``readline`` gives it. Each process, after a fork or through pickle, opens the files for
    itself; they must not change.

    Raises:
        ShapeError: (a ValueError) the files have different numbers of lines.
        ArgumentError: there is no file, a list has not one entry for each, or an encoding or ``newline`` is none.
        LoadError: (a ValueError) a line cannot be decoded (found when it is asked for), or the file has changed.
        OSError: a file cannot be opened.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "words.txt")
    ...     _ = path.write_text("one\\n\\nthree\\n")
    ...     list(TextDataset(path)), list(TextDataset([path, path], filter_func=lambda a, b: len(a) > 1))
    (['one\\n', '\\n', 'three\\n'], [('one\\n', 'one\\n'), ('three\\n', 'three\\n')])
    """

    def __init__(
        self,
        paths: Filename | Sequence[Filename],
        encoding: str | Sequence[str | None] | None = None,
        errors: str | Sequence[str | None] | None = None,
        newline: str | Sequence[str | None] | None = None,
        filter_func: Callable[..., bool] | None = None,
    ) -> None:
        paths = [paths] if isinstance(paths, str | os.PathLike) else list(paths)
        if not paths:
            raise ArgumentError("TextDataset: paths is empty (expected at least one file).")
        count = len(paths)
        self._files = [
            _Lines(*options)
            for options in zip(
                paths,
                _each("encoding", encoding, count),
                _each("errors", errors, count),
                _each("newline", newline, count),
                strict=True,
            )
        ]
        lengths = [len(file) for file in self._files]
        if len(set(lengths)) > 1:
            raise ShapeError(
                f"TextDataset: the files have {', '.join(map(str, lengths))} lines (expected equal numbers)."
            )
        self._kept: range | npt.NDArray[np.intp] = range(lengths[0])
        if filter_func is not None:
            kept = (i for i in range(lengths[0]) if filter_func(*[file.line(i) for file in self._files]))
            self._kept = np.fromiter(kept, np.intp)

    def __len__(self) -> int:
        return len(self._kept)

    def get_example(self, i: int) -> str | tuple[str, ...]:
        number = int(self._kept[i])
        lines = tuple([file.line(number) for file in self._files])
        return lines[0] if len(lines) == 1 else lines

    def close(self) -> None:
        """Close the files. They are opened again when a line is asked for."""
        for file in self._files:
            file.close()


class _Opened:
    """An open file and the process that opened it. It is closed when nobody reads from it any more."""

    def __init__(self, path: str) -> None:
        self.process = os.getpid()
        self.file = open(path, "rb")  # noqa: SIM115 - closed below
        self.lock = threading.Lock()

    def __del__(self) -> None:
        if hasattr(self, "file"):
            self.file.close()

    def read(self, start: int, size: int) -> bytes:
        if hasattr(os, "pread"):  # has no position that threads could take from each other
            return os.pread(self.file.fileno(), size, start)
        with self.lock:
            self.file.seek(start)
            return self.file.read(size)


class _Lines:
    """One text file, and where its lines begin."""

    def __init__(self, path: Filename, encoding: str | None, errors: str | None, newline: str | None) -> None:
        if newline not in NEWLINES:
            raise ArgumentError(f"TextDataset: newline={newline!r} (expected one of {', '.join(map(repr, NEWLINES))}).")
        self._path, self._errors, self._newline = os.path.abspath(path), errors or "strict", newline
        try:
            codecs.lookup_error(self._errors)
        except LookupError as error:
            raise ArgumentError(f"TextDataset: errors={errors!r} ({error}). Write 'strict' or 'replace'.") from None
        self._codec = _codec_name(encoding or locale.getpreferredencoding(False))
        self._opened: _Opened | None = _Opened(self._path)
        start = self._skip_mark(self._opened.file)
        self._starts = self._index(self._opened.file, start)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def line(self, i: int) -> str:
        start, end = int(self._starts[i]), int(self._starts[i + 1])
        data = self._open().read(start, end - start)
        if len(data) != end - start:
            raise self._changed()
        try:
            line = data.decode(self._codec, self._errors)
        except UnicodeDecodeError as error:
            raise LoadError(
                f"TextDataset: line {i + 1} of {self._path!r} is no text in {self._codec} ({error}). "
                "Give another encoding=, or errors='replace'."
            ) from None
        if self._newline is None and line.endswith("\r\n"):
            return line[:-2] + "\n"
        return line[:-1] + "\n" if self._newline is None and line.endswith("\r") else line

    def close(self) -> None:
        self._opened = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def _open(self) -> _Opened:
        """The file, opened in this process. No lock: a fork could take it along while it is held."""
        opened = self._opened
        if opened is None or opened.process != os.getpid():
            opened = _Opened(self._path)
            if os.fstat(opened.file.fileno()).st_size != self._starts[-1]:
                raise self._changed()
            self._opened = opened
        return opened

    def _changed(self) -> LoadError:
        return LoadError(
            f"TextDataset: {self._path!r} has changed since its lines were counted. Make the dataset anew."
        )

    def _skip_mark(self, file: BinaryIO) -> int:
        """Where the text begins, behind a mark of the byte order if there is one; the codec becomes one without."""
        if self._codec not in MARKS:
            return 0
        head = file.read(4)
        mark = next(mark for mark in MARKS[self._codec] if head.startswith(mark))
        self._codec = MARKS[self._codec][mark]
        return len(mark)

    def _index(self, file: BinaryIO, start: int) -> npt.NDArray[np.int64]:
        """Where each line begins, and at last where the file ends."""
        width = len("\n".encode(self._codec))
        dtype = f"{'>' if self._codec.endswith('-be') else '<'}u{width}"
        lf, cr = (np.frombuffer(character.encode(self._codec), dtype)[0] for character in "\n\r")
        starts = [np.array([start], np.int64)]
        last_two = np.zeros(2, dtype)  # characters of the block before
        file.seek(start)
        position = start
        while block := file.read(BLOCK):
            characters = np.concatenate([last_two, np.frombuffer(block, dtype, len(block) // width)])
            starts.append(position + width * _after_ends(characters, lf, cr, self._newline))
            last_two = characters[-2:]
            position += len(block)
        if position > start:
            starts.append(np.array([position], np.int64))
        return np.concatenate(starts)


def _after_ends(characters: npt.NDArray[Any], lf: Any, cr: Any, newline: str | None) -> npt.NDArray[np.intp]:
    """The places of the characters before which a line has ended, not counting the first two."""
    before = characters[1:-1]
    if newline == "\n":
        return np.flatnonzero(before == lf)
    if newline == "\r":
        return np.flatnonzero(before == cr)
    if newline == "\r\n":
        return np.flatnonzero((before == lf) & (characters[:-2] == cr))
    return np.flatnonzero((before == lf) | ((before == cr) & (characters[2:] != lf)))


def _codec_name(encoding: str) -> str:
    try:
        name = codecs.lookup(encoding).name
        "\n".encode(name)
    except (LookupError, UnicodeError) as error:
        raise ArgumentError(f"TextDataset: encoding={encoding!r} is none for text ({error}).") from None
    if name.startswith(STATEFUL):
        raise ArgumentError(
            f"TextDataset: encoding={encoding!r}: a line of it cannot be read without those before. "
            "Save the file in another one, e.g. utf-8."
        )
    return name


def _each(name: str, option: str | Sequence[str | None] | None, count: int) -> list[str | None]:
    """One value of an option for each file."""
    options = [option] * count if option is None or isinstance(option, str) else list(option)
    if len(options) != count:
        raise ArgumentError(f"TextDataset: {name} has {len(options)} entries (expected {count}, one for each file).")
    return options
