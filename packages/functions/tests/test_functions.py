"""Every function of chainette.functions, one row each; the tests are those of the kit."""

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


def dropped(x):
    chainette.seed(3)
    return F.dropout(x, 0.4, train=True)


def kept_by_dropout(x):
    chainette.seed(3)
    return x * (chainette.random.generator().random(x.shape, "f") >= 0.4) / 0.6


WEIGHT = np.array([0.5, 1.0, 2.0], "f")
LABELS = arrays.integers((4, 2), -1, 3, "int64")

CASES = [
    # activation
    Case(F.relu, [arrays.away_from_zero((3, 4))], lambda x: np.maximum(x, 0), elementwise=True),
    Case(F.sigmoid, [arrays.normal((3, 4))], lambda x: 1 / (1 + np.exp(-x)), elementwise=True),
    Case(F.tanh, [arrays.normal((3, 4))], np.tanh, elementwise=True),
    Case(F.softmax, [arrays.normal((3, 4))], softmax),
    Case(F.softmax, [arrays.normal((2, 3, 4))], softmax, name="softmax over channels"),
    Case(F.softmax, [arrays.normal((3, 4))], lambda x: softmax(x, -1), kwargs={"axis": -1}, name="softmax last axis"),
    Case(F.log_softmax, [arrays.normal((3, 4))], lambda x: np.log(softmax(x))),
    Case(F.log_softmax, [arrays.normal((3, 4))], lambda x: np.log(softmax(x, 0)), kwargs={"axis": 0},
         name="log_softmax first axis", batched=False),
    # array
    Case(F.broadcast_to, [arrays.normal((3, 1, 2))], lambda x: np.broadcast_to(x, (2, 3, 4, 2)),
         kwargs={"shape": (2, 3, 4, 2)}, batched=False),
    Case(F.cast, [arrays.normal((3, 4))], lambda x: x.astype("i"), kwargs={"typ": "int32"}, gradient=False,
         name="cast to integers"),
    Case(F.cast, [arrays.normal((3, 4))], lambda x: x, call=lambda x: F.cast(F.cast(x, "float64"), x.dtype)),
    Case(F.concat, [arrays.normal((3, 2)), arrays.normal((3, 4))], lambda a, b: np.concatenate([a, b], 1),
         call=lambda *xs: F.concat(xs)),
    Case(F.concat, [arrays.normal((3, 2)), arrays.normal((1, 2))], lambda a, b: np.concatenate([a, b], 0),
         call=lambda *xs: F.concat(xs, axis=-2), name="concat rows", batched=False),
    Case(F.copy, [arrays.normal((3, 4))], lambda x: x, elementwise=True),
    Case(F.expand_dims, [arrays.normal((3, 4))], lambda x: x[:, None], kwargs={"axis": 1}),
    Case(F.expand_dims, [arrays.normal((3, 4))], lambda x: x[..., None], kwargs={"axis": -1}, name="expand_dims last"),
    Case(F.get_item, [arrays.normal((3, 4))], lambda x: x[:, 1:3], kwargs={"slices": (slice(None), slice(1, 3))}),
    Case(F.get_item, [arrays.normal((3, 4))], lambda x: x[..., None, -1], kwargs={"slices": (Ellipsis, None, -1)},
         name="get_item with new axis"),
    Case(F.get_item, [arrays.normal((3, 4))], lambda x: x[:, [2, 0, 2]], kwargs={"slices": (slice(None), [2, 0, 2])},
         name="get_item twice the same"),
    Case(F.reshape, [arrays.normal((3, 4))], lambda x: x.reshape(-1, 2), kwargs={"shape": (-1, 2)}),
    Case(F.split_axis, [arrays.normal((3, 6))], lambda x: np.split(x, 3, 1), call=lambda x: F.split_axis(x, 3, 1)),
    Case(F.split_axis, [arrays.normal((3, 6))], lambda x: np.split(x, [2, 2, 5], 1),
         call=lambda x: F.split_axis(x, [2, 2, 5], -1), name="split_axis at positions"),
    Case(F.transpose, [arrays.normal((3, 4))], lambda x: x.T),
    Case(F.transpose, [arrays.normal((2, 3, 4))], lambda x: x.transpose(2, 0, 1), kwargs={"axes": (2, 0, -2)},
         name="transpose by axes"),
    Case(F.where, [arrays.booleans((3, 4)), arrays.normal((3, 4)), arrays.normal((3, 4))], np.where, elementwise=True),
    Case(F.where, [arrays.booleans((3, 1)), arrays.normal((4,)), arrays.normal((3, 4))], np.where,
         name="where broadcast", batched=(True, False, True)),
    # connection
    Case(F.embed_id, [arrays.integers((3, 2), 0, 5), arrays.normal((5, 4))], lambda x, W: W[x], batched=(True, False)),
    Case(F.embed_id, [arrays.integers((6,), -1, 5, "int16"), arrays.normal((5, 4))],
         lambda x, W: W[x] * (x != -1)[:, None], kwargs={"ignore_label": -1}, name="embed_id with ignored label",
         batched=(True, False)),
    Case(F.linear, [arrays.normal((3, 4)), arrays.normal((2, 4)), arrays.normal((2,))], lambda x, W, b: x @ W.T + b,
         batched=(True, False, False)),
    Case(F.linear, [arrays.normal((3, 2, 2)), arrays.normal((2, 4))], lambda x, W: x.reshape(-1, 4) @ W.T,
         name="linear of images without bias", batched=(True, False)),
    Case(F.linear, [arrays.normal((3, 2, 4)), arrays.normal((5, 4)), arrays.normal((5,))],
         lambda x, W, b: x @ W.T + b, kwargs={"n_batch_axes": 2}, name="linear with two batch axes",
         batched=(True, False, False)),
    # evaluation
    Case(F.accuracy, [arrays.distinct((4, 3)), arrays.integers((4,), 0, 3, "uint8")],
         lambda y, t: (y.argmax(1) == t).mean() if t.size else 0.0, gradient=False),
    Case(F.accuracy, [arrays.distinct((4, 3, 2)), LABELS],
         lambda y, t: ((y.argmax(1) == t) & (t != -1)).sum() / max((t != -1).sum(), 1), gradient=False,
         kwargs={"ignore_label": -1}, name="accuracy with ignored label"),
    # loss
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
    # math
    Case(F.absolute, [arrays.away_from_zero((3, 4))], np.abs, elementwise=True),
    Case(F.clip, [arrays.away_from_zero((3, 4))], lambda x: np.clip(x, -1.1, 0.1), kwargs={"x_min": -1.1, "x_max": 0.1},
         elementwise=True),
    Case(F.clip, [arrays.away_from_zero((3, 4))], lambda x: np.maximum(x, 0.1), kwargs={"x_min": 0.1, "x_max": None},
         elementwise=True, name="clip from below"),
    Case(F.exp, [arrays.normal((3, 4))], np.exp, elementwise=True),
    Case(F.log, [arrays.positive((3, 4))], np.log, elementwise=True),
    Case(F.matmul, [arrays.normal((3, 4)), arrays.normal((4, 2))], np.matmul, batched=(True, False)),
    Case(F.matmul, [arrays.normal((3, 2, 4)), arrays.normal((4, 2))], np.matmul, name="matmul of a stack by a matrix",
         batched=(True, False)),
    Case(F.matmul, [arrays.normal((3, 1, 2, 4)), arrays.normal((5, 4, 2))], np.matmul, name="matmul broadcast",
         batched=(True, False)),
    Case(F.matmul, [arrays.normal((4,)), arrays.normal((3, 4, 2))], np.matmul, name="matmul of a vector by a stack",
         batched=(False, True)),
    Case(F.matmul, [arrays.normal((4,)), arrays.normal((4,))], np.matmul, name="matmul of vectors", batched=False),
    Case(F.matmul, [arrays.normal((4, 3)), arrays.normal((2, 4))], lambda a, b: a.T @ b.T,
         kwargs={"transa": True, "transb": True}, name="matmul transposed", batched=False),
    Case(F.max, [arrays.distinct((3, 4))], lambda x: x.max(1), kwargs={"axis": 1}),
    Case(F.max, [arrays.distinct((3, 4))], np.max, name="max of all", batched=False),
    Case(F.min, [arrays.distinct((3, 4))], lambda x: x.min(1, keepdims=True), kwargs={"axis": -1, "keepdims": True}),
    Case(F.mean, [arrays.normal((3, 4))], lambda x: x.mean(1), kwargs={"axis": 1}),
    Case(F.mean, [arrays.normal((3, 4)), arrays.positive((4,))], lambda x, w: (x * w).sum(1) / w.sum(),
         call=lambda x, w: F.average(x, axis=1, weights=w), name="mean weighted", batched=(True, False)),
    Case(F.sqrt, [arrays.positive((3, 4))], np.sqrt, elementwise=True),
    Case(F.sum, [arrays.normal((3, 4))], np.sum),
    Case(F.sum, [arrays.normal((3, 4, 2))], lambda x: x.sum((0, 2)), kwargs={"axis": (0, -1)}, name="sum over axes"),
    Case(F.sum, [arrays.normal((3, 4))], lambda x: x.sum(1, keepdims=True), kwargs={"axis": 1, "keepdims": True},
         name="sum keepdims"),
    Case(F.sum_to, [arrays.normal((3, 4))], lambda x: x.sum(0, keepdims=True), kwargs={"shape": (1, 4)}),
    # noise
    Case(F.dropout, [arrays.normal((3, 4))], kept_by_dropout, call=dropped, random=True),
]  # fmt: skip


class TestFunctions(FunctionTests):
    module = F
    cases = CASES
