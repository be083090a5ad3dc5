"""MNIST, and two datasets of its form."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from chainette.errors import LoadError
from chainette.typing import DTypeLike
from chainette_training.datasets.download import cached_file, dataset_root
from chainette_training.datasets.errors import MissingFileError
from chainette_training.datasets.idx import read_idx
from chainette_training.datasets.images_and_labels import Bytes, examples, require_ten_classes

Folder: TypeAlias = str | os.PathLike[str]

MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
SIZE_LIMIT = 16 << 20  # the largest of the four has 9.9 million bytes
SHAPES = {1: (784,), 2: (28, 28), 3: (1, 28, 28)}


def get_mnist(
    withlabel: bool = True,
    ndim: int = 1,
    scale: float = 1.0,
    dtype: DTypeLike = None,
    label_dtype: DTypeLike = np.int32,
    rgb_format: bool = False,
    *,
    folder: Folder | None = None,
) -> tuple[Any, Any]:
    """MNIST: 60,000 and 10,000 handwritten digits of 28x28 pixels.

    Args:
        withlabel: whether the digits come with what they mean.
        ndim: 1 gives images of shape (784,), 2 of (28, 28), 3 of (1, 28, 28).
        scale: the value of ink; paper is 0.
        dtype: that of the images, a floating one; None means ``chainette.config.dtype``.
        label_dtype: that of the labels.
        rgb_format: with ``ndim=3``, whether the one channel comes three times.
        folder: where the four original files are, gzipped or not, e.g. ``train-images-idx3-ubyte.gz``; they are taken
            as they are. None: they are kept in ``mnist`` of the cache (``CHAINETTE_DATASET_ROOT``, else
            ``~/.cache/chainette`` or what the system has for it), and downloaded where they are missing.

    Returns:
        ``(train, test)``: two TupleDatasets of images and labels, or two arrays of images.

    Raises:
        MissingFileError: (a FileNotFoundError) a file is not in the folder.
        DownloadError: (an OSError) a file is not in the cache, and could not be downloaded.
        LoadError: (a ValueError) a file is damaged, or is none of these.
        ArgumentError, DtypeError: there is no such ``ndim`` or ``rgb_format``, or ``dtype`` is not floating.

    Source: LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
    Proceedings of the IEEE, 1998.

    >>> get_mnist(folder="/nowhere")
    Traceback (most recent call last):
        ...
    chainette_training.datasets.errors.MissingFileError: get_mnist: /nowhere has no file train-images-idx3-ubyte, \
with '.' for the last '-' or '.gz' at the end or not. Put the four original files there.
    """
    options = {"withlabel": withlabel, "ndim": ndim, "scale": scale, "dtype": dtype, "label_dtype": label_dtype}
    return _load("get_mnist", "mnist", folder, rgb_format=rgb_format, **options)


def get_fashion_mnist(
    withlabel: bool = True,
    ndim: int = 1,
    scale: float = 1.0,
    dtype: DTypeLike = None,
    label_dtype: DTypeLike = np.int32,
    rgb_format: bool = False,
    *,
    folder: Folder | None = None,
) -> tuple[Any, Any]:
    """Fashion-MNIST: 60,000 and 10,000 pictures of clothes in the form of MNIST.

    Nothing is downloaded: get the four files from https://github.com/zalandoresearch/fashion-mnist.

    Args:
        withlabel, ndim, scale, dtype, label_dtype, rgb_format: as in ``get_mnist``.
        folder: where the four files are, under the names of MNIST's; None means ``fashion-mnist`` in the cache.

    Returns:
        ``(train, test)`` as from ``get_mnist``; ``get_fashion_mnist_labels`` says what the labels mean.

    Raises:
        MissingFileError: (a FileNotFoundError) a file is not there.
        LoadError, ArgumentError, DtypeError: as ``get_mnist``.

    Source: Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", 2017, arXiv:1708.07747.

    >>> get_fashion_mnist(folder="/nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    chainette_training.datasets.errors.MissingFileError: get_fashion_mnist: /nowhere has no file train-images...
    """
    options = {"withlabel": withlabel, "ndim": ndim, "scale": scale, "dtype": dtype, "label_dtype": label_dtype}
    return _load("get_fashion_mnist", "fashion-mnist", folder, rgb_format=rgb_format, **options)


def get_fashion_mnist_labels() -> list[str]:
    """What the labels of Fashion-MNIST mean.

    >>> get_fashion_mnist_labels()[9]
    'Ankle boot'
    """
    return ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def get_kuzushiji_mnist(
    withlabel: bool = True,
    ndim: int = 1,
    scale: float = 1.0,
    dtype: DTypeLike = None,
    label_dtype: DTypeLike = np.int32,
    rgb_format: bool = False,
    *,
    folder: Folder | None = None,
) -> tuple[Any, Any]:
    """Kuzushiji-MNIST: 60,000 and 10,000 characters of old Japanese writing in the form of MNIST.

    Nothing is downloaded: get the four files from http://codh.rois.ac.jp/kmnist/.

    Args:
        withlabel, ndim, scale, dtype, label_dtype, rgb_format: as in ``get_mnist``.
        folder: where the four files are, under the names of MNIST's; None means ``kuzushiji-mnist`` in the cache.

    Returns:
        ``(train, test)`` as from ``get_mnist``; ``get_kuzushiji_mnist_labels`` says what the labels mean.

    Raises:
        MissingFileError: (a FileNotFoundError) a file is not there.
        LoadError, ArgumentError, DtypeError: as ``get_mnist``.

    Source: Clanuwat, Bober-Irizar, Kitamoto, Lamb, Yamamoto and Ha, "Deep Learning for Classical Japanese
    Literature", 2018, arXiv:1812.01718.

    >>> get_kuzushiji_mnist(folder="/nowhere")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    chainette_training.datasets.errors.MissingFileError: get_kuzushiji_mnist: /nowhere has no file train-images...
    """
    options = {"withlabel": withlabel, "ndim": ndim, "scale": scale, "dtype": dtype, "label_dtype": label_dtype}
    return _load("get_kuzushiji_mnist", "kuzushiji-mnist", folder, rgb_format=rgb_format, **options)


def get_kuzushiji_mnist_labels() -> list[tuple[str, str]]:
    """What the labels of Kuzushiji-MNIST mean: the sound, and the character.

    >>> get_kuzushiji_mnist_labels()[0]
    ('o', 'お')
    """
    return list(zip(("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"), "おきすつなはまやれを", strict=True))


def _load(function: str, name: str, folder: Folder | None, **options: Any) -> tuple[Any, Any]:
    examples(function, np.empty((0, 784), np.uint8), np.empty(0, np.uint8), SHAPES, white=255, **options)  # a check
    train, test = (
        examples(function, *_images_and_labels(function, name, folder, part), SHAPES, white=255, **options)
        for part in ("train", "t10k")
    )
    return train, test


def _images_and_labels(function: str, name: str, folder: Folder | None, part: str) -> tuple[Bytes, Bytes]:
    images_path = _file(function, name, folder, f"{part}-images", "idx3-ubyte")
    labels_path = _file(function, name, folder, f"{part}-labels", "idx1-ubyte")
    images, labels = read_idx(function, images_path, 3), read_idx(function, labels_path, 1)
    if len(images) != len(labels):
        raise LoadError(
            f"{function}: {images_path} has {len(images)} images, but {labels_path} has {len(labels)} labels. "
            "Put files there that belong together."
        )
    if images.size == 0 or images.shape[1:] != (28, 28):
        raise LoadError(f"{function}: {images_path} has pixels of shape {images.shape} (expected images of 28x28).")
    require_ten_classes(function, labels_path, labels)
    return images, labels


def _file(function: str, name: str, folder: Folder | None, start: str, end: str) -> Path:
    home = dataset_root() / name if folder is None else Path(folder)
    original = f"{start}-{end}.gz"
    there = [home / f"{start}{joint}{end}{zipped}" for joint in "-." for zipped in ("", ".gz")]
    there = [path for path in there if path.is_file()]
    if folder is None and name == "mnist" and (not there or there[0].name == original):
        urls = [mirror + original for mirror in MIRRORS]
        return cached_file(urls, f"{name}/{original}", SHA256[original], SIZE_LIMIT)
    if not there:
        raise MissingFileError(
            f"{function}: {home} has no file {start}-{end}, with '.' for the last '-' or '.gz' at the end or not. "
            "Put the four original files there."
        )
    return there[0]
