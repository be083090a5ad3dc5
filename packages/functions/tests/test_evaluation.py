"""Measures without gradients: one row each; the tests are those of the kit."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays

LABELS = arrays.integers((4, 2), -1, 3, "int64")

CASES = [
    Case(F.accuracy, [arrays.distinct((4, 3)), arrays.integers((4,), 0, 3, "uint8")],
         lambda y, t: (y.argmax(1) == t).mean() if t.size else 0.0, gradient=False),
    Case(F.accuracy, [arrays.distinct((4, 3, 2)), LABELS],
         lambda y, t: ((y.argmax(1) == t) & (t != -1)).sum() / max((t != -1).sum(), 1), gradient=False,
         kwargs={"ignore_label": -1}, name="accuracy with ignored label"),
    Case(F.binary_accuracy, [arrays.away_from_zero((3, 4)), arrays.integers((3, 4), -1, 2)],
         lambda y, t: ((y >= 0) == t).sum() / max((t != -1).sum(), 1), gradient=False),
    Case(F.binary_accuracy, [arrays.away_from_zero((7,)), arrays.integers((7,), 0, 2, "uint8")],
         lambda y, t: ((y >= 0) == t).sum() / max(t.size, 1), gradient=False, name="binary_accuracy of a vector"),
]  # fmt: skip


class TestEvaluation(FunctionTests):
    module = F
    homes = ("chainette_functions.evaluation",)
    cases = CASES


def test_a_score_of_exactly_0_predicts_1():
    assert F.binary_accuracy(np.array([0.0, -0.0, -1e-300]), np.array([1, 1, 1])).item() == 2 / 3


def test_labels_that_are_not_known_do_not_count():
    y, t = np.array([3.0, 3.0, -3.0, -3.0]), np.array([1, -1, 1, -1])
    assert F.binary_accuracy(y, t).item() == 0.5
    assert F.binary_accuracy(y, np.full(4, -1)).item() == 0
    assert F.binary_accuracy(y[:0], t[:0]).item() == 0
    assert F.binary_accuracy(np.array(3.0), np.array(1)).item() == 1


def test_binary_accuracy_counts_more_labels_than_float16_can():
    y = F.binary_accuracy(np.ones(140_000, "e"), np.arange(140_000) % 2)
    assert (y.item(), y.dtype) == (0.5, "float16")


@pytest.mark.parametrize("measure", [F.accuracy, F.binary_accuracy])
def test_no_gradient_flows_through_a_measure(measure):
    y = chainette.Variable(np.ones((2, 2)))
    measure(y, np.ones((2, 2) if measure is F.binary_accuracy else 2, "i")).backward()
    assert y.grad is None
