"""Images in zip archives."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette.config import get_dtype
from chainette.errors import ArgumentError, LoadError
from chainette.typing import DTypeLike
from chainette_training.datasets.concatenated_dataset import ConcatenatedDataset
from chainette_training.datasets.dataset_mixin import DatasetMixin
from chainette_training.datasets.image_dataset import Filename, labelled_lines, read_image, require_pillow

SIZE_LIMIT = 1 << 28  # bytes of one unpacked file: a small archive must not fill the memory


class ZippedImageDataset(DatasetMixin):
    """The images in a zip archive, as arrays of shape (channels, height, width), in the archive's order.

    The archive stays open. Several threads may read at once, and each process, after a fork or through pickle, opens it
    for itself. Needs Pillow: ``pip install 'chainette-training[image]'``.

    Args:
        zipfilename: the archive; each file in it is an image.
        dtype: that of the arrays; None means ``chainette.config.dtype``.

    An index may be a file's name in the archive, too.

    Raises:
        MissingPluginError: (an ImportError) Pillow is not installed.
        LoadError: (a ValueError) the archive, or an image when it is asked for, is damaged or is none.
        ArgumentError: there is no file of that name in the archive.
        FileNotFoundError: there is no such archive.

    >>> import io, tempfile, zipfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(folder + "/images.zip", "w") as archive, archive.open("black.png", "w") as file:
    ...         Image.new("RGB", (5, 4)).save(file, "png")
    ...     dataset = ZippedImageDataset(folder + "/images.zip")
    ...     len(dataset), dataset[0].shape, dataset["black.png"].shape
    (1, (3, 4, 5), (3, 4, 5))
    """

    def __init__(self, zipfilename: Filename, dtype: DTypeLike = None) -> None:
        require_pillow("ZippedImageDataset")
        self._filename = os.fspath(zipfilename)
        self._dtype = get_dtype(dtype)
        self._opened: tuple[int, zipfile.ZipFile] | None = None
        self._names = [name for name in self._archive().namelist() if not name.endswith("/")]

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: Any) -> Any:
        return self.get_example(index) if isinstance(index, str) else super().__getitem__(index)

    def get_example(self, i: int | str) -> npt.NDArray[Any]:
        name = i if isinstance(i, str) else self._names[i]
        return read_image("ZippedImageDataset", f"{self._filename}/{name}", self._dtype, io.BytesIO(self._read(name)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def _archive(self) -> zipfile.ZipFile:
        """The archive, opened in this process: one that came with a fork shares its position with the parent.

        Without a lock, which a fork could take along while it is held: two threads may both open it, and one of the
        two is closed when nobody reads from it any more.
        """
        opened = self._opened
        if opened is None or opened[0] != os.getpid():
            try:
                opened = self._opened = os.getpid(), zipfile.ZipFile(self._filename)
            except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
                raise LoadError(
                    f"ZippedImageDataset: {self._filename!r} cannot be read as a zip archive ({error}). "
                    "Restore it from a copy."
                ) from error
        return opened[1]

    def _read(self, name: str) -> bytes:
        archive = self._archive()
        try:
            member = archive.getinfo(name)
        except KeyError:
            raise ArgumentError(f"ZippedImageDataset: {self._filename!r} has no file {name!r}.") from None
        what = f"ZippedImageDataset: {name!r} in {self._filename!r}"
        if member.file_size > SIZE_LIMIT:
            raise LoadError(f"{what} has {member.file_size:,} bytes (expected at most {SIZE_LIMIT:,}).")
        try:
            return archive.read(member)
        except Exception as error:  # damaged bytes make the decompressors raise nearly any type
            raise LoadError(
                f"{what} cannot be read ({type(error).__name__}: {error}). Restore the archive from a copy."
            ) from error


class MultiZippedImageDataset(ConcatenatedDataset):
    """The images in several zip archives, one archive after the other; see ZippedImageDataset.

    Args:
        zipfilenames: the archives.
        dtype: that of the arrays; None means ``chainette.config.dtype``.

    Raises:
        ArgumentError: ``zipfilenames`` is a single name.
        MissingPluginError, LoadError, FileNotFoundError: as ZippedImageDataset.

    >>> import tempfile, zipfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("/a.zip", "/b.zip"):
    ...         with zipfile.ZipFile(folder + name, "w") as archive, archive.open("black.png", "w") as file:
    ...             Image.new("L", (5, 4)).save(file, "png")
    ...     len(MultiZippedImageDataset([folder + "/a.zip", folder + "/b.zip"]))
    2
    """

    def __init__(self, zipfilenames: Sequence[Filename], dtype: DTypeLike = None) -> None:
        if isinstance(zipfilenames, str | os.PathLike):
            raise ArgumentError(
                f"MultiZippedImageDataset: zipfilenames={zipfilenames!r} (expected a list of names). "
                "Write ZippedImageDataset for one archive."
            )
        super().__init__(*[ZippedImageDataset(name, dtype) for name in zipfilenames])


class LabeledZippedImageDataset(DatasetMixin):
    """Images in a zip archive with their labels: pairs of an array of shape (channels, height, width) and a number.

    Args:
        zipfilename: the archive.
        labelfilename: a text file with ``name label`` in each line, where the name is that of a file in the archive.
        dtype: that of the images; None means ``chainette.config.dtype``.
        label_dtype: that of the labels.

    Raises:
        LoadError: (a ValueError) a line of the text file is no name with a label, or names a file that is not in the
            archive; the archive, or an image when it is asked for, is damaged or is none.
        MissingPluginError, FileNotFoundError: as ZippedImageDataset.

    >>> import tempfile, pathlib, zipfile
    >>> from PIL import Image
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(folder + "/images.zip", "w") as archive, archive.open("black.png", "w") as file:
    ...         Image.new("L", (5, 4)).save(file, "png")
    ...     _ = pathlib.Path(folder, "labels.txt").write_text("black.png 7")
    ...     image, label = LabeledZippedImageDataset(folder + "/images.zip", folder + "/labels.txt")[0]
    >>> image.shape, label
    ((1, 4, 5), array(7, dtype=int32))
    """

    def __init__(
        self,
        zipfilename: Filename,
        labelfilename: Filename,
        dtype: DTypeLike = None,
        label_dtype: DTypeLike = np.int32,
    ) -> None:
        self._images = ZippedImageDataset(zipfilename, dtype)
        self._label_dtype = np.dtype(label_dtype)
        self._pairs = labelled_lines("LabeledZippedImageDataset", labelfilename, self._label_dtype)
        known = set(self._images._names)
        unknown = [str(name) for name, _ in self._pairs if name not in known]
        if unknown:
            raise LoadError(
                f"LabeledZippedImageDataset: {os.fspath(labelfilename)!r} names {len(unknown)} files that are not in "
                f"{os.fspath(zipfilename)!r}: {', '.join(unknown[:3])}{', ...' if len(unknown) > 3 else ''}."
            )

    def __len__(self) -> int:
        return len(self._pairs)

    def get_example(self, i: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        name, label = self._pairs[i]
        return self._images.get_example(str(name)), np.array(label, self._label_dtype)
