"""What a link hands to a serializer, and takes from it."""

import numpy as np
import pytest

import chainette_links as L
from chainette_links import Chain, ChainList, Sequential


class Saver:
    """The least a serializer must do: write into a dictionary."""

    def __init__(self, entries, path=""):
        self.entries, self.path = entries, path

    def __getitem__(self, key):
        return type(self)(self.entries, f"{self.path}{key}/")

    def __call__(self, key, value):
        assert self.path + key not in self.entries, f"{self.path}{key} is written twice"
        self.entries[self.path + key] = None if value is None else np.array(value)
        return value


class Loader(Saver):
    """Reads from a dictionary, into the arrays that are there."""

    def __call__(self, key, value):
        stored = self.entries[self.path + key]
        if isinstance(value, np.ndarray):
            value[...] = stored
            return value
        return stored if value is None else type(value)(stored)


def saved(link):
    entries = {}
    link.serialize(Saver(entries))
    return entries


def network(in_size=3):
    model = Chain(l1=L.Linear(in_size, 2), rest=ChainList(L.Linear(2, 2), Sequential(np.tanh, L.Linear(2, 1))))
    model.l1.add_persistent("mean", np.zeros(2))
    model.add_persistent("count", 0)
    return model


def test_entries_are_named_by_paths():
    assert list(saved(network())) == [
        "count", "l1/W", "l1/b", "l1/mean", "rest/0/W", "rest/0/b", "rest/1/1/W", "rest/1/1/b",
    ]  # fmt: skip


def test_a_round_trip_fills_the_arrays_that_are_there():
    source, target = network(), network()
    source.l1.mean[...] = 3
    source.count = 8
    arrays = [p.array for p in target.params()]
    mean = target.l1.mean
    target.serialize(Loader(saved(source)))
    for p, array, other in zip(target.params(), arrays, source.params(), strict=True):
        assert p.array is array
        np.testing.assert_array_equal(array, other.array)
    assert target.l1.mean is mean
    assert (mean.tolist(), target.count) == ([3, 3], 8)


def test_open_parameters_take_the_shape_that_was_saved():
    source, target = network(), network(in_size=None)
    target.serialize(Loader(saved(source)))
    np.testing.assert_array_equal(target.l1.W.array, source.l1.W.array)
    x = np.ones((1, 3), "f")
    np.testing.assert_array_equal(target.l1(x).array, source.l1(x).array)


def test_what_was_open_when_saved_stays_open():
    source, target = network(in_size=None), network(in_size=None)
    entries = saved(source)
    assert entries["l1/W"] is None
    target.serialize(Loader(entries))
    assert not target.l1.W.is_initialized


def test_entries_do_not_depend_on_where_else_a_layer_was_put():
    model = Sequential(L.Linear(1, 1), L.Linear(1, 1), L.Linear(1, 1))
    before = list(saved(model))
    model[1:], model + model, model.flatten(), ChainList(model[2])
    assert list(saved(model)) == before
    assert [f"/{key}" for key in before] == [name for name, _ in model.namedparams()]


@pytest.mark.parametrize("make", [lambda a: Chain(a=a, b=a), lambda a: ChainList(a, a), lambda a: Sequential(a, a)])
def test_a_layer_in_two_places_is_saved_in_both_and_stays_one(make):
    source, target = make(L.Linear(1, 1)), make(L.Linear(1, 1))
    entries = saved(source)
    assert len(entries) == 4
    target.serialize(Loader(entries))
    first, second = target.children()
    assert first is second
    np.testing.assert_array_equal(first.W.array, next(source.children()).W.array)
