"""Batches, one after the other."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import chainette
from chainette.dataset import Batch
from chainette.datasets import TupleDataset
from chainette.errors import ArgumentError
from chainette.iterators import OrderSampler, SerialIterator, ShuffleOrderSampler
from chainette.serializers import load_npz, save_npz


@given(st.integers(1, 12), st.integers(1, 30), st.booleans())
def test_each_epoch_has_every_example_once(length, batch_size, shuffle):
    iterator = SerialIterator(list(range(length)), batch_size, shuffle=shuffle)
    seen = [i for _ in range(4 * length) for i in iterator.next()]
    for start in range(0, len(seen) - length + 1, length):
        assert sorted(seen[start : start + length]) == list(range(length))


@given(st.integers(1, 12), st.integers(1, 12))
def test_what_an_iterator_says_of_itself_agrees_with_what_it_gave(length, batch_size):
    iterator = SerialIterator(list(range(length)), batch_size)
    assert (iterator.epoch, iterator.epoch_detail, iterator.previous_epoch_detail) == (0, 0, None)
    given_so_far = 0
    for _ in range(3 * length):
        before = iterator.epoch_detail
        given_so_far += len(iterator.next())
        assert iterator.epoch_detail == pytest.approx(given_so_far / length)
        assert iterator.epoch == given_so_far // length
        assert iterator.previous_epoch_detail == before
        assert iterator.is_new_epoch == (iterator.epoch > int(before + 1e-9))


def test_without_repetition_it_ends_with_what_is_left_until_it_is_reset():
    iterator = SerialIterator([1, 2, 3], 2, repeat=False, shuffle=False)
    assert list(iterator) == [[1, 2], [3]]
    with pytest.raises(StopIteration):
        iterator.next()
    iterator.reset()
    assert list(iterator) == [[1, 2], [3]]
    assert list(SerialIterator([], 2, repeat=False)) == []


def test_the_seed_decides_the_order():
    def order():
        chainette.seed(3)
        return [i for _ in range(10) for i in SerialIterator(list(range(20)), 10).next()]

    assert order() == order()
    own = [SerialIterator(list(range(20)), 20, order_sampler=ShuffleOrderSampler(5)).next() for _ in range(2)]
    assert own[0] == own[1] != sorted(own[0])


def test_an_order_sampler_says_which_examples_come():
    class OddOnes(OrderSampler):
        def __call__(self, current_order, current_position):
            return np.arange(1, 6, 2)

    iterator = SerialIterator(list(range(6)), 2, order_sampler=OddOnes())
    assert [iterator.next() for _ in range(3)] == [[1, 3], [5, 1], [3, 5]]


def test_arrays_and_datasets_of_whole_arrays_give_their_columns_at_once():
    assert isinstance(SerialIterator(np.eye(4), 2).next(), Batch)

    batch = SerialIterator(TupleDataset(np.arange(4), np.eye(4)), 3, shuffle=False).next()
    np.testing.assert_array_equal(batch.columns[0], [0, 1, 2])


@pytest.mark.parametrize("sampler", [None, 7], ids=["the common source", "its own"])
@pytest.mark.parametrize("steps", [0, 1, 4, 9])
def test_a_loaded_iterator_goes_on_where_the_saved_one_was(tmp_path, sampler, steps):
    def made():
        order_sampler = None if sampler is None else ShuffleOrderSampler(sampler)
        return SerialIterator(list(range(7)), 3, order_sampler=order_sampler)

    chainette.seed(1)
    iterator = made()
    for _ in range(steps):
        iterator.next()
    save_npz(tmp_path / "iterator", iterator)
    state = chainette.random.get_state()
    expected = [(iterator.next(), iterator.epoch_detail, iterator.is_new_epoch) for _ in range(9)]

    chainette.seed(2)
    other = made()
    other.next()
    load_npz(tmp_path / "iterator", other)
    chainette.random.set_state(state)
    assert (other.previous_epoch_detail is None) == (steps == 0)
    assert [(other.next(), other.epoch_detail, other.is_new_epoch) for _ in range(9)] == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1], 0), "batch_size=0"),
        (([], 1), "the dataset is empty"),
        (([1], 1, True, True, ShuffleOrderSampler()), "both shuffle and order_sampler"),
    ],
)
def test_wrong_arguments_are_errors(arguments, words):
    with pytest.raises(ArgumentError, match=words):
        SerialIterator(*arguments)
