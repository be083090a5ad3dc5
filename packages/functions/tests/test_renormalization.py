"""Batch renormalization, decorrelation and RMS normalization: one row each, and where they go wrong."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.errors import ArgumentError, BackendMismatchError, DtypeError, ShapeError
from chainette.testing import Case, FunctionTests, arrays, check_backward, fake_backend, isolated_plugins

EPS = 2e-5


def aligned(x, *parameters):
    """The parameters in a shape that broadcasts to x's features."""
    return [p.reshape((1, *p.shape, *(1,) * (x.ndim - 1 - p.ndim))) for p in parameters]


def statistics(x, ndim):
    axes = (0, *range(1 + ndim, x.ndim))
    count = max(np.prod([x.shape[i] for i in axes]), 1)
    mean = x.sum(axes) / count
    centred = x - aligned(x, mean)[0]
    return mean, (centred**2).sum(axes) / count


def renormalized(x, gamma, beta, rmax, dmax, mean, var, eps=EPS):
    now, spread = statistics(x, gamma.ndim)
    sigma, wanted = np.sqrt(spread + eps), np.sqrt(var + eps)
    r, d = np.clip(sigma / wanted, 1 / rmax, rmax), np.clip((now - mean) / wanted, -dmax, dmax)
    now, sigma, r, d, gamma, beta = aligned(x, now, sigma, r, d, gamma, beta)
    return gamma * (r * (x - now) / sigma + d) + beta


def fixed(x, gamma, beta, mean, var, eps=EPS):
    gamma, beta, mean, var = aligned(x, gamma, beta, mean, var)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def renormalize(rmax, dmax, mean, var, **options):
    """A call that gives fixed running averages, in the dtype of the input and where it lies."""

    def call(x, gamma, beta):
        running = [chainette.to_device(each, chainette.as_variable(x).device) for each in (mean, var)]
        return F.batch_renormalization(
            x, gamma, beta, rmax, dmax, running_mean=running[0], running_var=running[1], **options
        )

    return call


def whitened(x, groups, eps=EPS):
    h = np.moveaxis(x, 1, 0).reshape(groups, x.shape[1] // groups, -1)
    y = np.empty_like(h)
    for i, group in enumerate(h):
        count = max(group.shape[1], 1)
        centred = group - group.sum(1, keepdims=True) / count
        values, vectors = np.linalg.eigh(centred @ centred.T / count + eps * np.eye(len(group)))
        y[i] = vectors @ np.diag(values**-0.5) @ vectors.T @ centred
    return np.moveaxis(y.reshape(x.shape[1], len(x), *x.shape[2:]), 0, 1)


def projected(x, mean, projection):
    groups, size = mean.shape
    y = np.empty_like(x)
    for i in range(groups):
        channels = slice(i * size, (i + 1) * size)
        shape = (size, *(1,) * (x.ndim - 2))
        y[:, channels] = np.einsum("ij,bj...->bi...", projection[i], x[:, channels] - mean[i].reshape(shape))
    return y


def rms(x, gamma, eps=1e-6):
    axes = tuple(range(x.ndim - gamma.ndim, x.ndim))
    return gamma * x / np.sqrt((x**2).mean(axes, keepdims=True) + eps)


FIRST = (True, False, False)
FAR, WIDE = np.array([9.0, -9.0, 9.0]), np.array([0.01, 9.0, 100.0])
FEW, MANY = np.array([[9.0, -9.0], [9.0, 9.0]]), np.array([[0.01, 9.0], [0.02, 100.0]])
NEAR, USUAL = np.array([0.1, -0.2, 0.3]), np.array([0.7, 1.3, 0.5])
LOOSE = {"float16": {"atol": 1e-2, "rtol": 1e-2}, "float32": {"atol": 1e-5, "rtol": 5e-5}}

CASES = [
    Case(F.batch_renormalization, [arrays.normal((5, 3)), arrays.normal((3,)), arrays.normal((3,))],
         lambda *xs: renormalized(*xs, 1, 0, NEAR, USUAL), call=renormalize(1, 0, NEAR, USUAL), batched=FIRST),
    Case(F.batch_renormalization, [arrays.normal((5, 3)), arrays.normal((3,)), arrays.normal((3,))],
         lambda *xs: renormalized(*xs, 1.5, 0.5, FAR, WIDE), call=renormalize(1.5, 0.5, FAR, WIDE), batched=FIRST,
         name="batch_renormalization at the limits"),  # where r and d are constants, also for numerics
    Case(F.batch_renormalization, [arrays.normal((2, 3, 4)), arrays.normal((3,)), arrays.normal((3,))],
         lambda *xs: renormalized(*xs, 1.5, 0.5, FAR, WIDE, 0.3), call=renormalize(1.5, 0.5, FAR, WIDE, eps=0.3),
         batched=FIRST, name="batch_renormalization of signals, with eps"),
    Case(F.batch_renormalization, [arrays.normal((3, 2, 2)), arrays.normal((2, 2)), arrays.normal((2, 2))],
         lambda *xs: renormalized(*xs, 1.5, 0.5, FEW, MANY), call=renormalize(1.5, 0.5, FEW, MANY), batched=FIRST,
         name="batch_renormalization of units in several axes"),
    Case(F.batch_renormalization, [arrays.normal((5, 3)), arrays.normal((3,)), arrays.normal((3,))],
         lambda *xs: renormalized(*xs, 9, 9, NEAR, USUAL), call=renormalize(9, 9, NEAR, USUAL), gradient=False,
         batched=False, name="batch_renormalization within the limits"),
    Case(F.fixed_batch_renormalization,
         [arrays.normal((4, 3, 2)), *[arrays.normal((3,))] * 3, arrays.positive((3,))], fixed,
         batched=(True, *[False] * 4)),
    Case(F.fixed_batch_renormalization,
         [arrays.normal((4, 3)), *[arrays.normal((3,))] * 3, arrays.positive((3,))],
         lambda *xs: fixed(*xs, 0.3), kwargs={"eps": 0.3}, batched=(True, *[False] * 4),
         name="fixed_batch_renormalization with eps"),
    Case(F.decorrelated_batch_normalization, [arrays.normal((7, 3))], lambda x: whitened(x, 1), kwargs={"groups": 1},
         tolerance=LOOSE),
    Case(F.decorrelated_batch_normalization, [arrays.normal((3, 6, 4))], lambda x: whitened(x, 3, 0.3),
         kwargs={"groups": 3, "eps": 0.3}, name="decorrelated_batch_normalization of groups, with eps",
         tolerance=LOOSE),
    Case(F.decorrelated_batch_normalization, [arrays.normal((4, 16))], lambda x: whitened(x, 16),
         name="decorrelated_batch_normalization of single channels", tolerance=LOOSE),
    Case(F.fixed_decorrelated_batch_normalization,
         [arrays.normal((3, 6, 2)), arrays.normal((2, 3)), arrays.normal((2, 3, 3))], projected, kwargs={"groups": 2},
         batched=FIRST),
    Case(F.fixed_decorrelated_batch_normalization,
         [arrays.normal((3, 16)), arrays.normal((16, 1)), arrays.normal((16, 1, 1))], projected, batched=FIRST,
         name="fixed_decorrelated_batch_normalization of single channels"),
    Case(F.rms_normalization, [arrays.normal((3, 5)), arrays.normal((5,))], rms, batched=(True, False)),
    Case(F.rms_normalization, [arrays.normal((2, 3, 4)), arrays.normal((4,))], rms, batched=(True, False),
         name="rms_normalization of sequences"),
    Case(F.rms_normalization, [arrays.normal((2, 3, 4)), arrays.normal((3, 4))], lambda *xs: rms(*xs, 0.3),
         kwargs={"eps": 0.3}, batched=(True, False), name="rms_normalization over several axes, with eps"),
]  # fmt: skip


class TestRenormalization(FunctionTests):
    module = F
    homes = tuple(
        f"chainette_functions.normalization.{name}"
        for name in ("batch_renormalization", "decorrelated_batch_normalization", "rms_normalization")
    )
    cases = CASES


X = np.random.default_rng(0).standard_normal((5, 3))
ONE, ZERO = np.ones(3), np.zeros(3)


# Batch renormalization


def test_within_the_limits_the_output_is_what_the_running_averages_give():
    y = F.batch_renormalization(X, ONE, ZERO, 99, 99, running_mean=NEAR, running_var=USUAL)
    np.testing.assert_allclose(y.array, F.fixed_batch_normalization(X, ONE, ZERO, NEAR, USUAL).array)


def test_the_corrections_count_as_constants():
    inputs = [Variable(X), Variable(2 * ONE), Variable(ONE)]
    F.sum(F.batch_renormalization(*inputs, 99, 99, running_mean=NEAR, running_var=USUAL) ** 2).backward()
    sigma = np.sqrt(X.var(0) + EPS)
    r, d = sigma / np.sqrt(USUAL + EPS), (X.mean(0) - NEAR) / np.sqrt(USUAL + EPS)
    others = [Variable(X), Variable(2 * ONE), Variable(ONE)]
    x, gamma, beta = others
    F.sum(F.batch_normalization(x, gamma * r, gamma * d + beta) ** 2).backward()
    for found, wanted in zip(inputs, others, strict=True):
        np.testing.assert_allclose(found.grad, wanted.grad)


def test_running_averages_move_only_if_they_are_to_be_and_after_they_were_used():
    mean, var = NEAR.copy(), USUAL.copy()
    options = {"running_mean": mean, "running_var": var, "decay": 0.75}
    first = F.batch_renormalization(X, ONE, ZERO, 9, 9, **options)
    np.testing.assert_array_equal([mean, var], [NEAR, USUAL])
    y = F.batch_renormalization(Variable(X), ONE, ZERO, 9, 9, update_statistics=True, **options)
    np.testing.assert_array_equal(y.array, first.array)
    expected = 0.75 * NEAR + 0.25 * X.mean(0), 0.75 * USUAL + 0.25 * X.var(0, ddof=1)
    np.testing.assert_allclose([mean, var], expected)
    F.sum(y).backward()
    np.testing.assert_allclose([mean, var], expected)
    F.batch_renormalization(np.zeros((0, 3)), ONE, ZERO, 9, 9, update_statistics=True, **options)
    np.testing.assert_allclose([mean, var], expected)


def test_a_checkpoint_repeats_the_corrections_and_does_not_move_the_averages_again():
    grads = []
    for run in (F.checkpoint, lambda function, x: function(x)):
        mean, var, x = NEAR.copy(), USUAL.copy(), Variable(X)
        options = {"running_mean": mean, "running_var": var, "decay": 0.5, "update_statistics": True}
        y = run(lambda x, options=options: F.batch_renormalization(x, ONE, ZERO, 99, 99, **options), x)
        F.sum(y**3).backward()
        grads.append(x.grad)
        np.testing.assert_allclose(mean, 0.5 * NEAR + 0.5 * X.mean(0))
    np.testing.assert_allclose(*grads)


# Decorrelation


def test_the_channels_of_a_group_have_no_correlation_afterwards():
    y = F.decorrelated_batch_normalization(X @ np.array([[1, 2, 0], [0, 1, 3], [1, 0, 1]]), groups=1, eps=1e-9).array
    np.testing.assert_allclose(y.T @ y / 5, np.eye(3), atol=1e-6)
    np.testing.assert_allclose(y.mean(0), 0, atol=1e-12)


def test_channels_that_are_the_same_have_finite_gradients():
    x = np.repeat(np.array([[1.0], [2.0], [4.0]]), 2, axis=1)  # the covariance is singular
    check_backward(lambda x: F.decorrelated_batch_normalization(x, groups=1, eps=0.1), x, np.ones((3, 2)))
    zeros = Variable(np.zeros((3, 4)))  # all eigenvalues are equal
    F.sum(F.decorrelated_batch_normalization(zeros, groups=2) ** 2).backward()
    assert zeros.grad.tolist() == np.zeros((3, 4)).tolist()


def test_rounding_makes_no_eigenvalue_negative():
    x = np.repeat(np.array([[1e3], [2e3], [-3e3], [1.1e3]], "f"), 4, axis=1)
    assert np.isfinite(F.decorrelated_batch_normalization(x, groups=1).array).all()


def test_running_mean_and_projection_move_once_an_application():
    mean, projection = np.zeros((2, 2)), np.zeros((2, 2, 2))
    options = {"groups": 2, "running_mean": mean, "running_projection": projection}
    x = np.random.default_rng(1).standard_normal((6, 4, 2))
    y = F.decorrelated_batch_normalization(Variable(x), decay=0.0, **options)
    np.testing.assert_allclose(mean.ravel(), x.mean((0, 2)))
    np.testing.assert_allclose(F.fixed_decorrelated_batch_normalization(x, mean, projection, 2).array, y.array)
    before = mean.copy(), projection.copy()
    F.sum(y).backward()
    z = Variable(2 * x)
    F.sum(F.checkpoint(lambda z: F.decorrelated_batch_normalization(z, decay=0.75, **options), z)).backward()
    np.testing.assert_allclose(mean, before[0] * 1.25)
    np.testing.assert_allclose(projection, before[1] * 0.875, rtol=1e-3)
    F.decorrelated_batch_normalization(x[:0], **options)
    np.testing.assert_allclose(mean, before[0] * 1.25)


# Precision


@pytest.mark.parametrize("size", [60000, 1e-3])
def test_float16_is_computed_in_float32(size):
    x, gamma = np.array([[1, -1, 1, 1]], "e") * np.float16(size), np.ones(4, "e")
    y = F.rms_normalization(x, gamma, eps=1e-12)
    np.testing.assert_allclose(y.array, [[1, -1, 1, 1]], rtol=2e-3)
    assert y.dtype == "e"
    z = F.batch_renormalization(x.T, gamma[:1], 0 * gamma[:1], 1, 0, 1e-12, np.zeros(1), np.ones(1))
    np.testing.assert_allclose(z.array.astype("d").var(), 1, rtol=2e-3)


# Wrong arguments

A = np.ones((2, 6))
G = np.ones(6)
M, P = np.ones((2, 3)), np.ones((2, 3, 3))
WRONG = [
    (lambda: F.batch_renormalization(A, G, G, 0.5, 0), ArgumentError, "batch_renormalization: rmax=0.5"),
    (lambda: F.batch_renormalization(A, G, G, 1, -1), ArgumentError, "batch_renormalization: dmax=-1"),
    (lambda: F.batch_renormalization(A, G, G, 1, 0, 0), ArgumentError, "batch_renormalization: eps=0"),
    (lambda: F.batch_renormalization(A, G, G, 1, 0, decay=2), ArgumentError, "batch_renormalization: decay=2"),
    (lambda: F.batch_renormalization(A, G[:3], G, 1, 0), ShapeError, r"batch_renormalization: gamma has shape \(3,\)"),
    (lambda: F.batch_renormalization(A, G, G, 1, 0), TypeError, "batch_renormalization: running_mean is missing"),
    (lambda: F.batch_renormalization(A, G, G, 1, 0, running_mean=G), TypeError, "running_var is missing"),
    (lambda: F.batch_renormalization(A, G, G, 1, 0, running_mean=M, running_var=G), ShapeError, "running_mean has"),
    (lambda: F.batch_renormalization(A, G, G, 1, 0, running_mean=G, running_var=G > 0), DtypeError, "running_var is"),
    (lambda: F.fixed_batch_renormalization(A, G, G, G, G[:3]), ShapeError, "fixed_batch_renormalization: var has"),
    (lambda: F.fixed_batch_renormalization(A, G, G, G, G, 0), ArgumentError, "fixed_batch_renormalization: eps=0"),
    (lambda: F.decorrelated_batch_normalization(A, groups=4), ShapeError, "6 channels do not divide into groups=4"),
    (lambda: F.decorrelated_batch_normalization(A, groups=0), ArgumentError, "groups=0"),
    (lambda: F.decorrelated_batch_normalization(G), ShapeError, r"x has shape \(6,\)"),
    (lambda: F.decorrelated_batch_normalization(A.astype("i")), DtypeError, "x is int32"),
    (lambda: F.decorrelated_batch_normalization(A, groups=2, eps=0), ArgumentError, "eps=0"),
    (lambda: F.decorrelated_batch_normalization(A, groups=2, decay=-1), ArgumentError, "decay=-1"),
    (lambda: F.decorrelated_batch_normalization(A, groups=2, running_mean=G), ShapeError, "running_mean has shape"),
    (lambda: F.decorrelated_batch_normalization(A, groups=2, running_projection=M), ShapeError, "running_projection"),
    (lambda: F.fixed_decorrelated_batch_normalization(A, M.T, P, 2), ShapeError, "mean has shape"),
    (lambda: F.fixed_decorrelated_batch_normalization(A, M, P[:1], 2), ShapeError, "projection has shape"),
    (lambda: F.fixed_decorrelated_batch_normalization(A, M, P.astype("i"), 2), DtypeError, "projection is int32"),
    (lambda: F.fixed_decorrelated_batch_normalization(A, M, P, 4), ShapeError, "6 channels do not divide"),
    (lambda: F.rms_normalization(A, G[:3]), ShapeError, r"rms_normalization: gamma has shape \(3,\)"),
    (lambda: F.rms_normalization(A, np.ones(())), ShapeError, r"rms_normalization: gamma has shape \(\)"),
    (lambda: F.rms_normalization(A, G, 0), ArgumentError, "rms_normalization: eps=0"),
    (lambda: F.rms_normalization(A.astype("i"), G), DtypeError, "rms_normalization: x is int32"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[says for _, _, says in WRONG])
def test_wrong_arguments_are_told(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_running_averages_on_another_device_are_refused():
    with isolated_plugins(fake_backend.plugin, installed=True):
        x = chainette.to_device(np.ones((2, 2)), "fake:1")
        with pytest.raises(BackendMismatchError, match=r"running_mean lies on cpu \(expected fake:1"):
            F.decorrelated_batch_normalization(x, groups=1, running_mean=np.zeros((1, 2)))
