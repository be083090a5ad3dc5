"""Copies: what they share, and that what stands in two places still does."""

import copy
import pickle

import numpy as np
import pytest

import chainette_links as L
from chainette import Parameter
from chainette.errors import ArgumentError
from chainette_links import Chain, ChainList, Link, Sequential


def network():
    model = Chain(l1=L.Linear(3, 2), rest=ChainList(L.Linear(2, 2), Sequential(L.Linear(2, 1), np.tanh)))
    model.l1.add_persistent("mean", np.ones(2))
    for p in model.params():
        p.grad = np.ones_like(p.array)
    return model


def pairs(a, b):
    return list(zip(a.params(), b.params(), strict=True))


def through_pickle(link):
    return pickle.loads(pickle.dumps(link))


COPIES = {
    "share": lambda link: link.copy(),
    "copy": lambda link: link.copy("copy"),
    "init": lambda link: link.copy("init"),
    "deepcopy": copy.deepcopy,
    "pickle": through_pickle,
}
every_copy = pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)


@every_copy
def test_a_copy_has_links_and_parameters_of_its_own_under_the_same_paths(duplicate):
    model = network()
    copied = duplicate(model)
    assert [name for name, _ in copied.namedparams()] == [name for name, _ in model.namedparams()]
    assert repr(copied) == repr(model)
    assert not {id(link) for link in model.links()} & {id(link) for link in copied.links()}
    assert not {id(p) for p in model.params()} & {id(p) for p in copied.params()}
    copied.l1.b = None
    copied.rest.append(L.Linear(1, 1))
    assert len(list(model.params())) == 6
    assert len(model.rest) == 2


def test_share_shares_arrays_gradients_and_persistents():
    model = network()
    copied = model.copy()
    for mine, other in pairs(copied, model):
        assert mine.array is other.array
        assert mine.grad is other.grad
    assert copied.l1.mean is model.l1.mean


@pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle"])
def test_the_other_copies_are_equal_and_share_no_memory(way):
    model = network()
    copied = COPIES[way](model)
    for mine, other in pairs(copied, model):
        np.testing.assert_array_equal(mine.array, other.array)
        np.testing.assert_array_equal(mine.grad, other.grad)
        assert not np.shares_memory(mine.array, other.array)
        assert not np.shares_memory(mine.grad, other.grad)
    assert copied.l1.mean.tolist() == [1, 1]
    assert not np.shares_memory(copied.l1.mean, model.l1.mean)


def test_init_draws_anew_and_has_no_gradients():
    model = network()
    copied = model.copy("init")
    assert (copied.l1.W.array != model.l1.W.array).any()
    assert copied.l1.b.array.tolist() == [0, 0]
    assert all(p.grad is None for p in copied.params())
    assert not any(np.shares_memory(mine.array, other.array) for mine, other in pairs(copied, model))


def test_init_of_a_parameter_made_from_an_array_starts_from_its_values():
    model = L.Parameter(np.arange(3.0))
    copied = model.copy("init")
    assert copied.W.array.tolist() == [0, 1, 2]
    assert not np.shares_memory(copied.W.array, model.W.array)


@every_copy
def test_open_parameters_stay_open_and_then_go_their_own_way(duplicate):
    model = L.Linear(None, 2)
    copied = duplicate(model)
    copied(np.ones((1, 3), "f"))
    assert copied.W.shape == (2, 3)
    assert not model.W.is_initialized


@every_copy
def test_what_stands_in_two_places_does_so_in_the_copy(duplicate):
    layer, W = L.Linear(2, 2), Parameter(0, (1,))
    model = Chain(a=layer, list=ChainList(layer, Link()), sequence=Sequential(layer, layer))
    for link in (model, model.list[1]):
        with link.init_scope():
            link.W = W
    copied = duplicate(model)
    assert copied.a is copied.list[0] is copied.sequence[0] is copied.sequence[1]
    assert copied.a is not layer
    assert copied.W is copied.list[1].W
    assert copied.W is not W
    assert copied.count_params() == 7


@pytest.mark.parametrize("mode", ["share", "copy", "init"])
def test_a_copied_part_has_no_name_and_the_parts_below_keep_theirs(mode):
    model = Chain(inner=Chain(l1=L.Linear(1, 1)))
    copied = model.inner.copy(mode)
    assert copied.name is None
    assert copied.l1.name == "l1"
    assert model.inner.name == "inner"


def test_another_mode_is_an_error():
    with pytest.raises(ArgumentError, match=r"mode='deep' \(expected one of 'share', 'copy', 'init'\)"):
        Link().copy("deep")


@pytest.mark.parametrize(
    ("mode", "same_array", "same_values"), [("init", False, False), ("copy", False, True), ("share", True, True)]
)
def test_repeat_gives_a_sequential_of_copies(mode, same_array, same_values):
    layer = L.Linear(3, 3, nobias=True)
    model = layer.repeat(2, mode)
    assert isinstance(model, Sequential)
    assert [name for name, _ in model.namedparams()] == ["/0/W", "/1/W"]
    for each in model:
        assert each is not layer
        assert np.shares_memory(each.W.array, layer.W.array) is same_array
        assert (each.W.array == layer.W.array).all() == same_values
    assert len(layer.repeat(0)) == 0


def test_init_copies_forget_the_update_rule_and_the_others_keep_one():
    layer = L.Linear(1, 1)
    layer.W.update_rule = {"kind": "rule"}
    assert layer.copy("init").W.update_rule is None
    assert layer.copy("copy").W.update_rule == {"kind": "rule"}
    assert layer.copy("copy").W.update_rule is not layer.W.update_rule


def test_a_pickled_link_computes_the_same():
    model = network().l1
    x = np.ones((2, 3), "f")
    np.testing.assert_array_equal(through_pickle(model)(x).array, model(x).array)
