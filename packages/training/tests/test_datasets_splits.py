"""Datasets in parts: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette_training.datasets import (
    get_cross_validation_datasets,
    get_cross_validation_datasets_random,
    split_dataset,
    split_dataset_n,
    split_dataset_n_random,
    split_dataset_random,
)

seeds = st.none() | st.integers(0, 2**32 - 1)


@st.composite
def datasets_and_orders(draw, smallest=0):
    dataset = list(range(100, 100 + draw(st.integers(smallest, 12))))
    order = draw(st.none() | st.permutations(range(len(dataset))))
    return dataset, order


@settings(deadline=None)
@given(datasets_and_orders(), st.data())
def test_two_parts_make_up_the_whole_in_its_order(given_both, data):
    dataset, order = given_both
    ordered = dataset if order is None else [dataset[i] for i in order]
    size = data.draw(st.integers(0, len(dataset)))
    first, second = split_dataset(dataset, size, order)
    assert list(first) == ordered[:size]
    assert list(second) == ordered[size:]


@settings(deadline=None)
@given(datasets_and_orders(), seeds, st.data())
def test_two_random_parts_make_up_the_whole(given_both, seed, data):
    dataset, _ = given_both
    size = data.draw(st.integers(0, len(dataset)))
    first, second = split_dataset_random(dataset, size, seed)
    assert (len(first), len(second)) == (size, len(dataset) - size)
    assert sorted([*first, *second]) == dataset


@settings(deadline=None)
@given(datasets_and_orders(smallest=1), st.data())
def test_equal_parts_leave_fewer_over_than_there_are_parts(given_both, data):
    dataset, order = given_both
    ordered = dataset if order is None else [dataset[i] for i in order]
    n = data.draw(st.integers(1, len(dataset)))
    parts = split_dataset_n(dataset, n, order)
    size = len(dataset) // n
    assert [list(part) for part in parts] == [ordered[i * size : (i + 1) * size] for i in range(n)]


@settings(deadline=None)
@given(datasets_and_orders(smallest=1), seeds, st.data())
def test_equal_random_parts_share_nothing(given_both, seed, data):
    dataset, _ = given_both
    n = data.draw(st.integers(1, len(dataset)))
    parts = split_dataset_n_random(dataset, n, seed)
    assert [len(part) for part in parts] == [len(dataset) // n] * n
    everything = [example for part in parts for example in part]
    assert len(set(everything)) == len(everything)
    assert set(everything) <= set(dataset)


@settings(deadline=None)
@given(datasets_and_orders(smallest=1), seeds, st.booleans(), st.data())
def test_each_example_is_held_out_once_and_trained_on_otherwise(given_both, seed, is_random, data):
    dataset, order = given_both
    n = data.draw(st.integers(1, len(dataset)))
    if is_random:
        folds = get_cross_validation_datasets_random(dataset, n, seed)
    else:
        folds = get_cross_validation_datasets(dataset, n, order)
    assert len(folds) == n
    for train, test in folds:
        assert sorted([*train, *test]) == dataset
        assert len(dataset) // n <= len(test) <= -(-len(dataset) // n)
    assert sorted(example for _, test in folds for example in test) == dataset


def test_the_folds_are_those_of_chainer():
    folds = get_cross_validation_datasets(list(range(7)), 3)
    assert [(list(train), list(test)) for train, test in folds] == [
        ([0, 1, 2, 3], [4, 5, 6]),
        ([4, 5, 6, 0, 1], [2, 3]),
        ([2, 3, 4, 5, 6], [0, 1]),
    ]


def test_a_seed_gives_the_parts_that_chainer_gives():
    first, second = split_dataset_random(range(10), 3, seed=0)
    assert list(first) == [2, 8, 4]
    assert list(second) == [9, 1, 6, 7, 3, 0, 5]
    assert [list(part) for part in split_dataset_n_random(range(10), 3, seed=0)] == [[2, 8, 4], [9, 1, 6], [7, 3, 0]]
    _, test = get_cross_validation_datasets_random(range(10), 5, seed=0)[0]
    assert list(test) == [0, 5]


def test_without_a_seed_the_seed_of_chainette_counts():
    parts = []
    for seed in (1, 1, 2):
        chainette.seed(seed)
        parts.append(list(split_dataset_random(range(100), 50)[0]))
    chainette.seed(None)
    assert parts[0] == parts[1] != parts[2]


def test_the_parts_of_arrays_take_whole_batches():
    for part in split_dataset_random(np.arange(10), 4, seed=1):
        assert part.take([1, 0]).tolist() == [part[1], part[0]]


def test_the_parts_share_one_order():
    parts = split_dataset_n_random(range(10), 5, seed=1)
    assert len({id(part._order) for part in parts}) == 1


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda wrong: split_dataset([1, 2, 3], wrong), "split_dataset: split_at"),
        (lambda wrong: split_dataset_random([1, 2, 3], wrong), "split_dataset_random: first_size"),
        (lambda wrong: split_dataset_n([1, 2, 3], wrong), "split_dataset_n: n"),
        (lambda wrong: split_dataset_n_random([1, 2, 3], wrong), "split_dataset_n_random: n"),
        (lambda wrong: get_cross_validation_datasets([1, 2, 3], wrong), "get_cross_validation_datasets: n_folds"),
        (
            lambda wrong: get_cross_validation_datasets_random([1, 2, 3], wrong),
            "get_cross_validation_datasets_random: n_folds",
        ),
    ],
)
@pytest.mark.parametrize("wrong", [-1, 4, 0.8, "1", None])
def test_a_size_or_number_must_fit_the_dataset(call, named, wrong):
    with pytest.raises(ArgumentError, match=rf"{named}={wrong!r} \(expected a whole number from [01] to 3\)"):
        call(wrong)


def test_an_empty_dataset_has_no_parts():
    for call in (split_dataset_n, get_cross_validation_datasets):
        with pytest.raises(ArgumentError, match="expected a dataset that is not empty"):
            call([], 1)
    assert [list(part) for part in split_dataset([], 0)] == [[], []]


def test_a_wrong_order_is_refused_by_the_name_of_the_function():
    with pytest.raises(ShapeError, match="split_dataset: order has 2 numbers"):
        split_dataset([1, 2, 3], 1, [0, 1])
    with pytest.raises(ArgumentError, match="split_dataset_n: order names example 3"):
        split_dataset_n([1, 2, 3], 1, [0, 1, 3])
    with pytest.raises(DtypeError, match="get_cross_validation_datasets: order"):
        get_cross_validation_datasets([1, 2, 3], 3, [0.5, 1, 2])


@pytest.mark.parametrize("wrong", [-1, 2**32, 0.5])
def test_a_seed_must_be_one(wrong):
    with pytest.raises(ArgumentError, match="split_dataset_random: seed="):
        split_dataset_random([1, 2], 1, seed=wrong)


def test_the_former_name_of_n_folds_is_told():
    for call in (get_cross_validation_datasets, get_cross_validation_datasets_random):
        with pytest.raises(TypeError, match="n_fold= is gone: write n_folds="):
            call([1, 2], n_fold=2)
