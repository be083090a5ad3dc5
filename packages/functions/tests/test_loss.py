"""Loss functions: one row each; the tests are those of the kit."""

import numpy as np

import chainette
import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def softmax(x, axis=1):
    e = np.exp(x - x.max(axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis, keepdims=True)


def cross_entropy(x, t, weight=None, ignore=-1):
    """The loss of each position."""
    log_p = np.log(np.moveaxis(softmax(x), 1, -1))
    kept = t != ignore
    picked = np.take_along_axis(log_p, np.where(kept, t, 0)[..., None], -1)[..., 0]
    return -picked * kept * (1 if weight is None else weight[np.where(kept, t, 0)])


def binary_cross_entropy(x, t):
    return (t != -1) * (np.log1p(np.exp(-abs(x))) + np.maximum(x, 0) - x * t)


WEIGHT = np.array([0.5, 1.0, 2.0], "f")
LABELS = arrays.integers((4, 2), -1, 3, "int64")

CASES = [
    Case(F.mean_squared_error, [arrays.normal((3, 4)), arrays.normal((3, 4))],
         lambda x0, x1: ((x0 - x1) ** 2).sum() / max(x0.size, 1)),
    Case(F.sigmoid_cross_entropy, [arrays.normal((3, 4)), arrays.integers((3, 4), -1, 2)],
         lambda x, t: binary_cross_entropy(x, t).sum() / max((t != -1).sum(), 1)),
    Case(F.sigmoid_cross_entropy, [arrays.normal((3, 4)), arrays.integers((3, 4), -1, 2)],
         lambda x, t: binary_cross_entropy(x, t).sum() / max(len(x), 1), kwargs={"normalize": False},
         name="sigmoid_cross_entropy by batch"),
    Case(F.sigmoid_cross_entropy, [arrays.normal((3, 4)), arrays.integers((3, 4), -1, 2)], binary_cross_entropy,
         kwargs={"reduce": "no"}, name="sigmoid_cross_entropy of each"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3)), arrays.integers((4,), 0, 3)],
         lambda x, t: cross_entropy(x, t).sum() / max(len(x), 1)),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), LABELS],
         lambda x, t: cross_entropy(x, t).sum() / max((t != -1).sum(), 1), name="softmax_cross_entropy of pixels"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), LABELS], cross_entropy, kwargs={"reduce": "no"},
         name="softmax_cross_entropy of each"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), LABELS],
         lambda x, t: cross_entropy(x, t, WEIGHT).sum() / max(len(x), 1),
         call=lambda x, t: F.softmax_cross_entropy(
             x, t, normalize=False, cache_score=False,
             class_weight=chainette.to_device(WEIGHT, chainette.as_variable(x).device)),
         name="softmax_cross_entropy weighted"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3)), arrays.positive((4, 3))],
         lambda x, t: -(t * np.log(softmax(x))).sum() / max(len(x), 1), name="softmax_cross_entropy of probabilities"),
    Case(F.absolute_error, [arrays.away_from_zero((3, 4)), arrays.values(*[[0.0] * 4] * 3)],
         lambda x0, x1: abs(x0 - x1), batched=False),
    Case(F.mean_absolute_error, [arrays.away_from_zero((3, 4)), arrays.values(*[[0.0] * 4] * 3)],
         lambda x0, x1: abs(x0 - x1).mean(), batched=False),
    Case(F.squared_error, [arrays.normal((3, 4)), arrays.normal((3, 4))], lambda x0, x1: (x0 - x1) ** 2),
]  # fmt: skip


class TestLoss(FunctionTests):
    module = F
    homes = ("chainette_functions.loss",)
    cases = CASES
