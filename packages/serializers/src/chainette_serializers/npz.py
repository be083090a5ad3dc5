"""npz: NumPy's zip of arrays. Nothing is pickled or unpickled.

The keys are Chainer's. A number is a 0-d array, a str a 0-d array of dtype ``U``, and None an array of shape (0,) and
dtype ``V1``; the 0-d object array that Chainer wrote for None is known by its header and comes back as None.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from chainette.errors import ArgumentError
from chainette_serializers.files import Filename, reading, replacing
from chainette_serializers.flat import Entries, FlatDeserializer, Placed, prefix
from chainette_serializers.serializer import Serializable, Serializer
from chainette_serializers.values import Stored, to_stored

NONE = np.zeros(0, "V1")
SMALL = 2**24  # bytes of arrays that are put together in memory


class DictionarySerializer(Placed, Serializer):
    """Saves into a dictionary of NumPy arrays, as an npz file holds them.

    Args:
        target: the dictionary; None makes a new one.
        path: what all keys begin with.

    Arrays of the CPU are not copied: ``target`` holds them themselves.

    Raises:
        ArrayTypeError, DtypeError, ArgumentError: a value is none that can be saved.

    >>> from chainette_serializers import DictionarySerializer
    >>> serializer = DictionarySerializer()
    >>> t = serializer("t", 3)
    >>> W = serializer["l1"]("W", np.ones(2))
    >>> serializer.target
    {'t': array(3), 'l1/W': array([1., 1.])}
    """

    def __init__(self, target: dict[str, npt.NDArray[Any]] | None = None, path: str = "") -> None:
        self.target = {} if target is None else target
        self.path = prefix(path)

    def __call__(self, key: str, value: Any) -> Any:
        key = self.key(key)
        stored = to_stored(key, value)
        self.target[key] = NONE if stored is None else stored
        return value


class NpzDeserializer(FlatDeserializer):
    """Loads from an npz file that ``numpy.load`` opened, or from a dictionary of arrays.

    Args:
        npz: the open file, or arrays by key.
        path: where in it the object lies, e.g. ``"updater/model:main/"``; other keys are not looked at.
        strict: whether keys that are missing, and keys that the object does not ask for, are errors.

    ``load(obj)`` is all or nothing, as ``load_npz`` is.

    Raises:
        LoadError: a value is missing, does not fit, or cannot be read.
        ArgumentError: the file is closed.

    >>> from chainette_serializers import NpzDeserializer
    >>> NpzDeserializer({"l1/b": np.array([1.0, 2.0])})["l1"]("b", np.zeros(2, np.float32))
    array([1., 2.], dtype=float32)
    """

    def __init__(
        self, npz: np.lib.npyio.NpzFile | Mapping[str, npt.ArrayLike], path: str = "", strict: bool = True
    ) -> None:
        if isinstance(npz, np.lib.npyio.NpzFile):
            if npz.zip is None:
                raise ArgumentError("NpzDeserializer: the file is closed. Load before closing it.")
            title = f"NpzDeserializer: {npz.zip.filename or 'the file'}"
            super().__init__(_Members(npz.zip, title), path, strict, title)
        else:
            arrays = {key: _stored(np.asarray(value)) for key, value in npz.items()}
            super().__init__(arrays, path, strict, "NpzDeserializer: the given dictionary")


def save_npz(file: Filename | IO[bytes], obj: Serializable, compression: bool = True) -> None:
    """Save an object, e.g. a link or an optimizer, as an npz file.

    Args:
        file: a file name, used as it is (no ``.npz`` is added), or a file object open for writing bytes.
        obj: anything with ``serialize(serializer)``.
        compression: whether the arrays are compressed (smaller and slower; the values are the same).

    The file appears whole or not at all: after an error, one that was there before is as it was. Into a file object
    it is written directly.

    Raises:
        ArrayTypeError, DtypeError, ArgumentError: a value is none that can be saved.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> from chainette_serializers import load_npz, save_npz
    >>> class Bias:
    ...     def __init__(self, b):
    ...         self.b = chainette.Parameter(np.array(b))
    ...     def serialize(self, serializer):
    ...         serializer("b", self.b.array)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_npz(folder + "/bias.npz", Bias([1.0, 2.0]))
    ...     other = Bias([0.0, 0.0])
    ...     load_npz(folder + "/bias.npz", other)
    >>> other.b.array
    array([1., 2.])
    """
    serializer = DictionarySerializer()
    serializer.save(obj)
    if not isinstance(file, str | os.PathLike):
        return _write(file, serializer.target, compression)
    with replacing("save_npz", file) as temporary, open(temporary, "wb") as stream:
        _write(stream, serializer.target, compression)


def load_npz(file: Filename | IO[bytes], obj: Serializable, path: str = "", strict: bool = True) -> None:
    """Load an object from an npz file that ``save_npz``, or Chainer, wrote.

    Args:
        file: a file name, or a file object open for reading bytes.
        obj: an object made as the saved one was. Its arrays are filled in place, on their devices and in their
            dtypes; parameters of open shape take the shape that was saved.
        path: where in the file the object lies, e.g. ``"updater/model:main/"``; other keys are not looked at.
        strict: whether keys that are missing, and keys that the object does not ask for, are errors. Where False,
            the former keep their present values.

    Dtypes are converted within their kind or to a wider one: float64 to float32, int to float; never float to int.

    Raises:
        LoadError: the file does not fit, listing every key that does not, or is damaged. The object is unchanged.
        FileNotFoundError: there is no such file.

    >>> import tempfile
    >>> from chainette_serializers import load_npz
    >>> class Bias:
    ...     def __init__(self, b):
    ...         self.b = np.array(b)
    ...     def serialize(self, serializer):
    ...         serializer("b", self.b)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     np.savez(folder + "/bias.npz", b=np.zeros(3))
    ...     load_npz(folder + "/bias.npz", Bias([1.0, 2.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    chainette.errors.LoadError: load_npz: ...bias.npz does not fit the Bias, which stays as it was:
      of another shape or kind: b (expected float64 (2,), got float64 (3,))
    Load it into an object made as the saved one was; strict=False passes over missing and extra keys.
    """
    if isinstance(file, str | os.PathLike):
        with open(file, "rb") as stream:
            return load_npz(stream, obj, path, strict)
    title = f"load_npz: {getattr(file, 'name', 'the file')}"
    with reading(title):
        archive = zipfile.ZipFile(file)
    with archive:
        FlatDeserializer(_Members(archive, title), path, strict, title).load(obj)


class _Members(Entries):
    """The arrays of a zip archive."""

    def __init__(self, archive: zipfile.ZipFile, title: str) -> None:
        self.archive = archive
        super().__init__({name.removesuffix(".npy"): name for name in archive.namelist()}, title)

    def read(self, name: str) -> Stored:
        return _parse(self.archive.read(name))


def _write(stream: IO[bytes], arrays: Mapping[str, npt.NDArray[Any]], compression: bool) -> None:
    """Not ``numpy.savez``, which takes some keys ("file") for arguments of its own."""
    method = zipfile.ZIP_DEFLATED if compression else zipfile.ZIP_STORED
    if sum(array.nbytes for array in arrays.values()) < SMALL:
        memory = io.BytesIO()  # zipfile goes to and fro, and a file would be written to at each turn
        _write_zip(memory, arrays, method)
        stream.write(memory.getbuffer())
    else:
        _write_zip(stream, arrays, method)


def _write_zip(stream: IO[bytes], arrays: Mapping[str, npt.NDArray[Any]], method: int) -> None:
    with zipfile.ZipFile(stream, "w", method) as archive:
        for key, array in arrays.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                npy.write_array(member, array, allow_pickle=False)


def _parse(data: bytes) -> Stored:
    """The array in the bytes of an npy file, as a view of them. Never gets near a pickle."""
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"npy format {version} is not one for numbers")
    shape, fortran, dtype = (npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0)(stream)
    if dtype.hasobject:
        return None if dtype == np.dtype(object) and shape == () else np.empty(0, object)
    return _stored(np.ndarray(shape, dtype, data, stream.tell(), order="F" if fortran else "C"))


def _stored(array: npt.NDArray[Any]) -> Stored:
    is_none = array.dtype == NONE.dtype and array.shape == NONE.shape
    return (
        None if is_none or (array.dtype == np.dtype(object) and array.shape == () and array.item() is None) else array
    )
