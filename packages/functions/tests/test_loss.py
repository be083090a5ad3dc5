"""Loss functions: one row each; the tests are those of the kit."""

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


def soft_cross_entropy(x, t, weight=1.0):
    """The loss of each position for probabilities of the classes."""
    return -(np.reshape(weight, (-1,) + (1,) * (x.ndim - 2)) * t * np.log(softmax(x))).sum(1)


def smoothed(x, t, e):
    """The probabilities that labels stand for."""
    one_hot = np.moveaxis(np.eye(x.shape[1])[t], -1, 1)
    return (1 - e) * one_hot + e / x.shape[1]


def smooth_cross_entropy(x, t, e, weight=1.0):
    return (t != -1) * soft_cross_entropy(x, smoothed(x, t, e), weight)


def nll(x, t, weight=(1, 1, 1)):
    kept, t = t != -1, np.where(t == -1, 0, t)
    return -np.take_along_axis(x, t[:, None], 1)[:, 0] * kept * np.array(weight)[t]


def hinge(x, t, power=1):
    return np.maximum(0, 1 + np.where(np.arange(x.shape[1]) == t[:, None], -x, x)) ** power


def contrastive(x0, x1, y, margin=1.0):
    d = np.sqrt(((x0 - x1) ** 2).sum(1))
    return np.where(y == 1, d**2, np.maximum(margin - d, 0) ** 2) / 2


def covariances(y, z):
    n = max(len(y), 1)
    return (y - y.sum(0) / n).T @ (z - z.sum(0) / n) / n


def bernoulli(x, y):
    p = 1 / (1 + np.exp(-y))
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


def gaussian(x, mean, ln_var):
    return ((x - mean) ** 2 / np.exp(ln_var) + ln_var + np.log(2 * np.pi)) / 2


def divergence(mean, ln_var):
    return (mean**2 + np.exp(ln_var) - ln_var - 1) / 2


def huber(x, t, delta):
    a = abs(x - t)
    return np.where(a <= delta, a**2 / 2, delta * (a - delta / 2))


def negative_sampling(x, t, W):
    """The loss of each word."""
    words = SAMPLES[: len(x)].copy()
    words[:, 0] = t
    scores = np.einsum("bd,bkd->bk", x, W[words])
    return (t != -1) * np.log1p(np.exp(scores * [-1, 1, 1])).sum(1)


def negative_sampling_of_samples(x, t, W, **options):
    return F.negative_sampling(x, t, W, lambda shape: SAMPLES[: shape[0]], 2, **options)


def with_weight(function, **options):
    """The function with class weights, on the device where its first argument is."""
    return lambda x, t: function(
        x, t, class_weight=chainette.to_device(WEIGHT, chainette.as_variable(x).device), **options
    )


def away_from_one(shape):
    """Numbers at some distance from 1 and -1, where hinge and Huber loss bend."""
    return arrays.Recipe(shape, lambda generator, size: generator.choice([-2.3, -1.4, -0.6, 0.3, 0.7, 1.6], size))


WEIGHT = np.array([0.5, 1.0, 2.0], "f")
LABELS = arrays.integers((4, 2), -1, 3, "int64")
CLASSES = arrays.integers((4,), 0, 3, "int64")
SAMPLES = np.array([[9, 1, 2], [9, 4, 4], [9, 0, 4], [9, 3, 2]])

CASES = [
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
    Case(F.absolute_error, [arrays.away_from_zero((3, 4)), arrays.values(*[[0.0] * 4] * 3)],
         lambda x0, x1: abs(x0 - x1), batched=False),
    Case(F.mean_absolute_error, [arrays.away_from_zero((3, 4)), arrays.values(*[[0.0] * 4] * 3)],
         lambda x0, x1: abs(x0 - x1).mean(), batched=False),
    Case(F.squared_error, [arrays.normal((3, 4)), arrays.normal((3, 4))], lambda x0, x1: (x0 - x1) ** 2),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), arrays.uniform((4, 3, 2), 0.1, 1)],
         lambda x, t: soft_cross_entropy(x, t, WEIGHT).sum() / max(len(x), 1),
         call=with_weight(F.softmax_cross_entropy, normalize=False),
         name="softmax_cross_entropy of probabilities, weighted"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), arrays.uniform((4, 3, 2), 0.1, 1)],
         lambda x, t: (t * np.log(t / softmax(x))).sum() / max(2 * len(x), 1),
         kwargs={"soft_target_loss": "kl-divergence"}, name="softmax_cross_entropy as divergence"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3)), CLASSES],
         lambda x, t: smooth_cross_entropy(x, t, 0.2).sum() / max(len(x), 1), kwargs={"label_smoothing": 0.2},
         name="softmax_cross_entropy smoothed"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), LABELS],
         lambda x, t: smooth_cross_entropy(x, t, 0.2, WEIGHT).sum() / max((t != -1).sum(), 1),
         call=with_weight(F.softmax_cross_entropy, label_smoothing=0.2),
         name="softmax_cross_entropy smoothed and weighted"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), LABELS],
         lambda x, t: smooth_cross_entropy(x, t, 0.2).sum() / max(len(x), 1),
         kwargs={"label_smoothing": 0.2, "normalize": False}, name="softmax_cross_entropy smoothed by batch"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3, 2)), LABELS],
         lambda x, t: smooth_cross_entropy(x, t, 0.2), kwargs={"label_smoothing": 0.2, "reduce": "no"},
         name="softmax_cross_entropy smoothed of each"),
    Case(F.softmax_cross_entropy, [arrays.normal((4, 3)), arrays.uniform((4, 3), 0.1, 1)],
         lambda x, t: soft_cross_entropy(x, 0.8 * t + 0.2 / 3).sum() / max(len(x), 1), kwargs={"label_smoothing": 0.2},
         name="softmax_cross_entropy of smoothed probabilities"),
    Case(F.nll_loss, [arrays.normal((4, 3)), CLASSES], lambda x, t: nll(x, t).sum() / max(len(x), 1)),
    Case(F.nll_loss, [arrays.normal((4, 3, 2)), LABELS], lambda x, t: nll(x, t).sum() / max((t != -1).sum(), 1),
         name="nll_loss of pixels"),
    Case(F.nll_loss, [arrays.normal((4, 3, 2)), LABELS], nll, kwargs={"reduce": "no"}, name="nll_loss of each"),
    Case(F.nll_loss, [arrays.normal((4, 3, 2)), LABELS], lambda x, t: nll(x, t, WEIGHT).sum() / max(len(x), 1),
         call=with_weight(F.nll_loss, normalize=False), name="nll_loss weighted"),
    Case(F.hinge, [away_from_one((4, 3)), CLASSES], lambda x, t: hinge(x, t).sum() / max(len(x), 1)),
    Case(F.hinge, [away_from_one((4, 3)), CLASSES], lambda x, t: hinge(x, t, 2).sum() / max(len(x), 1),
         kwargs={"norm": "L2"}, name="hinge of squares"),
    Case(F.hinge, [away_from_one((4, 3)), CLASSES], hinge, kwargs={"reduce": "no"}, name="hinge of each"),
    Case(F.contrastive, [arrays.normal((5, 3), 0.4), arrays.normal((5, 3), 0.4), arrays.integers((5,), 0, 2)],
         lambda x0, x1, y: contrastive(x0, x1, y).sum() / max(len(y), 1)),
    Case(F.contrastive, [arrays.normal((5, 3)), arrays.normal((5, 3)), arrays.integers((5,), 0, 2)],
         lambda x0, x1, y: contrastive(x0, x1, y, 2.5), kwargs={"margin": 2.5, "reduce": "no"},
         name="contrastive of each, with margin"),
    Case(F.cross_covariance, [arrays.normal((4, 3)), arrays.normal((4, 2))],
         lambda y, z: (covariances(y, z) ** 2).sum() / 2),
    Case(F.cross_covariance, [arrays.normal((4, 3)), arrays.normal((4, 2))], covariances, kwargs={"reduce": "no"},
         name="cross_covariance of each"),
    Case(F.bernoulli_nll, [arrays.uniform((3, 4), 0, 1), arrays.normal((3, 4))], lambda x, y: bernoulli(x, y).sum()),
    Case(F.bernoulli_nll, [arrays.uniform((3, 4), 0, 1), arrays.normal((3, 4))],
         lambda x, y: bernoulli(x, y).sum() / max(x.size, 1), kwargs={"reduce": "mean"}, name="bernoulli_nll mean"),
    Case(F.bernoulli_nll, [arrays.uniform((3, 4), 0, 1), arrays.normal((3, 4))], bernoulli, kwargs={"reduce": "no"},
         elementwise=True, name="bernoulli_nll of each"),
    Case(F.gaussian_nll, [arrays.normal((3, 4))] * 3, lambda *xs: gaussian(*xs).sum()),
    Case(F.gaussian_nll, [arrays.normal((3, 4))] * 3, lambda *xs: gaussian(*xs).sum() / max(xs[0].size, 1),
         kwargs={"reduce": "mean"}, name="gaussian_nll mean"),
    Case(F.gaussian_nll, [arrays.normal((3, 4))] * 3, gaussian, kwargs={"reduce": "no"}, elementwise=True,
         name="gaussian_nll of each"),
    Case(F.gaussian_kl_divergence, [arrays.normal((3, 4))] * 2, lambda *xs: divergence(*xs).sum()),
    Case(F.gaussian_kl_divergence, [arrays.normal((3, 4))] * 2, lambda *xs: divergence(*xs).sum() / max(xs[0].size, 1),
         kwargs={"reduce": "mean"}, name="gaussian_kl_divergence mean"),
    Case(F.gaussian_kl_divergence, [arrays.normal((3, 4))] * 2, divergence, kwargs={"reduce": "no"}, elementwise=True,
         name="gaussian_kl_divergence of each"),
    Case(F.huber_loss, [away_from_one((2, 3, 4)), arrays.uniform((2, 3, 4), -0.1, 0.1)],
         lambda x, t: huber(x, t, 1.0).sum(1), kwargs={"delta": 1.0}),
    Case(F.huber_loss, [away_from_one((2, 3)), arrays.uniform((2, 3), -0.1, 0.1)], lambda x, t: huber(x, t, 2.0),
         kwargs={"delta": 2.0, "reduce": "no"}, elementwise=True, name="huber_loss of each"),
    Case(F.smooth_l1_loss, [away_from_one((2, 3)), arrays.uniform((2, 3), -0.1, 0.1)],
         lambda x, t: huber(x, t, 1.0).sum() / max(x.size, 1)),
    Case(F.smooth_l1_loss, [away_from_one((2, 3)), arrays.uniform((2, 3), -0.1, 0.1)],
         lambda x, t: huber(x, t, 0.5).sum() / 0.5, kwargs={"beta": 0.5, "reduce": "sum"}, name="smooth_l1_loss sum"),
    Case(F.smooth_l1_loss, [away_from_one((2, 3)), arrays.uniform((2, 3), -0.1, 0.1)], lambda x, t: abs(x - t),
         kwargs={"beta": 0, "reduce": "no"}, elementwise=True, name="smooth_l1_loss of each, without parabola"),
    Case(F.negative_sampling, [arrays.normal((4, 3)), arrays.integers((4,), -1, 5), arrays.normal((5, 3))],
         lambda x, t, W: negative_sampling(x, t, W).sum(), call=negative_sampling_of_samples,
         batched=(True, True, False)),
    Case(F.negative_sampling, [arrays.normal((4, 3)), arrays.integers((4,), 0, 5), arrays.normal((5, 3))],
         negative_sampling, call=lambda *xs: negative_sampling_of_samples(*xs, reduce="no"),
         batched=(True, True, False), name="negative_sampling of each"),
]  # fmt: skip


class TestLoss(FunctionTests):
    module = F
    homes = (
        "chainette_functions.loss.contrastive",
        "chainette_functions.loss.cross_covariance",
        "chainette_functions.loss.elementwise_errors",
        "chainette_functions.loss.hinge",
        "chainette_functions.loss.huber_loss",
        "chainette_functions.loss.mean_squared_error",
        "chainette_functions.loss.negative_sampling",
        "chainette_functions.loss.nll_loss",
        "chainette_functions.loss.sigmoid_cross_entropy",
        "chainette_functions.loss.softmax_cross_entropy",
        "chainette_functions.loss.vae",
    )
    cases = CASES
