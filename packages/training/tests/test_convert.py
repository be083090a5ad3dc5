"""From a batch of examples to arrays."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from chainette import to_device
from chainette.dataset import Batch, concat_examples
from chainette.errors import ArgumentError, ShapeError
from chainette.testing import fake_backend, isolated_plugins


def test_arrays_and_numbers_become_one_array_with_the_examples_along_its_first_axis():
    np.testing.assert_array_equal(concat_examples([np.array([1, 2]), np.array([3, 4])]), [[1, 2], [3, 4]])
    assert concat_examples([1.5, 2.5]).dtype == np.float64
    assert concat_examples([np.float32(1)]).dtype == np.float32


def test_tuples_become_a_tuple_and_dicts_a_dict():
    x, t = concat_examples([(np.zeros(2, "f"), 1), (np.ones(2, "f"), 2)])
    assert (x.tolist(), x.dtype, t.tolist()) == ([[0, 0], [1, 1]], np.float32, [1, 2])
    found = concat_examples([{"x": 1.0, "t": 2}, {"x": 3.0, "t": 4}])
    assert {name: array.tolist() for name, array in found.items()} == {"x": [1, 3], "t": [2, 4]}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=5))
def test_padding_fills_up_to_the_largest_size_of_each_axis(shapes):
    arrays = [np.full(shape, i + 1.0) for i, shape in enumerate(shapes)]
    out = concat_examples(arrays, padding=-1)
    assert out.shape == (len(shapes), max(a for a, _ in shapes), max(b for _, b in shapes))
    for row, array in zip(out, arrays, strict=True):
        np.testing.assert_array_equal(row[: array.shape[0], : array.shape[1]], array)
        assert (row == -1).sum() == row.size - array.size


def test_each_part_can_have_a_padding_of_its_own():
    batch = [(np.ones(2), np.ones(1)), (np.ones(1), np.ones(3))]
    x, y = concat_examples(batch, padding=(0, 9))
    assert (x.tolist(), y.tolist()) == ([[1, 1], [1, 0]], [[1, 9, 9], [1, 1, 1]])
    found = concat_examples([{"a": a, "b": b} for a, b in batch], padding={"a": 5, "b": 7})
    assert (found["a"].tolist(), found["b"].tolist()) == ([[1, 1], [1, 5]], [[1, 7, 7], [1, 1, 1]])


@pytest.mark.parametrize(
    ("batch", "padding", "error", "words"),
    [
        ([], None, ArgumentError, "the batch is empty"),
        ([np.ones(2), np.ones(3)], None, ShapeError, r"shapes \(2,\), \(3,\).*padding="),
        ([(np.ones(2), 1), (np.ones(3), 1)], None, ShapeError, "part 0 of the examples"),
        ([{"x": np.ones(2)}, {"x": np.ones(3)}], None, ShapeError, "'x' of the examples"),
        ([np.ones(2), np.ones((2, 1))], 0, ShapeError, "shapes"),
        ([(1, 2), (1,)], None, ArgumentError, "not every example is a tuple of 2"),
        ([(1, 2), 3], None, ArgumentError, "not every example is a tuple of 2"),
        ([{"x": 1}, {"y": 1}], None, ArgumentError, r"a dict of \['x'\]"),
        ([(1, 2)], (0,), ArgumentError, "padding has 1 values for tuples of 2"),
    ],
)
def test_what_cannot_be_put_together_is_an_error_that_says_what_came(batch, padding, error, words):
    with pytest.raises(error, match=words):
        concat_examples(batch, padding=padding)


def test_arrays_go_to_the_device_that_is_asked_for():
    with isolated_plugins(fake_backend.plugin):
        x, t = concat_examples([(np.ones(2), 0), (np.ones(2), 1)], "fake:1")
        assert type(x) is type(t) is fake_backend.FakeArray
        x, t = Batch((np.ones((2, 2)), np.arange(2))).to_device("fake:1")
        assert type(x) is type(t) is fake_backend.FakeArray
        there = [to_device(np.ones(2), "fake:0") for _ in range(2)]
        assert type(concat_examples(there)) is fake_backend.FakeArray


@pytest.mark.parametrize(
    "columns",
    [np.arange(6).reshape(3, 2), (np.arange(3), np.eye(3)), {"x": np.arange(3), "t": np.eye(3)}],
    ids=["array", "tuple", "dict"],
)
def test_a_batch_of_columns_is_the_list_of_its_examples(columns):
    batch = Batch(columns)
    examples = list(batch)
    assert len(batch) == len(examples) == 3
    for i in range(-3, 3):
        np.testing.assert_equal(batch[i], examples[i])
    np.testing.assert_equal(batch[::-1], examples[::-1])
    np.testing.assert_equal(concat_examples(batch), concat_examples(examples))
    with pytest.raises(IndexError, match="no example 3"):
        batch[3]
