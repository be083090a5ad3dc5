"""Activation functions: one row each; the tests are those of the kit."""

import math

import numpy as np

import chainette
import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def softmax(x, axis=1):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu(x):
    return x * np.vectorize(math.erfc, otypes="d")(-x / math.sqrt(2)) / 2


def rrelu(x, r):
    return np.where(x >= 0, x, r * x)


def leaking(x):
    chainette.seed(3)
    return F.rrelu(x, 0.1, 0.6)


def slopes(x):
    chainette.seed(3)
    return 0.1 + 0.5 * chainette.random.generator().random(x.shape, "f")


def rrelu_with_given_slopes(x):
    x = chainette.as_variable(x)
    return F.rrelu(x, r=chainette.to_device(SLOPES, x.device), return_r=True)


def rrelu_in_test_mode(x):
    with chainette.test_mode():
        return F.rrelu(x, 0.1, 0.6)


SLOPES = np.linspace(-1, 2, 12).reshape(3, 4)

CASES = [
    Case(F.relu, [arrays.away_from_zero((3, 4))], lambda x: np.maximum(x, 0), elementwise=True),
    Case(F.sigmoid, [arrays.normal((3, 4))], lambda x: 1 / (1 + np.exp(-x)), elementwise=True),
    Case(F.tanh, [arrays.normal((3, 4))], np.tanh, elementwise=True),
    Case(F.softmax, [arrays.normal((3, 4))], softmax),
    Case(F.softmax, [arrays.normal((2, 3, 4))], softmax, name="softmax over channels"),
    Case(F.softmax, [arrays.normal((3, 4))], lambda x: softmax(x, -1), kwargs={"axis": -1}, name="softmax last axis"),
    Case(F.log_softmax, [arrays.normal((3, 4))], lambda x: np.log(softmax(x))),
    Case(F.log_softmax, [arrays.normal((3, 4))], lambda x: np.log(softmax(x, 0)), kwargs={"axis": 0},
         name="log_softmax first axis", batched=False),
    Case(F.clipped_relu, [arrays.away_from_zero((3, 4))], lambda x: np.clip(x, 0, 0.9), kwargs={"z": 0.9},
         elementwise=True),
    Case(F.elu, [arrays.away_from_zero((3, 4))], elu, elementwise=True),
    Case(F.elu, [arrays.away_from_zero((3, 4))], lambda x: elu(x, 0.3), kwargs={"alpha": 0.3}, name="elu with alpha"),
    Case(F.hard_sigmoid, [arrays.away_from_zero((3, 4))], lambda x: np.clip(0.2 * x + 0.5, 0, 1), elementwise=True),
    Case(F.leaky_relu, [arrays.away_from_zero((3, 4))], lambda x: np.where(x >= 0, x, 0.2 * x), elementwise=True),
    Case(F.leaky_relu, [arrays.away_from_zero((3, 4))], lambda x: np.where(x >= 0, x, 0.5 * x), kwargs={"slope": 0.5},
         name="leaky_relu with slope"),
    Case(F.maxout, [arrays.distinct((2, 6, 3))], lambda x: x.reshape(-1, 3, 2, 3).max(2), kwargs={"pool_size": 2}),
    Case(F.maxout, [arrays.distinct((2, 6))], lambda x: x.reshape(-1, 2, 3).max(2),
         kwargs={"pool_size": 3, "axis": -1}, name="maxout last axis"),
    Case(F.mish, [arrays.normal((3, 4))], lambda x: x * np.tanh(np.log1p(np.exp(x))), elementwise=True),
    Case(F.prelu, [arrays.away_from_zero((2, 3, 4)), arrays.normal((3,))],
         lambda x, W: np.where(x >= 0, x, W[:, None] * x), batched=(True, False)),
    Case(F.prelu, [arrays.away_from_zero((2, 3)), arrays.normal(())], lambda x, W: np.where(x >= 0, x, W * x),
         name="prelu with one slope", batched=(True, False)),
    Case(F.selu, [arrays.away_from_zero((3, 4))], lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
         elementwise=True),
    Case(F.silu, [arrays.normal((3, 4))], lambda x: x / (1 + np.exp(-x)), elementwise=True),
    Case(F.softmin, [arrays.normal((3, 4))], lambda x: softmax(-x)),
    Case(F.softplus, [arrays.normal((3, 4))], lambda x: np.log1p(np.exp(x)), elementwise=True),
    Case(F.softplus, [arrays.normal((3, 4))], lambda x: np.log1p(np.exp(2 * x)) / 2, kwargs={"beta": 2.0},
         name="softplus with beta"),
    Case(F.gelu, [arrays.normal((3, 4), 2.0)], gelu, elementwise=True),
    Case(F.gelu, [arrays.normal((3, 4), 2.0)],
         lambda x: x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
         kwargs={"approximate": "tanh"}, elementwise=True, name="gelu by tanh"),
    Case(F.rrelu, [arrays.away_from_zero((3, 4))], lambda x: rrelu(x, slopes(x)), call=leaking, random=True),
    Case(F.rrelu, [arrays.away_from_zero((3, 4))], lambda x: rrelu(x, SLOPES),
         call=lambda x: rrelu_with_given_slopes(x)[0], name="rrelu with given slopes", batched=False),
    Case(F.rrelu, [arrays.away_from_zero((3, 4))], lambda x: rrelu(x, 0.35), call=rrelu_in_test_mode, elementwise=True,
         name="rrelu in test mode"),
    Case(F.swish, [arrays.normal((2, 3, 4)), arrays.normal((3,))],
         lambda x, beta: x / (1 + np.exp(-beta[:, None] * x)), batched=(True, False)),
    Case(F.swish, [arrays.normal((3, 4))], lambda x: x / (1 + np.exp(-0.5 * x)), kwargs={"beta": 0.5},
         name="swish by a number"),
]  # fmt: skip


class TestActivation(FunctionTests):
    module = F
    homes = ("chainette_functions.activation",)
    cases = CASES
