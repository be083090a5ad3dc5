"""Dense layers, units with parameters, scaling and shifting: one row each; the tests are those of the kit."""

import numpy as np

import chainette_functions as F
import chainette_links as L
from chainette import random
from chainette.testing import LinkCase, LinkTests, arrays


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(v, name, x):
    return x @ v[f"/{name}/W"].T + v.get(f"/{name}/b", 0)


def highway(activate):
    def reference(v, x):
        gate = sigmoid(linear(v, "transform", x))
        return gate * activate(linear(v, "plain", x)) + (1 - gate) * x

    return reference


def bilinear(v, e1, e2):
    e1, e2 = e1.reshape(len(e1), -1), e2.reshape(len(e2), -1)
    return np.einsum("ni,nj,ijk->nk", e1, e2, v["/W"]) + e1 @ v["/V1"] + e2 @ v["/V2"] + v["/b"]


def dropconnect(ratio, batchwise=True):
    def reference(v, x, kept=None):
        W = v["/W"]
        if kept is None:
            shape = (len(x), *W.shape) if batchwise else W.shape
            kept = random.generator("cpu").random(shape, "f") >= ratio
        return np.einsum("...oi,...i->...o", W * kept / (1 - ratio), x) + v.get("/b", 0)

    return reference


X = arrays.normal((5, 4))
IMAGE = arrays.normal((2, 3, 4))

CASES = [
    LinkCase(lambda: L.Bias(1, (3,)), [IMAGE], lambda v, x: x + v["/b"][:, None]),
    LinkCase(lambda: L.Bias(2, (4,)), [IMAGE], lambda v, x: x + v["/b"], name="Bias of the last axis"),
    LinkCase(lambda: L.Bias(), [IMAGE, arrays.normal((3,))], lambda v, x, y: x + y[:, None], name="Bias that is given"),
    LinkCase(lambda: L.Scale(1, (3,)), [IMAGE], lambda v, x: x * v["/W"][:, None]),
    LinkCase(lambda: L.Scale(0, (2, 3), bias_term=True), [IMAGE],
             lambda v, x: x * v["/W"][..., None] + v["/bias/b"][..., None], name="Scale with bias"),
    LinkCase(lambda: L.Scale(2, bias_term=True, bias_shape=4), [IMAGE, arrays.normal((4,))],
             lambda v, x, y: x * y + v["/bias/b"], name="Scale that is given, with bias"),
    LinkCase(lambda: L.Bilinear(4, 3, 2), [X, arrays.normal((5, 3, 1))], bilinear),
    LinkCase(lambda: L.Bilinear(4, 3, 2, nobias=True), [X, arrays.normal((5, 3))],
             lambda v, e1, e2: np.einsum("ni,nj,ijk->nk", e1, e2, v["/W"]), name="Bilinear without biases"),
    LinkCase(lambda: L.PReLU(), [arrays.away_from_zero((3, 4))], lambda v, x: np.where(x >= 0, x, v["/W"] * x)),
    LinkCase(lambda: L.PReLU((3,)), [arrays.away_from_zero((2, 3, 4))],
             lambda v, x: np.where(x >= 0, x, v["/W"][:, None] * x), name="PReLU of channels"),
    LinkCase(lambda: L.Swish((3,)), [IMAGE], lambda v, x: x * sigmoid(v["/beta"][:, None] * x)),
    LinkCase(lambda: L.Swish((3, 4)), [IMAGE], lambda v, x: x * sigmoid(v["/beta"] * x), name="Swish of elements",
             open=lambda: L.Swish(None)),
    LinkCase(lambda: L.Maxout(4, 3, 2), [arrays.normal((5, 2, 2))],
             lambda v, x: linear(v, "linear", x.reshape(5, 4)).reshape(5, 3, 2).max(2),
             open=lambda: L.Maxout(None, 3, 2)),
    LinkCase(lambda: L.Maxout(4, 3, 2, initial_bias=None), [X],
             lambda v, x: linear(v, "linear", x).reshape(5, 3, 2).max(2), name="Maxout without bias"),
    LinkCase(lambda: L.Highway(4), [X], highway(lambda x: np.maximum(x, 0))),
    LinkCase(lambda: L.Highway(4, nobias=True, activate=F.tanh), [X], highway(np.tanh), name="Highway without bias"),
    LinkCase(lambda: L.SimplifiedDropconnect(4, 3, 0.25), [X], dropconnect(0.25), exact=False,
             open=lambda: L.SimplifiedDropconnect(None, 3, 0.25)),
    LinkCase(lambda: L.SimplifiedDropconnect(4, 3, nobias=True), [X], dropconnect(0.5, False), exact=False,
             call=lambda link, x: link(x, use_batchwise_mask=False), name="SimplifiedDropconnect of all samples"),
    LinkCase(lambda: L.SimplifiedDropconnect(4, 3), [X, arrays.booleans((5, 3, 4))], dropconnect(0.5),
             call=lambda link, x, kept: link(x, mask=kept), name="SimplifiedDropconnect with a mask"),
    LinkCase(lambda: L.SimplifiedDropconnect(4, 3), [X], dropconnect(0), train=False,
             name="SimplifiedDropconnect at rest"),
    LinkCase(lambda: L.SimplifiedDropconnect(4, 3), [X], lambda v, x: x @ v["/W"].T + v["/b"],
             call=lambda link, x: link(x, False), name="SimplifiedDropconnect told to rest"),
    LinkCase(lambda: L.Lambda(F.relu), [arrays.away_from_zero((3, 4))], lambda v, x: np.maximum(x, 0)),
]  # fmt: skip


class TestLayers(LinkTests):
    module = L
    public = (
        "Bias", "Bilinear", "Highway", "Lambda", "Maxout", "PReLU", "Scale", "SimplifiedDropconnect", "Swish",
    )  # fmt: skip
    cases = CASES
