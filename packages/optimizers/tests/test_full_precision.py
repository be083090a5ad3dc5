"""use_fp32_update: half precision parameters that are updated in float32."""

import copy

import numpy as np
import pytest

import chainette
from chainette_optimizers import SGD, Adam, MomentumSGD
from chainette_optimizers.hooks import WeightDecay
from chainette_optimizers.sgd import SGDRule


def half(*values, grad=None):
    param = chainette.Parameter(np.array(values, np.float16))
    param.grad = np.array(grad if grad is not None else np.ones(len(values)), np.float16)
    return param


def in_float32(optimizer):
    optimizer.use_fp32_update()
    return optimizer


def test_steps_too_small_for_half_precision_add_up():
    plain, exact = half(1), half(1)
    SGD(lr=1e-4).setup([plain])
    in_float32(SGD(lr=1e-4).setup([exact]))
    for _ in range(100):
        plain.update()
        exact.update()
    assert plain.array[0] == 1
    assert exact.array[0] == np.float16(0.99)
    np.testing.assert_allclose(exact.update_rule.state["fp32_param"], [0.99], rtol=1e-5)


def test_it_may_be_asked_for_before_setup_and_on_one_rule_and_ended():
    W, b = half(1), half(1)
    optimizer = MomentumSGD()
    optimizer.use_fp32_update()
    optimizer.setup([W, b])
    b.update_rule.use_fp32_update(False)
    optimizer.update()
    assert (list(W.update_rule.state), list(b.update_rule.state)) == (["v", "fp32_param"], ["v"])
    b.update_rule.use_fp32_update()  # on the way
    optimizer.update()
    assert list(b.update_rule.state) == ["v", "fp32_param"]
    optimizer.use_fp32_update(False)
    optimizer.update()
    assert list(W.update_rule.state) == list(b.update_rule.state) == ["v"]
    MomentumSGD().setup([W])
    W.update()
    assert list(W.update_rule.state) == ["v"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_other_dtypes_are_updated_as_they_are(dtype):
    W = chainette.Parameter(np.ones(2, dtype))
    W.grad = np.ones(2, dtype)
    optimizer = in_float32(Adam().setup([W]))
    optimizer.add_hook(lambda optimizer: seen.append(W.dtype), name="see")
    seen = []
    optimizer.update()
    assert seen == [dtype]
    assert list(W.update_rule.state) == ["m", "v"]


def test_hooks_see_float32_and_afterwards_the_arrays_are_those_from_before():
    W = half(1, 2, grad=[1, -1])
    array, grad = W.array, W.grad
    optimizer = in_float32(SGD(lr=0.5).setup([W]))
    seen = []

    def each(rule, param):
        seen.append((param.array.dtype, param.grad.dtype, param.array.tolist()))

    each.call_for_each_param = True
    optimizer.add_hook(each)
    optimizer.add_hook(lambda optimizer: each(None, W), name="whole", timing="post")
    W.update_rule.add_hook(each)
    optimizer.add_hook(WeightDecay(0.25), name="decay")
    optimizer.update()
    assert [entry[:2] for entry in seen] == [(np.float32, np.float32)] * 3
    assert seen[-1][2] == [0.375, 2.25]
    assert W.array is array
    assert W.grad is grad
    assert (array.tolist(), grad.tolist()) == ([0.375, 2.25], [1.25, -0.5])


def test_an_error_leaves_the_half_precision_arrays_in_place():
    W, b = half(1), half(1)
    array, grad = W.array, W.grad
    optimizer = in_float32(SGD(lr=0.5).setup([W, b]))
    b.update_rule.add_hook(lambda rule, param: 1 / 0, name="fail")
    with pytest.raises(ZeroDivisionError):
        optimizer.update()
    assert W.array is array
    assert W.grad is grad
    assert (W.array[0], b.array[0], b.array.dtype) == (0.5, 1, np.float16)


def test_a_hook_may_replace_array_and_gradient():
    W = half(1, 2)

    def replace(rule, param):
        param.array = param.array * 10
        param.grad = np.full(2, 2, np.float32)

    def clear(rule, param):
        param.cleargrad()

    in_float32(SGD(lr=0.5).setup([W]))
    W.update_rule.add_hook(replace)
    W.update()
    assert W.array.tolist() == W.update_rule.state["fp32_param"].tolist() == [9, 19]
    assert W.grad.tolist() == [2, 2]
    W.update_rule.remove_hook("replace")
    W.update_rule.add_hook(clear, timing="post")
    W.update()
    assert W.array.tolist() == [8, 18]
    assert W.grad is None


def test_what_is_written_to_the_parameter_between_two_steps_counts_and_nothing_else_is_rounded():
    W = half(1, 1, 1, grad=[1e-4, 1e-4, 1e-4])
    optimizer = in_float32(SGD(lr=1).setup([W]))
    optimizer.update()
    W.array[1] = 5
    W.array[2] = np.nan
    optimizer.update()
    copied = W.update_rule.state["fp32_param"]
    np.testing.assert_allclose(copied, [0.9998, 4.9999, np.nan], rtol=1e-6)
    optimizer.update()
    np.testing.assert_allclose(copied, [0.9997, 4.9998, np.nan], rtol=1e-6)


def test_an_unscaled_gradient_that_half_precision_cannot_hold_is_no_error():
    W = half(0, grad=[60000])
    optimizer = in_float32(SGD(lr=1e-6).setup([W]))
    optimizer.add_hook(lambda optimizer: W.grad.__imul__(2), name="double")
    optimizer.update()
    assert W.grad[0] == np.inf
    np.testing.assert_allclose(W.array, [-0.12], rtol=1e-3)


def test_the_copy_is_saved_and_a_resumed_run_goes_on_exactly(model_class, save, load):
    def started():
        model = model_class(W=half(1, 2), open=chainette.Parameter(np.float16(0)))
        return in_float32(MomentumSGD(lr=1e-4).setup(model))

    def train(optimizer):
        W = optimizer.target.named["W"]
        for _ in range(7):
            W.grad = np.cos(W.array)
            optimizer.update()
        return W

    optimizer, other = started(), started()
    train(optimizer)
    entries = save(optimizer)
    assert entries["W/fp32_param"].dtype == np.float32
    assert save(started()).keys() == entries.keys()
    other.target.named["W"].array[...] = optimizer.target.named["W"].array
    load(entries, other)
    W, V = train(optimizer), train(other)
    np.testing.assert_array_equal(W.array, V.array)
    np.testing.assert_array_equal(W.update_rule.state["fp32_param"], V.update_rule.state["fp32_param"])


def test_a_file_without_copies_is_loaded_where_missing_keys_are_allowed(model_class, save, load):
    plain = MomentumSGD().setup(model_class(W=half(1, 2)))
    plain.update()
    optimizer = in_float32(MomentumSGD().setup(model_class(W=half(3, 4))))
    load(save(plain), optimizer, strict=False)
    state = optimizer.target.named["W"].update_rule.state
    assert state["fp32_param"].tolist() == [3, 4]
    np.testing.assert_array_equal(state["v"], save(plain)["W/v"])


def test_a_rule_alone_does_it_too_and_a_copy_of_it_is_independent():
    W = half(1)
    W.update_rule = SGDRule(lr=1e-4)
    W.update_rule.use_fp32_update()
    W.update()
    V = copy.deepcopy(W)
    V.grad = W.grad.copy()
    V.update()
    assert W.update_rule.state["fp32_param"][0] > V.update_rule.state["fp32_param"][0]


def test_a_parameter_that_was_open_is_updated_in_float32_once_it_has_a_shape():
    W = chainette.Parameter(chainette.initializers.Constant(1, dtype=np.float16))
    optimizer = in_float32(SGD(lr=1e-4).setup([W]))
    optimizer.update()
    W.initialize((2,))
    W.grad = np.ones(2, np.float16)
    optimizer.update()
    np.testing.assert_allclose(W.update_rule.state["fp32_param"], 0.9999, rtol=1e-6)
