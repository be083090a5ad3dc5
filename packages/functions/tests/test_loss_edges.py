"""Losses where they could go wrong: extreme scores, points that coincide, labels that do not count, normalisation."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
import chainette_functions as F
from chainette import Variable
from chainette_functions.loss.softmax_cross_entropy import SoftmaxCrossEntropy

FLOATS = ["float16", "float32", "float64"]
MANY = 70_000  # more than float16's largest number
A = np.random.default_rng(0).standard_normal((4, 3))


def gradients(function, *inputs, gy=None):
    """The output's array and the gradients of the floating inputs."""
    variables = [Variable(np.asarray(x)) for x in inputs]
    y = function(*variables)
    y.grad = np.ones(y.shape, y.dtype) if gy is None else gy
    y.backward()
    return y.array, *[x.grad for x in variables if x.requires_grad]


def second_gradients(function, *inputs):
    """The gradients, by the inputs, of the sum of the gradients."""
    variables = [Variable(np.asarray(x)) for x in inputs]
    firsts = chainette.grad([F.sum(function(*variables))], variables, enable_double_backprop=True)
    return [gx.array for gx in chainette.grad([F.sum(gx) for gx in firsts], variables)]


# What a mean is a mean of


@pytest.mark.parametrize(
    ("mean", "each", "count"),
    [
        (lambda: F.hinge(A, np.array([0, 1, 2, 0])), lambda: F.hinge(A, np.array([0, 1, 2, 0]), reduce="no"), 4),
        (lambda: F.contrastive(A, -A, np.array([0, 1, 1, 0])),
         lambda: F.contrastive(A, -A, np.array([0, 1, 1, 0]), reduce="no"), 4),
        (lambda: F.bernoulli_nll(A, A, "mean"), lambda: F.bernoulli_nll(A, A, "no"), 12),
        (lambda: F.gaussian_nll(A, A, A, "mean"), lambda: F.gaussian_nll(A, A, A, "no"), 12),
        (lambda: F.gaussian_kl_divergence(A, A, "mean"), lambda: F.gaussian_kl_divergence(A, A, "no"), 12),
        (lambda: F.smooth_l1_loss(A, -A), lambda: F.smooth_l1_loss(A, -A, reduce="no"), 12),
        (lambda: F.nll_loss(A, np.array([0, -1, 2, -1])), lambda: F.nll_loss(A, np.array([0, -1, 2, -1]), reduce="no"),
         2),
        (lambda: F.nll_loss(A, np.array([0, -1, 2, -1]), normalize=False),
         lambda: F.nll_loss(A, np.array([0, -1, 2, -1]), reduce="no"), 4),
        (lambda: F.softmax_cross_entropy(A, np.array([0, -1, 2, -1]), label_smoothing=0.1),
         lambda: F.softmax_cross_entropy(A, np.array([0, -1, 2, -1]), label_smoothing=0.1, reduce="no"), 2),
        (lambda: F.softmax_cross_entropy(A, np.array([0, -1, 2, -1]), label_smoothing=0.1, normalize=False),
         lambda: F.softmax_cross_entropy(A, np.array([0, -1, 2, -1]), label_smoothing=0.1, reduce="no"), 4),
    ],
    ids=["hinge", "contrastive", "bernoulli", "gaussian", "kl", "smooth_l1", "nll", "nll by batch", "smoothed",
         "smoothed by batch"],
)  # fmt: skip
def test_a_mean_is_the_sum_of_the_losses_over_what_counts(mean, each, count):
    assert each().size >= count
    np.testing.assert_allclose(mean().array, each().array.sum() / count)


def weighted_losses(**options):
    x, t, weight = A, np.array([0, 2, -1, 2]), np.array([5.0, 7.0, 11.0])
    yield lambda: F.nll_loss(x, t, class_weight=weight, **options)
    yield lambda: F.softmax_cross_entropy(x, t, class_weight=weight, **options)
    yield lambda: F.softmax_cross_entropy(x, t, class_weight=weight, label_smoothing=0.1, **options)


def test_the_number_that_a_weighted_mean_is_divided_by_is_not_weighted():
    each = [loss().array.sum() for loss in weighted_losses(reduce="no")]
    np.testing.assert_allclose([loss().array for loss in weighted_losses()], np.array(each) / 3)
    np.testing.assert_allclose([loss().array for loss in weighted_losses(normalize=False)], np.array(each) / 4)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, t: F.nll_loss(x, t),
        lambda x, t: F.nll_loss(x, t, normalize=False),
        lambda x, t: F.nll_loss(x, t, reduce="no"),
        lambda x, t: F.softmax_cross_entropy(x, t, label_smoothing=0.3),
        lambda x, t: F.softmax_cross_entropy(x, t, label_smoothing=0.3, normalize=False),
        lambda x, t: F.softmax_cross_entropy(x, t, label_smoothing=0.3, reduce="no"),
    ],
)
@pytest.mark.parametrize("worst", [0.0, -np.inf])
def test_when_all_labels_are_ignored_loss_and_gradient_are_zero_whatever_the_scores(loss, worst):
    x = A.copy()
    x[:, 0] += worst
    y, gx = gradients(lambda x: loss(x, np.full(4, -1)), x)
    assert not y.any()
    assert not np.signbit(y).any()
    assert not gx.any()


@pytest.mark.parametrize(
    "loss",
    [
        lambda x: F.hinge(x, np.zeros(0, "i")),
        lambda x: F.contrastive(x, x, np.zeros(0, "i")),
        lambda x: F.cross_covariance(x, x),
        lambda x: F.bernoulli_nll(x, x, "mean"),
        lambda x: F.gaussian_nll(x, x, x, "mean"),
        lambda x: F.gaussian_kl_divergence(x, x, "mean"),
        lambda x: F.smooth_l1_loss(x, x),
        lambda x: F.nll_loss(x, np.zeros(0, "i")),
        lambda x: F.softmax_cross_entropy(x, np.zeros(0, "i"), label_smoothing=0.1),
        lambda x: F.negative_sampling(x, np.zeros(0, "i"), A, lambda shape: np.zeros(shape, "i"), 2),
    ],
)
def test_an_empty_batch_costs_nothing(loss):
    y, gx = gradients(loss, np.zeros((0, 3)))
    assert (y.item(), y.shape, gx.shape) == (0, (), (0, 3))


# float16


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (lambda: F.hinge(np.full((2, 2), 200, "e"), np.zeros(2, "i"), "L2"), 201**2),
        (lambda: F.hinge(np.zeros((MANY, 2), "e"), np.zeros(MANY, "i")), 2),
        (lambda: F.contrastive(np.full((2, 1), 300, "e"), np.full((2, 1), -40, "e"), np.array([1, 0])), 340**2 / 4),
        (lambda: F.contrastive(np.ones((MANY, 1), "e"), np.zeros((MANY, 1), "e"), np.ones(MANY, "i")), 0.5),
        (lambda: F.cross_covariance(np.tile(np.array([[2], [-2]], "e"), (MANY, 1)), np.ones((2 * MANY, 1), "e")), 0),
        (lambda: F.bernoulli_nll(np.zeros(MANY, "e"), np.zeros(MANY, "e"), "mean"), np.log(2)),
        (lambda: F.gaussian_nll(*np.zeros((3, MANY), "e"), "mean"), np.log(2 * np.pi) / 2),
        (lambda: F.gaussian_nll(*np.array([[300.0, 0], [-300, 0], [4, 4]], "e"), "mean"),
         (np.log(2 * np.pi) + 4 + 600**2 / np.exp(4) / 2) / 2),
        (lambda: F.gaussian_nll(np.array([1e-5], "e"), np.zeros(1, "e"), np.array([-30], "e")),
         (np.log(2 * np.pi) - 30 + float(np.float16(1e-5)) ** 2 * np.exp(30)) / 2),
        (lambda: F.gaussian_nll(np.array([60000], "e"), np.array([-60000], "e"), np.array([20], "e")),
         (np.log(2 * np.pi) + 20 + 120_000**2 / np.exp(20)) / 2),
        (lambda: F.gaussian_kl_divergence(np.array([300, 0, 0, 0], "e"), np.zeros(4, "e"), "mean"), 300**2 / 8),
        (lambda: F.gaussian_kl_divergence(np.zeros(4, "e"), np.array([12, 0, 0, 0], "e"), "mean"),
         (np.exp(12) - 13) / 8),
        (lambda: F.huber_loss(np.full((1, 2), 60000, "e"), np.full((1, 2), -30000, "e"), 0.25), 2 * 0.25 * 9e4),
        (lambda: F.smooth_l1_loss(np.full(MANY, 2, "e"), np.zeros(MANY, "e")), 1.5),
        (lambda: F.nll_loss(np.full((MANY, 2), -1, "e"), np.zeros(MANY, "i")), 1),
        (lambda: F.nll_loss(np.full((2, 2), -300, "e"), np.array([0, 1]), class_weight=np.array([400, 0], "e")), 6e4),
        (lambda: F.softmax_cross_entropy(np.zeros((MANY, 2), "e"), np.zeros(MANY, "i"), label_smoothing=0.5),
         np.log(2)),
        (lambda: F.negative_sampling(np.full((1, 1024), 8, "e"), np.array([0]), np.full((2, 1024), -4, "e"),
                                     lambda shape: np.ones(shape, "i"), 1), 32768),
        (lambda: F.negative_sampling(np.full((1, 1), 300, "e"), np.array([0]), np.array([[300], [-300]], "e"),
                                     lambda shape: np.ones(shape, "i"), 1), 0),
    ],
)  # fmt: skip
def test_float16_losses_do_not_overflow_on_the_way(loss, expected):
    y = loss()
    assert y.dtype == "float16"
    np.testing.assert_allclose(y.array.astype("d"), expected, rtol=2e-3, atol=1e-3)


def test_smoothing_in_float16_reaches_classes_beyond_its_smallest_numbers():
    x = np.zeros((1, MANY), "e")
    x[0, 0] = 20
    y, gx = gradients(lambda x: F.softmax_cross_entropy(x, np.array([0]), label_smoothing=0.1), x)
    exact = F.softmax_cross_entropy(x.astype("d"), np.array([0]), label_smoothing=0.1)
    np.testing.assert_allclose(y, exact.array, rtol=1e-3)
    assert gx[0, 1] < 0
    t = np.eye(1, MANY, dtype="e")
    y = F.softmax_cross_entropy(x, t, label_smoothing=0.0104)
    exact = F.softmax_cross_entropy(x.astype("d"), t.astype("d"), label_smoothing=0.0104)
    np.testing.assert_allclose(y.array, exact.array, rtol=1e-3)


def test_two_dtypes_are_promoted():
    for first, second, result in (("e", "f", "f"), ("f", "d", "d"), ("e", "e", "e")):
        x, t = np.ones((2, 2), first), np.ones((2, 2), second)
        for loss in (F.bernoulli_nll, F.gaussian_kl_divergence, F.cross_covariance, F.smooth_l1_loss):
            assert loss(x, t).dtype == result
        assert F.huber_loss(x, t, 1.0).dtype == F.contrastive(x, t, np.array([0, 1])).dtype == result


# Extreme scores


@pytest.mark.parametrize("dtype", FLOATS)
def test_extreme_scores_have_exact_losses_and_finite_gradients(dtype):
    x, t = np.array([[1000, -1000], [-1000, 1000]], dtype), np.array([0, 0])
    y, gx = gradients(lambda x: F.hinge(x, t, reduce="no"), x)
    assert y.tolist() == [[0, 0], [1001, 1001]]
    assert gx.tolist() == [[0, 0], [-1, 1]]
    y, gx = gradients(lambda y: F.bernoulli_nll(np.array([[1, 0], [1, 0.5]], dtype), y, "no"), x)
    assert y.tolist() == [[0, 0], [1000, 500]]
    assert gx.tolist() == [[0, 0], [-1, 0.5]]
    y, gx = gradients(lambda x: F.softmax_cross_entropy(x, t, label_smoothing=0.5, reduce="no"), x)
    assert y.tolist() == [500, 1500]
    assert gx.tolist() == [[0.25, -0.25], [-0.75, 0.75]]
    y, gx = gradients(lambda x: F.huber_loss(x, -x, 2.0, "no"), x[:1])
    assert y.tolist() == [[3998, 3998]]
    assert gx.tolist() == [[4, -4]]
    y, gx = gradients(lambda x: F.smooth_l1_loss(x, -x, beta=0.5, reduce="sum"), x[:1])
    assert y == (4000 if dtype == "float16" else 3999.5)
    assert gx.tolist() == [[2, -2]]


def test_a_bernoulli_loss_close_to_zero_is_precise():
    y = F.bernoulli_nll(np.ones(1, "f"), np.full(1, 20, "f"))
    np.testing.assert_allclose(y.array, np.log1p(np.exp(-20.0)), rtol=1e-6)
    y, gx, gy = gradients(F.bernoulli_nll, np.array([0.25]), np.array([0.0]))
    assert (y, gx, gy) == (np.log(2), 0, 0.25)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_variance_of_almost_nothing_leaves_an_exact_observation_its_finite_loss(dtype):
    for ln_var in (-1000, -10000):
        x, v = np.ones(1, dtype), np.full(1, ln_var, dtype)
        y, gx, gmean, gv = gradients(F.gaussian_nll, x, x, v)
        np.testing.assert_allclose(y, (ln_var + np.log(2 * np.pi)) / 2, rtol=1e-3)
        assert (gx, gmean, gv) == (0, 0, 0.5)
    v = np.full(1, 1000, dtype)
    y, gx, _, gv = gradients(F.gaussian_nll, x, 0 * x, v)
    np.testing.assert_allclose(y, (1000 + np.log(2 * np.pi)) / 2, rtol=1e-3)
    assert (gx, gv) == (0, 0.5)


def test_gaussian_losses_keep_their_second_gradient_where_the_observation_is_exact():
    x, v = np.ones(2), np.array([0.0, 1.0])
    ggx = second_gradients(lambda x: F.gaussian_nll(x, np.ones(2), v), x)[0]
    np.testing.assert_allclose(ggx, np.exp(-v))


# Each loss's own edges


@pytest.mark.parametrize("similar", [0, 1])
@pytest.mark.parametrize("dtype", FLOATS)
def test_points_that_coincide_have_a_gradient_of_zero(similar, dtype):
    x = np.array([[1.0, -2.0], [0.0, 0.0]], dtype)
    y, gx0, gx1 = gradients(lambda x0, x1: F.contrastive(x0, x1, np.full(2, similar), margin=3, reduce="no"), x, x)
    assert y.tolist() == ([0, 0] if similar else [4.5, 4.5])
    assert not gx0.any()
    assert not gx1.any()
    seconds = second_gradients(lambda x0, x1: F.contrastive(x0, x1, np.full(2, similar), margin=3), x, x)
    assert np.isfinite(seconds).all()


def test_points_beyond_the_margin_cost_nothing_however_far_apart():
    x0, x1 = np.full((1, 2), 1e30, "f"), np.zeros((1, 2), "f")
    with np.errstate(over="ignore"):
        y, gx0, gx1 = gradients(lambda x0, x1: F.contrastive(x0, x1, np.array([0])), x0, x1)
    assert (y, gx0.tolist(), gx1.tolist()) == (0, [[0, 0]], [[0, 0]])


def test_the_gradient_exactly_at_the_hinge_is_zero():
    y, gx = gradients(lambda x: F.hinge(x, np.array([0]), reduce="no"), np.array([[1.0, -1.0]]))
    assert (y.tolist(), gx.tolist()) == ([[0, 0]], [[0, 0]])


def test_walking_back_through_a_hinge_twice_adds_the_same_gradient_twice():
    x = Variable(np.array([[0.5, 2.0, -3.0]]))
    for norm in ("L1", "L2"):
        x.cleargrad()
        loss = F.hinge(x, np.array([1]), norm)
        loss.backward()
        once = x.grad.copy()
        loss.backward()
        np.testing.assert_array_equal(x.grad, 2 * once)


def test_the_covariances_do_not_see_a_shift_and_have_no_gradient_where_they_are_zero():
    y, z = A, A[:, :2] + 1e6
    np.testing.assert_allclose(F.cross_covariance(y, z).array, F.cross_covariance(y + 5, A[:, :2]).array, rtol=1e-6)
    _, gy, gz = gradients(F.cross_covariance, A, np.full((4, 2), 3.0))
    assert not gy.any()
    assert not gz.any()


@pytest.mark.parametrize(("error", "slope"), [(2.0, 2.0), (-2.0, -2.0), (1.5, 1.5), (-7.0, -2.0), (0.0, 0.0)])
def test_the_slope_of_a_huber_loss_is_the_error_clipped(error, slope):
    _, gx, gt = gradients(lambda x, t: F.huber_loss(x, t, 2.0, "no"), np.array([error]), np.zeros(1))
    assert (gx, gt) == (slope, -slope)
    _, gx, _ = gradients(lambda x, t: F.smooth_l1_loss(x, t, beta=2.0, reduce="no"), np.array([error]), np.zeros(1))
    assert gx == slope / 2


def test_a_huber_loss_with_an_infinite_delta_is_half_the_square():
    assert F.huber_loss(np.array([[3.0, 4.0]]), np.zeros((1, 2)), np.inf).array.tolist() == [12.5]


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", ">i4"])
def test_labels_of_any_integer_dtype_are_taken(dtype):
    t, ones = np.array([2, 0, 1, 1], dtype), np.array([1, 0, 1, 0], dtype)
    assert F.nll_loss(A, t).item() == F.nll_loss(A, t.astype("i")).item()
    assert F.hinge(A, t).item() == F.hinge(A, t.astype("i")).item()
    assert F.contrastive(A, -A, ones).item() == F.contrastive(A, -A, ones.astype("i")).item()
    assert F.binary_accuracy(A[:, 0], ones).item() == F.binary_accuracy(A[:, 0], ones.astype("i")).item()
    assert F.softmax_cross_entropy(A, t, label_smoothing=0.1).item() == (
        F.softmax_cross_entropy(A, t.astype("i"), label_smoothing=0.1).item()
    )
    sampler = lambda shape: np.ones(shape, dtype)  # noqa: E731
    y, words = F.negative_sampling(A, t, A, sampler, 2, return_samples=True)
    assert words.tolist() == [[label, 1, 1] for label in (2, 0, 1, 1)]
    assert y.item() == F.negative_sampling(A, t.astype("i"), A, sampler, 2).item()


def test_any_label_may_be_the_ignored_one():
    for ignored in (1, 255, -100):
        t, kept = np.array([0, ignored, 2, ignored]), [0, 2]
        for loss, options in ((F.nll_loss, {}), (F.softmax_cross_entropy, {"label_smoothing": 0.1})):
            found = loss(A, t, ignore_label=ignored, **options).item()
            np.testing.assert_allclose(found, loss(A[kept], t[kept], **options).array)


def test_a_class_without_probability_that_is_ignored_or_weighs_nothing_costs_nothing():
    x = np.array([[-np.inf, 0.0], [-np.inf, 0.0]])
    y, gx = gradients(lambda x: F.nll_loss(x, np.array([-1, 1])), x)
    assert (y, gx.tolist()) == (0, [[0, 0], [0, -1]])
    assert not np.signbit(y)
    y, gx = gradients(lambda x: F.nll_loss(x, np.array([0, 1]), class_weight=np.array([0.0, 1.0])), x)
    assert (y, gx.tolist()) == (0, [[0, 0], [0, -0.5]])


def test_there_may_be_a_single_class():
    x, t = np.zeros((2, 1)), np.array([-1, 0])
    for loss, options in (
        (F.nll_loss, {}),
        (F.softmax_cross_entropy, {}),
        (F.softmax_cross_entropy, {"label_smoothing": 0.1}),
    ):
        y, gx = gradients(lambda x: loss(x, t, **options), x)  # noqa: B023  (called at once)
        assert (y, gx[0]) == (0, 0)


def test_log_softmax_and_nll_loss_are_softmax_cross_entropy():
    x, t = np.random.default_rng(1).standard_normal((3, 4, 2, 2)), np.random.default_rng(2).integers(-1, 4, (3, 2, 2))
    weight = np.array([0.5, 1, 2, 0])
    for options in ({}, {"normalize": False}, {"reduce": "no"}, {"class_weight": weight}, {"ignore_label": 2}):
        t_valid = np.where(t == -1, 2, t) if "ignore_label" in options else t
        found = F.nll_loss(F.log_softmax(x), t_valid, **options).array
        np.testing.assert_allclose(found, F.softmax_cross_entropy(x, t_valid, **options).array)


# Smoothed labels


@settings(deadline=None)
@given(st.floats(0, 1), st.booleans(), st.sampled_from([{}, {"normalize": False}, {"reduce": "no"}]), st.booleans())
def test_smoothing_mixes_the_loss_with_that_of_every_class(smoothing, ignoring, options, weighted):
    t = np.array([0, 2, 1, -1 if ignoring else 1])
    if weighted:
        options = {**options, "class_weight": np.array([0.5, 3.0, 1.0])}
    found = F.softmax_cross_entropy(A, t, label_smoothing=smoothing, **options).array
    of_labels = F.softmax_cross_entropy(A, t, **options).array
    of_every_class = [F.softmax_cross_entropy(A, np.where(t == -1, -1, k), **options).array for k in range(3)]
    np.testing.assert_allclose(found, (1 - smoothing) * of_labels + smoothing * np.mean(of_every_class, 0), atol=1e-12)


def test_without_smoothing_labels_take_the_short_way():
    for smoothing in (0, 0.0, False):
        assert isinstance(
            F.softmax_cross_entropy(Variable(A), np.zeros(4, "i"), label_smoothing=smoothing).creator,
            SoftmaxCrossEntropy,
        )


def test_smoothed_labels_are_smoothed_probabilities():
    t = np.array([2, 0, 1, 1])
    options = {"label_smoothing": 0.3, "class_weight": np.array([0.5, 3.0, 1.0]), "reduce": "no"}
    y, gx = gradients(lambda x: F.softmax_cross_entropy(x, t, **options), A)
    wanted, wanted_gx = gradients(lambda x: F.softmax_cross_entropy(x, np.eye(3)[t], **options), A)
    np.testing.assert_allclose(y, wanted)
    np.testing.assert_allclose(gx, wanted_gx)


def test_the_divergence_of_smoothed_probabilities_is_zero_where_they_are_met():
    t = np.array([[0.7, 0.2, 0.1]])
    x = np.log(0.6 * t + 0.4 / 3)
    for options in ({}, {"class_weight": np.array([1.0, 5.0, 7.0])}):
        y = F.softmax_cross_entropy(x, t, label_smoothing=0.4, soft_target_loss="kl-divergence", **options)
        np.testing.assert_allclose(y.array, 0, atol=1e-15)


def test_class_weights_may_be_integers_or_variables():
    weight, t = np.array([1, 2, 0]), np.array([0, 1, 2, 1])
    for loss in (F.nll_loss, F.softmax_cross_entropy):
        wanted = loss(A, t, class_weight=weight.astype("d")).item()
        assert loss(A, t, class_weight=weight).item() == wanted
        assert loss(A, t, class_weight=Variable(weight.astype("d"))).item() == wanted


def test_an_infinite_score_at_an_ignored_position_does_not_count():
    x = chainette.Variable(np.array([[-np.inf, 1.0], [0.0, 0.0]]))
    loss = F.softmax_cross_entropy(x, np.array([-1, 0]))
    loss.backward()
    np.testing.assert_allclose(loss.array, np.log(2))
    np.testing.assert_allclose(x.grad, [[0, 0], [-0.5, 0.5]])
