"""IDX, the file format of MNIST and its kin."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import IO

import numpy as np

from chainette.errors import LoadError
from chainette_training.datasets.images_and_labels import Bytes

SIZE_LIMIT = 1 << 27  # bytes; MNIST has 47 million: a small file must not unpack to a machine full of zeros


def read_idx(function: str, path: Path, ndim: int) -> Bytes:
    """The array of bytes in an IDX file, gzipped or not: 0 0 8 ndim, each size in four bytes, the elements.

    Args:
        function: whose work this is.
        path: the file.
        ndim: how many axes the array must have.

    Raises:
        LoadError: the file is damaged, or is none of these.

    >>> import tempfile, pathlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "labels")
    ...     _ = path.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 5]))
    ...     read_idx("get_mnist", path, 1)
    array([7, 5], dtype=uint8)
    """
    with open(path, "rb") as file:
        is_gzipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not is_gzipped:
            return _read(function, path, file, ndim)
        try:
            with gzip.open(file) as unzipped:
                return _read(function, path, unzipped, ndim)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise LoadError(f"{function}: {path} is a damaged gzip file ({error}). Restore it from a copy.") from None


def _read(function: str, path: Path, file: IO[bytes] | gzip.GzipFile, ndim: int) -> Bytes:
    start = file.read(4 + 4 * ndim)
    if start[:4] != bytes([0, 0, 8, ndim]) or len(start) < 4 + 4 * ndim:
        raise LoadError(
            f"{function}: {path} begins with {start[:4].hex(' ') or 'nothing'} (expected 00 00 08 {ndim:02x}, an IDX "
            f"file of bytes with {ndim} axes). Restore it from a copy."
        )
    shape = tuple(int(size) for size in np.frombuffer(start[4:], ">u4"))
    size = math.prod(shape)
    if size > SIZE_LIMIT:
        raise LoadError(f"{function}: {path} speaks of {shape} elements (expected at most {SIZE_LIMIT:,}).")
    data = file.read(size + 1)
    if len(data) != size:
        came = f"{len(data):,}" if len(data) < size else "more"
        raise LoadError(
            f"{function}: {path} has {came} bytes after its sizes {shape} (expected {size:,}). Restore it from a copy."
        )
    return np.frombuffer(data, np.uint8).reshape(shape)
