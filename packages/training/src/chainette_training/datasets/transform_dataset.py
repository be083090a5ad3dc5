"""A dataset whose examples go through a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainette.errors import ArrayTypeError
from chainette_training.datasets.dataset_mixin import Dataset, DatasetMixin, length_of


class TransformDataset(DatasetMixin):
    """``transform(example)`` in place of each example, computed each time it is asked for.

    Args:
        dataset: anything with a length and whole numbers as indices.
        transform: gets an example, a tuple for a TupleDataset, and returns another. It must not change the example
            itself, which may be a view into the dataset's arrays: write ``x = x - 1``, not ``x -= 1``.

    Raises:
        ArrayTypeError: (a TypeError) the dataset has no length, or ``transform`` cannot be called.

    >>> dataset = TransformDataset([1, 2, 3], lambda x: x / 2)
    >>> dataset[0], dataset[1:]
    (0.5, [1.0, 1.5])
    """

    def __init__(self, dataset: Dataset, transform: Callable[[Any], Any]) -> None:
        length_of("TransformDataset", dataset)
        if not callable(transform):
            raise ArrayTypeError(
                f"TransformDataset: transform is a {type(transform).__name__} (expected a function of one example)."
            )
        self._dataset = dataset
        self._transform = transform

    def __len__(self) -> int:
        return len(self._dataset)

    def get_example(self, i: int) -> Any:
        return self._transform(self._dataset[i])
