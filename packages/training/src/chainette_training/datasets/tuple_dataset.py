"""Datasets side by side: each example is a tuple."""

from __future__ import annotations

from typing import Any

from chainette.backend import is_array
from chainette.errors import ArgumentError, ShapeError
from chainette_training.datasets.dataset_mixin import DatasetMixin, Indices, length_of, positions, rows


class TupleDataset(DatasetMixin):
    """Datasets of one length side by side; example ``i`` is the tuple of their examples ``i``.

    Args:
        datasets: lists, arrays, datasets: anything with a length and whole numbers as indices.

    Raises:
        ArgumentError: there is none.
        ShapeError: (a ValueError) their lengths differ.
        ArrayTypeError: (a TypeError) one has no length.

    >>> dataset = TupleDataset(["a", "b", "c"], [0, 1, 2])
    >>> dataset[1], dataset[-1], dataset[:2]
    (('b', 1), ('c', 2), [('a', 0), ('b', 1)])
    """

    def __init__(self, *datasets: Any) -> None:
        if not datasets:
            raise ArgumentError("TupleDataset: no dataset was given (expected at least one).")
        lengths = [length_of("TupleDataset", dataset) for dataset in datasets]
        if len(set(lengths)) > 1:
            raise ShapeError(
                f"TupleDataset: the datasets have {', '.join(map(str, lengths))} examples (expected equal numbers)."
            )
        self._datasets = datasets
        self._length = lengths[0]
        self._are_arrays = all(map(is_array, datasets))

    def __len__(self) -> int:
        return self._length

    def get_example(self, i: int) -> tuple[Any, ...]:
        return tuple([dataset[i] for dataset in self._datasets])

    def take(self, indices: Indices) -> tuple[Any, ...] | None:
        """Many examples at once: a tuple of arrays, or None where not every dataset is an array.

        >>> TupleDataset(np.array([5, 6, 7]), np.array([0, 1, 2])).take([2, 0])
        (array([7, 5]), array([2, 0]))
        """
        if not self._are_arrays:
            return None
        where = positions(self, indices)
        return tuple([rows(dataset, where) for dataset in self._datasets])
