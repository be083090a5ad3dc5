"""Recurrent links: the state, initial values, trees, wrong arguments."""

import copy
import pickle

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette import Parameter, Variable, to_device, using_config
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.initializers import Orthogonal
from chainette.testing import fake_backend, isolated_plugins
from chainette.testing.link_cases import DictionarySerializer
from chainette_links import Chain

STATEFUL = {
    "LSTM": lambda: L.LSTM(3, 2),
    "Peephole": lambda: L.StatefulPeepholeLSTM(3, 2),
    "Zoneout": lambda: L.StatefulZoneoutLSTM(3, 2, 0.0, 0.0),
    "GRU": lambda: L.GRU(3, 2),
    "StatefulGRU": lambda: L.StatefulGRU(3, 2),
    "MGU": lambda: L.StatefulMGU(3, 2),
}
EACH = pytest.mark.parametrize("make", STATEFUL.values(), ids=STATEFUL)
X = np.random.default_rng(0).standard_normal((3, 4, 3)).astype("f")


def states_of(link):
    return [link.h] if not hasattr(link, "c") else [link.c, link.h]


def give(link, *states):
    link.set_state(*states) if hasattr(link, "c") else link.set_state(states[-1])


def same(ys, others):
    for y, other in zip(ys, others, strict=True):
        np.testing.assert_array_equal(y.array, other.array)


# The state


@EACH
def test_the_state_goes_on_from_call_to_call_until_it_is_reset(make):
    link = make()
    assert states_of(link) == [None] * len(states_of(link))
    first = [link(x) for x in X]
    assert link.h is first[-1]
    assert (first[1].array != link(X[1]).array).any()
    link.reset_state()
    assert states_of(link) == [None] * len(states_of(link))
    same([link(x) for x in X], first)


@EACH
def test_a_state_that_was_set_goes_on_and_gets_gradients(make):
    link, other = make(), make()
    other.copyparams(link)
    for x in X[:2]:
        link(x)
    states = [Variable(state.array) for state in states_of(link)]
    give(other, *states)
    same([link(X[2])], [other(X[2])])
    F.sum(other.h).backward()
    assert all((state.grad != 0).all() for state in states)
    give(other, *[state.array for state in states])
    assert isinstance(other.h, Variable)


@pytest.mark.filterwarnings("error")
@EACH
def test_a_state_may_be_a_parameter_of_another_link(make):
    link, start = make(), [Parameter(0.5, (4, 2)), Parameter(0.5, (4, 2))]
    give(link, *start)
    F.sum(link(X[0])).backward()
    assert start[1].grad is not None
    assert len(list(link.params())) == len(list(make().params()))


@EACH
def test_gradients_flow_through_the_steps_until_they_are_cut(make):
    link, x = make(), Variable(X[0])
    link(x)
    F.sum(link(X[1])).backward()
    assert (x.grad != 0).any()
    x.cleargrad()
    y = link(X[2])
    y.unchain_backward()
    F.sum(link(X[0])).backward()
    assert x.grad is None


@EACH
def test_copies_go_on_by_themselves_from_the_state_there_was(make):
    link = make()
    link(X[0])
    expected = copy.deepcopy(link)(X[1])
    for duplicate in (lambda each: each.copy(), lambda each: each.copy("copy"), copy.deepcopy):
        copied, before = duplicate(link), states_of(link)
        same([copied(X[1])], [expected])
        assert all(state is old for state, old in zip(states_of(link), before, strict=True))
    same([pickle.loads(pickle.dumps(link))(X[1])], [expected])
    anew = link.copy("init")
    assert states_of(anew) == [None] * len(before)
    assert link.h is not None


@EACH
def test_deep_copies_know_nothing_of_the_graph(make):
    link = make()
    link(X[0])
    copied = copy.deepcopy(link)
    F.sum(copied(X[1])).backward()
    assert all(p.grad is None for p in link.params())


@EACH
def test_the_state_is_not_saved(make):
    link, before, after = make(), {}, {}
    link.serialize(DictionarySerializer(before))
    link(X[0])
    link.serialize(DictionarySerializer(after))
    assert set(before) == set(after) == {path.lstrip("/") for path, _ in link.namedparams()}


@EACH
def test_the_state_moves_with_the_link(make):
    with isolated_plugins(fake_backend.plugin, installed=True):
        link = make()
        expected = [copy.deepcopy(link)(X[0])]
        first, model = link(X[0]), Chain(part=link)
        model.to_device("fake:1")
        assert {str(state.device) for state in states_of(link)} == {"fake:1"}
        assert str(first.device) == "cpu"
        y = link(to_device(X[1], "fake:1"))
        F.sum(y).backward()
        assert {str(p.grad_var.device) for p in link.params() if p.grad is not None} == {"fake:1"}
        model.to_cpu()
        assert {str(state.device) for state in states_of(link)} == {"cpu"}
        link.reset_state()
        same([link(X[0])], expected)
        link.reset_state()
        assert states_of(link.to_device("fake:0")) == [None] * len(states_of(link))


@EACH
def test_a_copy_moves_without_the_other(make):
    with isolated_plugins(fake_backend.plugin, installed=True):
        link = make()
        link(X[0])
        link.copy("copy").to_device("fake:1")
        assert {str(state.device) for state in states_of(link)} == {"cpu"}


@EACH
def test_a_state_from_another_device_comes_over_with_its_gradient(make):
    with isolated_plugins(fake_backend.plugin, installed=True):
        link, start = make().to_device("fake:1"), [Variable(np.ones((4, 2), "f")) for _ in range(2)]
        give(link, *start)
        assert {str(state.device) for state in states_of(link)} == {"fake:1"}
        F.sum(link(to_device(X[0], "fake:1"))).backward()
        assert isinstance(start[1].grad, np.ndarray)


@EACH
def test_a_batch_that_does_not_fit_the_state_is_told_and_changes_nothing(make):
    link = make()
    link(X[0, :2])
    before = states_of(link)
    with pytest.raises(ShapeError, match=r"x has 4 rows \(expected .*2, as the state has\). Call reset_state\(\)"):
        link(X[0])
    assert all(state is old for state, old in zip(states_of(link), before, strict=True))
    if not isinstance(link, L.LSTM):
        with pytest.raises(ShapeError, match="x has 1 rows"):
            link(X[0, :1])


def test_sequences_that_are_over_keep_their_state():
    link, alone = L.LSTM(3, 2), L.LSTM(3, 2)
    alone.copyparams(link)
    lengths = [3, 1, 0]
    for t in range(3):
        y = link(X[t, : sum(length > t for length in lengths)]) if t else link(X[t, :2])
    assert y.shape == (1, 2)
    for i, length in enumerate(lengths[:2]):
        alone.reset_state()
        for t in range(length):
            alone(X[t, i : i + 1])
        np.testing.assert_allclose(link.h.array[i], alone.h.array[0], rtol=1e-5)
        np.testing.assert_allclose(link.c.array[i], alone.c.array[0], rtol=1e-5)
    assert link(X[0, :0]).shape == (0, 2)
    assert (link.c.shape, link.h.shape) == ((2, 2), (2, 2))


@pytest.mark.parametrize("make", [STATEFUL["LSTM"], STATEFUL["Zoneout"], STATEFUL["Peephole"]])
def test_a_state_that_does_not_fit_is_told_and_changes_nothing(make):
    link, good = make(), np.ones((4, 2), "f")
    link(X[0])
    before = states_of(link)
    for c, h, error, says in (
        (good[:, :1], good, ShapeError, r"set_state: c has shape \(4, 1\) \(expected \(batch, 2\)\)"),
        (good, good[0], ShapeError, r"set_state: h has shape \(2,\) \(expected \(batch, 2\)\)"),
        (good, good[:3], ShapeError, "set_state: c has 4 rows but h has 3"),
        (good, good.astype("i"), DtypeError, "set_state: h is int32"),
    ):
        with pytest.raises(error, match=says):
            link.set_state(c, h)
    assert all(state is old for state, old in zip(states_of(link), before, strict=True))


def test_a_state_of_one_dtype_is_kept():
    for dtype in ("float16", "float64"):
        with using_config("dtype", dtype):
            links = [make() for make in STATEFUL.values()]
        for link in links:
            for x in X.astype(dtype):
                link(x)
            assert {state.dtype.name for state in states_of(link)} == {dtype}


# Initial values and sizes


@pytest.mark.parametrize("make", [L.LSTM, L.StatelessLSTM])
def test_the_forget_gates_are_open_at_first(make):
    link = make(5, 3)
    assert link.upward.b.array.reshape(3, 4).T.tolist() == [[0] * 3, [0] * 3, [1] * 3, [0] * 3]
    link = make(5, 3, bias_init=7, forget_bias_init=9)
    assert link.upward.b.array.reshape(3, 4).T.tolist() == [[7] * 3, [7] * 3, [9] * 3, [7] * 3]


@pytest.mark.parametrize("in_size", [5, None])
def test_each_gate_is_initialized_by_itself(in_size):
    link = L.LSTM(in_size, 3, lateral_init=Orthogonal(2.0), upward_init=Orthogonal(1.0), forget_bias_init=4)
    link(np.ones((1, 5), "f"))
    for copied in (link, link.copy("init")):
        assert copied.upward.b.array[2::4].tolist() == [4] * 3
        for gate in range(4):
            W, U = copied.upward.W.array[gate::4], copied.lateral.W.array[gate::4]
            np.testing.assert_allclose(W @ W.T, np.eye(3), atol=1e-5)
            np.testing.assert_allclose(U @ U.T, 4 * np.eye(3), atol=1e-5)
    assert (copied.upward.W.array != link.upward.W.array).any()


def test_initial_weights_have_the_deviation_of_their_inputs(seeded):
    link = L.LSTM(100, 50)
    assert abs(link.upward.W.array.std() * 10 - 1) < 0.05
    assert abs(link.lateral.W.array.std() * np.sqrt(50) - 1) < 0.05


def test_arrays_of_initial_values_are_those_of_each_gate():
    values = np.arange(6.0).reshape(2, 3)
    link = L.LSTM(3, 2, upward_init=values)
    for gate in range(4):
        np.testing.assert_array_equal(link.upward.W.array[gate::4], values)


def test_initializers_are_those_given():
    link = L.StatefulGRU(3, 2, init=1, inner_init=2, bias_init=3)
    values = {path: set(p.array.ravel().tolist()) for path, p in link.namedparams()}
    for name, W in (("W", 1), ("U", 2)):
        for gate in ("", "_r", "_z"):
            assert (values[f"/{name}{gate}/W"], values[f"/{name}{gate}/b"]) == ({W}, {3})


def test_one_size_alone_is_the_number_of_units():
    for link in (L.LSTM(2), L.StatelessLSTM(2)):
        assert not link.upward.W.is_initialized
        assert link.lateral.W.shape == (8, 2)
    with pytest.raises(TypeError, match=r"StatelessLSTM: out_size is missing. Write StatelessLSTM\(in_size, out_size"):
        L.StatelessLSTM(None)


# Zoneout


def test_zoneout_keeps_random_elements_in_training(seeded):
    link = L.StatefulZoneoutLSTM(3, 200, c_ratio=0.25, h_ratio=0.75)
    c, h = np.full((4, 200), 5, "f"), np.full((4, 200), 6, "f")
    link.set_state(c, h)
    link(X[0])
    assert abs((link.c.array == 5).mean() - 0.25) < 0.05
    assert abs((link.h.array == 6).mean() - 0.75) < 0.05
    with chainette.test_mode():
        link.set_state(c, h)
        link(X[0])
    assert not (link.c.array == 5).any()
    assert not (link.h.array == 6).any()


# Trees


@pytest.mark.parametrize("make", [L.ChildSumTreeLSTM, L.NaryTreeLSTM])
def test_the_gradient_of_a_tree_reaches_its_leaves(make):
    node, leaves = make(3, 2), [Variable(x) for x in X]
    none = () if make is L.ChildSumTreeLSTM else (None,) * 4
    (c1, h1), (c2, h2), (c3, h3) = (node(*none, leaf) for leaf in leaves)
    c, h = node(c1, c2, h1, h2, None)
    F.sum(node(c, c3, h, h3, None)[1]).backward()
    assert all((leaf.grad != 0).all() for leaf in leaves)


def test_the_children_of_a_sum_have_no_order():
    node = L.ChildSumTreeLSTM(3, 2)
    (c1, h1), (c2, h2), (c3, h3) = (node(x) for x in X)
    one, other = node(c1, c2, c3, h1, h2, h3, X[0]), node(c3, c1, c2, h3, h1, h2, X[0])
    for y, same_y in zip(one, other, strict=True):
        np.testing.assert_allclose(y.array, same_y.array, rtol=1e-5)


# Wrong arguments

A, H = X[0], np.ones((4, 2), "f")

WRONG = [
    ("gru h and x", lambda: L.GRU(3, 2)(H, A), ArgumentError, "GRU: got 2 arguments .* StatelessGRU takes h and x"),
    ("gru nothing", lambda: L.GRU(3, 2)(), ArgumentError, "GRU: got 0 arguments"),
    ("stateless gru", lambda: L.StatelessGRU(3, 2)(H[:1], A), ShapeError, r"StatelessGRU: x has 4 rows \(expected 1"),
    ("stateless mgu", lambda: L.StatelessMGU(3, 2)(H[:1], A), ShapeError, r"StatelessMGU: x has 4 rows \(expected 1"),
    ("stateless lstm", lambda: L.StatelessLSTM(3, 2)(H, H[:1], A), ShapeError,
     r"StatelessLSTM: h has 1 rows \(expected 4"),
    ("stateless lstm c", lambda: L.StatelessLSTM(3, 2)(H[:1], H, A), ShapeError, r"lstm: x has shape \(4, 8\)"),
    ("zoneout train", lambda: L.StatefulZoneoutLSTM(3, 2, train=True), TypeError, "the argument train= is gone"),
    ("zoneout ratio", lambda: L.StatefulZoneoutLSTM(3, 2, 1.5)(A), ArgumentError, r"zoneout: ratio=1\.5"),
    ("tree arguments", lambda: L.ChildSumTreeLSTM(3, 2)(H, H), ArgumentError,
     r"ChildSumTreeLSTM: got 2 arguments \(expected as many cells as outputs, and x\)"),
    ("tree nothing", lambda: L.ChildSumTreeLSTM(3, 2)(None, None, None), ArgumentError, "every argument is None"),
    ("tree open", lambda: L.ChildSumTreeLSTM(None, 2)(H, H, None), ArgumentError, "x is None, but in_size is open"),
    ("tree rows", lambda: L.ChildSumTreeLSTM(3, 2)(H[:1], H, A), ShapeError, r"tree_lstm: x has shape \(4, 8\)"),
    ("n-ary", lambda: L.NaryTreeLSTM(3, 2, n_ary=0), ArgumentError, "NaryTreeLSTM: n_ary=0"),
    ("n-ary arguments", lambda: L.NaryTreeLSTM(3, 2, n_ary=3)(H, H, A), ArgumentError,
     r"NaryTreeLSTM: got 3 arguments \(expected 3 cells, 3 outputs, and x\)"),
    ("n-ary nothing", lambda: L.NaryTreeLSTM(3, 2)(*[None] * 5), ArgumentError, "every argument is None"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
