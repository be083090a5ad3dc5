"""Datasets side by side, each with a name: each example is a dict."""

from __future__ import annotations

from typing import Any

from chainette.backend import is_array
from chainette.errors import ArgumentError, ShapeError
from chainette_training.datasets.dataset_mixin import DatasetMixin, Indices, length_of, positions, rows


class DictDataset(DatasetMixin):
    """Datasets of one length by name; example ``i`` is the dict of their examples ``i``.

    Args:
        datasets: lists, arrays, datasets: anything with a length and whole numbers as indices.

    Raises:
        ArgumentError: there is none.
        ShapeError: (a ValueError) their lengths differ.
        ArrayTypeError: (a TypeError) one has no length.

    >>> dataset = DictDataset(word=["a", "b", "c"], t=[0, 1, 2])
    >>> dataset[1], dataset[2:]
    ({'word': 'b', 't': 1}, [{'word': 'c', 't': 2}])
    """

    def __init__(self, /, **datasets: Any) -> None:
        if not datasets:
            raise ArgumentError("DictDataset: no dataset was given (expected at least one, by name).")
        lengths = {name: length_of("DictDataset", dataset) for name, dataset in datasets.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name}: {length}" for name, length in lengths.items())
            raise ShapeError(f"DictDataset: the datasets have different numbers of examples ({told}).")
        self._datasets = datasets
        self._length = next(iter(lengths.values()))
        self._are_arrays = all(map(is_array, datasets.values()))

    def __len__(self) -> int:
        return self._length

    def get_example(self, i: int) -> dict[str, Any]:
        return {name: dataset[i] for name, dataset in self._datasets.items()}

    def take(self, indices: Indices) -> dict[str, Any] | None:
        """Many examples at once: a dict of arrays, or None where not every dataset is an array.

        >>> DictDataset(x=np.array([5, 6, 7])).take([2, 0])
        {'x': array([7, 5])}
        """
        if not self._are_arrays:
            return None
        where = positions(self, indices)
        return {name: rows(dataset, where) for name, dataset in self._datasets.items()}
