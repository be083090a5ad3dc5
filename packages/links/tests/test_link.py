"""What a Link registers, warns of, walks through and shows."""

import warnings

import numpy as np
import pytest

import chainette_links as L
from chainette import Parameter, initializers
from chainette.errors import ArgumentError
from chainette_links import Chain, ChainList, Link, Sequential


def network():
    """Two named children, of which the second is a list."""
    return Chain(l1=L.Linear(3, 2), deep=ChainList(L.Linear(2, 2, nobias=True), L.Linear(2, 1)))


def names(link):
    return [name for name, _ in link.namedparams()]


def test_paths_are_in_the_order_of_registration():
    model = network()
    assert names(model) == ["/l1/W", "/l1/b", "/deep/0/W", "/deep/1/W", "/deep/1/b"]
    assert [path for path, _ in model.namedlinks()] == ["/", "/l1", "/deep", "/deep/0", "/deep/1"]
    assert [path for path, _ in model.namedlinks(skipself=True)] == ["/l1", "/deep", "/deep/0", "/deep/1"]
    assert [type(link).__name__ for link in model.links()] == ["Chain", "Linear", "ChainList", "Linear", "Linear"]
    assert [link is model for link in model.links(skipself=True)] == [False] * 4
    assert [link.name for link in model.children()] == ["l1", "deep"]
    assert [p.shape for p in model.params()] == [(2, 3), (2,), (2, 2), (1, 2), (1,)]


def test_a_link_s_own_parameters_come_before_those_of_its_children():
    model = Chain(child=L.Linear(2, 2, nobias=True))
    model.add_param("own", (1,))
    assert names(model) == ["/own", "/child/W"]


def test_open_parameters_can_be_left_out():
    model = Chain(open=L.Linear(None, 2), closed=L.Linear(1, 2))
    assert [name for name, _ in model.namedparams(include_uninit=False)] == ["/open/b", "/closed/W", "/closed/b"]
    assert len(list(model.params())) == 4
    assert len(list(model.params(include_uninit=False))) == 3


def test_parameters_given_by_keyword_start_as_nan():
    link = Link(W=(2, 3), b=2, scale=(), wide=((2,), "float64"), later=None)
    assert [p.shape for p in link.params(include_uninit=False)] == [(2, 3), (2,), (), (2,)]
    assert all(np.isnan(p.array).all() for p in link.params(include_uninit=False))
    assert (link.W.dtype, link.wide.dtype) == (np.float32, np.float64)
    assert not link.later.is_initialized


@pytest.mark.parametrize(
    ("initializer", "dtype", "values", "found"),
    [
        (None, None, np.nan, "float32"),
        (None, "float64", np.nan, "float64"),
        (3, None, 3, "float32"),
        (3, "float16", 3, "float16"),
        (initializers.One(), "float64", 1, "float64"),
        (initializers.One("float16"), None, 1, "float16"),
    ],
)
def test_add_param_takes_an_initializer_and_a_dtype(initializer, dtype, values, found):
    link = Link()
    link.add_param("W", (2, 2), dtype, initializer)
    np.testing.assert_array_equal(link.W.array, np.full((2, 2), values))
    assert (link.W.dtype, link.W.name) == (found, "W")


def test_add_param_leaves_the_given_initializer_as_it_was():
    initializer = initializers.Zero()
    Link().add_param("W", (1,), "float64", initializer)
    assert initializer.dtype is None


@pytest.mark.parametrize(
    "register",
    [
        lambda link: link.add_param("taken", (1,)),
        lambda link: link.add_persistent("taken", 1),
        lambda link: link.add_link("taken", L.Linear(1, 1)),
    ],
    ids=["add_param", "add_persistent", "add_link"],
)
def test_a_name_is_registered_once(register):
    link = Chain(taken=L.Linear(1, 1))
    with pytest.raises(ArgumentError, match="an attribute 'taken' already"):
        register(link)
    assert names(link) == ["/taken/W", "/taken/b"]


def test_only_links_are_children():
    with pytest.raises(ArgumentError, match="l1 is a int"):
        Chain(l1=3)
    with pytest.raises(ArgumentError, match="got a str"):
        ChainList("no link")


def test_persistent_values_are_registered_by_either_way():
    link = Link()
    link.add_persistent("mean", np.zeros(2))
    link.count = 0
    link.register_persistent("count")
    assert list(link._persistent) == ["mean", "count"]
    with pytest.raises(ArgumentError, match="no attribute 'other'"):
        link.register_persistent("other")


# Assignment


def test_assignment_inside_init_scope_registers():
    model = Chain()
    with model.init_scope():
        model.W = Parameter(0, (2,))
        model.child = L.Linear(1, 1)
        model.number = 3
    assert names(model) == ["/W", "/child/W", "/child/b"]
    assert (model.W.name, model.child.name) == ("W", "child")


def test_a_parameter_keeps_a_name_it_has():
    link = Link()
    with link.init_scope():
        link.W = Parameter(0, (2,), name="weight")
    assert link.W.name == "weight"
    assert names(link) == ["/W"]


def test_init_scopes_nest_and_end_also_after_an_error():
    link = Link()
    with link.init_scope():
        with link.init_scope():
            link.inner = Parameter(0, (1,))
        assert link.within_init_scope
        link.outer = Parameter(0, (1,))
    assert not link.within_init_scope
    with pytest.raises(ZeroDivisionError), link.init_scope():
        _ = 1 / 0
    assert not link.within_init_scope
    assert names(link) == ["/inner", "/outer"]


def test_the_scope_of_one_link_is_not_that_of_another():
    outer, inner = Chain(), Link()
    with outer.init_scope(), pytest.warns(UserWarning, match="outside init_scope"):
        inner.only_held_here = Parameter(0, (1,))
    assert names(inner) == []


@pytest.mark.parametrize(
    ("kind", "base"),
    [*[("Parameter", base) for base in (Link, Chain, ChainList, Sequential)], ("Link", Chain), ("Link", ChainList)],
)
def test_what_is_assigned_outside_is_held_and_warned_of_once_at_the_user_s_line(kind, base):
    class Mine(base):
        pass

    def hold(link):
        link.held = Parameter(0, (1,)) if kind == "Parameter" else L.Linear(1, 1)

    first, second = Mine(), Mine()
    with pytest.warns(UserWarning, match=rf"Mine\.held: a {kind} .* init_scope.* self\.held = \(held,\)") as caught:
        hold(first)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert caught[0].lineno == hold.__code__.co_firstlineno + 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hold(second)
        hold(first)
    assert names(first) == names(second) == []
    assert isinstance(first.held, (Parameter, Link))


def test_a_borrowed_network_in_a_tuple_is_neither_registered_nor_warned_of():
    model = Chain()
    model.teacher = (L.Linear(2, 2),)
    assert names(model) == []


def test_a_registered_name_stays_registered_when_it_is_assigned_anew():
    model = Chain(l1=L.Linear(3, 2), l2=L.Linear(2, 1))
    model.l1 = L.Linear(3, 2, nobias=True)
    model.l2.W = Parameter(0, (1, 2))
    assert names(model) == ["/l1/W", "/l2/W", "/l2/b"]
    assert model.l1.name == "l1"
    assert model.l2.W.name == "W"


def test_none_or_anything_else_in_its_place_unregisters():
    model = Chain(l1=L.Linear(3, 2), l2=L.Linear(2, 1))
    model.l1 = None
    model.l2.b = None
    assert names(model) == ["/l2/W"]
    assert [link.name for link in model.children()] == ["l2"]


def test_a_child_may_become_a_parameter_and_the_other_way_round():
    model = Chain(a=L.Linear(1, 1))
    with model.init_scope():
        model.a = Parameter(0, (1,))
        model.b = Parameter(0, (1,))
        model.b = L.Linear(1, 1)
    assert names(model) == ["/a", "/b/W", "/b/b"]


def test_deletion_unregisters():
    model = Chain(l1=L.Linear(3, 2), l2=L.Linear(2, 1))
    model.l2.add_persistent("n", 1)
    del model.l1, model.l2.b, model.l2.n
    assert names(model) == ["/l2/W"]
    assert not model.l2._persistent
    with pytest.raises(AttributeError):
        del model.l1


# Chain and ChainList


def test_a_chain_gives_its_children_by_name():
    model = network()
    assert model["l1"] is model.l1
    with pytest.raises(KeyError, match=r"no child 'l3' \(there are: l1, deep\)"):
        model["l3"]


def test_a_chain_list_is_a_list_of_links_whose_names_are_their_positions():
    a, b, c, d = (L.Linear(1, 1) for _ in range(4))
    layers = ChainList(a, b)
    layers.append(c)
    layers.extend([d])
    assert list(layers) == [a, b, c, d]
    assert (len(layers), layers[0], layers[-1], layers[1:3]) == (4, a, d, [b, c])
    layers.insert(1, d)
    layers[0] = c
    del layers[2]
    assert list(layers) == [c, d, c, d]
    assert [path for path, _ in layers.namedlinks(skipself=True)] == ["/0", "/1", "/2", "/3"]
    layers.add_link(a)
    assert a.name == "4"
    with pytest.raises(ArgumentError, match="got a int"):
        layers[0] = 3
    with pytest.raises(IndexError):
        layers[7]


def test_a_chain_list_has_no_children_by_name():
    layers = ChainList()
    with layers.init_scope(), pytest.raises(ArgumentError, match="no names here"):
        layers.l1 = L.Linear(1, 1)
    with layers.init_scope():
        layers.W = Parameter(0, (1,))
    assert names(layers) == ["/W"]


def test_paths_are_those_of_the_place_and_not_of_where_a_link_was_put_last():
    layer = L.Linear(1, 1, nobias=True)
    encoder, decoder = Chain(first=layer), ChainList(L.Linear(1, 1, nobias=True), layer)
    twice = Chain(a=layer, b=layer)
    assert names(encoder) == ["/first/W"]
    assert names(decoder) == ["/0/W", "/1/W"]
    assert names(twice) == ["/a/W", "/b/W"]


# Calling


def test_a_call_is_forward_with_all_arguments():
    class Scaled(Link):
        def forward(self, x, *, by=1):
            return x * by

    assert Scaled()(2, by=3) == 6


def test_a_link_that_computes_nothing_says_so():
    with pytest.raises(TypeError, match=r"Chain computes nothing\. Write a method forward"):
        Chain()(1)
