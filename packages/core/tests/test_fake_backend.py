"""The fake backend is as strict as an accelerator: what would fail on a GPU fails on it."""

import copy
import pickle
import threading

import numpy as np
import pytest

from chainette import Variable, get_device, to_device
from chainette.errors import DeviceError
from chainette.testing import fake_backend, isolated_plugins
from chainette.testing.fake_backend import BACKEND, FakeArray


@pytest.fixture(autouse=True)
def fake():
    with isolated_plugins(fake_backend.plugin):
        yield


def on(index, *values):
    return to_device(np.array(values), f"fake:{index}")


def test_arrays_go_there_and_back_as_copies():
    host = np.arange(3.0)
    array = to_device(host, "fake:1")
    assert type(array) is FakeArray
    assert str(BACKEND.device_of(array)) == "fake:1"
    back = to_device(array, "cpu")
    assert type(back) is np.ndarray
    host[...] = 7
    back[...] = 8
    assert to_device(array, "cpu").tolist() == [0, 1, 2]
    assert to_device(array, "fake:1") is array
    assert str(BACKEND.device_of(to_device(array, "fake:0"))) == "fake:0"


def test_it_is_there_only_as_long_as_its_plugin():
    with isolated_plugins(), pytest.raises(DeviceError, match="no backend 'fake'"):
        get_device("fake:0")
    with pytest.raises(DeviceError, match=r"no fake:2 \(there are fake:0 and fake:1\)"):
        get_device("fake:2")


@pytest.mark.parametrize(
    "mix",
    [
        lambda a: a + np.ones(2),
        lambda a: np.ones(2) * a,
        lambda a: np.add(a, np.ones(2)),
        lambda a: np.concatenate([a, np.ones(2)]),
        lambda a: np.where(np.array([True, False]), a, a),
        lambda a: a[np.array([0, 1])],
        lambda a: a.__setitem__(0, np.ones(())),
        lambda a: np.add(a, a, out=np.ones(2)),
        lambda a: a.__iadd__(np.ones(2)),
        lambda a: get_device("fake:0").xp.where(a > 0, a, np.ones(2)),
        lambda a: get_device("fake:0").xp.exp(np.ones(2)),
    ],
    ids=range(11),
)
def test_numpy_s_arrays_do_not_mix_with_it(mix):
    with pytest.raises(TypeError, match="a NumPy array of shape"):
        mix(on(0, 1.0, 2.0))


@pytest.mark.parametrize(
    "use",
    [lambda a: a + 1, lambda a: a[0], lambda a: np.exp(a), lambda a: a.__setitem__(0, 1), lambda a: a + on(0, 1.0)],
)
def test_an_array_is_used_under_its_own_device_only(use):
    array = on(1, 1.0, 2.0)
    with pytest.raises(TypeError, match="an array of fake:1 is used under fake:0"):
        use(array)
    with get_device("fake:1").use():
        assert str(BACKEND.device_of(array + 1)) == "fake:1"


def test_the_current_device_is_that_of_the_innermost_scope_of_this_thread():
    seen = []
    with get_device("fake:1").use():
        with get_device("fake:0").use():
            assert str(get_device("fake")) == "fake:0"
        assert str(get_device("fake")) == "fake:1"
        worker = threading.Thread(target=lambda: seen.append(str(get_device("fake"))))
        worker.start()
        worker.join()
        with pytest.raises(ZeroDivisionError), get_device("fake:0").use():
            _ = 1 / 0
        assert str(get_device("fake")) == "fake:1"
    assert seen == ["fake:0"]


RESULTS = {
    "sum": lambda xp, a: a.sum(),
    "mean": lambda xp, a: a.mean(axis=0),
    "max": lambda xp, a: a.max(),
    "argmax": lambda xp, a: a.argmax(),
    "dot": lambda xp, a: a.dot(a),
    "any": lambda xp, a: (a > 0).any(),
    "item": lambda xp, a: a[0],
    "operator": lambda xp, a: a + 1,
    "T": lambda xp, a: a.T,
    "xp.exp": lambda xp, a: xp.exp(a),
    "np.exp": lambda xp, a: np.exp(a),
    "exp of a number": lambda xp, a: xp.exp(1.0),
    "xp.zeros": lambda xp, a: xp.zeros((2, 2)),
    "xp.sum": lambda xp, a: xp.sum(a),
    "xp.split": lambda xp, a: xp.split(a, 2)[1],
    "xp.nonzero": lambda xp, a: xp.nonzero(a)[0],
    "a named tuple": lambda xp, a: xp.unique_counts(a).counts,
}


@pytest.mark.parametrize("compute", RESULTS.values(), ids=RESULTS)
def test_results_are_its_arrays_also_where_numpy_gives_scalars(compute):
    assert type(compute(get_device("fake:0").xp, on(0, 1.0, 2.0))) is FakeArray


def test_what_is_no_function_is_numpy_s():
    xp = get_device("fake:0").xp
    assert xp.float32 is np.float32
    assert xp.pi == np.pi


def test_in_place_operations_keep_the_array():
    array = on(0, 1.0, 2.0)
    before = array
    array += 1
    array *= 2
    array[0] = 7
    assert array is before
    assert to_device(array, "cpu").tolist() == [7, 6]


@pytest.mark.parametrize(
    "duplicate", [lambda a: pickle.loads(pickle.dumps(a)), copy.deepcopy, copy.copy], ids=["pickle", "deepcopy", "copy"]
)
def test_copies_stay_on_their_device(duplicate):
    found = duplicate(on(1, 1.0, 2.0))
    assert type(found) is FakeArray
    assert str(BACKEND.device_of(found)) == "fake:1"
    assert to_device(found, "cpu").tolist() == [1, 2]


@pytest.mark.parametrize("name", ["cpu", "fake:1"])
def test_a_device_survives_copies_and_pickles_as_the_same(name):
    device = get_device(name)
    assert copy.deepcopy(device) == device
    if name == "cpu":
        assert pickle.loads(pickle.dumps(device)) == device


def test_random_numbers_are_arrays_of_the_device():
    source = BACKEND.generator(get_device("fake:1"), 3)
    numbers = source.standard_normal((2, 3))
    assert str(BACKEND.device_of(numbers)) == "fake:1"
    expected = np.random.default_rng(3).standard_normal((2, 3))
    np.testing.assert_array_equal(to_device(numbers, "cpu"), expected)


def test_functions_run_under_the_device_of_their_arrays():
    x = Variable(on(1, 1.0, 2.0))
    y = (x * x).sum()
    y.backward()
    assert str(y.device) == str(BACKEND.device_of(x.grad)) == "fake:1"
    assert str(get_device("fake")) == "fake:0"
    assert to_device(x.grad, "cpu").tolist() == [2, 4]
