"""A second backend: devices, and arrays that must not be mixed."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest

import chainette
from chainette import Function, Parameter, Variable, get_array_module, get_device, operators, to_device
from chainette.errors import ArrayTypeError, BackendMismatchError, DeviceError
from chainette.testing import fake_backend, isolated_plugins
from chainette.testing.fake_backend import FakeArray


@pytest.fixture(autouse=True)
def fake():
    with isolated_plugins(fake_backend.plugin):
        yield


def on(device, *values):
    return Variable(to_device(np.array(values), device))


def test_devices_have_names_and_are_equal_by_them():
    assert str(get_device("cpu")) == "cpu"
    assert get_device("fake:1") == get_device("fake:1") != get_device("fake:0")
    assert get_device("fake") == get_device("fake:0")
    assert get_device(get_device("fake:1")).name == "fake:1"


@pytest.mark.parametrize("name", ["fake:2", "cpu:0", "tpu", "fake:x", "cuda:0"])
def test_a_device_that_does_not_exist_is_an_error(name):
    with pytest.raises(DeviceError):
        get_device(name)


def test_a_graph_on_another_device_goes_forward_and_backward_there():
    x = on("fake:1", 1.0, 2.0)
    y = ((x * x + 2 * x) @ x).sum()
    y.backward()
    assert type(x.grad) is FakeArray
    assert str(x.device) == str(y.device) == "fake:1"
    np.testing.assert_allclose(to_device(x.grad, "cpu"), [3 + 4, 12 + 8])


def test_gradients_that_add_up_on_another_device_stay_there():
    x = on("fake:1", 1.0, 2.0)
    for _ in range(2):
        (x + x + x).sum().backward()
    assert to_device(x.grad, "cpu").tolist() == [6, 6]
    assert str(Variable(x.grad).device) == "fake:1"


def test_arrays_of_two_backends_in_one_call_are_an_error_that_names_both():
    for pair in (
        (on("fake:0", 1.0), np.ones(1)),
        (np.ones(1), on("fake:0", 1.0)),
        (Variable(np.ones(1)), on("fake:1", 1.0)),
    ):
        with pytest.raises(BackendMismatchError, match=r"add: the arguments lie on .*cpu.*|.*fake") as caught:
            operators.add(*pair)
        assert "cpu" in str(caught.value)
        assert "fake" in str(caught.value)


def test_arrays_of_two_devices_in_one_call_are_an_error_that_names_both():
    with pytest.raises(BackendMismatchError, match="fake:0 and fake:1"):
        on("fake:0", 1.0) + on("fake:1", 1.0)


def test_a_copy_to_another_device_sends_the_gradient_back():
    x = Variable(np.ones(2))
    y = operators.copy(operators.copy(x, "fake:0"), "fake:1")
    assert str(y.device) == "fake:1"
    (y * 3).sum().backward()
    assert type(x.grad) is np.ndarray
    assert x.grad.tolist() == [3, 3]


def test_xp_is_that_of_the_arrays():
    seen = []

    class Look(Function):
        def forward(self, x):
            seen.append(self.xp.__name__)
            return self.xp.exp(x)

    Look().apply(np.zeros(1))
    Look().apply(on("fake:1", 0.0))
    assert seen == ["numpy", "fake"]
    assert get_array_module(np.ones(1), on("fake:1", 0.0)).__name__ == "fake"
    assert get_array_module(np.ones(1), 3, None) is np


def test_numbers_take_part_on_any_device():
    x = on("fake:1", 1.0, 2.0)
    assert to_device((2 * x + 1).array, "cpu").tolist() == [3, 5]
    assert to_device((x ** np.float64(2)).array, "cpu").tolist() == [1, 4]


def test_an_open_parameter_is_made_on_the_device_it_was_sent_to():
    w = Parameter(1.0).to_device("fake:1")
    w.initialize((2,))
    assert str(w.device) == "fake:1"
    assert type(w.array) is FakeArray


def test_moving_an_array_to_where_it_is_copies_nothing():
    x = on("fake:1", 1.0).array
    assert to_device(x, "fake:1") is x


def test_what_is_no_array_is_told():
    with pytest.raises(ArrayTypeError, match="no backend has arrays of type"):
        to_device([1.0], "fake:1")


def test_a_subclass_of_an_array_class_belongs_to_its_backend():
    class Mine(np.ndarray):
        pass

    x = Variable(np.ones(2).view(Mine))
    (x * x).sum().backward()
    assert x.grad.tolist() == [2, 2]
    chainette.grad([(x * x * x).sum()], [x], enable_double_backprop=True)[0].sum().backward()
    assert x.grad.tolist() == [8, 8]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have their own ways with free memory")
def test_memory_that_a_step_frees_is_there_for_the_next_one():
    """Without what chainette.backend does at its start, each cycle has about 1,800 page faults."""
    program = """
import resource
import chainette, numpy

def cycle():
    arrays = [numpy.empty(8_000_000, numpy.uint8) for _ in range(3)]
    for array in arrays:
        array.fill(1)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

for _ in range(3):
    cycle()
before = faults()
for _ in range(10):
    cycle()
print(faults() - before)
"""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_") and k != "GLIBC_TUNABLES"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500
