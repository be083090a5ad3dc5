"""Mathematical functions: one row each; the tests are those of the kit."""

import math

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays
from chainette.testing.arrays import Recipe

erf = np.vectorize(math.erf, otypes="d")
erfc = np.vectorize(math.erfc, otypes="d")


def regular(shape):
    """Matrices that are far from singular."""
    return Recipe(shape, lambda generator, size: 2 * np.eye(size[-1]) + 0.5 * generator.standard_normal(size))


def cosine(x0, x1, axis=1, eps=1e-8):
    lengths = [np.maximum(np.sqrt((x * x).sum(axis)), eps) for x in np.broadcast_arrays(x0, x1)]
    return (x0 * x1).sum(axis) / (lengths[0] * lengths[1])


CASES = [
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
    Case(F.add, [arrays.normal((3, 4)), arrays.normal((4,)), arrays.normal((3, 1))], lambda x, y, z: x + y + z,
         batched=(True, False, True)),
    Case(F.argmax, [arrays.distinct((3, 4))], lambda x: x.argmax(1), kwargs={"axis": 1}, gradient=False),
    Case(F.argmax, [arrays.distinct((3, 4))], np.argmax, gradient=False, name="argmax of all", batched=False),
    Case(F.argmin, [arrays.distinct((3, 4))], lambda x: x.argmin(-1), kwargs={"axis": -1}, gradient=False),
    Case(F.bias, [arrays.normal((2, 3, 4)), arrays.normal((3,))], lambda x, y: x + y[:, None], batched=(True, False)),
    Case(F.cos, [arrays.normal((3, 4))], np.cos, elementwise=True),
    Case(F.logsumexp, [arrays.normal((3, 4))], lambda x: np.log(np.exp(x).sum(1)), kwargs={"axis": 1}),
    Case(F.logsumexp, [arrays.normal((3, 4))], lambda x: np.log(np.exp(x).sum()), name="logsumexp of all",
         batched=False),
    Case(F.maximum, [arrays.normal((3, 4)), arrays.normal((3, 4))], np.maximum, elementwise=True),
    Case(F.maximum, [arrays.normal((3, 4)), arrays.normal((4,))], np.maximum, name="maximum broadcast",
         batched=(True, False)),
    Case(F.minimum, [arrays.normal((3, 4)), arrays.normal((3, 4))], np.minimum, elementwise=True),
    Case(F.rsqrt, [arrays.positive((3, 4))], lambda x: 1 / np.sqrt(x), elementwise=True),
    Case(F.scale, [arrays.normal((2, 3, 4)), arrays.normal((3,))], lambda x, y: x * y[:, None], batched=(True, False)),
    Case(F.scale, [arrays.normal((2, 3)), arrays.normal((2, 3))], lambda x, y: x * y, kwargs={"axis": 0},
         name="scale from the first axis"),
    Case(F.sin, [arrays.normal((3, 4))], np.sin, elementwise=True),
    Case(F.batch_det, [regular((2, 3, 3))], np.linalg.det),
    Case(F.batch_inv, [regular((2, 3, 3))], np.linalg.inv),
    Case(F.batch_l2_norm_squared, [arrays.normal((3, 4))], lambda x: (x * x).sum(1)),
    Case(F.batch_l2_norm_squared, [arrays.normal((3, 2, 4))], lambda x: (x * x).sum((1, 2)),
         name="batch_l2_norm_squared of images"),
    Case(F.batch_matmul, [arrays.normal((3, 2, 4)), arrays.normal((3, 4, 5))], np.matmul),
    Case(F.batch_matmul, [arrays.normal((3, 4, 2)), arrays.normal((3, 5, 4))],
         lambda a, b: a.swapaxes(1, 2) @ b.swapaxes(1, 2), kwargs={"transa": True, "transb": True},
         name="batch_matmul transposed"),
    Case(F.batch_matmul, [arrays.normal((3, 4)), arrays.normal((3, 4, 2))], lambda a, b: a[:, None] @ b,
         kwargs={"transa": True}, name="batch_matmul of rows by matrices"),
    Case(F.batch_matmul, [arrays.normal((3, 4)), arrays.normal((3, 2))], lambda a, b: a[:, :, None] @ b[:, None],
         kwargs={"transb": True}, name="batch_matmul of columns by rows"),
    Case(F.cosine_similarity, [arrays.normal((3, 4)), arrays.normal((3, 4))], cosine),
    Case(F.cosine_similarity, [arrays.normal((3, 4, 2)), arrays.normal((4, 2))], lambda a, b: cosine(a, b, -2),
         kwargs={"axis": -2}, name="cosine_similarity broadcast", batched=(True, False)),
    Case(F.cosine_similarity, [arrays.normal((3, 4)), arrays.normal((3, 1))], cosine,
         name="cosine_similarity with a vector of one number"),
    Case(F.cosine_similarity, [arrays.normal((5, 4), 0.5), arrays.normal((5, 4), 0.5)],
         lambda a, b: cosine(a, b, eps=1.0), kwargs={"eps": 1.0}, name="cosine_similarity with eps"),
    Case(F.det, [regular((3, 3))], np.linalg.det, batched=False),
    Case(F.erf, [arrays.normal((3, 4), 2.0)], erf, elementwise=True),
    Case(F.erfc, [arrays.normal((3, 4), 2.0)], erfc, elementwise=True),
    Case(F.identity, [arrays.normal((3, 4))], lambda x: x, elementwise=True),
    Case(F.identity, [arrays.normal((3, 4)), arrays.normal((2,)), arrays.integers((3,), 0, 9)], lambda *xs: xs,
         name="identity of several"),
    Case(F.inv, [regular((3, 3))], np.linalg.inv, batched=False),
    Case(F.square, [arrays.normal((3, 4))], np.square, elementwise=True),
]  # fmt: skip


class TestMath(FunctionTests):
    module = F
    homes = (
        "chainette_functions.math",
        "chainette.operators.arithmetic",
        "chainette.operators.log",
        "chainette.operators.matmul",
        "chainette.operators.reduction",
    )
    cases = CASES
