"""Datasets that are made of others: indexing, whole batches at once, wrong arguments."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
from chainette.errors import ArgumentError, ArrayTypeError, ChainetteError, DtypeError, ShapeError
from chainette.testing import fake_backend, isolated_plugins
from chainette_training import datasets
from chainette_training.datasets import (
    ConcatenatedDataset,
    DictDataset,
    SubDataset,
    TransformDataset,
    TupleDataset,
)
from chainette_training.datasets.dataset_mixin import DatasetMixin

LETTERS = ["a", "b", "c", "d", "e", "f"]

# each dataset beside the list that it must be like
DATASETS = [
    (TupleDataset(LETTERS, range(6)), list(zip(LETTERS, range(6), strict=True))),
    (DictDataset(letter=LETTERS), [{"letter": letter} for letter in LETTERS]),
    (ConcatenatedDataset(LETTERS[:1], [], LETTERS[1:4], LETTERS[4:], []), LETTERS),
    (SubDataset(LETTERS, 1, 4), ["b", "c", "d"]),
    (SubDataset(LETTERS, 2, 5, order=[5, 4, -3, 2, 1, 0]), ["d", "c", "b"]),
    (SubDataset(SubDataset(LETTERS, 1, 6), 1, 3), ["c", "d"]),
    (TransformDataset(LETTERS, str.upper), ["A", "B", "C", "D", "E", "F"]),
    (ConcatenatedDataset(), []),
    (SubDataset(LETTERS, 3, 3), []),
]
NAMES = [f"{type(dataset).__name__}-{len(dataset)}" for dataset, _ in DATASETS]

either_kind = pytest.mark.parametrize(("dataset", "reference"), DATASETS, ids=NAMES)


@either_kind
@settings(deadline=None)
@given(index=st.integers(-9, 9))
def test_a_whole_number_finds_what_it_finds_in_a_list(dataset, reference, index):
    if -len(reference) <= index < len(reference):
        assert dataset[index] == dataset[np.int8(index)] == dataset[np.array(index)] == reference[index]
    else:
        with pytest.raises(IndexError, match=rf"there is no example {index} \(there are {len(reference)}\)") as caught:
            dataset[index]
        assert isinstance(caught.value, ChainetteError)


@either_kind
@settings(deadline=None)
@given(index=st.slices(9))
def test_a_slice_finds_what_it_finds_in_a_list(dataset, reference, index):
    assert dataset[index] == reference[index]


@either_kind
@settings(deadline=None)
@given(data=st.data())
def test_a_list_or_an_array_of_numbers_finds_a_list_of_examples(dataset, reference, data):
    length = len(reference)
    one = st.integers(-length, length - 1) if length else st.nothing()
    indices = data.draw(st.lists(one))
    assert dataset[indices] == [reference[i] for i in indices]
    assert dataset[np.array(indices, np.int32)] == [reference[i] for i in indices]


@either_kind
def test_an_iteration_gives_each_example_once(dataset, reference):
    assert list(dataset) == reference
    assert len(dataset) == len(reference)


@either_kind
def test_a_number_out_of_range_in_a_list_is_an_index_error(dataset, reference):
    for wrong in (len(reference), -len(reference) - 1):
        with pytest.raises(IndexError, match=f"no example {wrong} "):
            dataset[[wrong]]
        with pytest.raises(IndexError, match=f"no example {wrong} "):
            dataset[np.array([wrong])]


@either_kind
@pytest.mark.parametrize("wrong", [[0.0], [True], np.array([True, False]), ["a"], [[0], [0, 1]]])
def test_indices_that_are_no_whole_numbers_are_refused(dataset, reference, wrong):
    with pytest.raises(DtypeError, match="whole numbers"):
        dataset[wrong]


@either_kind
def test_indices_of_two_axes_are_refused(dataset, reference):
    with pytest.raises(ShapeError, match=r"shape \(1, 1\) \(expected one axis\)"):
        dataset[[[0]]]


@either_kind
@pytest.mark.parametrize("wrong", ["a", 0.0, None, (0,)])
def test_what_is_no_index_is_a_type_error_as_for_a_list(dataset, reference, wrong):
    with pytest.raises(TypeError):
        dataset[wrong]


@pytest.mark.parametrize("dataset", [d for d, _ in DATASETS if not isinstance(d, TransformDataset)] + [DatasetMixin()])
def test_a_dataset_survives_pickle(dataset):
    again = pickle.loads(pickle.dumps(dataset))
    assert type(again) is type(dataset)
    if type(dataset) is not DatasetMixin:
        assert list(again) == list(dataset)


def test_what_a_subclass_must_write_is_said():
    with pytest.raises(NotImplementedError, match="must have __len__"):
        len(DatasetMixin())
    with pytest.raises(NotImplementedError, match="must have get_example"):
        DatasetMixin().get_example(0)


def test_an_index_error_inside_of_get_example_does_not_end_an_iteration_in_silence():
    class Broken(DatasetMixin):
        def __len__(self):
            return 3

        def get_example(self, i):
            return [0][i]

    with pytest.raises(IndexError):
        list(Broken())


# take

X, T = np.arange(12.0).reshape(6, 2), np.arange(6)


def test_a_tuple_dataset_of_arrays_takes_a_batch_as_arrays():
    x, t = TupleDataset(X, T).take([3, 0, -1])
    np.testing.assert_array_equal(x, X[[3, 0, 5]])
    np.testing.assert_array_equal(t, [3, 0, 5])


def test_a_dict_dataset_of_arrays_takes_a_batch_as_arrays():
    taken = DictDataset(x=X, t=T).take(np.array([3, 0, -1]))
    assert list(taken) == ["x", "t"]
    np.testing.assert_array_equal(taken["x"], X[[3, 0, 5]])
    np.testing.assert_array_equal(taken["t"], [3, 0, 5])


@pytest.mark.parametrize(
    "dataset",
    [
        TupleDataset(X, list(T)),
        DictDataset(x=X, t=list(T)),
        TupleDataset(X, TupleDataset(T)),
        SubDataset(list(T), 0, 3),
        SubDataset(TupleDataset(X, list(T)), 0, 3),
        ConcatenatedDataset(X, X),
        TransformDataset(TupleDataset(X), lambda example: example),
    ],
    ids=lambda dataset: type(dataset).__name__,
)
def test_where_not_all_is_arrays_nothing_is_taken(dataset):
    assert dataset.take([0]) is None


def test_a_part_takes_what_the_whole_would_in_its_own_order():
    part = SubDataset(TupleDataset(X, T), 1, 4, order=[5, 4, 3, 2, 1, 0])
    x, t = part.take([0, -1])
    assert t.tolist() == [4, 2] == [part[0][1], part[-1][1]]
    np.testing.assert_array_equal(x, X[[4, 2]])
    assert SubDataset(T, 2, 5).take([0, 2]).tolist() == [2, 4]
    assert SubDataset(SubDataset(T, 1, 6), 1, 3).take([1]).tolist() == [3]
    assert SubDataset(DictDataset(t=T), 4, 6).take([0])["t"].tolist() == [4]


@pytest.mark.parametrize("dataset", [TupleDataset(T), DictDataset(t=T), SubDataset(T, 0, 6)])
@pytest.mark.parametrize("wrong", [6, -7])
def test_to_take_what_is_not_there_is_an_index_error(dataset, wrong):
    with pytest.raises(IndexError, match=f"no example {wrong} "):
        dataset.take([0, wrong])


@pytest.mark.parametrize("dataset", [TupleDataset(T), SubDataset(T, 0, 6)])
def test_nothing_can_be_taken_too(dataset):
    taken = dataset.take([])
    assert len(taken[0] if isinstance(taken, tuple) else taken) == 0


class Doubled(TupleDataset):
    def get_example(self, i):
        return tuple(2 * x for x in super().get_example(i))


class DoubledOutside(TupleDataset):
    def __getitem__(self, index):
        return tuple(2 * x for x in super().__getitem__(index))


class Doubling:
    def get_example(self, i):
        return tuple(2 * x for x in super().get_example(i))


class DoubledByMixin(Doubling, TupleDataset):
    pass


class OfOneArray(TupleDataset):
    def __init__(self, array):
        super().__init__(array)


class WithItsOwnTake(Doubled):
    def take(self, indices):
        return tuple(2 * x for x in TupleDataset.take(self, indices))


@pytest.mark.parametrize("kind", [Doubled, DoubledOutside, DoubledByMixin])
def test_a_subclass_that_changes_examples_is_not_gone_past(kind):
    assert kind(T)[1] == (2,)
    assert kind(T).take([1]) is None


def test_a_subclass_that_changes_no_examples_or_says_how_to_take_them_keeps_what_it_has():
    assert OfOneArray(T).take([1])[0].tolist() == [1]
    assert WithItsOwnTake(T).take([1])[0].tolist() == [2]


def test_arrays_of_a_device_are_taken_there():
    with isolated_plugins(fake_backend.plugin, installed=True):
        device = chainette.get_device("fake:1")
        x, t = device.send(X), device.send(T)
        taken_x, taken_t = TupleDataset(x, t).take([3, -1])
        assert type(taken_x) is type(x)
        assert chainette.backend.device_of(taken_x) == device
        np.testing.assert_array_equal(device.backend.to_host(taken_x), X[[3, 5]])
        np.testing.assert_array_equal(device.backend.to_host(taken_t), [3, 5])


# wrong arguments


def test_datasets_of_different_lengths_are_refused_with_all_lengths():
    with pytest.raises(ShapeError, match="TupleDataset: the datasets have 3, 2, 3 examples"):
        TupleDataset([1, 2, 3], [1, 2], [1, 2, 3])
    with pytest.raises(ShapeError, match=r"DictDataset: .*\(x: 3, t: 2\)"):
        DictDataset(x=[1, 2, 3], t=[1, 2])


def test_no_dataset_is_refused():
    for kind in (TupleDataset, DictDataset):
        with pytest.raises(ArgumentError, match="no dataset was given"):
            kind()


def test_a_dict_dataset_may_use_any_name():
    assert DictDataset(self=[1])[0] == {"self": 1}


@pytest.mark.parametrize(
    "make",
    [
        lambda wrong: TupleDataset(wrong),
        lambda wrong: DictDataset(x=wrong),
        lambda wrong: ConcatenatedDataset([1], wrong),
        lambda wrong: SubDataset(wrong, 0, 1),
        lambda wrong: TransformDataset(wrong, str),
        lambda wrong: datasets.split_dataset(wrong, 0),
        lambda wrong: datasets.split_dataset_random(wrong, 0),
    ],
)
@pytest.mark.parametrize("wrong", [iter([1]), np.array(1.0), 3])
def test_what_has_no_length_is_refused(make, wrong):
    with pytest.raises(ArrayTypeError, match="has no length"):
        make(wrong)


def test_a_transform_must_be_a_function():
    with pytest.raises(ArrayTypeError, match=r"transform is a list \(expected a function"):
        TransformDataset([1], [2])


@pytest.mark.parametrize(("start", "finish"), [(-1, 2), (0, 4), (3, 2), (0.0, 2), (0, "2")])
def test_a_part_must_lie_within_the_whole(start, finish):
    with pytest.raises(ArgumentError, match=r"SubDataset: (start|finish)=.* \(expected a whole number from"):
        SubDataset([1, 2, 3], start, finish)


def test_an_order_must_have_a_number_for_each_example():
    with pytest.raises(ShapeError, match=r"order has 2 numbers \(expected 3"):
        SubDataset([1, 2, 3], 0, 2, order=[0, 1])
    with pytest.raises(ShapeError, match="expected one axis"):
        SubDataset([1, 2, 3], 0, 2, order=[[0, 1, 2]])
    with pytest.raises(DtypeError, match="whole numbers"):
        SubDataset([1, 2, 3], 0, 2, order=[0.0, 1.0, 2.0])
    for wrong in (3, -4):
        with pytest.raises(ArgumentError, match=rf"order names example {wrong} \(there are 3\)"):
            SubDataset([1, 2, 3], 0, 2, order=[0, 1, wrong])


def test_an_order_is_kept_as_it_was_given():
    order = np.array([2, 1, 0])
    part = SubDataset([1, 2, 3], 0, 2, order)
    order[:] = 0
    assert list(part) == [3, 2]
    assert order.flags.writeable


def test_the_public_names_are_those_of_chainer_and_the_digits():
    left_out = {"get_cifar100", "get_ptb_words", "get_ptb_words_vocabulary", "get_svhn"}
    chainers = """ConcatenatedDataset DictDataset ImageDataset LabeledImageDataset LabeledZippedImageDataset
        MultiZippedImageDataset SubDataset TextDataset TransformDataset TupleDataset ZippedImageDataset get_cifar10
        get_cifar100 get_cross_validation_datasets get_cross_validation_datasets_random get_fashion_mnist
        get_fashion_mnist_labels get_kuzushiji_mnist get_kuzushiji_mnist_labels get_mnist get_ptb_words
        get_ptb_words_vocabulary get_svhn split_dataset split_dataset_n split_dataset_n_random
        split_dataset_random"""
    assert set(datasets.__all__) == {*chainers.split(), "get_digits"} - left_out
    assert datasets.__all__ == sorted(datasets.__all__)
    assert all(">>>" in getattr(datasets, name).__doc__ for name in datasets.__all__)
