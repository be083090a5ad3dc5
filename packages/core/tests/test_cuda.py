"""chainette.cuda: with no GPU support installed, and with a backend that stands for it."""

from dataclasses import replace

import numpy as np
import pytest

import chainette
from chainette import Variable, cuda, get_device
from chainette.backend import Device
from chainette.errors import ArrayTypeError, DeviceError
from chainette.hooks import hookimpl
from chainette.testing import fake_backend, isolated_plugins


class Plugin:
    """Brings the fake backend under the name of the GPUs' own; ``count`` of them."""

    chainette_api = 1

    def __init__(self, count=2):
        self.count = count

    def device(self, index):
        index = fake_backend._current.index if index is None else index
        if not 0 <= index < self.count:
            raise DeviceError(f"get_device: there is no cuda:{index}.")
        return Device(self.backend, index)

    @hookimpl
    def chainette_backends(self):
        self.backend = replace(
            fake_backend.BACKEND,
            name="cuda",
            get_device=self.device,
            device_of=lambda array: Device(self.backend, array.index),
        )
        return [self.backend]


@pytest.fixture
def gpus():
    with isolated_plugins(Plugin()):
        yield


@pytest.fixture
def nothing():
    with isolated_plugins():
        yield


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize(
    "use",
    [
        cuda.check_cuda_available,
        cuda.gpu,
        lambda: cuda.gpu(0),
        lambda: cuda.to_gpu(np.ones(2)),
        lambda: cuda.get_device_from_id(0),
        lambda: Variable(np.ones(2)).to_gpu(),
        lambda: get_device("cuda:0"),
    ],
)
def test_without_support_what_needs_a_gpu_says_what_to_install(use):
    with pytest.raises(DeviceError, match=r"pip install 'chainette\[cuda12\]'"):
        use()


@pytest.mark.usefixtures("nothing")
def test_without_support_everything_else_works():
    x = np.ones(2)
    assert cuda.available is False
    assert cuda.to_cpu(x) is x
    assert cuda.get_array_module(x, Variable(x)) is np
    assert str(cuda.get_device_from_id(-1)) == str(cuda.get_device_from_id(None)) == "cpu"
    assert str(cuda.get_device_from_array(x, Variable(x), 3)) == "cpu"


def test_what_is_no_array_is_refused():
    with pytest.raises(ArrayTypeError, match="list"):
        cuda.to_cpu([1.0])


def test_a_name_that_is_not_there_is_an_ordinary_error():
    with pytest.raises(AttributeError, match=r"'chainette\.cuda' has no attribute 'to_gup'"):
        cuda.to_gup  # noqa: B018


@pytest.mark.usefixtures("gpus")
def test_with_gpus_arrays_and_variables_go_there_and_back():
    assert cuda.available is True
    cuda.check_cuda_available()
    x = cuda.to_gpu(np.arange(2.0), 1)
    assert str(cuda.get_device_from_array(None, np.ones(1), x)) == "cuda:1"
    assert cuda.to_gpu(x, 1) is x
    assert cuda.to_cpu(x).tolist() == [0, 1]
    assert cuda.get_array_module(np.ones(1), x) is get_device("cuda:1").xp
    v = Variable(np.ones(2))
    assert v.to_gpu(1) is v
    assert (v.device, str(cuda.get_device_from_array(v))) == (cuda.gpu(1), "cuda:1")
    assert isinstance(v.to_cpu().array, np.ndarray)
    assert str(v.to_gpu().device) == "cuda:0"


@pytest.mark.usefixtures("gpus")
def test_with_gpus_numbers_are_devices():
    assert str(cuda.gpu()) == "cuda:0"
    assert str(cuda.get_device_from_id(1)) == "cuda:1"
    with pytest.raises(DeviceError, match="no cuda:5"):
        cuda.gpu(5)


def test_support_without_a_gpu_is_not_available():
    with isolated_plugins(Plugin(count=0)):
        assert cuda.available is False
        with pytest.raises(DeviceError, match="no cuda:0"):
            cuda.check_cuda_available()


def test_it_is_there_after_a_plain_import():
    assert chainette.cuda is cuda
    assert set(cuda.__all__) <= set(dir(cuda))
