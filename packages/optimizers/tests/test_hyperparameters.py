"""Hyperparameters: inherited, overridden, checked."""

import copy
import pickle

import numpy as np
import pytest

import chainette
from chainette_optimizers import SGD, Adam, Hyperparameter, MomentumSGD


def two_parameters():
    params = [chainette.Parameter(np.zeros(2)), chainette.Parameter(np.zeros(2))]
    for param in params:
        param.grad = np.ones(2)
    return params


def test_setting_the_optimizer_takes_effect_on_every_parameter():
    params = two_parameters()
    optimizer = SGD().setup(params)
    assert optimizer.lr == 0.01
    optimizer.lr = 1.0
    optimizer.update()
    assert [param.array[0] for param in params] == [-1, -1]


def test_one_parameter_may_be_an_exception_until_it_is_deleted():
    params = two_parameters()
    optimizer = SGD(lr=1.0).setup(params)
    params[1].update_rule.hyperparam.lr = 0.5
    optimizer.update()
    optimizer.lr = 2.0
    assert [param.update_rule.hyperparam.lr for param in params] == [2.0, 0.5]
    del params[1].update_rule.hyperparam.lr
    optimizer.update()
    assert [param.array[0] for param in params] == [-3, -2.5]


def test_a_numpy_scalar_widens_nothing():
    W = chainette.Parameter(np.zeros(2, np.float32))
    optimizer = Adam(alpha=np.float64(0.1)).setup([W])
    W.update_rule.hyperparam.beta1 = np.float64(0.5)
    assert type(optimizer.alpha) is type(W.update_rule.hyperparam.beta1) is float
    W.grad = np.ones(2, np.float32)
    optimizer.update()
    assert {W.dtype, *(array.dtype for array in W.update_rule.state.values())} == {np.dtype(np.float32)}


def test_get_dict_and_repr_show_what_counts():
    parent = Hyperparameter(lr=0.1, momentum=0.9)
    child = Hyperparameter(parent, lr=0.5)
    assert child.get_dict() == {"lr": 0.5, "momentum": 0.9}
    assert repr(child) == "Hyperparameter(lr=0.5, momentum=0.9)"
    assert child.parent is parent
    assert repr(MomentumSGD()) == "MomentumSGD(lr=0.01, momentum=0.9)"


def test_a_name_that_is_not_there_is_an_attribute_error_that_names_those_that_are():
    with pytest.raises(AttributeError, match=r"no 'lrr' \(there are: lr, momentum\)"):
        _ = Hyperparameter(Hyperparameter(lr=0.1), momentum=0.9).lrr


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_has_the_same_values_and_is_independent(copied):
    child = Hyperparameter(Hyperparameter(lr=0.1), momentum=0.9)
    other = copied(child)
    other.momentum = 0.5
    assert child.get_dict() == {"lr": 0.1, "momentum": 0.9}
    assert other.get_dict() == {"lr": 0.1, "momentum": 0.5}


@pytest.mark.parametrize("value", ["0.1", None, [chainette.Parameter(np.zeros(1))], np.zeros(2)])
def test_a_hyperparameter_that_is_no_number_is_refused(value):
    with pytest.raises(TypeError, match=r"SGD: lr is a .* \(expected a number\).*setup"):
        SGD(value)
    optimizer = SGD()
    with pytest.raises(TypeError, match="SGD: lr"):
        optimizer.lr = value
    assert optimizer.lr == 0.01


@pytest.mark.parametrize("settings", [{"beta1": 1.0}, {"beta2": 1}, {"beta1": -0.1}, {"eps": -1e-8}, {"beta2": np.nan}])
def test_a_value_with_which_adam_cannot_work_is_refused(settings):
    with pytest.raises(ValueError, match=f"Adam: {next(iter(settings))} is .* .expected 0 <= "):
        Adam(**settings)
