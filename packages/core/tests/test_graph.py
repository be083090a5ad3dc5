"""The rules of the graph: what is walked, in which order, what is kept, and who owns a gradient."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import chainette
from chainette import Function, Parameter, Variable, operators
from chainette.errors import GraphError, ReleasedGraphError


class Halves(Function):
    """The two halves of a vector."""

    def forward(self, x):
        return x[: len(x) // 2], x[len(x) // 2 :]

    def backward(self, *gys):
        self.got = tuple(gy is not None for gy in gys)
        zero = Variable(np.zeros(self.output_types[0][0]), requires_grad=False)
        return Joined().apply(*(zero if gy is None else gy for gy in gys))


class Joined(Function):
    def forward(self, a, b):
        return np.concatenate([a, b])


class Probe(Function):
    """x, noting when backward passes by."""

    log: list[str] = []  # noqa: RUF012  (cleared by each test that reads it)

    def __init__(self, name=""):
        self.mark = name

    def forward(self, x):
        return x.copy()

    def backward(self, gy):
        Probe.log.append(self.mark)
        return gy


def test_gradients_of_a_diamond_add_up():
    x = Variable(np.array(3.0))
    y = x * x
    (y * y + y).backward()
    assert x.grad == 4 * 3**3 + 2 * 3


def test_functions_are_walked_from_the_last_applied_to_the_first():
    Probe.log.clear()
    x = Variable(np.array(1.0))
    a, b = Probe("a").apply(x), Probe("b").apply(x)
    c = Probe("c").apply(a)
    (b + c + a).backward()
    assert Probe.log == ["c", "b", "a"]


def test_a_second_backward_adds_to_the_leaves_again():
    x = Variable(np.ones(2))
    y = (x * 3).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [6, 6]


def test_a_missing_gradient_of_one_output_arrives_as_none():
    x = Variable(np.arange(4.0))
    function = Halves()
    a, _ = function.apply(x)
    a.sum().backward()
    assert function.got == (True, False)
    assert x.grad.tolist() == [1, 1, 0, 0]


def test_gradients_set_on_sibling_outputs_start_the_walk_together():
    x = Variable(np.arange(4.0))
    a, b = Halves().apply(x)
    a.grad, b.grad = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    a.backward()
    assert x.grad.tolist() == [1, 2, 3, 4]


def test_a_gradient_set_on_an_intermediate_variable_is_where_its_backward_starts():
    x = Variable(np.ones(2))
    y = x * 2
    y.grad = np.array([1.0, 10.0])
    y.backward()
    assert x.grad.tolist() == [2, 20]
    assert y.grad.tolist() == [1, 10]


def test_intermediate_gradients_are_kept_only_on_request():
    x = Variable(np.ones(2))
    y = x * 2
    z = (y * 3).sum()
    z.backward()
    assert y.grad is None
    z.backward(retain_grad=True)
    assert y.grad.tolist() == [3, 3]


def test_several_outputs_are_walked_at_once():
    x = Variable(np.ones(2))
    y = x * 2
    chainette.backward([y.sum(), (y * y).sum()])
    assert x.grad.tolist() == [2 + 8, 2 + 8]


def test_backward_without_a_start_or_a_graph_is_an_error():
    x = Variable(np.ones(2))
    with pytest.raises(GraphError, match=r"Set y\.grad"):
        (x * 2).backward()
    with chainette.no_backprop_mode():
        y = (x * 2).sum()
    with pytest.raises(GraphError, match="no graph behind"):
        y.backward()
    with pytest.raises(GraphError, match="no graph behind"):
        Variable(np.array(1)).backward()


def test_a_leaf_s_own_backward_gives_one():
    x = Variable(np.array(5.0))
    x.backward()
    assert x.grad == 1


def test_unchain_backward_makes_leaves_of_all_that_lies_behind():
    x = Variable(np.ones(2))
    h = x * 2
    y = h * 3
    y.unchain_backward()
    assert y.creator is None
    assert h.creator is None
    (y * h).sum().backward()
    assert x.grad is None
    assert y.grad.tolist() == [2, 2]
    assert h.grad.tolist() == [6, 6]


def test_unchain_cuts_one_place_also_for_what_was_computed_before():
    x = Variable(np.ones(2))
    h = x * 2
    y = (h * 3).sum()
    h.unchain()
    y.backward()
    assert x.grad is None
    assert h.grad.tolist() == [3, 3]


def test_unchaining_one_output_leaves_the_other_connected():
    x = Variable(np.arange(4.0))
    a, b = Halves().apply(x)
    a.unchain()
    (a * b).sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 1]
    assert a.grad.tolist() == [2, 3]


def test_truncated_backprop_walks_back_to_the_cut_only():
    w = Variable(np.array(2.0))
    h = Variable(np.array(1.0), requires_grad=False)
    for step in range(1, 7):
        h = h * w
        if step % 3 == 0:
            w.cleargrad()
            h.backward()
            h.unchain_backward()
    assert w.grad == 3 * 2**2 * 2**3


def test_release_frees_and_a_second_walk_is_an_error():
    x = Variable(np.ones(2))
    y = (x * x + x).sum()
    y.backward(release=True)
    assert x.grad.tolist() == [3, 3]
    with pytest.raises(ReleasedGraphError, match="gone"):
        y.backward()


def test_an_instance_is_applied_once():
    add = operators.Add()
    add.apply(Variable(np.ones(2)), 1)
    with pytest.raises(GraphError, match="applied before"):
        add.apply(Variable(np.ones(2)), 1)


def test_dropping_a_variable_drops_its_array_unless_a_function_kept_it():
    x = Variable(np.ones(1000))
    y = x + 1
    array = weakref.ref(y.array)
    z = y * 2.0
    del y
    assert array() is None, "a product with a number needs no operand"
    y = x + 1
    array = weakref.ref(y.array)
    z = y * y
    del y
    assert array() is not None
    z.sum().backward(release=True)
    assert array() is None


def test_a_chain_of_100000_functions_goes_forward_backward_and_away():
    x = Variable(np.array(1.0))
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad == 1
    del y


def test_a_chain_that_records_its_own_walk_is_freed_without_recursion():
    x = Variable(np.array(1.0))
    y = x
    for _ in range(20_000):
        y = y * 1.0
    y.backward(enable_double_backprop=True)
    x.cleargrad()
    del y


def test_no_reference_cycles_keep_memory():
    w = Parameter(0.5, (10, 10))
    x = np.ones((4, 10), "f")

    def step():
        y = x @ w
        loss = (y * y).sum() / 4
        w.cleargrad()
        loss.backward()

    gc.collect()
    gc.disable()
    try:
        tracemalloc.start()
        for _ in range(5_000):  # fills Python's own free lists
            step()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10_000):
            step()
        grown = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        assert grown < 20_000, f"{grown} bytes were not freed"
        assert gc.collect() == 0
    finally:
        gc.enable()
