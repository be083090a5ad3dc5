"""Images as networks take them: scaled, in the order blue, green, red, less the mean colour; and cut out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette import get_dtype, to_device
from chainette.backend import CPU, backend_of, is_array
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError, ShapeError
from chainette.typing import Array
from chainette_functions import resize_images
from chainette_functions.windows import Sizes, per_axis

Pixels = npt.NDArray[Any]


def prepare(image: Any, size: Sizes | None, mean: tuple[float, float, float]) -> Pixels:
    """An image as a network takes it, ``(3, height, width)``, of ``config.dtype``, on the CPU.

    Args:
        image: an array, ``(height, width)``, ``(height, width, channels)`` or ``(channels, height, width)``, with
            values from 0 to 255; or an image of Pillow. Channels are red, green, blue and, ignored, opacity; or one.
        size: ``(width, height)`` of the result, by bilinear interpolation; None leaves the size as it is. Much larger
            images look better where they were made smaller before, by a filter that takes all their pixels in.
        mean: blue, green and red of what is subtracted.

    Raises:
        ArrayTypeError, DtypeError, ShapeError: ``image`` is no image.
        ArgumentError: ``size`` is not two numbers above 0.

    >>> prepare(np.full((2, 2, 3), (30, 20, 10), "uint8"), (1, 1), (1.0, 2.0, 3.0)).ravel()
    array([ 9., 18., 27.], dtype=float32)
    """
    pixels = _rgb(image)
    if size is not None:
        width, height = per_axis("prepare", "size", size, 2, 1)
        pixels = resize_images(pixels[None], (height, width), align_corners=False).array[0]
    prepared: Pixels = (pixels[::-1] - np.reshape(mean, (3, 1, 1))).astype(get_dtype())
    return prepared


def _rgb(image: Any) -> Pixels:
    """An image as (3, height, width), in float32."""
    if hasattr(image, "convert"):  # Pillow's, without importing it
        image = np.asarray(image.convert("RGB"))
    if not is_array(image):
        raise ArrayTypeError(f"prepare: got a {type(image).__name__} (expected an array, or an image of Pillow).")
    if image.dtype.kind not in "uif":
        raise DtypeError(f"prepare: the image is {image.dtype} (expected numbers from 0 to 255).")
    shape, pixels = image.shape, to_device(image, CPU).astype("f")
    if len(shape) == 2:
        pixels = pixels[None]
    elif len(shape) == 3 and shape[2] in (1, 3, 4):
        pixels = pixels.transpose(2, 0, 1)
    elif len(shape) != 3 or shape[0] not in (1, 3, 4):
        raise ShapeError(
            f"prepare: the image has shape {shape} (expected (height, width), (height, width, channels) or (channels, "
            "height, width), with 1, 3 or 4 channels)."
        )
    return np.broadcast_to(pixels[:3], (3, *pixels.shape[1:]))


def batch(images: Iterable[Any], size: Sizes | None, mean: tuple[float, float, float]) -> Pixels:
    """Several images, each as ``prepare`` gives it, in one array.

    Raises:
        ArrayTypeError: ``images`` is a single image.
        ArgumentError: there is none.
        ShapeError: their sizes differ.
    """
    if hasattr(images, "convert") or getattr(images, "ndim", 4) != 4:
        raise ArrayTypeError("images: a single image came (expected a list of them). Write [image].")
    prepared = [prepare(image, size, mean) for image in images]
    if not prepared:
        raise ArgumentError("images: the list is empty (expected at least one image).")
    shapes = {image.shape[1:] for image in prepared}
    if len(shapes) > 1:
        raise ShapeError(f"images: their sizes differ ({', '.join(map(str, sorted(shapes)))}). Give size.")
    return np.stack(prepared)


def middle(images: Array, height: int, width: int) -> Array:
    """The middle of each image."""
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]


def oversample(images: Array, crop_dims: Sizes) -> Array:
    """Ten views of each image: its four corners and its middle, and the mirror images of these.

    Args:
        images: ``(batch, channels, height, width)``.
        crop_dims: height and width of a view.

    Returns:
        ``(10 batch, channels, *crop_dims)``: first the ten of the first image.

    Raises:
        ShapeError: the images are smaller than the views.

    >>> oversample(np.arange(3.0).reshape(1, 1, 1, 3), (1, 2))[:, 0, 0].astype(int).tolist()
    [[0, 1], [1, 2], [0, 1], [1, 2], [0, 1], [1, 0], [2, 1], [1, 0], [2, 1], [1, 0]]
    """
    height, width = per_axis("oversample", "crop_dims", crop_dims, 2, 1)
    if images.ndim != 4 or images.shape[2] < height or images.shape[3] < width:
        raise ShapeError(
            f"oversample: images has shape {images.shape} (expected (batch, channels, height, width) of at least "
            f"{height} x {width} pixels)."
        )
    xp = backend_of(images).xp
    top, bottom, left, right = slice(height), slice(-height, None), slice(width), slice(-width, None)
    corners = [images[:, :, y, x] for y in (top, bottom) for x in (left, right)]
    views = xp.stack([*corners, middle(images, height, width)], axis=1)
    return xp.concatenate([views, views[..., ::-1]], axis=1).reshape(-1, images.shape[1], height, width)
