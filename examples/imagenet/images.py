"""A folder of images as batches for a network: FOLDER/CLASS/IMAGE, with whatever names.

Of each image a square is cut out that is 7/8 as wide as its shorter side, as 224 pixels of 256 are: anywhere in
training, where every other one is mirrored too, and from the middle in testing. It is scaled to the size that the
network takes. From the colours the mean of ImageNet's is subtracted, and they are divided by the deviation of these,
whatever the images.
"""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

MEAN = 255 * np.array([0.485, 0.456, 0.406], "f")  # red, green, blue
DEVIATION = 255 * np.array([0.229, 0.224, 0.225], "f")
CROP = 7 / 8
MIDDLE = 0.5, 0.5, 1.0  # where from left to right, where from top to bottom, and mirrored if below one half
THREADS = 4


class ImageFolderError(ValueError):
    """A folder, or a file in it, is not what a network could learn from."""


class ImageFolder:
    """Images whose classes are the folders in which they are.

    Args:
        folder: where these folders are.
        insize: the width and height to which squares are scaled.
        classes: the names of the classes in the order of their numbers; None for those of the folders, sorted.

    Attributes:
        classes: the names.
        paths: the files, class by class, sorted.
        labels: the number of each file's class, int32.

    Raises:
        ImageFolderError: there are no images, not even two classes, or one that ``classes`` does not name.
    """

    def __init__(self, folder, insize, classes=None):
        found = names_in(folder, os.DirEntry.is_dir, "a folder for each class")
        if classes is None:
            classes = found
            if len(classes) < 2:
                raise ImageFolderError(f"{folder} has one class, {classes[0]} (expected at least 2). Add another.")
        elif unknown := sorted(set(found) - set(classes)):
            raise ImageFolderError(
                f"{folder} has classes that are not among those to learn: {', '.join(unknown)}. "
                "Remove these folders, or add images of them to the training part."
            )
        self.insize = insize
        self.classes = classes
        self.paths, labels = [], []
        for name in found:
            files = names_in(Path(folder, name), os.DirEntry.is_file, "images")
            self.paths += [Path(folder, name, file) for file in files]
            labels += [classes.index(name)] * len(files)
        self.labels = np.array(labels, np.int32)

    def __len__(self):
        return len(self.paths)

    def load(self, i, across=MIDDLE[0], down=MIDDLE[1], mirror=MIDDLE[2]):
        """Image ``i`` as a network takes it, (3, insize, insize), float32.

        Args:
            i: its number in ``paths``.
            across, down: where the square is, from 0 for the left or the top to 1 for the right or the bottom.
            mirror: below one half, the image is mirrored.

        Raises:
            ImageFolderError: the file cannot be read as an image.
        """
        try:
            with Image.open(self.paths[i]) as image:
                # A large JPEG is decoded at a fraction of its size.
                image.draft("RGB", (round(self.insize / CROP),) * 2)
                image = image.convert("RGB")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise ImageFolderError(f"{self.paths[i]} cannot be read as an image. Remove it. ({error})") from error
        side = CROP * min(image.size)
        left, top = across * (image.width - side), down * (image.height - side)
        box = (left, top, left + side, top + side)
        pixels = np.asarray(image.resize((self.insize, self.insize), Image.Resampling.BILINEAR, box), "f")
        if mirror < 0.5:
            pixels = pixels[:, ::-1]
        return ((pixels - MEAN) / DEVIATION).transpose(2, 0, 1)

    def batches(self, batch_size, rng=None):
        """All images once, as pairs of images and labels. While one pair is in use, threads load the next.

        Args:
            batch_size: how many images are in a batch at most. Batches differ in size by one image at most.
            rng: in training, what draws order, places and mirroring; None for testing.
        """
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        loading = deque()
        with ThreadPoolExecutor(THREADS) as pool:
            for batch in np.array_split(order, -(-len(self) // batch_size)):
                how = np.tile(MIDDLE, (len(batch), 1)) if rng is None else rng.random((len(batch), 3))
                loading.append((pool.map(self.load, batch, *how.T), self.labels[batch]))
                if len(loading) > 1:
                    yield stacked(*loading.popleft())
            yield stacked(*loading.popleft())


def stacked(images, labels):
    """A batch, once its images are loaded."""
    return np.stack(list(images)), labels


def names_in(folder, kind, expected):
    """The names of what of a kind is in a folder, sorted; hidden files are left alone."""
    if not os.path.isdir(folder):
        raise ImageFolderError(f"{folder} is no folder (expected one with {expected}).")
    with os.scandir(folder) as listing:
        names = sorted(entry.name for entry in listing if kind(entry) and not entry.name.startswith("."))
    if not names:
        raise ImageFolderError(f"{folder} has nothing in it to learn from (expected {expected}).")
    return names
