"""Wrong arguments are told before any work, by the function's name and the argument's."""

import numpy as np
import pytest

import chainette_functions as F
from chainette.errors import ArgumentError, DtypeError, ShapeError

A = np.ones((2, 3))

WRONG = [
    (lambda: F.clipped_relu(A, 0), ArgumentError, "clipped_relu: z=0"),
    (lambda: F.softplus(A, 0), ArgumentError, "softplus: beta=0"),
    (lambda: F.maxout(A, 2), ShapeError, "does not divide into pools of 2"),
    (lambda: F.maxout(A, 0), ShapeError, "pools of 0"),
    (lambda: F.maxout(A, 1, axis=2), ShapeError, "maxout: axis 2"),
    (lambda: F.prelu(A, np.ones(2)), ShapeError, r"prelu: W has shape \(2,\)"),
    (lambda: F.prelu(A, np.ones((3, 1))), ShapeError, r"prelu: W has shape \(3, 1\)"),
    (lambda: F.softmin(A, axis=2), ShapeError, "axis 2"),
    (lambda: F.squeeze(A, 0), ShapeError, "whose size is not 1"),
    (lambda: F.squeeze(A, 2), ShapeError, "squeeze: axis 2"),
    (lambda: F.swapaxes(A, 0, 2), ShapeError, "swapaxes: axis 2"),
    (lambda: F.rollaxis(A, 2), ShapeError, "rollaxis: axis 2"),
    (lambda: F.rollaxis(A, 0, 3), ShapeError, "rollaxis: start=3"),
    (lambda: F.moveaxis(A, 0, 2), ShapeError, "moveaxis: axis 2"),
    (lambda: F.moveaxis(A, (0, 1), 0), ShapeError, "as many axes, each once"),
    (lambda: F.moveaxis(A, (0, 0), (0, 1)), ShapeError, "each once"),
    (lambda: F.stack([]), ArgumentError, "stack: xs is empty"),
    (lambda: F.stack([A, A.T]), ShapeError, r"stack: xs\[1\] has shape \(3, 2\)"),
    (lambda: F.stack([A], axis=3), ShapeError, "stack: axis 3"),
    (lambda: F.hstack([]), ArgumentError, "hstack: xs is empty"),
    (lambda: F.hstack([A, A.T]), ShapeError, "does not fit"),
    (lambda: F.vstack([]), ArgumentError, "vstack: xs is empty"),
    (lambda: F.vstack([A, A.T]), ShapeError, "does not fit"),
    (lambda: F.dstack([]), ArgumentError, "dstack: xs is empty"),
    (lambda: F.dstack([A, A.T]), ShapeError, "does not fit"),
    (lambda: F.separate(A, 2), ShapeError, "separate: axis 2"),
    (lambda: F.separate(A[:0]), ShapeError, "separate: axis 0"),
    (lambda: F.repeat(A, 2, axis=2), ShapeError, "repeat: axis 2"),
    (lambda: F.repeat(A, (1, 2, 3), axis=0), ShapeError, "3 repeats for 2 elements"),
    (lambda: F.repeat(A, -1), ArgumentError, "negative"),
    (lambda: F.tile(A, (2, -1)), ArgumentError, "tile: .* negative"),
    (lambda: F.flip(A, 2), ShapeError, "flip: axis 2"),
    (lambda: F.broadcast(), ArgumentError, "broadcast: nothing"),
    (lambda: F.broadcast(A, np.ones(2)), ShapeError, "do not broadcast"),
    (lambda: F.select_item(A[0], np.zeros(3, "i")), ShapeError, r"expected \(rows, columns\)"),
    (lambda: F.select_item(A, np.zeros(2)), DtypeError, "select_item: t is float64"),
    (lambda: F.select_item(A, np.zeros(3, "i")), ShapeError, "select_item: t has shape"),
    (lambda: F.select_item(A, np.full(2, 3)), ArgumentError, "select_item: t holds 3"),
    (lambda: F.argmax(A, 2), ShapeError, "argmax: axis 2"),
    (lambda: F.argmin(A[:0]), ShapeError, "argmin: .* no elements"),
    (lambda: F.logsumexp(A, 2), ShapeError, "logsumexp: axis 2"),
    (lambda: F.logsumexp(A[:0], 0), ShapeError, "no elements"),
    (lambda: F.logsumexp(A.astype("i")), DtypeError, "logsumexp: x is int32"),
    (lambda: F.add(), ArgumentError, "add: nothing"),
    (lambda: F.scale(A, np.ones(2)), ShapeError, r"scale: y of shape \(2,\)"),
    (lambda: F.bias(A, np.ones(2)), ShapeError, r"bias: y of shape \(2,\)"),
    (lambda: F.absolute_error(A, A.T), ShapeError, "absolute_error: x0 and x1"),
    (lambda: F.squared_error(A, A.astype("i")), DtypeError, "squared_error: x1 is int32"),
    (lambda: F.mean_absolute_error(A, A[0]), ShapeError, "mean_absolute_error: x0 and x1"),
]


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("function", [F.elu, F.selu, F.softplus, F.mish, F.silu, F.hard_sigmoid, F.leaky_relu])
def test_extreme_values_and_their_gradients_stay_finite(function):
    import chainette

    for dtype, extreme in (("f4", 1000.0), ("f2", 60000.0 if function is not F.selu else 30000.0)):
        x = chainette.Variable(np.array([-extreme, 0.0, extreme], dtype))
        y = function(x)
        F.sum(y).backward()
        assert np.isfinite(x.grad).all()
        assert np.isfinite(y.array).all()


def test_logsumexp_does_not_overflow():
    np.testing.assert_allclose(F.logsumexp(np.array([1e4, 1e4])).array, 1e4 + np.log(2))
    np.testing.assert_allclose(F.logsumexp(np.full(70000, 1, "f2")).array, np.log(70000) + 1, rtol=1e-3)


def test_equal_values_give_their_gradient_to_the_first_argument():
    import chainette

    for function in (F.maximum, F.minimum):
        a, b = chainette.Variable(np.ones(1)), chainette.Variable(np.ones(1))
        function(a, b).backward()
        assert (a.grad.tolist(), b.grad.tolist()) == ([1], [0])
