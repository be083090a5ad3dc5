"""Links on another device."""

import copy

import numpy as np
import pytest

import chainette
import chainette_links as L
from chainette import Parameter, to_device
from chainette.testing import fake_backend, isolated_plugins
from chainette_links import Chain, ChainList, Link, Sequential


@pytest.fixture(autouse=True)
def fake():
    with isolated_plugins(fake_backend.plugin, installed=True):
        yield


def places(link):
    return {str(p.device) for p in link.params()}


def network():
    return Chain(l1=L.Linear(3, 2), rest=ChainList(L.Linear(2, 2), Sequential(L.Linear(2, 1))))


def test_parameters_gradients_and_persistents_move_together():
    model = network()
    model.zerograds()
    model.l1.add_persistent("mean", np.ones(2))
    model.l1.add_persistent("count", 3)
    values = [p.array.copy() for p in model.params()]
    assert model.to_device("fake:1") is model
    assert places(model) == {"fake:1"}
    assert {str(link.device) for link in model.links()} == {"fake:1"}
    assert {str(chainette.backend.device_of(p.grad)) for p in model.params()} == {"fake:1"}
    assert str(chainette.backend.device_of(model.l1.mean)) == "fake:1"
    assert model.l1.count == 3
    assert model.xp is chainette.get_device("fake:1").xp
    assert model.to_cpu() is model
    assert places(model) == {"cpu"}
    assert isinstance(model.l1.mean, np.ndarray)
    for p, old in zip(model.params(), values, strict=True):
        np.testing.assert_array_equal(p.array, old)


def test_the_parameter_objects_stay_the_same():
    model = network()
    before = list(model.params())
    model.to_device("fake:1")
    assert all(a is b for a, b in zip(before, model.params(), strict=True))


def test_a_shared_parameter_stays_shared():
    layer = L.Linear(2, 2)
    model = Chain(a=layer, b=layer).to_device("fake:1")
    assert model.a.W is model.b.W
    assert str(layer.W.device) == "fake:1"


def add_by_name(model):
    model.add_link("late", L.Linear(2, 1))


def add_in_scope(model):
    with model.init_scope():
        model.late = L.Linear(2, 1)


def replace(model):
    model.l1 = L.Linear(3, 2)


def replace_parameter(model):
    model.l1.W = Parameter(0, (2, 3))


def append(model):
    model.rest.append(L.Linear(1, 1))


def replace_in_list(model):
    model.rest[0] = L.Linear(2, 2)


def append_to_sequential(model):
    model.rest[1].append(L.Linear(1, 1))


def add_parameter(model):
    model.l1.add_param("late", (2,))


def add_array_parameter(model):
    with model.l1.init_scope():
        model.l1.late = Parameter(np.ones(2, "f"))


LATE = [add_by_name, add_in_scope, replace, replace_parameter, append, replace_in_list, append_to_sequential,
        add_parameter, add_array_parameter]  # fmt: skip


@pytest.mark.parametrize("add", LATE, ids=lambda add: add.__name__)
def test_what_is_added_later_follows(add):
    model = network().to_device("fake:1")
    add(model)
    assert places(model) == {"fake:1"}


def test_what_lies_on_a_device_stays_there_in_a_chain_on_the_cpu():
    assert places(Chain(far=L.Linear(2, 2).to_device("fake:1"))) == {"fake:1"}


def test_open_parameters_are_made_where_the_link_was_sent():
    layer = L.Linear(None, 2).to_device("fake:1")
    y = layer(to_device(np.ones((4, 3), "f"), "fake:1"))
    assert (layer.W.shape, str(layer.W.device), str(y.device)) == ((2, 3), "fake:1", "fake:1")
    y.grad = to_device(np.ones((4, 2), "f"), "fake:1")
    y.backward()
    assert str(chainette.backend.device_of(layer.W.grad)) == "fake:1"


def test_values_and_gradients_are_copied_between_devices():
    near, far = network(), network().to_device("fake:1")
    for link in (near, far):
        link.add_persistent("mean", to_device(np.zeros(2), link.device))
    near.mean[...] = 4
    near.zerograds()
    far.copyparams(near)
    far.addgrads(near)
    assert places(far) == {"fake:1"}
    assert str(chainette.backend.device_of(far.mean)) == "fake:1"
    assert to_device(far.mean, "cpu").tolist() == [4, 4]
    for mine, other in zip(far.params(), near.params(), strict=True):
        np.testing.assert_array_equal(to_device(mine.array, "cpu"), other.array)
        assert str(chainette.backend.device_of(mine.grad)) == "fake:1"


@pytest.mark.parametrize(
    "duplicate",
    [lambda m: m.copy("share"), lambda m: m.copy("copy"), lambda m: m.copy("init"), copy.deepcopy],
    ids=["share", "copy", "init", "deepcopy"],
)
def test_copies_lie_where_the_original_lies(duplicate):
    copied = duplicate(Chain(closed=L.Linear(2, 2), open=L.Linear(None, 2)).to_device("fake:1"))
    assert places(copied) == {"fake:1"}
    assert str(copied.device) == "fake:1"


def test_a_link_moves_without_knowing_of_its_copy():
    model = network()
    copied = model.copy("copy").to_device("fake:1")
    assert (places(model), places(copied)) == ({"cpu"}, {"fake:1"})
    assert str(model.device) == "cpu"


def test_the_wrong_device_is_told_by_name():
    layer = L.Linear(3, 2).to_device("fake:1")
    with pytest.raises(chainette.errors.BackendMismatchError, match=r"linear: .* lie on cpu and fake:1"):
        layer(np.ones((1, 3), "f"))
    with pytest.raises(chainette.errors.DeviceError, match="no fake:7"):
        layer.to_device("fake:7")
    assert places(layer) == {"fake:1"}


def test_to_gpu_says_what_is_missing():
    with isolated_plugins(), pytest.raises(chainette.errors.DeviceError, match="chainette"):
        Link().to_gpu()
