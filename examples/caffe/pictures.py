"""Pictures as Caffe's nets see them: float32, blue before green before red, a mean subtracted."""

from pathlib import Path

import numpy as np
from PIL import Image

MEAN = 104.0, 117.0, 123.0  # blue, green, red: that of ImageNet's images, which most nets were trained on


def load(name):
    """A picture from a file, or one that scikit-image brings by that name, as an RGB image."""
    if not Path(name).exists() and name.isidentifier():
        try:
            import skimage.data

            return Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        except (ImportError, AttributeError) as error:  # it is not installed, or has no such picture
            raise FileNotFoundError(f"there is no file {name}, and scikit-image has no such picture: {error}") from None
    with Image.open(name) as image:
        return image.convert("RGB")


def to_blob(image, mean=MEAN, scale=1.0):
    """An image as a net's input, of shape (1, channels, height, width): one channel for a grey one, else three."""
    pixels = np.asarray(image, "f").reshape(image.height, image.width, -1)[:, :, ::-1]
    pixels = (pixels - np.array(mean[: pixels.shape[2]], "f")) * np.float32(scale)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))[np.newaxis]


def from_blob(blob, mean=MEAN):
    """The image that a blob of three channels shows."""
    pixels = blob[0].transpose(1, 2, 0) + np.array(mean, "f")
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8)[:, :, ::-1])
