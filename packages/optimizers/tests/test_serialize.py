"""States survive saving and loading, under Chainer's keys."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

import chainette
import chainette_optimizers
from chainette_optimizers import SGD, Adam, AMSGrad, MomentumSGD, UpdateRule

STATES = {  # of Chainer 7.8, and of those that go beyond
    "AMSBound": "m v vhat",
    "AMSGrad": "m v vhat",
    "AdaBound": "m v",
    "AdaDelta": "msdx msg",
    "AdaGrad": "h",
    "Adam": "m v",
    "AdamW": "m v",
    "CorrectedMomentumSGD": "v",
    "Lion": "m",
    "MSVAG": "m v",
    "MomentumSGD": "v",
    "NesterovAG": "v",
    "RAdam": "m v",
    "RMSprop": "ms",
    "RMSpropGraves": "delta g n",
    "SGD": "",
    "SMORMS3": "g g2 mem",
}
ALL = [getattr(chainette_optimizers, name) for name in STATES]


@pytest.fixture
def trained(model_class):
    def trained(make, steps=3, dtype=np.float64):
        rng = np.random.default_rng(0)
        model = model_class(
            l1__W=chainette.Parameter(rng.normal(size=(2, 3)).astype(dtype)),
            l1__b=chainette.Parameter(rng.normal(size=3).astype(dtype)),
        )
        optimizer = make().setup(model)
        for _ in range(steps):
            step(optimizer)
        return optimizer

    return trained


def step(optimizer):
    for _, param in optimizer.namedparams():
        param.grad = np.cos(param.array)
    optimizer.update()


@pytest.mark.parametrize(("name", "states"), STATES.items())
def test_the_keys_are_those_of_chainer(trained, save, name, states):
    keys = [f"l1/{param}/{key}" for param in "Wb" for key in ["t", *states.split()]]
    assert sorted(save(trained(getattr(chainette_optimizers, name)))) == sorted(["epoch", "t", *keys])


@pytest.mark.parametrize("make", ALL)
@pytest.mark.parametrize("steps_before_loading", [0, 2])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_loaded_optimizer_goes_on_as_the_saved_one(trained, save, load, make, steps_before_loading, dtype):
    optimizer, other = trained(make, 3, dtype), trained(make, steps_before_loading, dtype)
    optimizer.new_epoch()
    load(save(optimizer), other)
    assert (other.t, other.epoch) == (3, 1)
    assert type(other.t) is type(other.namedparams()[0][1].update_rule.t) is int
    for (_, mine), (_, theirs) in zip(optimizer.namedparams(), other.namedparams(), strict=True):
        theirs.array[...] = mine.array
    for _ in range(2):
        step(optimizer)
        step(other)
    for (_, mine), (_, theirs) in zip(optimizer.namedparams(), other.namedparams(), strict=True):
        np.testing.assert_array_equal(theirs.array, mine.array)


def test_what_was_loaded_shares_no_memory_with_where_it_came_from(trained, save, load):
    optimizer = trained(Adam)
    entries = save(optimizer)
    before = {key: value.copy() for key, value in entries.items()}
    load(entries, optimizer)
    step(optimizer)
    for key, value in before.items():
        np.testing.assert_array_equal(entries[key], value)


def test_the_names_do_not_depend_on_what_happened_so_far(trained, save, model_class):
    fresh, used = trained(Adam, steps=0), trained(Adam)
    still_open = Adam().setup(model_class(l1__W=chainette.Parameter(0), l1__b=chainette.Parameter(0)))
    assert save(fresh).keys() == save(used).keys() == save(still_open).keys()
    assert all(param.update_rule.state is None for _, param in fresh.namedparams() + still_open.namedparams())


def test_an_optimizer_saved_before_its_first_step_is_fresh_when_loaded(trained, save, load):
    fresh, used = trained(Adam, steps=0), trained(Adam)
    load(save(fresh), used)
    assert used.t == 0
    assert all((param.update_rule.t, param.update_rule.state) == (0, None) for _, param in used.namedparams())


@pytest.mark.parametrize("steps", [0, 2])
def test_a_serializer_that_answers_what_it_is_given_changes_nothing(trained, save, load, steps):
    optimizer = trained(Adam, steps)
    states = [param.update_rule.state for _, param in optimizer.namedparams()]
    before = save(optimizer)
    load({}, optimizer, strict=False)
    for key, value in save(optimizer).items():
        np.testing.assert_array_equal(value, before[key])
    for state, (_, param) in zip(states, optimizer.namedparams(), strict=True):
        assert (state is None) == (param.update_rule.state is None)
        for name in state or ():
            assert param.update_rule.state[name] is state[name]


def test_a_parameter_of_which_a_lenient_file_knows_nothing_keeps_its_state(trained, save, load):
    entries = {key: value for key, value in save(trained(Adam, steps=5)).items() if not key.startswith("l1/b")}
    optimizer = trained(Adam, steps=2)
    before = save(optimizer)
    load(entries, optimizer, strict=False)
    assert [param.update_rule.t for _, param in optimizer.namedparams()] == [5, 2]
    np.testing.assert_array_equal(save(optimizer)["l1/b/m"], before["l1/b/m"])


def test_a_state_may_be_loaded_before_its_parameter_has_a_shape(trained, model_class, save, load):
    optimizer = trained(Adam, dtype=np.float32)
    other = Adam().setup(model_class(l1__W=chainette.Parameter(0), l1__b=chainette.Parameter(0)))
    load(save(optimizer), other)
    for (_, mine), (_, theirs) in zip(optimizer.namedparams(), other.namedparams(), strict=True):
        theirs.initialize(mine.shape)
        theirs.array[...] = mine.array
    step(optimizer)
    step(other)
    for (_, mine), (_, theirs) in zip(optimizer.namedparams(), other.namedparams(), strict=True):
        np.testing.assert_array_equal(theirs.array, mine.array)


def test_a_state_loaded_before_its_parameter_has_a_shape_is_saved_again(trained, model_class, save, load):
    entries = save(trained(Adam, dtype=np.float32))
    still_open = Adam().setup(model_class(l1__W=chainette.Parameter(0), l1__b=chainette.Parameter(0)))
    load(entries, still_open)
    for key, value in save(still_open).items():
        np.testing.assert_array_equal(value, entries[key])


def test_amsgrad_that_was_switched_on_meanwhile_is_loaded(trained, save, load):
    entries = save(trained(AMSGrad))
    optimizer = trained(Adam)
    optimizer.amsgrad = True
    load(entries, optimizer)
    np.testing.assert_array_equal(save(optimizer)["l1/W/vhat"], entries["l1/W/vhat"])
    step(optimizer)


def test_a_loaded_state_goes_to_the_device_of_its_parameter(trained, save, load, far):
    optimizer, other = trained(Adam), trained(Adam, steps=0)
    for _, param in other.namedparams():
        param.to_device(far)
    load(save(optimizer), other)
    for _, param in other.namedparams():
        param.grad = param.array.copy()
    other.update()
    for _, param in other.namedparams():
        assert all(chainette.backend.device_of(array) == far for array in param.update_rule.state.values())


def test_numbers_in_a_state_come_back_as_the_type_they_had(save, load):
    class Counting(UpdateRule):
        def init_state(self, param):
            self.state["scale"] = 1.0

        def update_core(self, array, grad, scale):
            self.state["scale"] = scale / 2
            array -= scale * grad

    W = chainette.Parameter(np.ones(2))
    optimizer = SGD().setup([W])
    W.update_rule = Counting()
    W.grad = np.ones(2)
    optimizer.update()
    entries = save(optimizer)
    optimizer.update()
    load(entries, optimizer)
    assert W.update_rule.state == {"scale": 0.5}
    assert type(W.update_rule.state["scale"]) is float


def test_a_shared_parameter_is_saved_once_under_its_first_name(model_class, save):
    W = chainette.Parameter(np.ones(2))
    W.grad = np.ones(2)
    optimizer = MomentumSGD().setup(model_class(l1__W=W, l2__W=W))
    optimizer.update()
    assert sorted(save(optimizer)) == ["epoch", "l1/W/t", "l1/W/v", "t"]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_saving_and_loading_at_any_moment_changes_no_trajectory(moments):
    from_start, reloaded = (Adam(alpha=0.1).setup([chainette.Parameter(np.ones(3))]) for _ in range(2))
    for has_gradient, save_and_load in moments:
        for optimizer in (from_start, reloaded):
            (param,) = optimizer.target.parameters
            param.grad = np.sin(param.array) if has_gradient else None
            optimizer.update()
        if save_and_load:
            entries = {}
            reloaded.serialize(Memory(entries, writing=True))
            reloaded = Adam(alpha=0.1).setup(reloaded.target.parameters)
            reloaded.serialize(Memory(entries, writing=False))
    np.testing.assert_array_equal(reloaded.target.parameters[0].array, from_start.target.parameters[0].array)


class Memory:
    """A dictionary as a serializer. (Fixtures do not go with hypothesis's many runs of one test.)"""

    def __init__(self, entries, writing, path=""):
        self.entries, self.is_writer, self.path = entries, writing, path

    def __getitem__(self, key):
        return Memory(self.entries, self.is_writer, f"{self.path}{key}/")

    def __call__(self, key, value):
        if self.is_writer:
            self.entries[self.path + key] = np.array(value)
        elif isinstance(value, np.ndarray):
            value[...] = self.entries[self.path + key]
            return value
        return self.entries[self.path + key]
