"""Gradients: who owns them, what functions may return, and gradients of gradients."""

import threading
import time

import numpy as np
import pytest

import chainette
from chainette import Function, FunctionHook, Variable, operators
from chainette.errors import FunctionError


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
    walked = []

    class Probe(Function):
        def __init__(self, name):
            self.mark = name

        def forward(self, x):
            return x.copy()

        def backward(self, gy):
            walked.append(self.mark)
            return gy

    x, other = Variable(np.array(1.0)), Variable(np.array(1.0))
    chainette.grad([Probe("wanted").apply(x) * Probe("not wanted").apply(other)], [x])
    assert walked == ["wanted"]


def test_a_leaf_whose_array_was_replaced_is_differentiated_at_the_old_one():
    x = Variable(np.array(3.0))
    y = x * x * x
    x.array = np.array(100.0)
    (gx,) = chainette.grad([y], [x], enable_double_backprop=True)
    (ggx,) = chainette.grad([gx], [x])
    assert (gx.item(), ggx.item()) == (27, 18)


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


def test_a_gradient_that_a_hook_sets_in_the_middle_of_a_walk_is_added_to_but_not_changed_in_place():
    x, given = Variable(np.array([1.0, 2.0])), np.array([10.0, 20.0])

    class Sets(FunctionHook):
        name = "sets"
        steps = 0

        def backward_postprocess(self, function, in_data, out_grad):
            self.steps += function.name == "mul"
            if function.name == "mul" and self.steps == 3:
                x.grad = given

    y = ((x * 1 + x * 1) + (x * 1 + x * 1)).sum()
    with Sets():
        y.backward()
    assert given.tolist() == [10, 20]
    assert x.grad.tolist() == [12, 22]
