"""Loss scaling, and gradients that add up over several batches."""

import numpy as np
import pytest

import chainette
from chainette.errors import ArgumentError, ChainetteError, NaNError
from chainette_optimizers import SGD, Adam
from chainette_optimizers.hooks import WeightDecay


def started(values=(1.0, 2.0), dtype=np.float32, lr=1e-3, **scaling):
    W = chainette.Parameter(np.array(values, dtype))
    optimizer = SGD(lr=lr).setup([W])
    if scaling:
        optimizer.loss_scaling(**scaling)
    return W, optimizer


def test_a_fixed_scale_changes_nothing_but_what_backward_sees():
    W, optimizer = started(lr=1.0, scale=128)
    assert optimizer.loss_scale == 128
    seen = []
    optimizer.add_hook(lambda optimizer: seen.append(W.grad.tolist()), name="see")
    optimizer.add_hook(WeightDecay(0.5))

    class Spy(chainette.Function):
        def forward(self, x):
            return x * 3

        def backward(self, gy):
            seen.append(gy.array.tolist())
            return gy * 3

    optimizer.update(lambda: Spy().apply(W).sum())
    assert seen == [[128, 128], [3, 3]]
    assert W.grad.tolist() == [3.5, 4]
    assert W.array.tolist() == [-2.5, -2]


def test_without_scaling_there_is_no_scale():
    W, optimizer = started()
    assert optimizer.loss_scale is None
    optimizer.set_loss_scale(8)
    assert optimizer.loss_scale == 8
    optimizer.update(lambda: W.sum())
    assert W.grad.tolist() == [1, 1]


def test_the_scale_is_doubled_until_it_overflows_then_halved_and_doubled_after_the_interval():
    W, optimizer = started(interval=3)
    factor, scales, steps = 3.0, [], []
    for i in range(14):
        factor = np.inf if i in (5, 6) else 3.0
        before = W.array.copy()
        optimizer.update(lambda factor=factor: (W * np.float32(factor)).sum())
        scales.append(optimizer.loss_scale)
        steps.append((W.array != before).all())
    assert scales == [2, 4, 8, 16, 32, 16, 8, 8, 8, 16, 16, 16, 32, 32]
    assert steps == [True] * 5 + [False] * 2 + [True] * 7
    assert (optimizer.t, W.update_rule.t) == (14, 12)  # as in Chainer


def test_a_step_that_is_left_out_calls_no_hook_and_leaves_the_state_alone():
    W = chainette.Parameter(np.ones(2, np.float32))
    optimizer = Adam().setup([W])
    optimizer.loss_scaling()
    optimizer.update(lambda: W.sum())
    before = {name: array.copy() for name, array in W.update_rule.state.items()}
    optimizer.add_hook(lambda optimizer: 1 / 0, name="fail")
    optimizer.update(lambda: (W * np.float32(np.nan)).sum())
    for name, array in W.update_rule.state.items():
        np.testing.assert_array_equal(array, before[name])


def test_the_scale_grows_to_what_half_precision_can_hold():
    W, optimizer = started(dtype=np.float16)
    optimizer.use_fp32_update()
    optimizer.loss_scaling(interval=2)
    for _ in range(20):
        optimizer.update(lambda: W.sum())
    assert optimizer.loss_scale == 2.0**15
    assert W.grad.tolist() == [1, 1]
    assert optimizer.t == W.update_rule.t == 20


def test_gradients_that_half_precision_would_lose_arrive():
    W = chainette.Parameter(np.zeros(2, np.float16))
    optimizer = SGD(lr=2.0**20).setup([W])
    optimizer.use_fp32_update()
    lossfun = lambda: (W * 2.0**-13 * 2.0**-13).sum()  # noqa: E731
    optimizer.update(lossfun)
    assert W.array.tolist() == [0, 0]
    optimizer.loss_scaling(scale=1024)
    optimizer.update(lossfun)
    assert W.array.tolist() == [-(2.0**-6)] * 2


def test_gradients_that_are_never_finite_are_an_error_in_the_end():
    W, optimizer = started()
    optimizer.loss_scaling()
    for _ in range(24):
        optimizer.update(lambda: (W * np.float32(np.nan)).sum())
    assert optimizer.loss_scale == 2.0**-24
    with pytest.raises(NaNError, match="however small"):
        optimizer.update(lambda: (W * np.float32(np.nan)).sum())
    assert optimizer.t == 24
    assert W.array.tolist() == [1, 2]
    optimizer.loss_scaling()
    optimizer.update(lambda: W.sum())
    assert W.grad.tolist() == [1, 1]


def test_gradients_made_by_hand_are_taken_as_they_are():
    W, optimizer = started(lr=1.0, scale=128)
    W.grad = np.array([1, 2], np.float32)
    optimizer.update()
    assert W.array.tolist() == [0, 0]


def test_a_loss_that_brings_its_gradient_is_scaled_too():
    W, optimizer = started(lr=1.0, scale=128)

    def lossfun():
        y = W * 3
        y.grad = np.array([1, 2], np.float32)
        return y

    optimizer.update(lossfun)
    assert W.array.tolist() == [-2, -4]


def test_a_loss_that_is_not_a_single_number_is_the_error_that_it_is_without_scaling():
    W, optimizer = started(scale=128)
    with pytest.raises(chainette.errors.GraphError, match="needs a gradient"):
        optimizer.update(lambda: W * 3)
    with pytest.raises(chainette.errors.GraphError, match="no graph"):
        optimizer.update(lambda: chainette.Variable(np.array(1)))


@pytest.mark.parametrize("scale", [None, 64])
def test_the_gradients_of_several_batches_make_one_step(scale):
    batches = np.array([[1, 2], [3, -4], [5, 6]], np.float32)
    W, optimizer = started(lr=1.0)
    if scale is not None:
        optimizer.loss_scaling(scale=scale)
    optimizer.target.cleargrads()
    for x in batches:
        optimizer.accumulate(lambda x: (W * x).sum() / 3, x)
    optimizer.update()
    np.testing.assert_allclose(W.array, [1 - 3, 2 - 4 / 3], rtol=1e-6)
    optimizer.update(lambda: W.sum())  # clears what was there
    np.testing.assert_allclose(W.array, [-3, -1 / 3], rtol=1e-6)


def test_gradients_add_up_without_any_of_this():
    W, optimizer = started(lr=1.0)
    for x in (1.0, 2.0):
        (W * x).sum().backward()
    optimizer.update()
    assert W.array.tolist() == [-2, -1]


def test_batches_that_are_added_up_share_one_scale_even_if_it_is_set_in_between():
    W, optimizer = started(lr=1.0)
    optimizer.loss_scaling()
    optimizer.accumulate(lambda: W.sum())
    optimizer._loss_scaling.scale = 64.0
    optimizer.accumulate(lambda: W.sum())
    optimizer.update()
    assert W.array.tolist() == [-1, 0]


def test_after_an_error_in_between_the_next_step_is_right():
    W, optimizer = started(lr=1.0, scale=8)
    optimizer.accumulate(lambda: W.sum())
    with pytest.raises(ZeroDivisionError):
        optimizer.update(lambda: 1 / 0)
    optimizer.update(lambda: W.sum())
    assert W.array.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("settings", "kind", "message"),
    [
        ({"interval": 0}, ValueError, "interval is 0"),
        ({"interval": 2.5}, ValueError, "interval is 2.5"),
        ({"scale": 0}, ValueError, "scale is 0"),
        ({"scale": float("inf")}, ValueError, "scale is inf"),
        ({"scale": float("nan")}, ValueError, "scale is nan"),
        ({"scale": "large"}, TypeError, "scale is a str"),
    ],
)
def test_what_cannot_be_a_scale_or_an_interval_is_refused(settings, kind, message):
    with pytest.raises(kind, match=f"loss_scaling: {message}") as caught:
        SGD().loss_scaling(**settings)
    assert isinstance(caught.value, ChainetteError)


def test_a_scale_that_the_loss_cannot_hold_is_refused():
    W, optimizer = started(dtype=np.float16, scale=1e5)
    with pytest.raises(ArgumentError, match=r"the loss is float16, which cannot hold the loss scale 100000"):
        optimizer.update(lambda: W.sum())


def test_accumulating_needs_a_target_and_a_variable():
    with pytest.raises(RuntimeError, match="Call setup"):
        SGD().accumulate(lambda: 1)
    _, optimizer = started()
    with pytest.raises(TypeError, match=r"SGD.accumulate: lossfun returned a float"):
        optimizer.accumulate(lambda: 1.0)
