"""The data: handwritten digits from this folder, or MNIST from a folder of your own."""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

DIGITS = Path(__file__).parent / "data" / "digits.npz"
TEST_SHARE = 5  # one image in so many is held out
TEST_SEED = 2015  # which ones; never changed, so that results can be compared


def load_digits():
    """The digits that ship with this repository, as ``(x, t), (x_test, t_test)``.

    ``x`` is float32 of shape (images, 64) with values from 0 to 1, ``t`` the digits as int32. A fifth of each class is
    held out for testing, always the same one.
    """
    with np.load(DIGITS, allow_pickle=False) as file:
        x = file["images"].reshape(-1, 64).astype(np.float32) / 16
        t = file["labels"].astype(np.int32)
    return split(x, t)


def split(x, t, share=TEST_SHARE, seed=TEST_SEED):
    """Hold out one in ``share`` of each class: ``(x, t), (x_test, t_test)``, each in its former order."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(t), bool)
    for digit in np.unique(t):
        members = rng.permutation(np.flatnonzero(t == digit))
        held_out[members[: round(len(members) / share)]] = True
    return (x[~held_out], t[~held_out]), (x[held_out], t[held_out])


def load_mnist(folder):
    """MNIST from its four original files, gzipped or not, as ``(x, t), (x_test, t_test)``.

    ``x`` is float32 of shape (images, 784) with values from 0 to 1, ``t`` the digits as int32.

    Raises:
        FileNotFoundError: a file is not there.
        ValueError: a file is damaged, or is none of these.
    """
    return _images_and_labels(folder, "train"), _images_and_labels(folder, "t10k")


def _images_and_labels(folder, part):
    images_path = _find(folder, f"{part}-images", "idx3-ubyte")
    labels_path = _find(folder, f"{part}-labels", "idx1-ubyte")
    images, labels = read_idx(images_path, 3), read_idx(labels_path, 1)
    if len(images) != len(labels):
        raise ValueError(f"{images_path} has {len(images)} images, but {labels_path} has {len(labels)} labels.")
    if images.size == 0 or images.shape[1:] != (28, 28):
        raise ValueError(f"{images_path} has {images.shape} pixels (expected images of 28x28).")
    if labels.max() > 9:
        raise ValueError(f"{labels_path} has a label {labels.max()} (expected 0 to 9).")
    return images.reshape(len(images), -1).astype(np.float32) / 255, labels.astype(np.int32)


def _find(folder, name, kind):
    candidates = [Path(folder) / f"{name}{separator}{kind}{end}" for separator in "-." for end in ("", ".gz")]
    for path in candidates:
        if path.is_file():
            return path
    names = ", ".join(path.name for path in candidates)
    raise FileNotFoundError(f"{folder} has none of {names}. Put the four files of MNIST there.")


def read_idx(path, ndim):
    """The array of bytes in an IDX file: 0 0 8 ndim, each size in four bytes, the elements."""
    data = Path(path).read_bytes()
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{path} is a damaged gzip file: {error}") from None
    start = 4 + 4 * ndim
    if data[:4] != bytes([0, 0, 8, ndim]) or len(data) < start:
        raise ValueError(f"{path} begins with {data[:4].hex(' ')} (expected 00 00 08 {ndim:02x}, an IDX file).")
    shape = tuple(int(size) for size in np.frombuffer(data[4:start], ">u4"))
    if len(data) - start != math.prod(shape):
        raise ValueError(f"{path} has {len(data) - start:,} bytes (expected {math.prod(shape):,}: {shape} elements).")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)
