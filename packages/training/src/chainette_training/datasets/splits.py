"""Datasets cut into parts, and into the folds of a cross-validation."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette.checks import removed_arguments
from chainette.random import generator
from chainette_training.datasets.dataset_mixin import Dataset, Indices, length_of, whole_number
from chainette_training.datasets.sub_dataset import SubDataset, checked_order


def split_dataset(dataset: Dataset, split_at: int, order: Indices | None = None) -> tuple[SubDataset, SubDataset]:
    """Cut a dataset in two.

    Args:
        dataset: anything with a length and whole numbers as indices.
        split_at: how many examples the first part gets.
        order: the examples in another order, by number; the cut is made in this.

    Returns:
        The first ``split_at`` examples, and the others.

    Raises:
        ArgumentError: ``split_at`` is no whole number from 0 to the number of examples.
        ShapeError, DtypeError, ArgumentError: ``order`` has not one number for each example.

    >>> first, second = split_dataset([5, 6, 7], 2)
    >>> list(first), list(second)
    ([5, 6], [7])
    """
    return _cut("split_dataset", "split_at", dataset, split_at, order)


def split_dataset_random(dataset: Dataset, first_size: int, seed: int | None = None) -> tuple[SubDataset, SubDataset]:
    """Cut a dataset in two at random.

    Args:
        dataset: anything with a length and whole numbers as indices.
        first_size: how many examples the first part gets.
        seed: the same one gives the same parts, those that Chainer makes of it. None: ``chainette.seed`` counts.

    Returns:
        ``first_size`` examples, and the others, both in a random order.

    Raises:
        ArgumentError: ``first_size`` is no whole number from 0 to the number of examples, or the seed is none.

    >>> first, second = split_dataset_random([5, 6, 7], 2, seed=0)
    >>> list(first), list(second)
    ([7, 6], [5])
    """
    order = _random_order("split_dataset_random", dataset, seed)
    return _cut("split_dataset_random", "first_size", dataset, first_size, order)


def split_dataset_n(dataset: Dataset, n: int, order: Indices | None = None) -> list[SubDataset]:
    """Cut a dataset into equal parts. The few examples that are left over are in none of them.

    Args:
        dataset: anything with a length and whole numbers as indices.
        n: how many parts.
        order: the examples in another order, by number; the cuts are made in this.

    Returns:
        ``n`` parts of ``len(dataset) // n`` examples.

    Raises:
        ArgumentError: ``n`` is no whole number from 1 to the number of examples.
        ShapeError, DtypeError, ArgumentError: ``order`` has not one number for each example.

    >>> [list(part) for part in split_dataset_n([5, 6, 7, 8, 9], 2)]
    [[5, 6], [7, 8]]
    """
    return _parts("split_dataset_n", dataset, n, order)


def split_dataset_n_random(dataset: Dataset, n: int, seed: int | None = None) -> list[SubDataset]:
    """Cut a dataset into equal parts at random. The few examples that are left over are in none of them.

    Args:
        dataset: anything with a length and whole numbers as indices.
        n: how many parts.
        seed: the same one gives the same parts, those that Chainer makes of it. None: ``chainette.seed`` counts.

    Returns:
        ``n`` parts of ``len(dataset) // n`` examples.

    Raises:
        ArgumentError: ``n`` is no whole number from 1 to the number of examples, or the seed is none.

    >>> [list(part) for part in split_dataset_n_random([5, 6, 7, 8], 2, seed=0)]
    [[7, 8], [6, 5]]
    """
    return _parts("split_dataset_n_random", dataset, n, _random_order("split_dataset_n_random", dataset, seed))


@removed_arguments(n_fold="write n_folds=")
def get_cross_validation_datasets(
    dataset: Dataset, n_folds: int, order: Indices | None = None
) -> list[tuple[SubDataset, SubDataset]]:
    """The pairs of datasets of a cross-validation: each example is held out in exactly one of them.

    Args:
        dataset: anything with a length and whole numbers as indices.
        n_folds: how many pairs.
        order: the examples in another order, by number; the cuts are made in this.

    Returns:
        ``n_folds`` pairs ``(train, test)``. The sizes of the test parts differ by one at most; the last part of the
        dataset is held out first.

    Raises:
        ArgumentError: ``n_folds`` is no whole number from 1 to the number of examples.
        ShapeError, DtypeError, ArgumentError: ``order`` has not one number for each example.

    >>> for train, test in get_cross_validation_datasets([5, 6, 7], 3):
    ...     print(list(train), list(test))
    [5, 6] [7]
    [7, 5] [6]
    [6, 7] [5]
    """
    return _folds("get_cross_validation_datasets", dataset, n_folds, order)


@removed_arguments(n_fold="write n_folds=")
def get_cross_validation_datasets_random(
    dataset: Dataset, n_folds: int, seed: int | None = None
) -> list[tuple[SubDataset, SubDataset]]:
    """The pairs of datasets of a cross-validation, cut at random.

    Args:
        dataset: anything with a length and whole numbers as indices.
        n_folds: how many pairs.
        seed: the same one gives the same parts, those that Chainer makes of it. None: ``chainette.seed`` counts.

    Returns:
        ``n_folds`` pairs ``(train, test)``, as ``get_cross_validation_datasets`` gives them.

    Raises:
        ArgumentError: ``n_folds`` is no whole number from 1 to the number of examples, or the seed is none.

    >>> for train, test in get_cross_validation_datasets_random([5, 6, 7], 3, seed=0):
    ...     print(list(train), list(test))
    [7, 6] [5]
    [5, 7] [6]
    [6, 5] [7]
    """
    function = "get_cross_validation_datasets_random"
    return _folds(function, dataset, n_folds, _random_order(function, dataset, seed))


def _cut(
    function: str, argument: str, dataset: Dataset, size: int, order: Indices | None
) -> tuple[SubDataset, SubDataset]:
    length = length_of(function, dataset)
    size = whole_number(function, argument, size, 0, length)
    shared = None if order is None else checked_order(function, order, length)
    return SubDataset(dataset, 0, size, shared), SubDataset(dataset, size, length, shared)


def _parts(function: str, dataset: Dataset, n: int, order: Indices | None) -> list[SubDataset]:
    length = length_of(function, dataset)
    n = whole_number(function, "n", n, 1, length)
    shared = None if order is None else checked_order(function, order, length)
    size = length // n
    return [SubDataset(dataset, i * size, (i + 1) * size, shared) for i in range(n)]


def _folds(function: str, dataset: Dataset, n_folds: int, order: Indices | None) -> list[tuple[SubDataset, SubDataset]]:
    length = length_of(function, dataset)
    n_folds = whole_number(function, "n_folds", n_folds, 1, length)
    whole = np.arange(length) if order is None else checked_order(function, order, length)
    borders = [length * i // n_folds for i in range(n_folds + 1)]
    folds = []
    for start, finish in reversed(list(pairwise(borders))):
        turned = checked_order(function, np.roll(whole, -finish), length)  # what is held out comes last
        size = length - (finish - start)
        folds.append((SubDataset(dataset, 0, size, turned), SubDataset(dataset, size, length, turned)))
    return folds


def _random_order(function: str, dataset: Dataset, seed: int | None) -> npt.NDArray[Any]:
    length = length_of(function, dataset)
    if seed is None:
        return np.asarray(generator().permutation(length))
    number = whole_number(function, "seed", seed, 0, 2**32 - 1)
    return np.random.RandomState(number).permutation(length)  # its numbers never change, and are Chainer's
