"""Functions that run others: one row each; the tests are those of the kit."""

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays

CASES = [
    Case(F.checkpoint, [arrays.normal((3, 4)), arrays.normal((4,))], lambda x, b: np.tanh(x * b) * b,
         call=lambda x, b: F.checkpoint(lambda h: F.tanh(h * b) * b, x), batched=(True, False)),
    Case(F.checkpoint, [arrays.normal((3, 4)), arrays.normal((3, 4))], lambda x, y: (x * y, np.tanh(x)),
         call=lambda x, y: F.checkpoint(lambda x, y: (x * y, F.tanh(x)), x, y), name="checkpoint of two outputs"),
    Case(F.checkpoint, [arrays.normal((3, 4))], lambda x: np.exp(np.tanh(x)),
         call=lambda x: F.checkpoint(lambda h: F.exp(F.checkpoint(F.tanh, h)), x), name="checkpoint in a checkpoint",
         elementwise=True),
    Case(F.forget, [arrays.normal((3, 4))], lambda x: np.tanh(x) ** 2,
         call=lambda x: F.forget(lambda h: F.square(F.tanh(h)), x), elementwise=True),
]  # fmt: skip


class TestUtil(FunctionTests):
    module = F
    homes = ("chainette_functions.util",)
    cases = CASES
