"""Debug mode: where a NaN first appears, and what was changed before backward needed it."""

import numpy as np
import pytest

import chainette
from chainette import Function, Variable, operators, using_config
from chainette.errors import InPlaceChangeError, NaNError
from chainette.testing import fake_backend, isolated_plugins


@pytest.fixture
def debug():
    with using_config("debug", True):
        yield


class GivesNaN(Function):
    """NaN on the way back."""

    def forward(self, x):
        return x.copy()

    def backward(self, gy):
        return gy * np.nan


class Pair(Function):
    def forward(self, x):
        return x.copy(), x * np.nan

    def backward(self, *gys):
        return gys[0]


def line_of(function, offset):
    return function.__code__.co_firstlineno + offset


@pytest.mark.usefixtures("debug")
def test_nan_in_forward_is_found_with_function_and_line():
    def faulty(x):
        return x * np.nan

    with pytest.raises(NaNError, match="mul: output 0 holds NaN") as caught:
        faulty(Variable(np.ones(2)))
    assert f"{__file__}:{line_of(faulty, 1)} in faulty" in str(caught.value)
    assert isinstance(caught.value, (RuntimeError, ArithmeticError))


@pytest.mark.usefixtures("debug")
def test_nan_in_any_output_is_found():
    with pytest.raises(NaNError, match="pair: output 1"):
        Pair().apply(np.ones(2))


@pytest.mark.usefixtures("debug")
def test_nan_in_backward_is_found_with_the_line_that_applied_the_function():
    def faulty(x):
        return GivesNaN().apply(x)

    y = faulty(Variable(np.ones(2))).sum()
    with pytest.raises(NaNError, match=r"(gives_na_?n|mul): ") as caught:
        y.backward()
    notes = "\n".join([str(caught.value), *caught.value.__notes__])
    assert f"{__file__}:{line_of(faulty, 1)} in faulty" in notes
    assert "in the backward of gives_na" in notes


@pytest.mark.usefixtures("debug")
def test_nan_that_a_backward_returns_as_a_plain_array_is_found():
    class Plain(Function):
        def forward(self, x):
            return x.copy()

        def backward(self, gy):
            return gy.array * np.nan

    y = Plain().apply(Variable(np.ones(())))
    with pytest.raises(NaNError, match=r"plain: the gradient of input 0 holds NaN; applied at .*test_debug\.py"):
        y.backward()


@pytest.mark.usefixtures("debug")
@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300])
def test_what_is_large_is_no_nan(value):
    y = Variable(np.array([value])) * 1
    y.backward()


@pytest.mark.usefixtures("debug")
def test_integers_are_looked_at_without_harm():
    assert (Variable(np.array([1, 2])) + 1).array.tolist() == [2, 3]


@pytest.mark.usefixtures("debug")
def test_an_array_that_was_changed_in_place_is_found():
    x = Variable(np.array([1.0, 2.0]))
    y = (x * x).sum()
    x.array[0] = 7
    with pytest.raises(InPlaceChangeError, match=r"of shape \(2,\) .* was changed in place .* Change a copy") as caught:
        y.backward()
    assert "in the backward of mul" in "".join(caught.value.__notes__)


@pytest.mark.usefixtures("debug")
def test_an_output_that_was_changed_in_place_is_found():
    x = Variable(np.array([1.0, 2.0]))
    y = x**x
    y.array += 1
    y.grad = np.ones(2)
    with pytest.raises(InPlaceChangeError):
        y.backward()


@pytest.mark.usefixtures("debug")
def test_nan_that_was_there_before_is_no_change():
    from chainette.debug import GUARD

    pack, unpack = GUARD
    array = np.array([np.nan, 1.0])
    assert unpack(pack(array)) is array


@pytest.mark.usefixtures("debug")
def test_nothing_changes_for_a_sound_graph():
    x = Variable(np.array([1.0, 2.0]))
    ((x * x + 3) / x).sum().backward()
    expected = x.grad
    with using_config("debug", False):
        z = Variable(np.array([1.0, 2.0]))
        ((z * z + 3) / z).sum().backward()
    np.testing.assert_array_equal(expected, z.grad)


def test_without_debug_mode_nan_and_changes_go_through():
    with using_config("debug", False):
        x = Variable(np.ones(2))
        y = (x * x * np.nan).sum()
        x.array[0] = 5
        y.backward()
        assert np.isnan(x.grad).all()


def test_debug_mode_is_this_thread_s():
    with using_config("debug", False):
        chainette.set_debug(True)
        assert chainette.is_debug()
        assert chainette.config.debug is True
        chainette.set_debug(False)
        assert not chainette.is_debug()


@pytest.mark.usefixtures("debug")
def test_other_devices_are_watched_too():
    with isolated_plugins(fake_backend.plugin):
        x = Variable(chainette.to_device(np.ones(2), "fake:1"))
        with pytest.raises(NaNError, match="mul: output 0"):
            x * float("nan")
        y = x * x
        y.grad = chainette.to_device(np.ones(2), "fake:1")
        y.backward()
        assert chainette.to_device(x.grad, "cpu").tolist() == [2, 2]


@pytest.mark.usefixtures("debug")
def test_a_copy_to_another_device_is_watched_where_it_lies():
    with isolated_plugins(fake_backend.plugin):
        x = Variable(chainette.to_device(np.ones(2), "fake:1"))
        y = operators.copy(x, "fake:0")
        assert str(y.device) == "fake:0"
