"""Measures without gradients: one row each; the tests are those of the kit."""

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays

LABELS = arrays.integers((4, 2), -1, 3, "int64")

CASES = [
    Case(F.accuracy, [arrays.distinct((4, 3)), arrays.integers((4,), 0, 3, "uint8")],
         lambda y, t: (y.argmax(1) == t).mean() if t.size else 0.0, gradient=False),
    Case(F.accuracy, [arrays.distinct((4, 3, 2)), LABELS],
         lambda y, t: ((y.argmax(1) == t) & (t != -1)).sum() / max((t != -1).sum(), 1), gradient=False,
         kwargs={"ignore_label": -1}, name="accuracy with ignored label"),
]  # fmt: skip


class TestEvaluation(FunctionTests):
    module = F
    homes = ("chainette_functions.evaluation",)
    cases = CASES
