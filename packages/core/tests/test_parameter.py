"""Parameters: open shapes, gradients, and how they travel."""

import copy
import pickle

import numpy as np
import pytest

import chainette
from chainette import Parameter, Variable, initializers, to_device
from chainette.errors import ArgumentError, ArrayTypeError, GraphError, ShapeError, UninitializedParameterError
from chainette.initializers import Constant
from chainette.testing import fake_backend, isolated_plugins


def through_pickle(p):
    return pickle.loads(pickle.dumps(p))


both_ways = pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, through_pickle])


@pytest.mark.parametrize(
    ("initializer", "shape", "expected"),
    [
        (0.5, (2, 3), np.full((2, 3), 0.5)),
        (2, 3, [2, 2, 2]),
        (1, (), 1),
        (1, (0, 3), np.zeros((0, 3))),
        (initializers.One(), (2,), [1, 1]),
        (None, (2,), [np.nan, np.nan]),
        (Constant(np.array([1.0, 2.0])), (2, 2), [[1, 2], [1, 2]]),
    ],
)
def test_it_is_filled_by_its_initializer(initializer, shape, expected):
    p = Parameter(initializer, shape)
    np.testing.assert_array_equal(p.array, expected)
    assert p.shape == np.shape(expected)
    assert p.dtype == np.float32
    assert p.is_initialized


@pytest.mark.parametrize("number", [np.float32(0.5), np.float64(0.5), np.sqrt(0.25), np.int64(1)], ids=repr)
def test_a_numpy_number_fills_it_like_a_python_number(number):
    p = Parameter(number, (2,))
    assert p.array.tolist() == [number, number]
    assert p.dtype == np.float32


def test_an_array_is_used_as_it_is():
    array = np.arange(3.0)
    p = Parameter(array, name="b")
    assert p.array is array
    assert (p.dtype, p.name) == (np.float64, "b")
    with pytest.raises(ArgumentError, match=r"an array has its own shape"):
        Parameter(array, (3,))
    with pytest.raises(ArgumentError, match="Parameter b: it has an array already"):
        p.initialize((3,))


def test_it_is_a_variable_that_needs_a_gradient_and_has_none_at_first():
    p = Parameter(1, (2,))
    assert isinstance(p, Variable)
    assert p.requires_grad
    assert p.grad is None
    (p * 3).sum().backward()
    assert p.grad.tolist() == [3, 3]
    p.zerograd()
    assert p.grad.tolist() == [0, 0]
    p.cleargrad()
    assert p.grad is None


@pytest.mark.parametrize(
    "make", [lambda: Parameter(np.array([1, 2])), lambda: Parameter(Constant(1, "int32"), (2,)),
             lambda: Parameter(Constant(True, "bool"), (2,))]
)  # fmt: skip
def test_one_of_integers_needs_no_gradient(make):
    p = make()
    assert not p.requires_grad
    assert p.dtype.kind in "ib"


# Open shapes


def test_an_open_one_has_everything_but_its_array():
    p = Parameter(initializers.Zero("float64"), name="W")
    assert not p.is_initialized
    assert (p.array, p.grad, p.label, p.dtype) == (None, None, "open shape", np.float64)
    assert str(p.device) == "cpu"
    assert p.xp is np
    assert repr(p) == "variable W(of open shape)"
    p.zerograd()
    p.cleargrad()
    assert p.grad is None
    p.initialize((2,))
    assert (p.array.tolist(), p.label) == ([0, 0], "(2,), float64")


def test_an_open_one_takes_its_dtype_from_the_settings():
    p = Parameter(0)
    with chainette.using_config("dtype", "float16"):
        assert p.dtype == np.float16


def test_a_function_may_be_the_initializer():
    def fill(array):
        array[...] = 7

    p = Parameter(fill)
    assert p.dtype == np.float32
    p.initialize((2,))
    assert p.array.tolist() == [7, 7]


@pytest.mark.parametrize(
    "use", [lambda p: p.shape, lambda p: p + 1, lambda p: p.sum(), lambda p: np.ones(2) * p], ids=range(4)
)
def test_using_an_open_one_says_what_to_do(use):
    with pytest.raises(UninitializedParameterError, match=r"(?i)call its link with data"):
        use(Parameter(0, name="W"))


@pytest.mark.parametrize("what", ["ndim", "size"])
def test_an_open_one_has_no_other_size_either(what):
    with pytest.raises(UninitializedParameterError, match="W"):
        getattr(Parameter(0, name="W"), what)


def test_a_negative_size_is_refused_and_it_stays_open():
    p = Parameter(0, name="W")
    with pytest.raises(ShapeError, match=r"Parameter W: shape \(2, -1\) has a negative size"):
        p.initialize((2, -1))
    assert not p.is_initialized


def test_an_initializer_that_fails_leaves_it_open():
    p = Parameter(initializers.LeCunNormal())
    with pytest.raises(ShapeError, match="weight"):
        p.initialize((3,))
    assert not p.is_initialized


# Values and gradients of another


def test_copydata_copies_values_in_place():
    p, other = Parameter(0, (2,)), Parameter(3, (2,))
    array = p.array
    p.copydata(other)
    assert p.array is array
    assert array.tolist() == [3, 3]
    with pytest.raises(ShapeError, match=r"copydata: shapes differ \(this one \(2,\), given \(3,\)\)"):
        p.copydata(Parameter(0, (3,)))


def test_an_open_one_takes_the_shape_of_what_is_copied_and_an_open_one_copies_nothing():
    p = Parameter(0)
    p.copydata(Parameter(0))
    assert not p.is_initialized
    p.copydata(Parameter(3, (2,)))
    assert p.array.tolist() == [3, 3]
    p.copydata(Parameter(0))
    assert p.array.tolist() == [3, 3]


def test_addgrad_adds_and_shares_no_memory():
    p, other = Parameter(0, (2,)), Parameter(0, (2,))
    other.grad = np.ones(2, "f")
    p.addgrad(other)
    assert p.grad is not other.grad
    p.addgrad(other)
    assert (p.grad.tolist(), other.grad.tolist()) == ([2, 2], [1, 1])


def test_an_open_one_takes_the_shape_of_the_gradient_that_is_added():
    p, other = Parameter(5), Parameter(0, (2,))
    other.grad = np.ones(2, "f")
    p.addgrad(other)
    assert (p.array.tolist(), p.grad.tolist()) == ([5, 5], [1, 1])


def test_a_gradient_that_is_not_there_is_not_added_and_nothing_is_changed():
    p = Parameter(0)
    with pytest.raises(GraphError, match=r"addgrad: .* Call backward first"):
        p.addgrad(Parameter(0, (2,)))
    assert not p.is_initialized


def test_update_is_the_rule_s_one_step():
    class Rule:
        def update(self, parameter):
            parameter.array -= parameter.grad

    p = Parameter(3, (1,))
    p.update()
    p.grad = np.ones(1, "f")
    p.update_rule = Rule()
    p.update()
    assert p.array.tolist() == [2]


# Copies


@both_ways
def test_a_copy_has_all_that_the_original_has(duplicate):
    p = Parameter(Constant(2.0, "float64"), (2,), name="W")
    p.grad = np.array([1.0, 2.0])
    p.note = "an attribute of the user's"
    q = duplicate(p)
    assert type(q) is Parameter
    assert (q.array.tolist(), q.grad.tolist(), q.name, q.note) == ([2, 2], [1, 2], "W", p.note)
    assert repr(q.initializer) == repr(p.initializer)
    q.grad = None
    assert p.grad is not None
    shared = duplicate is copy.copy
    assert np.shares_memory(q.array, p.array) is shared


@both_ways
def test_a_copy_of_an_open_one_is_open_and_has_the_same_initializer(duplicate):
    p = Parameter(2.0, name="W")
    q = duplicate(p)
    assert (q.is_initialized, q.name, q.requires_grad) == (False, "W", True)
    q.initialize((2,))
    assert q.array.tolist() == [2, 2]
    assert not p.is_initialized


def test_an_array_parameter_and_one_of_integers_survive_pickling():
    p = through_pickle(Parameter(np.array([1, 2])))
    assert (p.array.tolist(), p.initializer, p.requires_grad) == ([1, 2], None, False)


def test_what_is_shared_stays_shared_in_a_copy():
    p = Parameter(0, (1,))
    for q, r in (copy.deepcopy([p, p]), through_pickle([p, p])):
        assert q is r


def test_a_copy_of_what_was_computed_from_it_is_a_leaf():
    p = Parameter(1, (2,))
    y = copy.deepcopy(p * 2)
    assert (y.creator, y.array.tolist()) == (None, [2, 2])


# Devices


def test_it_moves_with_its_gradient_and_an_open_one_is_made_there():
    with isolated_plugins(fake_backend.plugin):
        p, still_open = Parameter(1, (2,)), Parameter(1)
        p.zerograd()
        for each in (p, still_open):
            assert each.to_device("fake:1") is each
            assert str(each.device) == "fake:1"
            assert each.xp is chainette.get_device("fake:1").xp
        still_open.initialize((2,))
        assert str(chainette.backend.device_of(still_open.array)) == "fake:1"
        assert str(chainette.backend.device_of(p.grad)) == "fake:1"
        q = copy.deepcopy(Parameter(1).to_device("fake:1"))
        assert str(q.device) == "fake:1"
        still_open.copydata(Parameter(4, (2,)))
        assert to_device(still_open.array, "cpu").tolist() == [4, 4]


def test_to_gpu_and_to_cpu_are_there_for_chainer_s_users():
    p = Parameter(1, (2,))
    assert p.to_cpu() is p
    with isolated_plugins(), pytest.raises(chainette.errors.DeviceError, match="chainette"):
        p.to_gpu()


def test_what_is_no_array_is_told():
    with pytest.raises(ArrayTypeError, match="list"):
        Parameter(1, (2,)).array = [1.0, 2.0]
