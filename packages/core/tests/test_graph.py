"""The rules of the graph: what is walked, in which order, what is kept, and who owns a gradient."""

import gc
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest

import chainette
from chainette import Function, Parameter, Variable, operators
from chainette.errors import FunctionError, GraphError, ReleasedGraphError


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


# -- ownership of gradients ---------------------------------------------------------------------------------------


def test_two_leaves_never_share_gradient_memory():
    a, b = Variable(np.ones(3)), Variable(np.ones(3))
    y = a + b
    y.grad = seed = np.ones(3)
    y.backward()
    assert not np.shares_memory(a.grad, b.grad)
    a.grad += 1
    assert b.grad.tolist() == seed.tolist() == [1, 1, 1]


def test_an_array_that_backward_returns_but_somebody_holds_is_copied():
    held = np.ones(3)

    class Careless(Function):
        def forward(self, x):
            self.retain(mask=held)
            return (x * held).sum()

        def backward(self, gy):
            return held

    x = Variable(np.zeros(3))
    y = Careless().apply(x)
    y.backward()
    y.backward()
    assert held.tolist() == [1, 1, 1]
    assert x.grad.tolist() == [2, 2, 2]


def test_a_broadcast_view_is_copied_so_that_a_leaf_s_gradient_is_writable():
    x = Variable(np.ones((2, 3)))
    x.sum().backward()
    x.grad[0, 0] = 7
    assert x.grad.tolist() == [[7, 1, 1], [1, 1, 1]]


def test_a_gradient_that_nothing_else_holds_is_not_copied(monkeypatch):
    copies = []
    copy = operators.copy
    monkeypatch.setattr(operators, "copy", lambda *args: (copies.append(args), copy(*args))[1])
    x, W = Variable(np.ones((2, 3))), Variable(np.ones((3, 4)))
    (x @ W * 2).sum().backward()
    assert copies == []


def test_a_gradient_that_the_user_holds_is_not_changed_by_the_next_backward():
    x = Variable(np.ones(2))
    y = (x * 2).sum()
    y.backward()
    held, held_variable = x.grad, x.grad_var
    y.backward()
    assert held.tolist() == held_variable.array.tolist() == [2, 2]
    assert x.grad.tolist() == [4, 4]


def test_gradients_add_up_in_place_where_nobody_sees_it():
    x = Variable(np.ones(2))
    y = (x * 2).sum()
    y.backward()
    address = x.grad.ctypes.data
    y.backward()
    assert x.grad.ctypes.data == address


# -- double backprop ----------------------------------------------------------------------------------------------


def test_gradients_can_be_differentiated_to_any_order():
    x = Variable(np.array(2.0))
    y = x**5
    derivatives = []
    for _ in range(5):
        (y,) = chainette.grad([y], [x], enable_double_backprop=True)
        derivatives.append(y.item())
    assert derivatives == [80, 160, 240, 240, 120]


def test_backward_can_record_itself():
    x = Variable(np.array(3.0))
    (x * x * x).backward(enable_double_backprop=True)
    first = x.grad_var
    x.cleargrad()
    first.backward()
    assert x.grad == 18


def test_grad_leaves_every_other_gradient_alone():
    x, w = Variable(np.array(2.0)), Variable(np.array(5.0))
    h = x * w
    y = h * h
    gx, gh = chainette.grad([y], [x, h])
    assert (gx.item(), gh.item()) == (100, 20)
    assert x.grad is None
    assert w.grad is None
    assert h.grad is None
    assert chainette.grad([y], [Variable(np.array(1.0))]) == [None]


def test_grad_takes_starts_extras_and_sets_on_request():
    x = Variable(np.ones(2))
    y = x * 3
    (gx,) = chainette.grad(
        [y], [x], [Variable(np.array([1.0, 2.0]))], [Variable(np.array([10.0, 10.0]))], set_grad=True
    )
    assert gx.array.tolist() == x.grad.tolist() == [13, 16]
    assert chainette.grad([x], [x])[0].array.tolist() == [1, 1]


def test_grad_walks_only_what_lies_between():
    Probe.log.clear()
    x, other = Variable(np.array(1.0)), Variable(np.array(1.0))
    chainette.grad([Probe("wanted").apply(x) * Probe("not wanted").apply(other)], [x])
    assert Probe.log == ["wanted"]


def test_a_leaf_whose_array_was_replaced_is_differentiated_at_the_old_one():
    x = Variable(np.array(3.0))
    y = x * x * x
    x.array = np.array(100.0)
    (gx,) = chainette.grad([y], [x], enable_double_backprop=True)
    (ggx,) = chainette.grad([gx], [x])
    assert (gx.item(), ggx.item()) == (27, 18)


# -- cutting and releasing ----------------------------------------------------------------------------------------


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


# -- size and memory ----------------------------------------------------------------------------------------------


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


# -- what functions may return ------------------------------------------------------------------------------------


def returning(*gradients):
    class Returns(Function):
        def forward(self, x):
            return x * 1

        def backward(self, gy):
            return gradients[0] if len(gradients) == 1 else gradients

    return Returns()


def test_a_wrong_number_of_gradients_is_an_error_that_names_the_function():
    y = returning(None, None).apply(Variable(np.ones(2)))
    with pytest.raises(FunctionError, match="returns: backward returned 2 gradients"):
        y.sum().backward()


def test_a_gradient_of_an_impossible_shape_is_an_error_that_names_the_function():
    y = returning(Variable(np.ones(5))).apply(Variable(np.ones(2)))
    with pytest.raises(FunctionError, match=r"returns: .*\(5,\) for an input of \(2,\)"):
        y.sum().backward()


def test_a_broadcast_or_promoted_gradient_is_summed_and_cast():
    x = Variable(np.ones(2, "f"))
    y = returning(Variable(np.ones((3, 2), "d"))).apply(x)
    y.sum().backward()
    assert x.grad.dtype == np.float32
    assert x.grad.tolist() == [3, 3]


def test_a_plain_array_is_taken_as_a_gradient():
    x = Variable(np.ones(2))
    returning(np.array([1.0, 2.0])).apply(x).sum().backward()
    assert x.grad.tolist() == [1, 2]


def test_an_error_in_backward_says_where_and_what_was_reached():
    class Fails(Function):
        def forward(self, x):
            return x * 1

        def backward(self, gy):
            raise ValueError("on purpose")

    early, late = Variable(np.ones(2), name="early"), Variable(np.ones(2), name="late")
    y = (Fails().apply(early) * late).sum()
    with pytest.raises(ValueError, match="on purpose") as caught:
        y.backward()
    assert caught.value.__notes__ == ["in the backward of fails. Leaves reached before it: late."]
    assert late.grad is not None
    assert early.grad is None


def test_integer_outputs_cut_the_graph():
    x = Variable(np.array([0.5, 1.5]))
    assert not x.astype("i").requires_grad


def test_two_threads_walk_at_the_same_time():
    errors = []

    def work(seed):
        try:
            for i in range(200):
                x = Variable(np.full(5, float(seed + i)))
                with chainette.no_backprop_mode() if seed % 2 else chainette.force_backprop_mode():
                    time.sleep(0)
                    y = (x * x).sum()
                    assert y.requires_grad == (seed % 2 == 0)
                if seed % 2 == 0:
                    y.backward()
                    assert x.grad.tolist() == [2 * (seed + i)] * 5
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
