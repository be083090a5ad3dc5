"""The normalizing links: one row each, and one for each argument; the tests are those of the kit."""

import numpy as np

import chainette_links as L
from chainette.testing import LinkCase, LinkTests, arrays


def standardize(x, axes, eps):
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axes, keepdims=True) + eps)


def scaled(v, y, axes=(0,)):
    shape = [1 if i in axes else size for i, size in enumerate(y.shape)]
    return v.get("/gamma", np.array(1)).reshape(shape if "/gamma" in v else ()) * y + (
        v["/beta"].reshape(shape) if "/beta" in v else 0
    )


def by_averages(v, x, axes=(0,), eps=2e-5):
    shape = [1 if i in axes else size for i, size in enumerate(x.shape)]
    return scaled(v, (x - v["/avg_mean"].reshape(shape)) / np.sqrt(v["/avg_var"].reshape(shape) + eps), axes)


def by_batch(v, x, axes=(0,), eps=2e-5):
    return scaled(v, standardize(x, axes, eps), axes)


def renormalized(v, x, rmax, dmax):
    """At the limits, where r and d are constants also for numerics."""
    sigma, wanted = np.sqrt(x.var(0) + 2e-5), np.sqrt(v["/avg_var"] + 2e-5)
    r = np.clip(sigma / wanted, 1 / rmax, rmax)
    d = np.clip((x.mean(0) - v["/avg_mean"]) / wanted, -dmax, dmax)
    return scaled(v, standardize(x, 0, 2e-5) * r + d)


def whitened(x, groups, eps=2e-5):
    y = np.empty_like(x)
    for channels in np.split(np.arange(x.shape[1]), groups):
        centred = x[:, channels] - x[:, channels].mean(0)
        values, vectors = np.linalg.eigh(centred.T @ centred / len(x) + eps * np.eye(len(channels)))
        y[:, channels] = centred @ vectors @ np.diag(values**-0.5) @ vectors.T
    return y


def by_groups(v, x, groups, eps):
    y = standardize(x.reshape(len(x), groups, -1), (2,), eps).reshape(x.shape)
    return scaled(v, y, (0, *range(2, x.ndim)))


def rms(v, x, axes, eps):
    return scaled(v, x / np.sqrt((x**2).mean(axes, keepdims=True) + eps), tuple(range(x.ndim - len(axes))))


MEAN, VAR = np.array([0.5, -1.0, 2.0]), np.array([0.3, 1.5, 4.0])
GIVEN = {"initial_avg_mean": MEAN, "initial_avg_var": VAR}
FAR = {"initial_avg_mean": np.array([9.0, -9.0, 9.0]), "initial_avg_var": np.array([0.01, 9.0, 100.0])}
LOOSE = {"float16": {"atol": 1e-2, "rtol": 1e-2}, "float32": {"atol": 1e-5, "rtol": 5e-5}}

CASES = [
    LinkCase(lambda: L.BatchNormalization(3), [arrays.normal((5, 3))], by_batch,
             open=lambda: L.BatchNormalization()),
    LinkCase(lambda: L.BatchNormalization(3), [arrays.normal((2, 3, 4, 2))],
             lambda v, x: by_batch(v, x, (0, 2, 3)), open=lambda: L.BatchNormalization(),
             name="BatchNormalization of images"),
    LinkCase(lambda: L.BatchNormalization((3, 2), eps=0.3), [arrays.normal((4, 3, 2))],
             lambda v, x: by_batch(v, x, eps=0.3), open=lambda: L.BatchNormalization(axis=0, eps=0.3),
             name="BatchNormalization of units in several axes, with eps"),
    LinkCase(lambda: L.BatchNormalization(2, axis=(0, 1)), [arrays.normal((3, 4, 2))],
             lambda v, x: by_batch(v, x, (0, 1)), open=lambda: L.BatchNormalization(axis=(0, -2)),
             name="BatchNormalization with channels last"),
    LinkCase(lambda: L.BatchNormalization(3, use_gamma=False), [arrays.normal((5, 3))], by_batch,
             open=lambda: L.BatchNormalization(use_gamma=False), name="BatchNormalization without gamma"),
    LinkCase(lambda: L.BatchNormalization(3, use_beta=False), [arrays.normal((5, 3))], by_batch,
             open=lambda: L.BatchNormalization(use_beta=False), name="BatchNormalization without beta"),
    LinkCase(lambda: L.BatchNormalization(3, **GIVEN), [arrays.normal((5, 3))], by_averages,
             open=lambda: L.BatchNormalization(**GIVEN), train=False, name="BatchNormalization by averages"),
    LinkCase(lambda: L.BatchNormalization(3, axis=(0, 1), eps=0.3, **GIVEN), [arrays.normal((2, 4, 3))],
             lambda v, x: by_averages(v, x, (0, 1), 0.3), train=False,
             name="BatchNormalization by averages, with eps and channels last"),
    LinkCase(lambda: L.BatchNormalization(2, use_gamma=False, use_beta=False), [arrays.normal((3, 2, 4))],
             lambda v, x: by_averages(v, x, (0, 2)), train=False,
             name="BatchNormalization by averages alone"),
    LinkCase(lambda: L.LayerNormalization(5), [arrays.normal((3, 5))],
             lambda v, x: scaled(v, standardize(x, (1,), 1e-6)), open=lambda: L.LayerNormalization()),
    LinkCase(lambda: L.LayerNormalization(4, eps=0.3), [arrays.normal((2, 3, 4))],
             lambda v, x: scaled(v, standardize(x, (2,), 0.3), (0, 1)), open=lambda: L.LayerNormalization(eps=0.3),
             name="LayerNormalization of sequences, with eps"),
    LinkCase(lambda: L.LayerNormalization((3, 4)), [arrays.normal((2, 3, 4))],
             lambda v, x: scaled(v, standardize(x, (1, 2), 1e-6)), name="LayerNormalization over several axes"),
    LinkCase(lambda: L.GroupNormalization(3, 6), [arrays.normal((2, 6, 3))], lambda v, x: by_groups(v, x, 3, 1e-5),
             open=lambda: L.GroupNormalization(3)),
    LinkCase(lambda: L.GroupNormalization(1, 4, eps=0.3), [arrays.normal((3, 4))],
             lambda v, x: by_groups(v, x, 1, 0.3), open=lambda: L.GroupNormalization(1, eps=0.3),
             name="GroupNormalization with eps"),
    LinkCase(lambda: L.RMSNorm(4), [arrays.normal((2, 3, 4))], lambda v, x: rms(v, x, (2,), 1e-6),
             open=lambda: L.RMSNorm()),
    LinkCase(lambda: L.RMSNorm((3, 4), eps=0.3), [arrays.normal((2, 3, 4))], lambda v, x: rms(v, x, (1, 2), 0.3),
             name="RMSNorm over several axes, with eps"),
    LinkCase(lambda: L.BatchRenormalization(3), [arrays.normal((5, 3))], by_batch,
             open=lambda: L.BatchRenormalization()),
    LinkCase(lambda: L.BatchRenormalization(3, 1.5, 0.5, **FAR), [arrays.normal((5, 3))],
             lambda v, x: renormalized(v, x, 1.5, 0.5), open=lambda: L.BatchRenormalization(None, 1.5, 0.5, **FAR),
             name="BatchRenormalization at the limits"),
    LinkCase(lambda: L.BatchRenormalization(3, use_gamma=False, use_beta=False, eps=0.3, **GIVEN),
             [arrays.normal((2, 3, 4))], lambda v, x: by_averages(v, x, (0, 2), 0.3), train=False,
             name="BatchRenormalization by averages alone"),
    LinkCase(lambda: L.DecorrelatedBatchNormalization(4, 2), [arrays.normal((7, 4))], lambda v, x: whitened(x, 2),
             tolerance=LOOSE),
    LinkCase(lambda: L.DecorrelatedBatchNormalization(3, 1, eps=0.3), [arrays.normal((7, 3))],
             lambda v, x: whitened(x, 1, 0.3), tolerance=LOOSE, name="DecorrelatedBatchNormalization with eps"),
    LinkCase(lambda: L.DecorrelatedBatchNormalization(32), [arrays.normal((3, 32))], lambda v, x: x, train=False,
             name="DecorrelatedBatchNormalization by averages"),
]  # fmt: skip


class TestNormalization(LinkTests):
    module = L
    public = (
        "BatchNormalization",
        "BatchRenormalization",
        "DecorrelatedBatchNormalization",
        "GroupNormalization",
        "LayerNormalization",
        "RMSNorm",
    )
    cases = CASES
