"""Functions that draw random numbers: one row each; the tests are those of the kit."""

import numpy as np

import chainette
import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def dropped(x):
    chainette.seed(3)
    return F.dropout(x, 0.4, train=True)


def kept_by_dropout(x):
    chainette.seed(3)
    return x * (chainette.random.generator().random(x.shape, "f") >= 0.4) / 0.6


def seeded(function, **kwargs):
    """The function as it draws after the seed 3."""

    def call(*inputs):
        chainette.seed(3)
        return function(*inputs, **kwargs)

    return call


def draw(method, *args):
    """What the function has drawn then."""
    chainette.seed(3)
    return getattr(chainette.random.generator(), method)(*args)


def softmax(x, axis):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def gumbel_softmax(x, tau=0.1, axis=1):
    return softmax((x - np.log(draw("standard_exponential", x.shape))) / tau, axis)


def dropconnect(x, W, b=0, batchwise=True, ratio=0.5):
    kept = draw("random", (len(x), *W.shape) if batchwise else W.shape, "f") >= ratio
    y = np.zeros((len(x), len(W))) + b
    for n, j in np.ndindex(y.shape):
        y[n, j] += (x[n].ravel() * W[j] * (kept[n, j] if batchwise else kept[j])).sum() / (1 - ratio)
    return y


EPS = np.arange(12.0, dtype="f").reshape(3, 4) / 4 - 1


def on(x, array):
    """The array where x lies."""
    return chainette.to_device(array, chainette.as_variable(x).device)


CASES = [
    Case(F.dropout, [arrays.normal((3, 4))], kept_by_dropout, call=dropped, random=True),
    Case(F.gaussian, [arrays.normal((3, 4)), arrays.normal((3, 4))],
         lambda mean, ln_var: mean + np.sqrt(np.exp(ln_var)) * draw("standard_normal", mean.shape),
         call=seeded(F.gaussian), random=True, tolerance={"float16": {"atol": 1e-2, "rtol": 1e-2}}),
    Case(F.gaussian, [arrays.normal((3, 4)), arrays.normal((3, 4))],
         lambda mean, ln_var: mean + np.sqrt(np.exp(ln_var)) * EPS, batched=False,
         call=lambda mean, ln_var: F.gaussian(mean, ln_var, eps=on(mean, EPS)), name="gaussian of given eps",
         tolerance={"float16": {"atol": 1e-2, "rtol": 1e-2}}),
    Case(F.gumbel_softmax, [arrays.normal((3, 4))], gumbel_softmax, call=seeded(F.gumbel_softmax), random=True,
         tolerance={"float32": {"atol": 2e-5, "rtol": 2e-4}, "float16": {"atol": 2e-2, "rtol": 2e-2}}),
    Case(F.gumbel_softmax, [arrays.normal((3, 2, 4))], lambda x: gumbel_softmax(x, 2.0, 2),
         call=seeded(F.gumbel_softmax, tau=2.0, axis=-1), random=True, name="gumbel_softmax last axis, warm"),
    Case(F.simplified_dropconnect, [arrays.normal((3, 4)), arrays.normal((2, 4)), arrays.normal((2,))], dropconnect,
         call=seeded(F.simplified_dropconnect), random=True, batched=(True, False, False)),
    Case(F.simplified_dropconnect, [arrays.normal((3, 2, 2)), arrays.normal((2, 4))],
         lambda x, W: dropconnect(x, W, ratio=0.2), call=seeded(F.simplified_dropconnect, ratio=0.2, train=True),
         random=True, batched=(True, False), name="simplified_dropconnect of images"),
    Case(F.simplified_dropconnect, [arrays.normal((3, 4)), arrays.normal((2, 4)), arrays.normal((2,))],
         lambda x, W, b: dropconnect(x, W, b, batchwise=False),
         call=seeded(F.simplified_dropconnect, use_batchwise_mask=False), random=True, batched=(True, False, False),
         name="simplified_dropconnect with one mask"),
    Case(F.simplified_dropconnect, [arrays.normal((3, 4)), arrays.normal((2, 4)), arrays.normal((2,))],
         lambda x, W, b: x @ W.T + b, kwargs={"train": False}, batched=(True, False, False),
         name="simplified_dropconnect in a test"),
    Case(F.zoneout, [arrays.normal((3, 4)), arrays.normal((3, 4))],
         lambda h, x: np.where(draw("random", x.shape, "f") < 0.3, h, x),
         call=seeded(F.zoneout, ratio=0.3), random=True),
    Case(F.zoneout, [arrays.normal((3, 4)), arrays.normal((3, 4))], lambda h, x: np.where(EPS < 0.2, h, x),
         call=lambda h, x: F.zoneout(h, x, mask=on(x, EPS < 0.2)), batched=False, name="zoneout with a mask"),
]  # fmt: skip


class TestNoise(FunctionTests):
    module = F
    homes = ("chainette_functions.noise",)
    cases = CASES
