"""The first links: one row each; the tests are those of the kit."""

import numpy as np

import chainette_links as L
from chainette.testing import LinkCase, LinkTests, arrays


def cross_entropy(values, x, t):
    y = x @ values["/predictor/W"].T + values["/predictor/b"]
    e = np.exp(y - y.max(1, keepdims=True))
    return -np.log((e / e.sum(1, keepdims=True))[np.arange(len(t)), t]).mean()


CASES = [
    LinkCase(lambda: L.Linear(4, 3), [arrays.normal((5, 4))], lambda v, x: x @ v["/W"].T + v["/b"],
             open=lambda: L.Linear(None, 3)),
    LinkCase(lambda: L.Linear(4, 3, nobias=True), [arrays.normal((5, 2, 2))],
             lambda v, x: x.reshape(5, 4) @ v["/W"].T, name="Linear without bias"),
    LinkCase(lambda: L.EmbedID(6, 3), [arrays.integers((4, 2), 0, 6)], lambda v, x: v["/W"][x]),
    LinkCase(lambda: L.Parameter(np.zeros((2, 3), "f")), [], lambda v: v["/W"], dtypes=("float32",)),
    LinkCase(lambda: L.Classifier(L.Linear(4, 3)), [arrays.normal((5, 4)), arrays.integers((5,), 0, 3)],
             cross_entropy, open=lambda: L.Classifier(L.Linear(None, 3))),
]  # fmt: skip


class TestLinks(LinkTests):
    module = L
    public = ("Classifier", "EmbedID", "Linear", "Parameter")
    cases = CASES
