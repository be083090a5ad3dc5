"""HDF5: one dataset for each value, in groups named as the children are.

The layout is Chainer's: a number is a scalar dataset, None an empty one. A str is a scalar dataset of UTF-8 text, of
fixed length: reading a damaged one of variable length can crash the HDF5 library, so those are never read.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from chainette_serializers.files import Filename, reading, replacing
from chainette_serializers.flat import Entries, FlatDeserializer, Placed
from chainette_serializers.serializer import Serializable, Serializer
from chainette_serializers.values import NUMERIC, Stored, to_stored

LIBVER = ("v110", "latest")  # the file format of HDF5 1.10, the first with checksums in all that describes arrays


class HDF5Serializer(Placed, Serializer):
    """Saves into a group of an open HDF5 file.

    Args:
        group: an ``h5py.Group``, or an ``h5py.File``.
        compression: the gzip level, 0 to 9; None stores the arrays as they are.

    Datasets of at most one element are never compressed, and carry no checksum; the others do.

    Raises:
        ArrayTypeError, DtypeError, ArgumentError: a value is none that can be saved.
        ValueError: the group has a dataset of that name already.

    >>> import h5py
    >>> from chainette_serializers import HDF5Serializer
    >>> with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
    ...     W = HDF5Serializer(file)["l1"]("W", np.ones((2, 3)))
    ...     file["l1/W"].shape
    (2, 3)
    """

    def __init__(self, group: Any, compression: int | None = 4) -> None:
        self.group, self.compression, self.path = group, compression, ""

    def __call__(self, key: str, value: Any) -> Any:
        import h5py  # type: ignore[import-untyped]

        key = self.key(key)
        stored = to_stored(key, value)
        if stored is None:
            self.group.create_dataset(key, data=h5py.Empty("f"))
        elif stored.dtype.kind == "U":
            text = str(value).encode()
            self.group.create_dataset(key, data=text, dtype=h5py.string_dtype("utf-8", max(1, len(text))))
        elif stored.size <= 1:
            self.group.create_dataset(key, data=stored)
        else:
            self.group.create_dataset(key, data=stored, compression=self.compression, fletcher32=True)
        return value


class HDF5Deserializer(FlatDeserializer):
    """Loads from a group of an open HDF5 file.

    Args:
        group: an ``h5py.Group``, or an ``h5py.File``.
        strict: whether keys that are missing, and keys that the object does not ask for, are errors.

    ``load(obj)`` is all or nothing, as ``load_hdf5`` is.

    Raises:
        LoadError: a value is missing, does not fit, or cannot be read.

    >>> import h5py
    >>> from chainette_serializers import HDF5Deserializer
    >>> with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
    ...     file["l1/b"] = np.array([1.0, 2.0])
    ...     HDF5Deserializer(file)["l1"]("b", np.zeros(2, np.float32))
    array([1., 2.], dtype=float32)
    """

    def __init__(self, group: Any, strict: bool = True) -> None:
        title = f"HDF5Deserializer: {group.file.filename}"
        super().__init__(_Datasets(group, title), "", strict, title)


def save_hdf5(filename: Filename, obj: Serializable, compression: int | None = 4) -> None:
    """Save an object, e.g. a link or an optimizer, as an HDF5 file.

    Args:
        filename: the file's name, used as it is.
        obj: anything with ``serialize(serializer)``.
        compression: the gzip level, 0 to 9; None stores the arrays as they are.

    The file appears whole or not at all: after an error, one that was there before is as it was. HDF5 1.10 (2016) or
    later reads it.

    Raises:
        ArrayTypeError, DtypeError, ArgumentError: a value is none that can be saved.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> from chainette_serializers import load_hdf5, save_hdf5
    >>> class Bias:
    ...     def __init__(self, b):
    ...         self.b = chainette.Parameter(np.array(b))
    ...     def serialize(self, serializer):
    ...         serializer("b", self.b.array)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_hdf5(folder + "/bias.h5", Bias([1.0, 2.0]))
    ...     other = Bias([0.0, 0.0])
    ...     load_hdf5(folder + "/bias.h5", other)
    >>> other.b.array
    array([1., 2.])
    """
    import h5py

    with replacing("save_hdf5", filename) as temporary, h5py.File(temporary, "w", libver=LIBVER) as file:
        HDF5Serializer(file, compression).save(obj)


def load_hdf5(filename: Filename, obj: Serializable, path: str = "", strict: bool = True) -> None:
    """Load an object from an HDF5 file that ``save_hdf5``, or Chainer, wrote.

    Args:
        filename: the file's name.
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
    >>> from chainette_serializers import load_hdf5, save_hdf5
    >>> class Counter:
    ...     t = 0
    ...     def serialize(self, serializer):
    ...         self.t = serializer("t", self.t)
    >>> saved, counter = Counter(), Counter()
    >>> saved.t = 7
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_hdf5(folder + "/counter.h5", saved)
    ...     load_hdf5(folder + "/counter.h5", counter)
    >>> counter.t
    7
    """
    import h5py

    with open(filename, "rb"):  # a missing or forbidden file raises as Python says it, not as HDF5 does
        pass
    title = f"load_hdf5: {filename}"
    with reading(title):
        file = h5py.File(filename, "r")
    with file:
        FlatDeserializer(_Datasets(file, title), path, strict, title).load(obj)


class _Datasets(Entries):
    """The datasets of a group and of the groups in it."""

    def __init__(self, group: Any, title: str) -> None:
        import h5py

        self.group = group
        names: dict[str, str] = {}

        def visit(name: str | bytes, item: Any) -> None:
            if isinstance(name, bytes):
                raise ValueError(f"the name {name!r} is not UTF-8")
            if isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:  # reading it would read whatever file it names
                    raise ValueError(f"the dataset {name!r} lies in another file, which is not opened")
                names[name] = name

        with reading(title):
            group.visititems(visit)
        super().__init__(names, title)

    def read(self, name: str) -> Stored:
        dataset = self.group[name]
        if dataset.shape is None:
            return None
        if dataset.dtype.kind == "S" and dataset.shape == ():
            return np.asarray(bytes(dataset[()]).decode())
        return np.asarray(dataset[()]) if dataset.dtype.kind in NUMERIC else np.empty(0, dataset.dtype)
