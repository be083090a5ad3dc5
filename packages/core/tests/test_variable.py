"""A Variable: its array, its gradient, and how it travels."""

import copy
import pickle

import numpy as np
import pytest

import chainette
from chainette import Parameter, Variable
from chainette.errors import ArrayTypeError, DtypeError, GraphError, ShapeError
from chainette.testing import fake_backend, isolated_plugins


def test_it_shows_what_it_holds():
    x = Variable(np.array([[1.0, 2.0]], "f"), name="x")
    assert (x.shape, x.ndim, x.size, x.dtype) == ((1, 2), 2, 2, np.float32)
    assert (x.label, Variable(np.float32(3)).label) == ("(1, 2), float32", "float32")
    assert repr(x) == "variable x([[1., 2.]])"
    assert (x.xp, str(x.device), x.data is x.array) == (np, "cpu", True)


def test_its_length_is_its_first_axis_and_it_can_be_walked_through():
    x = Variable(np.arange(6.0).reshape(3, 2))
    assert len(x) == 3
    assert [row.array.tolist() for row in x] == [[0, 1], [2, 3], [4, 5]]
    with pytest.raises(ShapeError, match="0-d"):
        len(Variable(np.array(1.0)))


def test_numbers_become_0d_arrays_and_lists_are_refused():
    assert isinstance(Variable(2.0).array, np.ndarray)
    assert isinstance(Variable(np.float32(2)).array, np.ndarray)
    with pytest.raises(ArrayTypeError, match=r"numpy\.array"):
        Variable([1.0, 2.0])


def test_item_float_and_int_give_python_numbers():
    x = Variable(np.array([2.5]))
    assert (x.item(), float(Variable(2.5)), int(Variable(2.5))) == (2.5, 2.5, 2)


def test_integers_never_require_a_gradient():
    assert not Variable(np.arange(3)).requires_grad
    with pytest.raises(DtypeError, match="int64"):
        Variable(np.arange(3), requires_grad=True)
    x = Variable(np.ones(3))
    assert not x.astype("i").requires_grad


@pytest.mark.parametrize(
    ("gradient", "error"),
    [
        (np.ones(3), ShapeError),
        (np.ones(2, "d"), DtypeError),
        ([1, 2], ArrayTypeError),
        (Variable(1.0), ArrayTypeError),
    ],
)
def test_a_gradient_must_fit_the_array(gradient, error):
    x = Variable(np.ones(2, "f"))
    with pytest.raises(error):
        x.grad = gradient


def test_gradients_can_be_set_added_cleared_and_zeroed():
    x, y = Variable(np.ones(2), grad=np.array([1.0, 2.0])), Variable(np.ones(2))
    with pytest.raises(GraphError, match="no gradient"):
        x.addgrad(y)
    y.addgrad(x)
    y.addgrad(x)
    assert y.grad.tolist() == [2, 4]
    assert x.grad.tolist() == [1, 2]
    y.zerograd()
    assert y.grad.tolist() == [0, 0]
    y.cleargrad()
    assert y.grad is None


def test_copydata_copies_the_values_in_place():
    x, y = Variable(np.zeros(2)), Variable(np.ones(2))
    array = x.array
    x.copydata(y)
    assert x.array is array
    assert array.tolist() == [1, 1]
    with pytest.raises(ShapeError):
        x.copydata(Variable(np.ones(3)))


@pytest.mark.parametrize("travel", [copy.deepcopy, copy.copy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copied_or_pickled_variable_is_a_leaf(travel):
    x = Variable(np.ones(2))
    y = x * 2
    y.name = "y"
    y.grad = np.array([3.0, 4.0])
    z = travel(y)
    assert z.creator is None
    assert z.requires_grad
    assert z.name == "y"
    assert z.array.tolist() == [2, 2]
    assert z.grad.tolist() == [3, 4]


def test_a_parameter_in_two_places_stays_one_when_copied_or_pickled():
    p = Parameter(1.0, (2,), name="p")
    for first, second in (copy.deepcopy([p, p]), pickle.loads(pickle.dumps([p, p]))):
        assert first is second
        assert first is not p
        assert type(first) is Parameter


def test_dlpack_goes_through_the_array():
    x = Variable(np.arange(3.0))
    assert np.shares_memory(np.from_dlpack(x), x.array)


def test_array_and_gradient_move_between_devices():
    with isolated_plugins(fake_backend.plugin):
        x = Variable(np.ones(2), grad=np.array([1.0, 2.0]))
        assert x.to_device("fake:1") is x
        assert str(x.device) == "fake:1"
        assert type(x.grad) is fake_backend.FakeArray
        assert x.xp.__name__ == "fake"
        y = Variable(np.zeros(2))
        y.copydata(x)
        y.addgrad(x)
        assert type(y.array) is np.ndarray
        assert y.grad.tolist() == [1, 2]
        assert type(x.to_cpu().array) is np.ndarray


def test_without_gpu_support_to_gpu_says_what_to_install():
    with isolated_plugins(), pytest.raises(chainette.errors.DeviceError, match="pip install"):
        Variable(np.ones(2)).to_gpu()


def test_a_misspelt_attribute_is_an_error():
    with pytest.raises(AttributeError):
        Variable(np.ones(2)).gard = 1
