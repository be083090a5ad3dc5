"""Activation functions: one row each; the tests are those of the kit."""

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def softmax(x, axis=1):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


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
]  # fmt: skip


class TestActivation(FunctionTests):
    module = F
    homes = ("chainette_functions.activation",)
    cases = CASES
