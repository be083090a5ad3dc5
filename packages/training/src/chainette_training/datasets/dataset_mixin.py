"""What a dataset is, and the indexing that all of ours share."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from chainette.backend import CPU, device_of, is_array
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError, ShapeError
from chainette_training.datasets.errors import ExampleIndexError

Indices: TypeAlias = Sequence[int] | npt.NDArray[Any]

Columns: TypeAlias = Any
"""An array, or a tuple or dict of arrays, with one row for each example."""


class Dataset(Protocol):
    """All that is asked of what a dataset is made from: lists and arrays have it."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: Any, /) -> Any: ...


class DatasetMixin:
    """A base for datasets: write ``__len__`` and ``get_example``, and get the indexing of a list.

    ``dataset[i]`` is one example; a slice, a list or an array of whole numbers gives a list of them. Negative numbers
    count from the end. ``get_example`` is asked for 0 to ``len(self) - 1`` only.

    Raises:
        ExampleIndexError: (an IndexError) there is no example of that number.
        DtypeError: (a TypeError) a list or array of indices does not hold whole numbers.

    >>> class Squares(DatasetMixin):
    ...     def __len__(self):
    ...         return 5
    ...     def get_example(self, i):
    ...         return i * i
    >>> squares = Squares()
    >>> squares[2], squares[-1], squares[1:3], squares[[4, 0]], list(squares)
    (4, 16, [1, 4], [16, 0], [0, 1, 4, 9, 16])
    """

    def __init_subclass__(cls, **arguments: Any) -> None:
        """A subclass that says anew what an example is, but not ``take``, loses the ``take`` that it would inherit: it
        knows nothing of what the subclass does, and iterators prefer it."""
        super().__init_subclass__(**arguments)
        for base in cls.__mro__:
            if "take" in vars(base):
                return
            if "get_example" in vars(base) or "__getitem__" in vars(base):
                cls.take = DatasetMixin.take  # type: ignore[method-assign]
                return

    def __len__(self) -> int:
        """How many examples there are."""
        raise NotImplementedError(f"{type(self).__name__}: a dataset must have __len__. Write one.")

    def get_example(self, i: int) -> Any:
        """Example number ``i``, counted from 0."""
        raise NotImplementedError(f"{type(self).__name__}: a dataset must have get_example(i). Write one.")

    def take(self, indices: Indices) -> Columns | None:
        """Many examples at once, as arrays of which each has one row for each index; None where that cannot be.

        >>> DatasetMixin().take([0]) is None
        True
        """
        return None

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self.get_example(i) for i in range(*index.indices(len(self)))]
        if isinstance(index, list) or (isinstance(index, np.ndarray) and index.ndim):
            return [self.get_example(i) for i in positions(self, index).tolist()]
        i, length = operator.index(index), len(self)
        if not -length <= i < length:
            raise _out_of_range(self, i)
        return self.get_example(i if i >= 0 else i + length)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


def positions(dataset: DatasetMixin, indices: Indices) -> npt.NDArray[np.intp]:
    """Indices counted from the front.

    Raises:
        ExampleIndexError: there is no example of that number.
        DtypeError, ShapeError: they are no whole numbers, or not in one row.

    >>> from chainette_training.datasets import TupleDataset
    >>> positions(TupleDataset([5, 6, 7]), [0, -1])
    array([0, 2])
    """
    length = len(dataset)
    array = whole_numbers(type(dataset).__name__ + ": the indices", indices)
    if not array.size or np.maximum.reduce(array.view(np.uintp)) < length:  # where a negative number is a huge one
        return array
    outside = (array < -length) | (array >= length)
    if outside.any():
        raise _out_of_range(dataset, int(array[outside][0]))
    return np.where(array < 0, array + length, array)


def whole_numbers(what: str, values: Any) -> npt.NDArray[np.intp]:
    """A sequence of whole numbers as an array of one axis.

    Raises:
        DtypeError, ShapeError: it is none.

    >>> whole_numbers("order", [2, 0, 1])
    array([2, 0, 1])
    """
    if type(values) is np.ndarray and values.ndim == 1 and values.dtype == np.intp:
        return values
    try:
        array = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise DtypeError(f"{what} are no whole numbers in one row ({error}).") from None
    if array.ndim != 1:
        raise ShapeError(f"{what} have shape {array.shape} (expected one axis).")
    if array.dtype.kind not in "iu" and array.size:  # NumPy takes an empty list for float64
        hint = " Write numpy.flatnonzero(mask) for a mask." if array.dtype.kind == "b" else ""
        raise DtypeError(f"{what} are {array.dtype} (expected whole numbers).{hint}")
    return array.astype(np.intp, copy=False)


def whole_number(function: str, name: str, value: Any, low: int, high: int) -> int:
    """An argument as an int.

    Raises:
        ArgumentError: it is no whole number from ``low`` to ``high``.

    >>> whole_number("split_dataset", "split_at", np.int32(3), 0, 5)
    3
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = low - 1
    if not low <= number <= high:
        expected = f"a whole number from {low} to {high}" if low <= high else "a dataset that is not empty"
        raise ArgumentError(f"{function}: {name}={value!r} (expected {expected}).")
    return number


def length_of(function: str, dataset: Any) -> int:
    """The length of a dataset.

    Raises:
        ArrayTypeError: (a TypeError) it has none.

    >>> length_of("TupleDataset", [1, 2, 3])
    3
    """
    try:
        return len(dataset)
    except TypeError:
        raise ArrayTypeError(
            f"{function}: a {type(dataset).__name__} has no length (expected a list, an array or a dataset). "
            "Write list(...) around an iterator or a set."
        ) from None


def rows(array: Any, indices: npt.NDArray[np.intp]) -> Any:
    """Rows of an array of whichever backend, on its device; the indices are known to be in range.

    >>> rows(np.array([5, 6, 7]), np.array([2, 0]))
    array([7, 5])
    """
    if type(array) is np.ndarray:
        return array[indices]
    device = device_of(array)
    if device != CPU:
        with device.use():
            return array[device.send(indices)]
    return array[indices]


def take_from(dataset: Any, indices: npt.NDArray[np.intp]) -> Columns | None:
    """What ``take`` of any dataset gives: rows of an array, what a DatasetMixin makes of it, else None.

    >>> take_from(np.array([5, 6, 7]), np.array([2, 0])), take_from([5, 6, 7], np.array([2, 0]))
    (array([7, 5]), None)
    """
    if isinstance(dataset, DatasetMixin):
        return dataset.take(indices)
    return rows(dataset, indices) if is_array(dataset) else None


def _out_of_range(dataset: DatasetMixin, index: int) -> ExampleIndexError:
    return ExampleIndexError(f"{type(dataset).__name__}: there is no example {index} (there are {len(dataset)}).")
