"""Sequences of several lengths: laws, and edges that a row of the tables cannot say."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
import chainette_functions as F
from chainette import Variable


def sequences(lengths, width=2, start=0.0):
    """Sequences of those lengths, in which no number is twice."""
    starts = np.cumsum([0, *lengths]) * width + start
    return [
        np.arange(first, first + length * width).reshape(length, width)
        for first, length in zip(starts, lengths, strict=False)
    ]


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_transposing_twice_changes_nothing(lengths):
    xs = [Variable(x) for x in sequences(sorted(lengths, reverse=True))]
    steps = F.transpose_sequence(xs)
    again = F.transpose_sequence(steps)
    assert [len(step) for step in steps] == [sum(length > t for length in lengths) for t in range(max(lengths))]
    F.sum(F.concat(again, axis=0) ** 2).backward()
    for x, y in zip(xs, again, strict=True):
        np.testing.assert_array_equal(x.array, y.array)
        np.testing.assert_array_equal(x.grad, 2 * x.array)


@settings(deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=6), st.integers(0, 3))
def test_what_was_padded_can_be_cut_out_again(lengths, more):
    xs = [Variable(x) for x in sequences(lengths)]
    y = F.pad_sequence(xs, max(lengths) + more, padding=-1)
    assert y.shape == (len(xs), max(lengths) + more, 2)
    assert (y.array == -1).sum() == 2 * sum(max(lengths) + more - length for length in lengths)
    F.sum(y * y).backward()
    for x, row in zip(xs, y, strict=True):
        np.testing.assert_array_equal(row.array[: len(x)], x.array)
        np.testing.assert_array_equal(x.grad, 2 * x.array)


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=6))
def test_transposing_is_padding_read_by_columns(lengths):
    xs = sequences(sorted(lengths, reverse=True))
    columns = F.separate(F.pad_sequence(xs), axis=1)
    for step, column in zip(F.transpose_sequence(xs), columns, strict=True):
        np.testing.assert_array_equal(step.array, column.array[: len(step)])


def test_sequences_that_are_all_empty_have_no_steps():
    assert F.transpose_sequence([np.ones((0, 2)), np.ones((0, 2))]) == ()
    assert F.pad_sequence([np.ones((0, 2))]).shape == (1, 0, 2)
    assert F.pad_sequence([np.ones((0, 2))], 3, 7).array.tolist() == [[[7, 7]] * 3]


def test_labels_keep_their_dtype():
    xs = [np.array([1, 2], "i2"), np.array([3], "i2")]
    y = F.pad_sequence(xs, padding=-1)
    assert y.array.tolist() == [[1, 2], [3, -1]]
    assert y.dtype == "i2"
    assert [step.dtype for step in F.transpose_sequence(xs)] == ["i2", "i2"]
    assert F.pad_sequence([np.array([True]), np.array([], "?")]).array.tolist() == [[True], [False]]


@pytest.mark.parametrize(("dtype", "extreme"), [("u1", 255), ("i1", -128), ("i1", 127), ("i8", 2**62), ("u8", 0)])
def test_padding_may_be_any_value_of_the_dtype(dtype, extreme):
    assert F.pad_sequence([np.zeros(0, dtype)], 1, extreme).array.tolist() == [[extreme]]


def test_sequences_may_be_padded_with_infinity():
    assert F.pad_sequence([np.zeros(1), np.zeros(0)], padding=-np.inf).array.tolist() == [[0], [-np.inf]]


def test_steps_that_nothing_was_computed_from_have_a_gradient_of_zeros():
    xs = [Variable(x) for x in sequences([3, 1])]
    F.sum(F.transpose_sequence(xs)[1]).backward()
    assert [x.grad.tolist() for x in xs] == [[[0, 0], [1, 1], [0, 0]], [[0, 0]]]


def test_a_gradient_of_one_padded_sequence_alone_can_be_differentiated():
    a, b = (Variable(x) for x in sequences([2, 3], start=1.0))
    y = F.pad_sequence([a, b])
    (gb,) = chainette.grad([F.sum(y**3)], [b], enable_double_backprop=True)
    (ggb,) = chainette.grad([F.sum(gb)], [b])
    np.testing.assert_allclose(ggb.array, 6 * b.array)
