"""CIFAR-10, from its binary files."""

from __future__ import annotations

import os
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chainette.errors import LoadError
from chainette.typing import DTypeLike
from chainette_training.datasets.download import dataset_root
from chainette_training.datasets.errors import MissingFileError
from chainette_training.datasets.images_and_labels import Bytes, examples, require_ten_classes

ARCHIVE = "cifar-10-binary.tar.gz"
INNER_FOLDER = "cifar-10-batches-bin"
TRAIN = tuple(f"data_batch_{i}.bin" for i in range(1, 6))
TEST = ("test_batch.bin",)
RECORD = 1 + 3 * 32 * 32  # a label and an image
SIZE_LIMIT = 1 << 28  # bytes in one file; the original ones have 31 million
SHAPES = {1: (3072,), 3: (3, 32, 32)}


def get_cifar10(
    withlabel: bool = True,
    ndim: int = 3,
    scale: float = 1.0,
    dtype: DTypeLike = None,
    *,
    folder: str | os.PathLike[str] | None = None,
) -> tuple[Any, Any]:
    """CIFAR-10: 50,000 and 10,000 colour pictures of 32x32 pixels in ten classes.

    Nothing is downloaded, and nothing is unpickled: get the binary version, ``cifar-10-binary.tar.gz``, from
    https://www.cs.toronto.edu/~kriz/cifar.html.

    Args:
        withlabel: whether the pictures come with their classes, as int32.
        ndim: 1 gives images of shape (3072,), 3 of (3, 32, 32).
        scale: the value of full brightness; 0 is black.
        dtype: that of the images, a floating one; None means ``chainette.config.dtype``.
        folder: where the archive is, or the files that are in it (``data_batch_1.bin`` and so on); None means
            ``cifar-10`` in the cache (``CHAINETTE_DATASET_ROOT``, else ``~/.cache/chainette`` or what the system has).

    Returns:
        ``(train, test)``: two TupleDatasets of images and labels, or two arrays of images.

    Raises:
        MissingFileError: (a FileNotFoundError) a file is not there.
        LoadError: (a ValueError) a file is damaged, or is none of these.
        ArgumentError, DtypeError: there is no such ``ndim``, or ``dtype`` is not floating.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    >>> get_cifar10(folder="/nowhere")
    Traceback (most recent call last):
        ...
    chainette_training.datasets.errors.MissingFileError: get_cifar10: /nowhere has neither data_batch_1.bin nor \
cifar-10-binary.tar.gz. Put the binary version there, from https://www.cs.toronto.edu/~kriz/cifar.html.
    """
    options: dict[str, Any] = {"white": 255, "withlabel": withlabel, "ndim": ndim, "scale": scale, "dtype": dtype}
    examples("get_cifar10", np.empty((0, 3072), np.uint8), np.empty(0, np.uint8), SHAPES, **options)  # a check
    files = _files(dataset_root() / "cifar-10" if folder is None else Path(folder))
    train, test = (
        examples("get_cifar10", *_images_and_labels([files[name] for name in names]), SHAPES, **options)
        for names in (TRAIN, TEST)
    )
    return train, test


def _images_and_labels(parts: list[Bytes]) -> tuple[Bytes, Bytes]:
    records = np.concatenate(parts)
    return records[:, 1:], records[:, 0]


def _files(folder: Path) -> dict[str, Bytes]:
    """The records of each file, from wherever they are in the folder."""
    files: dict[str, Bytes] = {}
    for home in (folder, folder / INNER_FOLDER):
        files |= {name: _records(home / name, (home / name).read_bytes()) for name in _present(home)}
        if files:
            break
    else:
        archive = folder / ARCHIVE
        if not archive.is_file():
            raise MissingFileError(
                f"get_cifar10: {folder} has neither {TRAIN[0]} nor {ARCHIVE}. Put the binary version there, from "
                "https://www.cs.toronto.edu/~kriz/cifar.html."
            )
        files = dict(_from_archive(archive))
        home = archive
    missing = [name for name in TRAIN + TEST if name not in files]
    if missing:
        raise MissingFileError(f"get_cifar10: {home} is without {', '.join(missing)}. Put the whole dataset there.")
    return files


def _present(home: Path) -> list[str]:
    return [name for name in TRAIN + TEST if (home / name).is_file()]


def _from_archive(path: Path) -> Iterator[tuple[str, Bytes]]:
    """Reads what it knows by name, in passing; nothing is unpacked to the disk."""
    with open(path, "rb") as stream:
        try:
            with tarfile.open(fileobj=stream, mode="r|gz") as archive:
                for member in archive:
                    name = os.path.basename(member.name)
                    is_wanted = name in TRAIN + TEST and member.isreg() and member.size <= SIZE_LIMIT
                    file = archive.extractfile(member) if is_wanted else None
                    if file is not None:
                        yield name, _records(path / name, file.read())
        except (EOFError, OSError, tarfile.TarError, zlib.error) as error:
            raise LoadError(f"get_cifar10: {path} is a damaged archive ({error}). Restore it from a copy.") from None


def _records(path: Path, data: bytes) -> Bytes:
    if not data or len(data) % RECORD:
        raise LoadError(
            f"get_cifar10: {path} has {len(data):,} bytes (expected images of {RECORD:,} bytes each with its label). "
            "It is damaged, or not of the binary version."
        )
    records = np.frombuffer(data, np.uint8).reshape(-1, RECORD)
    require_ten_classes("get_cifar10", path, records[:, 0])
    return records
