"""What the ready-made datasets of small pictures have in common: bytes in, examples out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette.config import get_dtype
from chainette.errors import ArgumentError, DtypeError, LoadError
from chainette.typing import DTypeLike
from chainette_training.datasets.tuple_dataset import TupleDataset

Bytes = npt.NDArray[np.uint8]


def examples(
    function: str,
    images: Bytes,
    labels: Bytes,
    shapes: dict[int, tuple[int, ...]],
    *,
    white: int,
    withlabel: bool,
    ndim: int,
    scale: float,
    dtype: DTypeLike,
    label_dtype: DTypeLike = np.int32,
    rgb_format: bool = False,
) -> Any:
    """Images as numbers from 0 to ``scale``, alone or beside their labels.

    Args:
        function: whose arguments these are.
        images: any shape with the images along the first axis, values from 0 to ``white``.
        labels: one for each image.
        shapes: the shape of an image for each ``ndim`` that there is.

    >>> examples("get_digits", np.full((1, 4), 16, "u1"), np.zeros(1, "u1"), {2: (2, 2)}, white=16, withlabel=False,
    ...          ndim=2, scale=1.0, dtype=None)
    array([[[1., 1.],
            [1., 1.]]], dtype=float32)
    """
    if ndim not in shapes:
        raise ArgumentError(f"{function}: ndim={ndim!r} (expected {' or '.join(map(str, shapes))}).")
    if rgb_format and ndim != 3:
        raise ArgumentError(f"{function}: rgb_format=True with ndim={ndim} (expected ndim=3, images with channels).")
    kind = get_dtype(dtype)
    if kind.kind != "f":
        raise DtypeError(f"{function}: dtype={kind} (expected a floating one). Convert what comes out, if need be.")
    images = images.reshape(-1, *shapes[ndim])
    if rgb_format:
        images = np.broadcast_to(images, (len(images), 3, *images.shape[2:]))
    x = images.astype(kind, order="C")
    x *= scale / white
    return TupleDataset(x, labels.astype(np.int32 if label_dtype is None else label_dtype)) if withlabel else x


def require_ten_classes(function: str, path: Path, labels: Bytes) -> None:
    """Labels are from 0 to 9.

    Raises:
        LoadError: one is not.
    """
    if labels.size and labels.max() > 9:
        raise LoadError(f"{function}: {path} has a label {labels.max()} (expected 0 to 9). Restore it from a copy.")
