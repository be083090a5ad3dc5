"""Images in files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chainette.config import get_dtype
from chainette.errors import ArgumentError, LoadError, MissingPluginError
from chainette.typing import DTypeLike
from chainette_training.datasets.dataset_mixin import DatasetMixin

Filename: TypeAlias = str | os.PathLike[str]


class ImageDataset(DatasetMixin):
    """Images in files, each read when it is asked for, as arrays of shape (channels, height, width).

    A grey image has one channel, a colour image three, and one more where the file has an opaqueness (alpha); of an
    image with a palette it is the numbers of the colours. Needs Pillow: ``pip install 'chainette-training[image]'``.

    Args:
        paths: the files, or the name of a text file with one path a line.
        root: the folder from which the paths count.
        dtype: that of the arrays; None means ``chainette.config.dtype``. The values stay those of the file, 0 to 255
            for most.

    Raises:
        MissingPluginError: (an ImportError) Pillow is not installed.
        LoadError: (a ValueError, when an image is asked for) the file is no image, or damaged.
        FileNotFoundError: there is no such file.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("RGB", (5, 4)).save(folder + "/black.png")
    ...     ImageDataset(["black.png"], root=folder)[0].shape
    (3, 4, 5)
    """

    def __init__(self, paths: Filename | Sequence[Filename], root: Filename = ".", dtype: DTypeLike = None) -> None:
        require_pillow("ImageDataset")
        self._paths = [line for _, line in lines_of(paths)] if isinstance(paths, str | os.PathLike) else list(paths)
        self._root = root
        self._dtype = get_dtype(dtype)

    def __len__(self) -> int:
        return len(self._paths)

    def get_example(self, i: int) -> npt.NDArray[Any]:
        return read_image("ImageDataset", os.path.join(self._root, self._paths[i]), self._dtype)


class LabeledImageDataset(DatasetMixin):
    """Images in files with their labels: pairs of an array of shape (channels, height, width) and a number.

    Needs Pillow: ``pip install 'chainette-training[image]'``.

    Args:
        pairs: pairs of a path and a label, or the name of a text file with ``path label`` in each line.
        root: the folder from which the paths count.
        dtype: that of the images; None means ``chainette.config.dtype``.
        label_dtype: that of the labels.

    Raises:
        MissingPluginError: (an ImportError) Pillow is not installed.
        LoadError: (a ValueError) a line of the text file is no path with a label; or, when an image is asked for, the
            file is no image, or damaged.
        ArgumentError: something in ``pairs`` is no pair.
        FileNotFoundError: there is no such file.

    >>> import tempfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     Image.new("L", (5, 4)).save(folder + "/black.png")
    ...     image, label = LabeledImageDataset([("black.png", 7)], root=folder)[0]
    >>> image.shape, label
    ((1, 4, 5), array(7, dtype=int32))
    """

    def __init__(
        self,
        pairs: Filename | Sequence[tuple[Filename, Any]],
        root: Filename = ".",
        dtype: DTypeLike = None,
        label_dtype: DTypeLike = np.int32,
    ) -> None:
        require_pillow("LabeledImageDataset")
        self._root = root
        self._dtype = get_dtype(dtype)
        self._label_dtype = np.dtype(label_dtype)
        if isinstance(pairs, str | os.PathLike):
            self._pairs = labelled_lines("LabeledImageDataset", pairs, self._label_dtype)
        else:
            self._pairs = list(pairs)
            for i, pair in enumerate(self._pairs):
                if not isinstance(pair, tuple | list) or len(pair) != 2:
                    raise ArgumentError(f"LabeledImageDataset: pair {i} is {pair!r} (expected a path and a label).")

    def __len__(self) -> int:
        return len(self._pairs)

    def get_example(self, i: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        path, label = self._pairs[i]
        image = read_image("LabeledImageDataset", os.path.join(self._root, path), self._dtype)
        return image, np.array(label, self._label_dtype)


def require_pillow(function: str) -> Any:
    """Pillow's module ``Image``.

    Raises:
        MissingPluginError: it is not installed.

    >>> require_pillow("ImageDataset").__name__
    'PIL.Image'
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPluginError(
            f"{function}: Pillow, which reads images, cannot be imported ({error}). "
            "pip install 'chainette-training[image]'",
            name="PIL",
        ) from error
    return Image


def read_image(
    function: str, path: Filename, dtype: np.dtype[Any], stream: IO[bytes] | None = None
) -> npt.NDArray[Any]:
    """An image as an array of shape (channels, height, width), a new one in C order.

    Args:
        function: whose work this is.
        path: the file; what it is called in errors, where there is a ``stream``.
        dtype: that of the array.
        stream: what to read instead of the file.
    """
    module = require_pillow(function)
    with open(path, "rb") if stream is None else stream as file:
        try:
            with module.open(file) as image:
                pixels = np.asarray(image)
        except Exception as error:  # damaged bytes make Pillow's readers raise nearly any type
            raise LoadError(
                f"{function}: {os.fspath(path)!r} cannot be read as an image ({type(error).__name__}: {error}). "
                "Restore it from a copy, or leave it out."
            ) from error
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    return pixels.transpose(2, 0, 1).astype(dtype, order="C")


def lines_of(path: Filename) -> list[tuple[int, str]]:
    """The lines of a text file that are not blank, without blanks around them, with their numbers from 1."""
    with open(path, encoding="utf-8-sig") as file:
        try:
            return [(number, line.strip()) for number, line in enumerate(file, 1) if line.strip()]
        except UnicodeDecodeError as error:
            raise LoadError(f"{os.fspath(path)!r}: it is no text in UTF-8 ({error}). Save it as such.") from None


def labelled_lines(function: str, path: Filename, label_dtype: np.dtype[Any]) -> list[tuple[Filename, Any]]:
    """The pairs in a text file with ``path label`` in each line. A path may have blanks in it.

    Raises:
        LoadError: a line is none such.
    """
    pairs: list[tuple[Filename, Any]] = []
    for number, line in lines_of(path):
        name, *label = line.rsplit(maxsplit=1)
        try:
            value = float(*label) if label_dtype.kind == "f" else int(*label)
            np.array(value, label_dtype)
        except (ValueError, OverflowError):
            label = []
        if not label:
            raise LoadError(
                f"{function}: line {number} of {os.fspath(path)!r} is {line!r:.80} (expected a path, a blank and a "
                f"label that fits {label_dtype})."
            )
        pairs.append((name, value))
    return pairs
