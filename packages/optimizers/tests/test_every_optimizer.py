"""What holds for each optimizer: any shape and layout, devices, memory, copies, frozen parameters."""

import copy
import pickle
import tracemalloc

import numpy as np
import pytest

import chainette
import chainette_optimizers
from chainette.testing import fake_backend
from chainette_optimizers import GradientMethod, blocks, hooks
from chainette_optimizers.hooks import GradientClipping, WeightDecay

ALL = [
    optimizer_class
    for optimizer_class in map(chainette_optimizers.__dict__.get, chainette_optimizers.__all__)
    if issubclass(optimizer_class, GradientMethod)
]


def parameter(*values, grad=None, dtype=np.float64):
    param = chainette.Parameter(np.array(values, dtype))
    if grad is not None:
        param.grad = np.array(grad, dtype)
    return param


@pytest.mark.parametrize("optimizer_class", ALL)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1, 1)])
def test_any_shape_is_updated(optimizer_class, shape):
    W = chainette.Parameter(np.ones(shape, np.float32))
    W.grad = np.ones(shape, np.float32)
    optimizer_class().setup([W]).update()
    assert W.shape == shape
    assert W.dtype == np.float32
    assert (W.array < 1).all()


@pytest.mark.parametrize("optimizer_class", ALL)
def test_an_array_that_is_not_contiguous_is_updated_in_place(optimizer_class):
    whole = np.ones((4, 6), np.float32)
    W = chainette.Parameter(whole[::2, ::-3].T)
    W.grad = np.ones(W.shape, np.float32)
    optimizer_class().setup([W]).update()
    assert (whole < 1).sum() == W.size == 4


@pytest.mark.parametrize("optimizer_class", ALL)
@pytest.mark.parametrize("as_stored", [np.asarray, lambda array: array.T, lambda array: array[:, ::-1, ::2]])
def test_going_through_an_array_in_pieces_changes_no_digit(optimizer_class, as_stored, monkeypatch):
    start, slope = np.random.default_rng(0).normal(size=(2, 5, 7, 6)).astype(np.float32)

    def walk():
        W = chainette.Parameter(as_stored(start.copy()))
        optimizer = optimizer_class().setup([W])
        for hook in (hooks.Lasso(0.1), hooks.GradientLARS(0.1, 0.1), WeightDecay(0.1)):
            optimizer.add_hook(hook)
        for _ in range(3):
            W.grad = as_stored(slope) * W.array
            optimizer.update()
        return W.array

    at_once = walk()
    for size in (4, 20, 400):
        monkeypatch.setattr(blocks, "BLOCK_BYTES", size)
        np.testing.assert_array_equal(walk(), at_once)


@pytest.mark.parametrize("optimizer_class", ALL)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("size", [0.0, 1e-7, 1e4])
def test_gradients_that_are_all_the_same_lead_to_no_nan(optimizer_class, dtype, size):
    W = chainette.Parameter(np.ones(3, dtype))
    optimizer = optimizer_class().setup([W])
    for _ in range(60):
        W.grad = np.full(3, size, dtype)
        optimizer.update()
    assert not np.isnan(W.array).any()
    assert size or (W.array == 1).all()


@pytest.mark.parametrize("optimizer_class", ALL)
def test_a_frozen_parameter_is_never_touched(optimizer_class):
    trained, frozen = parameter(1, 2, grad=[1, 1]), parameter(1, 2, grad=[1, 1], dtype=np.float16)
    optimizer = optimizer_class().setup([trained, frozen])
    optimizer.use_fp32_update()
    for hook in (hooks.Lasso(0.1), hooks.GradientNoise(0.1), WeightDecay(0.1), hooks.GradientHardClipping(-0.5, 0.5)):
        optimizer.add_hook(hook)
    frozen.update_rule.enabled = False
    for _ in range(3):
        optimizer.update()
    assert frozen.array.tolist() == [1, 2]
    assert frozen.grad.tolist() == [1, 1]
    assert (frozen.update_rule.t, frozen.update_rule.state) == (0, None)
    frozen.update_rule.enabled = True
    optimizer.update()
    assert frozen.update_rule.t == 1


# -- devices ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("optimizer_class", ALL)
def test_the_state_follows_its_parameter_to_another_device_and_back(optimizer_class, far):
    here, there = (parameter(1, 2, grad=[1, -1], dtype=np.float32) for _ in range(2))
    optimizer = optimizer_class().setup([here, there])
    optimizer.add_hook(WeightDecay(0.1))
    optimizer.add_hook(GradientClipping(0.5))
    for device in ("cpu", far, far, "cpu"):
        there.to_device(device)
        optimizer.update()
        assert there.device == chainette.get_device(device)
        assert there.update_rule.xp is there.xp
        for array in there.update_rule.state.values():
            assert chainette.backend.device_of(array) == there.device
    np.testing.assert_array_equal(here.array, there.array)


@pytest.mark.parametrize("optimizer_class", ALL)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_it_computes_on_an_accelerator_as_on_the_cpu(optimizer_class, dtype, isolated_plugins):
    def walk(device):
        W = chainette.Parameter(np.linspace(-2, 2, 6).reshape(2, 3).astype(dtype)).to_device(device)
        optimizer = optimizer_class().setup([W])
        optimizer.use_fp32_update()
        optimizer.loss_scaling(interval=2)
        every_hook = hooks.Lasso(0.1), hooks.GradientHardClipping(-5, 5), hooks.GradientLARS(0.1, 0.1)
        for hook in (*every_hook, WeightDecay(0.1), GradientClipping(3)):
            optimizer.add_hook(hook)
        slope = chainette.to_device(np.array([1, -2, 0.5], dtype), device)
        for _ in range(4):
            optimizer.update(lambda: (W * W * slope).sum())
        return {"W": W.array, **W.update_rule.state}

    with isolated_plugins(fake_backend.plugin, installed=True):
        here, there = walk("cpu"), walk("fake:1")
        assert here.keys() == there.keys()
        for name, array in there.items():
            assert str(chainette.backend.device_of(array)) == "fake:1"
            np.testing.assert_allclose(chainette.to_device(array, "cpu"), here[name], rtol=1e-6)


# -- memory -----------------------------------------------------------------------------------------------------


def peak_of_three_updates(optimizer):
    optimizer.update()
    tracemalloc.start()
    try:
        for _ in range(3):
            optimizer.update()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer_class", ALL)
def test_a_step_allocates_no_arrays_once_warm(optimizer_class, dtype):
    W = chainette.Parameter(np.ones((512, 512), dtype))
    W.grad = np.ones((512, 512), dtype)
    assert peak_of_three_updates(optimizer_class().setup([W])) < 10_000


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("in_float32", [False, True])
@pytest.mark.parametrize("optimizer_class", ALL)
def test_hooks_and_casts_allocate_nothing_that_grows_with_the_parameter(optimizer_class, in_float32, dtype):
    def peak(rows):
        W = chainette.Parameter(np.ones((rows, 512), dtype))
        W.grad = np.ones((rows, 512), dtype)
        optimizer = optimizer_class().setup([W])
        optimizer.use_fp32_update(in_float32)
        for hook in (WeightDecay(0.01), hooks.Lasso(0.01), hooks.GradientHardClipping(-2, 2), hooks.GradientLARS()):
            optimizer.add_hook(hook)
        optimizer.add_hook(GradientClipping(1.0))
        return peak_of_three_updates(optimizer)

    smaller, larger = peak(1024), peak(2048)  # NumPy's buffers for casts and einsum have a fixed size
    assert larger - smaller < 10_000


# -- copies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
@pytest.mark.parametrize("optimizer_class", ALL)
def test_a_copy_goes_on_as_the_original_does_and_independently(optimizer_class, copied):
    optimizer = optimizer_class().setup([parameter(1, 2, grad=[1, -1]), parameter(3, grad=[1])])
    optimizer.add_hook(WeightDecay(0.1))
    optimizer.target.parameters[1].update_rule.hyperparam.marker = 1
    optimizer.update()
    other = copied(optimizer)
    other_params = other.target.parameters
    before = [param.array.copy() for param in other_params]
    optimizer.update()
    assert [param.array.tolist() for param in other_params] == [array.tolist() for array in before]
    for param in other_params:
        param.grad = param.grad if param.grad is not None else np.ones_like(param.array)
    for mine, theirs in zip(optimizer.target.parameters, other_params, strict=True):
        theirs.grad = mine.grad.copy() - 0.1 * theirs.array  # what the hook will add again
    other.update()
    for mine, theirs in zip(optimizer.target.parameters, other_params, strict=True):
        np.testing.assert_allclose(theirs.array, mine.array, rtol=1e-12)
        assert theirs.update_rule.t == mine.update_rule.t == 2
        assert theirs.update_rule.hyperparam.parent is other.hyperparam
