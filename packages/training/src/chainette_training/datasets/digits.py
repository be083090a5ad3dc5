"""The digits that come with chainette-training."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette.typing import DTypeLike
from chainette_training.datasets.images_and_labels import examples

SHARE = 5  # one image in so many is held out
SEED = 2015  # which ones; never changed, so that results can be compared


def get_digits(
    withlabel: bool = True,
    ndim: int = 1,
    scale: float = 1.0,
    dtype: DTypeLike = None,
    label_dtype: DTypeLike = np.int32,
) -> tuple[Any, Any]:
    """1,797 handwritten digits of 8x8 pixels, which come with this package: nothing is downloaded.

    Args:
        withlabel: whether the digits come with what they mean.
        ndim: 1 gives images of shape (64,), 2 of (8, 8), 3 of (1, 8, 8).
        scale: the value of ink; paper is 0.
        dtype: that of the images, a floating one; None means ``chainette.config.dtype``.
        label_dtype: that of the labels.

    Returns:
        ``(train, test)``: two TupleDatasets of images and labels, or two arrays of images. A fifth of each class is in
        ``test``, always the same one.

    Raises:
        ArgumentError: there is no such ``ndim``.
        DtypeError: (a TypeError) ``dtype`` is not floating.

    Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository,
    1998, https://doi.org/10.24432/C50P49, CC BY 4.0; its test set, written by 13 people.

    >>> train, test = get_digits()
    >>> len(train), len(test)
    (1438, 359)
    >>> x, t = train[0]
    >>> x.shape, x.dtype, t
    ((64,), dtype('float32'), np.int32(0))
    """
    with (
        files(__package__).joinpath("data", "digits.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as file,
    ):
        images, labels = file["images"], file["labels"]
    held_out = _held_out(labels)
    train, test = (
        examples(
            "get_digits",
            images[which],
            labels[which],
            {1: (64,), 2: (8, 8), 3: (1, 8, 8)},
            white=16,
            withlabel=withlabel,
            ndim=ndim,
            scale=scale,
            dtype=dtype,
            label_dtype=label_dtype,
        )
        for which in (~held_out, held_out)
    )
    return train, test


def _held_out(labels: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Which images are for testing: the same share of each class."""
    rng = np.random.default_rng(SEED)
    held_out = np.zeros(len(labels), bool)
    for digit in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == digit))
        held_out[members[: round(len(members) / SHARE)]] = True
    return held_out
