"""Datasets one after the other."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Any

from chainette_training.datasets.dataset_mixin import Dataset, DatasetMixin, length_of


class ConcatenatedDataset(DatasetMixin):
    """All examples of the first dataset, then all of the second, and so on. Their lengths are asked for once.

    Args:
        datasets: lists, arrays, datasets: anything with a length and whole numbers as indices.

    Raises:
        ArrayTypeError: (a TypeError) one has no length.

    >>> dataset = ConcatenatedDataset(["a", "b"], ["c"])
    >>> len(dataset), dataset[2], dataset[:]
    (3, 'c', ['a', 'b', 'c'])
    """

    def __init__(self, *datasets: Dataset) -> None:
        self._datasets = datasets
        self._ends = list(accumulate(length_of("ConcatenatedDataset", dataset) for dataset in datasets))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def get_example(self, i: int) -> Any:
        which = bisect_right(self._ends, i)
        return self._datasets[which][i - self._ends[which - 1] if which else i]
