"""Checkpoints that cannot be: errors in the function, functions that do something else when run again, generators."""

import itertools
from functools import partial

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Parameter, Variable, random
from chainette.errors import ArrayTypeError, DeviceError, FunctionError, GraphError
from chainette.testing import fake_backend, isolated_plugins
from chainette_functions.util.recomputing import is_recomputing


def test_an_error_in_the_function_comes_at_once_and_leaves_everything_as_it_was():
    def function(h):
        F.dropout(h)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        F.checkpoint(function, Variable(np.zeros(2)))
    assert chainette.config.enable_backprop
    assert not is_recomputing()
    assert (Variable(np.zeros(2)) + 1).requires_grad


def test_an_error_in_the_second_run_leaves_everything_as_it_was(seeded):
    runs = itertools.count()

    def function(h):
        if next(runs):
            random.generator().random(5)
            raise ZeroDivisionError
        return F.dropout(F.exp(h))

    with chainette.test_mode():
        y = F.sum(F.checkpoint(function, Variable(np.zeros(2))))
    state = random.get_state()
    with pytest.raises(ZeroDivisionError):
        y.backward()
    assert random.get_state() == state
    assert chainette.config.train
    assert not is_recomputing()


def test_a_lambda_in_a_loop_that_sees_the_last_layer_is_found():
    h = Variable(np.ones((2, 3)))
    for W in (Parameter(np.ones(3), name="first"), Parameter(np.ones(3), name="second")):
        h = F.checkpoint(lambda h: h * W, h)  # noqa: B023
    with pytest.raises(GraphError, match=r"did something else: it used the parameter second, .* a lambda in a loop"):
        F.sum(h).backward()


def test_a_computed_variable_that_is_another_one_by_then_is_found():
    h = Variable(np.ones(3))
    for factor in (2.0, 3.0):
        z = h * factor
        h = F.checkpoint(lambda h: h * z, h)  # noqa: B023
    with pytest.raises(GraphError, match="it did not use the variable that it had used the first time"):
        F.sum(h).backward()


def test_a_state_that_the_first_run_changes_is_found():
    state = {"h": Variable(np.ones(3)) * 1}

    def step(x):
        state["h"] = F.tanh(state["h"] + x)
        return state["h"]

    y = F.checkpoint(step, Variable(np.ones(3)))
    with pytest.raises(GraphError, match="did not use the variable"):
        F.sum(y).backward()


def test_a_parameter_left_out_in_the_second_run_is_found():
    W, runs = Parameter(np.ones(3), name="W"), itertools.count()
    y = F.checkpoint(lambda h: h + 1 if next(runs) else h * W, Variable(np.ones(3)))
    with pytest.raises(GraphError, match="it did not use the parameter W"):
        F.sum(y).backward()


@pytest.mark.parametrize("second", [lambda h: h[:2], lambda h: (h, h), lambda h: F.cast(h, "float32")])
def test_outputs_of_another_kind_are_found(second):
    runs = itertools.count()
    y = F.checkpoint(lambda h: second(h) if next(runs) else h * 2, Variable(np.ones(3)))
    with pytest.raises(GraphError, match=r"it returned .*, not the float64 \(3,\)"):
        F.sum(y).backward()


def test_debug_mode_compares_the_values_of_both_runs():
    runs = itertools.count(1)

    def function(h):
        return F.exp(h) * next(runs)

    x = Variable(np.zeros(3))
    F.sum(F.checkpoint(function, x)).backward()  # passes unseen
    with chainette.using_config("debug", True):
        y = F.sum(F.checkpoint(function, x))
        with pytest.raises(GraphError, match="output 0 does not have the values that it had the first time"):
            y.backward()


@pytest.mark.parametrize(
    ("function", "xs", "error", "says"),
    [
        (F.exp, [2.0], ArrayTypeError, r"xs\[0\] is a float .* functools.partial"),
        (F.exp, [np.ones(2), None], ArrayTypeError, r"xs\[1\] is a NoneType"),
        (F.exp, [[1.0]], ArrayTypeError, r"xs\[0\] is a list"),
        (lambda h: h.array, [np.ones(2)], FunctionError, r"returned ndarray \(expected a Variable or a tuple"),
        (lambda h: (h, None), [np.ones(2)], FunctionError, "returned Variable, NoneType"),
        (lambda h: (), [np.ones(2)], FunctionError, "returned nothing"),
    ],
)
def test_what_is_no_variable_is_refused(function, xs, error, says):
    with pytest.raises(error, match=says):
        F.checkpoint(function, *xs)


# Accelerators


def test_dropout_on_an_accelerator_needs_a_generator_with_a_state(seeded):
    with isolated_plugins(fake_backend.plugin, installed=True):
        x = Variable(chainette.to_device(np.ones(3, "f"), "fake:1"))
        generator = random.generator("fake:1")
        with pytest.raises(DeviceError, match="draws random numbers on fake:1, whose generator has no state"):
            F.checkpoint(F.dropout, x)
        assert random.generator("fake:1") is generator
        y = F.checkpoint(partial(F.dropout, train=False), x)
        assert random.generator("fake:1") is generator
        F.sum(y).backward()
        assert x.grad.tolist() == [1, 1, 1]


def test_dropout_on_an_accelerator_repeats_itself(seeded, monkeypatch):
    source = property(lambda generator: generator.source.bit_generator)
    monkeypatch.setattr(fake_backend._Generator, "bit_generator", source, raising=False)
    with isolated_plugins(fake_backend.plugin, installed=True):
        found = []
        for way in (lambda function, x: function(x), F.checkpoint):
            chainette.seed(0)
            x = Variable(np.ones(50, "f"))
            y = way(lambda h: F.dropout(F.exp(F.copy(h, "fake:1"))), x)  # a device that is met on the way
            F.sum(y).backward()
            found.append((x.grad, int(random.generator("fake:1").integers(10**9).item())))
        np.testing.assert_array_equal(found[0][0], found[1][0])
        assert found[0][1] == found[1][1]
