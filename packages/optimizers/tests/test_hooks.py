"""Hooks: when they are called, with what, and what the two that come with the package do."""

import numpy as np
import pytest

import chainette
from chainette.errors import ArgumentError, ChainetteError, HookError
from chainette_optimizers import SGD
from chainette_optimizers.hooks import GradientClipping, WeightDecay


def parameter(*values, grad=None, dtype=np.float64):
    param = chainette.Parameter(np.array(values, dtype))
    if grad is not None:
        param.grad = np.array(grad, dtype)
    return param


def test_hooks_are_called_before_and_after_in_the_order_in_which_they_were_added():
    W = parameter(1, grad=[1])
    optimizer = SGD(lr=0.5).setup([W])
    calls = []

    def before(optimizer):
        calls.append(("before", optimizer.t, W.array[0]))

    def after(optimizer):
        calls.append(("after", optimizer.t, W.array[0]))

    after.timing = "post"
    optimizer.add_hook(after)
    optimizer.add_hook(before)
    optimizer.add_hook(before, name="again", timing="post")
    optimizer.update()
    assert calls == [("before", 0, 1), ("after", 1, 0.5), ("before", 1, 0.5)]
    optimizer.remove_hook("after")
    optimizer.remove_hook("again")
    calls.clear()
    optimizer.update()
    assert calls == [("before", 1, 0.5)]


def test_a_hook_for_each_parameter_gets_the_rule_and_the_parameter_once(model_class):
    W, b = parameter(1, grad=[1]), parameter(2, grad=[1])
    optimizer = SGD().setup(model_class(l1__W=W, l1__b=b, l2__W=W))
    calls = []

    def hook(rule, param):
        calls.append((rule, param))

    hook.call_for_each_param = True
    optimizer.add_hook(hook)
    optimizer.call_hooks("pre")
    assert calls == [(W.update_rule, W), (b.update_rule, b)]


def test_a_hook_of_a_rule_serves_one_parameter():
    a, b = parameter(1, grad=[1]), parameter(1, grad=[1])
    optimizer = SGD(lr=1).setup([a, b])
    a.update_rule.add_hook(WeightDecay(0.5))
    b.update_rule.add_hook(GradientClipping(0.25))
    b.update_rule.add_hook(lambda rule, param: param.array.fill(9), name="nines", timing="post")
    optimizer.update()
    assert (a.array[0], b.array[0]) == (-0.5, 9)
    b.update_rule.remove_hook("nines")
    optimizer.update()
    assert b.array[0] == 8.75


def test_a_hook_that_is_there_already_is_a_key_error_whatever_its_timing():
    optimizer = SGD().setup([parameter(1)])
    optimizer.add_hook(WeightDecay(0.1))
    with pytest.raises(KeyError, match="'WeightDecay' is there already") as caught:
        optimizer.add_hook(WeightDecay(0.2), timing="post")
    assert isinstance(caught.value, HookError)
    optimizer.add_hook(WeightDecay(0.2), name="more")


def test_a_hook_that_is_not_there_cannot_be_removed():
    optimizer = SGD().setup([parameter(1)])
    optimizer.add_hook(WeightDecay(0.1))
    with pytest.raises(KeyError, match=r"no hook named 'decay' \(there are: WeightDecay\)"):
        optimizer.remove_hook("decay")


def test_a_hook_that_cannot_be_called_is_a_type_error():
    with pytest.raises(TypeError, match="hook is a float") as caught:
        SGD().setup([parameter(1)]).add_hook(0.1, name="decay")
    assert isinstance(caught.value, ChainetteError)


def test_a_hook_without_a_name_or_with_an_unknown_timing_is_a_value_error():
    class Nameless:
        def __call__(self, optimizer):
            pass

    optimizer = SGD().setup([parameter(1)])
    with pytest.raises(ArgumentError, match="has no name"):
        optimizer.add_hook(Nameless())
    optimizer.add_hook(Nameless(), name="it")
    with pytest.raises(ArgumentError, match="timing is 'during'"):
        optimizer.add_hook(Nameless(), name="other", timing="during")
    with pytest.raises(ArgumentError, match="timing is 'during'"):
        optimizer.call_hooks("during")


def test_weight_decay_adds_to_each_gradient_in_place_and_skips_what_has_none():
    W, unused, half = parameter(2, grad=[1]), parameter(1), parameter(4, grad=[1], dtype=np.float16)
    open_shape = chainette.Parameter(0.5)
    gradient = W.grad
    optimizer = SGD(lr=1).setup([W, unused, half, open_shape])
    optimizer.add_hook(WeightDecay(0.5))
    optimizer.update()
    assert W.grad is gradient
    assert (W.grad[0], half.grad[0], unused.grad) == (2, 3, None)
    assert half.grad.dtype == np.float16
    WeightDecay(0.5)(optimizer)
    assert W.grad[0] == 2


def test_clipping_scales_all_gradients_by_one_factor_and_only_down():
    a, b = parameter(0, grad=[3]), parameter(0, 0, grad=[0, 4], dtype=np.float32)
    optimizer = SGD().setup([a, parameter(1), b])
    optimizer.add_hook(GradientClipping(10))
    optimizer.update()
    assert (a.grad[0], b.grad[1]) == (3, 4)
    optimizer.add_hook(GradientClipping(2.5), name="tighter")
    optimizer.update()
    assert (a.grad[0], b.grad[1]) == (1.5, 2)
    assert b.grad.dtype == np.float32


def test_clipping_sums_in_float64_also_where_the_squares_leave_the_dtype():
    W = chainette.Parameter(np.zeros((3, 2), np.float16))
    W.grad = np.full((3, 2), 1000, np.float16)
    SGD().setup([W]).add_hook(GradientClipping(1))
    W.update_rule.add_hook(GradientClipping(6**0.5))
    W.update()
    np.testing.assert_allclose(W.grad, 1, rtol=1e-3)


def test_clipping_leaves_zero_and_scalar_gradients_alone():
    a, b = parameter(1, grad=[0]), chainette.Parameter(np.array(1.0))
    b.grad = np.array(0.0)
    optimizer = SGD().setup([a, b])
    optimizer.add_hook(GradientClipping(1))
    optimizer.update()
    assert (a.grad[0], float(b.grad)) == (0, 0)


@pytest.mark.parametrize("threshold", [0, -1, float("nan")])
def test_a_threshold_that_is_not_above_zero_is_refused(threshold):
    with pytest.raises(ValueError, match="expected a number above 0"):
        GradientClipping(threshold)
