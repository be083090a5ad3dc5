"""What every optimizer does: setup, update, kernels, devices, memory, copies."""

import copy

import numpy as np
import pytest

import chainette
from chainette.errors import ChainetteError, ReleasedGraphError
from chainette_optimizers import SGD, Adam, GradientMethod, Optimizer, UpdateRule
from chainette_optimizers.hooks import WeightDecay
from chainette_optimizers.sgd import SGDRule


def parameter(*values, grad=None, dtype=np.float64):
    param = chainette.Parameter(np.array(values, dtype))
    if grad is not None:
        param.grad = np.array(grad, dtype)
    return param


# -- setup ------------------------------------------------------------------------------------------------------


def test_setup_returns_the_optimizer_and_starts_anew(model_class):
    optimizer = SGD()
    assert (optimizer.target, optimizer.t, optimizer.epoch) == (None, 0, 0)
    model = model_class(W=parameter(1, grad=[1]))
    assert optimizer.setup(model) is optimizer
    assert optimizer.target is model
    optimizer.add_hook(WeightDecay(1))
    optimizer.update()
    optimizer.new_epoch()
    assert (optimizer.t, optimizer.epoch) == (1, 1)
    optimizer.setup(model).add_hook(WeightDecay(1))
    assert (optimizer.t, optimizer.epoch, model.named["W"].update_rule.t) == (0, 0, 0)


@pytest.mark.parametrize("target", [None, 3, np.zeros(2), parameter(1), [parameter(1), np.zeros(2)], "model", SGD])
def test_setup_with_what_has_no_parameters_is_a_type_error(target):
    optimizer = SGD()
    with pytest.raises(TypeError, match=r"setup: .*expected") as caught:
        optimizer.setup(target)
    assert isinstance(caught.value, ChainetteError)
    assert optimizer.target is None


def test_setup_with_the_class_of_a_model_is_a_type_error(model_class):
    with pytest.raises(TypeError, match="got the class Model"):
        SGD().setup(model_class)


@pytest.mark.parametrize(
    "use",
    [
        lambda optimizer: optimizer.update(),
        lambda optimizer: optimizer.add_hook(WeightDecay(0.1)),
        lambda optimizer: optimizer.remove_hook("WeightDecay"),
        lambda optimizer: optimizer.call_hooks(),
        lambda optimizer: optimizer.serialize(None),
    ],
)
def test_using_an_optimizer_before_setup_is_a_runtime_error(use):
    with pytest.raises(RuntimeError, match="Call setup") as caught:
        use(SGD())
    assert isinstance(caught.value, ChainetteError)


def test_an_unfinished_subclass_says_what_to_write():
    with pytest.raises(NotImplementedError, match="GradientMethod"):
        Optimizer().setup([]).update()
    with pytest.raises(NotImplementedError, match="create_update_rule"):
        GradientMethod().setup([parameter(1)])
    param = parameter(1, grad=[1])
    with pytest.raises(NotImplementedError, match="update_core"):
        UpdateRule().update_core(param.array, param.grad)


# -- update -----------------------------------------------------------------------------------------------------


def test_a_loss_function_is_computed_from_cleared_gradients_and_its_graph_released():
    W = parameter(1, 2, grad=[100, 100])
    optimizer = SGD(lr=0.5).setup([W])
    losses = []

    def lossfun(x, *, scale):
        losses.append((W * W * scale * x).sum())
        return losses[-1]

    optimizer.update(lossfun, np.array([1.0, 0.5]), scale=0.5)
    np.testing.assert_array_equal(W.array, [0.5, 1.5])
    with pytest.raises(ReleasedGraphError):
        losses[0].backward()


def test_a_loss_function_that_returns_no_variable_is_a_type_error():
    W = parameter(1)
    with pytest.raises(TypeError, match="lossfun returned a float"):
        SGD().setup([W]).update(lambda: 1.0)


def test_a_parameter_without_a_gradient_or_frozen_or_open_stays_as_it_is(model_class):
    model = model_class(
        trained=parameter(1, grad=[1]),
        unused=parameter(1),
        frozen=parameter(1, grad=[1]),
        open=chainette.Parameter(0.5),
        ruleless=parameter(1, grad=[1]),
    )
    optimizer = Adam().setup(model)
    model.named["frozen"].update_rule.enabled = False
    model.named["ruleless"].update_rule = None
    optimizer.update()
    optimizer.update()
    assert model.named["trained"].array[0] < 1
    assert model.named["trained"].update_rule.t == optimizer.t == 2
    for name in ("unused", "frozen", "ruleless"):
        assert model.named[name].array[0] == 1
    for name in ("unused", "frozen", "open"):
        rule = model.named[name].update_rule
        assert (rule.t, rule.state) == (0, None)


def test_a_parameter_that_was_open_is_updated_once_it_has_a_shape():
    W = chainette.Parameter(0.5)
    optimizer = SGD(lr=1).setup([W])
    optimizer.update()
    W.initialize((2,))
    W.grad = np.ones_like(W.array)
    optimizer.update()
    np.testing.assert_array_equal(W.array, [-0.5, -0.5])
    assert W.update_rule.t == 1


def test_a_parameter_that_two_links_share_is_updated_once(model_class):
    W = parameter(1, grad=[1])
    optimizer = SGD(lr=0.25).setup(model_class(l1__W=W, l2__W=W))
    optimizer.update()
    assert W.array[0] == 0.75
    assert [name for name, _ in optimizer.namedparams()] == ["/l1/W"]


def test_an_error_on_the_way_says_which_parameters_had_been_updated(model_class):
    model = model_class(
        a=parameter(1, grad=[1]), unused=parameter(1), b=parameter(1, grad=[1]), c=parameter(1, grad=[1])
    )
    optimizer = SGD().setup(model)

    def fail(rule, param):
        raise ZeroDivisionError("no")

    model.named["c"].update_rule.add_hook(fail)
    with pytest.raises(ZeroDivisionError) as caught:
        optimizer.update()
    assert caught.value.__notes__ == ["SGD.update: this arose at /c. Updated before it: /a, /b."]
    assert [param.array[0] < 1 for param in model.params()] == [True, False, True, False]
    optimizer.add_hook(lambda optimizer: 1 / 0, name="fail")
    with pytest.raises(ZeroDivisionError) as caught:
        optimizer.update()
    assert caught.value.__notes__ == ["SGD.update: this arose in a hook. Updated before it: nothing."]
    assert optimizer.t == 1


def test_a_rule_works_without_an_optimizer():
    W = parameter(1, grad=[1])
    W.update_rule = SGDRule(lr=0.5)
    W.update()
    assert W.array[0] == 0.5


def test_a_state_that_could_not_be_made_is_tried_again():
    class Fragile(UpdateRule):
        broken = True

        def init_state(self, param):
            self.state["a"] = self.zeros(param)
            if self.broken:
                raise MemoryError
            self.state["b"] = self.zeros(param)

        def update_core(self, array, grad, a, b):
            array -= grad + a + b

    W = parameter(1, grad=[1])
    W.update_rule = Fragile()
    with pytest.raises(MemoryError):
        W.update()
    assert (W.update_rule.state, W.update_rule.t) == (None, 0)
    W.update_rule.broken = False
    W.update()
    assert W.array[0] == 0


# -- kernels and devices ----------------------------------------------------------------------------------------


def test_each_rule_has_a_kernel_table_of_its_own_that_update_goes_through(monkeypatch):
    class Mine(SGDRule):
        pass

    assert SGDRule.kernels.key == "sgd_rule"
    assert Mine.kernels is not SGDRule.kernels
    assert Mine.kernels.key.endswith(":Mine")
    seen = []
    monkeypatch.setitem(SGDRule.kernels, np.ndarray, lambda rule, *arrays: seen.append((rule, arrays)))
    W = parameter(1, grad=[1])
    SGD().setup([W]).update()
    assert seen == [(W.update_rule, (W.array, W.grad))]
    W.update_rule = Mine(lr=0.5)
    W.update()
    assert W.array[0] == 0.5


def test_a_copy_on_another_device_leaves_its_array_module_behind(far):
    W = parameter(1, grad=[1]).to_device(far)
    optimizer = Adam().setup([W])
    optimizer.update()
    state = W.update_rule.__getstate__()
    assert "xp" not in state
    assert copy.deepcopy(W.update_rule).t == 1
