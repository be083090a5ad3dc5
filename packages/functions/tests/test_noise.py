"""Functions that draw random numbers: one row each; the tests are those of the kit."""

import chainette
import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def dropped(x):
    chainette.seed(3)
    return F.dropout(x, 0.4, train=True)


def kept_by_dropout(x):
    chainette.seed(3)
    return x * (chainette.random.generator().random(x.shape, "f") >= 0.4) / 0.6


CASES = [
    Case(F.dropout, [arrays.normal((3, 4))], kept_by_dropout, call=dropped, random=True),
]  # fmt: skip


class TestNoise(FunctionTests):
    module = F
    homes = ("chainette_functions.noise",)
    cases = CASES
