"""A part of a dataset."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from chainette.errors import ArgumentError, ShapeError
from chainette_training.datasets.dataset_mixin import (
    Columns,
    Dataset,
    DatasetMixin,
    Indices,
    length_of,
    positions,
    take_from,
    whole_number,
    whole_numbers,
)


class SubDataset(DatasetMixin):
    """The examples ``start`` to ``finish - 1`` of a dataset, or of an order of its examples.

    Args:
        dataset: anything with a length and whole numbers as indices.
        start: the first one.
        finish: one after the last.
        order: the dataset's examples in another order, by number: one number for each example.

    Raises:
        ArgumentError: ``start`` to ``finish`` is no part of the dataset, or ``order`` names what is not in it.
        ShapeError: (a ValueError) ``order`` has not one number for each example.
        DtypeError: (a TypeError) ``order`` does not hold whole numbers.

    >>> dataset = SubDataset(["a", "b", "c", "d"], 1, 3, order=[3, 2, 1, 0])
    >>> len(dataset), dataset[0], dataset[:]
    (2, 'c', ['c', 'b'])
    """

    def __init__(self, dataset: Dataset, start: int, finish: int, order: Indices | None = None) -> None:
        length = length_of("SubDataset", dataset)
        self._dataset = dataset
        self._start = whole_number("SubDataset", "start", start, 0, length)
        self._length = whole_number("SubDataset", "finish", finish, self._start, length) - self._start
        self._order = None if order is None else checked_order("SubDataset", order, length)

    def __len__(self) -> int:
        return self._length

    def get_example(self, i: int) -> Any:
        i += self._start
        return self._dataset[i if self._order is None else int(self._order[i])]

    def take(self, indices: Indices) -> Columns | None:
        """Many examples at once, as arrays; None where the dataset under this one cannot do it.

        >>> SubDataset(np.array([5, 6, 7]), 1, 3).take([1, 0])
        array([7, 6])
        """
        where = positions(self, indices) + self._start
        return take_from(self._dataset, where if self._order is None else self._order[where])


def checked_order(function: str, order: Indices, length: int) -> npt.NDArray[np.intp]:
    """An order of ``length`` examples, counted from the front, as an array that nobody changes.

    >>> checked_order("SubDataset", [0, -1, 1], 3)
    array([0, 2, 1])
    """
    array = whole_numbers(f"{function}: order: its numbers", order)
    if len(array) != length:
        raise ShapeError(f"{function}: order has {len(array)} numbers (expected {length}, one for each example).")
    outside = (array < -length) | (array >= length)
    if outside.any():
        raise ArgumentError(f"{function}: order names example {array[outside][0]} (there are {length}).")
    if (array < 0).any():
        array = np.where(array < 0, array + length, array)
    elif array.flags.writeable:  # else the parts of a split share it
        array = array.copy()
    array.flags.writeable = False
    return array
