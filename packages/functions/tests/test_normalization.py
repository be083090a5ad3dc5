"""Normalizing functions: one row each; the tests are those of the kit."""

import math

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def standardize(x, axes, eps):
    count = max(math.prod(x.shape[i] for i in axes), 1)
    centred = x - x.sum(axes, keepdims=True) / count
    return centred / np.sqrt((centred**2).sum(axes, keepdims=True) / count + eps)


def batch_normalization(x, gamma, beta, axes=(0,), eps=2e-5):
    shape = [1 if i in axes else size for i, size in enumerate(x.shape)]
    return gamma.reshape(shape) * standardize(x, axes, eps) + beta.reshape(shape)


def fixed_batch_normalization(x, gamma, beta, mean, var, axes=(0,), eps=2e-5):
    shape = [1 if i in axes else size for i, size in enumerate(x.shape)]
    gamma, beta, mean, var = (each.reshape(shape) for each in (gamma, beta, mean, var))
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def layer_normalization(x, gamma, beta, eps=1e-5):
    return gamma * standardize(x, tuple(range(x.ndim - gamma.ndim, x.ndim)), eps) + beta


def group_normalization(x, gamma, beta, groups, eps=1e-5):
    grouped = x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:])
    y = standardize(grouped, tuple(range(2, grouped.ndim)), eps).reshape(x.shape)
    shape = (-1, *(1,) * (x.ndim - 2))
    return gamma.reshape(shape) * y + beta.reshape(shape)


def local_response_normalization(x, n=5, k=2, alpha=1e-4, beta=0.75):
    channels = x.shape[1]
    s = np.stack([(x[:, max(i - n // 2, 0) : i + n // 2 + 1] ** 2).sum(1) for i in range(channels)], 1)
    return x / (k + alpha * s) ** beta


def normalize(x, eps=1e-5, axis=1):
    return x / (np.sqrt((x * x).sum(axis, keepdims=True)) + eps)


def features(*shape):
    return [arrays.normal(shape), arrays.normal(shape)]


def statistics(*shape):
    return [*features(*shape), arrays.normal(shape), arrays.positive(shape)]


FIRST = (True, False, False)
FIRST_OF_FIVE = (True, False, False, False, False)

CASES = [
    Case(F.batch_normalization, [arrays.normal((5, 3)), *features(3)], batch_normalization, batched=FIRST),
    Case(F.batch_normalization, [arrays.normal((3, 2, 4, 2)), *features(2)],
         lambda *xs: batch_normalization(*xs, axes=(0, 2, 3)), name="batch_normalization of images", batched=FIRST),
    Case(F.batch_normalization, [arrays.normal((5, 2, 3)), *features(2, 3)], batch_normalization,
         name="batch_normalization of units in several axes", batched=FIRST),
    Case(F.batch_normalization, [arrays.normal((3, 4, 2)), *features(2)],
         lambda *xs: batch_normalization(*xs, axes=(0, 1)), kwargs={"axis": (0, -2)},
         name="batch_normalization with channels last", batched=FIRST),
    Case(F.batch_normalization, [arrays.normal((2, 5, 3)), *features(2, 3)],
         lambda *xs: batch_normalization(*xs, axes=(1,)), kwargs={"axis": 1},
         name="batch_normalization over the middle axis", batched=False),
    Case(F.batch_normalization, [arrays.normal((6, 1)), *features(1)], lambda *xs: batch_normalization(*xs, eps=0.3),
         kwargs={"eps": 0.3}, name="batch_normalization with eps", batched=FIRST),
    Case(F.fixed_batch_normalization, [arrays.normal((4, 3)), *statistics(3)], fixed_batch_normalization,
         batched=FIRST_OF_FIVE),
    Case(F.fixed_batch_normalization, [arrays.normal((3, 2, 4)), *statistics(2)],
         lambda *xs: fixed_batch_normalization(*xs, axes=(0, 2)), name="fixed_batch_normalization of signals",
         batched=FIRST_OF_FIVE),
    Case(F.fixed_batch_normalization, [arrays.normal((3, 4, 2)), *statistics(2)],
         lambda *xs: fixed_batch_normalization(*xs, axes=(0, 1)), kwargs={"axis": (0, 1)},
         name="fixed_batch_normalization with channels last", batched=FIRST_OF_FIVE),
    Case(F.fixed_batch_normalization, [arrays.normal((3, 2)), *statistics(2)],
         lambda *xs: fixed_batch_normalization(*xs, eps=0.3), kwargs={"eps": 0.3},
         name="fixed_batch_normalization with eps", batched=FIRST_OF_FIVE),
    Case(F.group_normalization, [arrays.normal((2, 6, 3)), *features(6)],
         lambda *xs: group_normalization(*xs, groups=3), call=lambda x, *xs: F.group_normalization(x, 3, *xs),
         batched=FIRST),
    Case(F.group_normalization, [arrays.normal((2, 4)), *features(4)],
         lambda *xs: group_normalization(*xs, groups=1, eps=0.3),
         call=lambda x, *xs: F.group_normalization(x, 1, *xs, eps=0.3), name="group_normalization with eps",
         batched=FIRST),
    Case(F.group_normalization, [arrays.normal((2, 3, 2, 3)), *features(3)],
         lambda *xs: group_normalization(*xs, groups=3), call=lambda x, *xs: F.group_normalization(x, 3, *xs),
         name="group_normalization of each channel", batched=FIRST),
    Case(F.layer_normalization, [arrays.normal((3, 5)), *features(5)], layer_normalization, batched=FIRST),
    Case(F.layer_normalization, [arrays.normal((1, 5)), *features(5)], layer_normalization,
         name="layer_normalization of a batch of one", batched=FIRST),
    Case(F.layer_normalization, [arrays.normal((2, 3, 4)), *features(4)], layer_normalization,
         name="layer_normalization of sequences", batched=FIRST),
    Case(F.layer_normalization, [arrays.normal((2, 3, 4)), *features(3, 4)], layer_normalization,
         name="layer_normalization over several axes", batched=FIRST),
    Case(F.layer_normalization, [arrays.normal((3, 5)), *features(5)], lambda *xs: layer_normalization(*xs, eps=0.3),
         kwargs={"eps": 0.3}, name="layer_normalization with eps", batched=FIRST),
    Case(F.local_response_normalization, [arrays.normal((2, 7), 5.0)], local_response_normalization),
    Case(F.local_response_normalization, [arrays.normal((2, 4, 2, 3))],
         lambda x: local_response_normalization(x, 3, 1.5, 0.5, 0.6),
         kwargs={"n": 3, "k": 1.5, "alpha": 0.5, "beta": 0.6}, name="local_response_normalization of images"),
    Case(F.local_response_normalization, [arrays.normal((2, 2))],
         lambda x: local_response_normalization(x, 8, 1.0, 0.5, 0.75),
         kwargs={"n": 8, "k": 1.0, "alpha": 0.5}, name="local_response_normalization over few channels"),
    Case(F.normalize, [arrays.normal((3, 4))], normalize),
    Case(F.normalize, [arrays.normal((3, 4, 2))], lambda x: normalize(x, 0.3, (1, 2)),
         kwargs={"eps": 0.3, "axis": (1, -1)}, name="normalize over axes"),
    Case(F.normalize, [arrays.normal((3, 4))], lambda x: normalize(x, axis=0), kwargs={"axis": 0},
         name="normalize the first axis"),
]  # fmt: skip


class TestNormalization(FunctionTests):
    module = F
    homes = ("chainette_functions.normalization",)
    elsewhere = (
        "chainette_functions.normalization.batch_renormalization",
        "chainette_functions.normalization.decorrelated_batch_normalization",
        "chainette_functions.normalization.rms_normalization",
    )
    cases = CASES
