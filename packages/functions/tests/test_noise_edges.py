"""Functions that draw random numbers: seeds, masks, training and test, and whether the numbers are right."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Variable

FLOATS = ["float16", "float32", "float64"]

DRAWING = {
    "gaussian": lambda x: F.gaussian(x, x),
    "gumbel_softmax": F.gumbel_softmax,
    "zoneout": lambda x: F.zoneout(x, x + 1),
    "simplified_dropconnect": lambda x: F.simplified_dropconnect(x, x),
    "simplified_dropconnect with one mask": lambda x: F.simplified_dropconnect(x, x, use_batchwise_mask=False),
}


@pytest.mark.parametrize("function", DRAWING.values(), ids=DRAWING)
def test_the_seed_decides_what_is_drawn(function, seeded):
    x = np.random.default_rng(0).standard_normal((5, 6))
    chainette.seed(1)
    first, second = function(x).array, function(x).array
    chainette.seed(1)
    np.testing.assert_array_equal(function(x).array, first)
    assert (first != second).any()


@pytest.mark.parametrize("function", DRAWING.values(), ids=DRAWING)
@pytest.mark.parametrize("dtype", FLOATS)
def test_what_is_drawn_has_the_dtype_of_the_input(function, dtype):
    assert function(np.ones((2, 3), dtype)).dtype == dtype


# gaussian


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_numbers_that_gaussian_returned_repeat_it(dtype):
    mean, ln_var = np.ones((3, 4), dtype), np.linspace(-1, 1, 12).reshape(3, 4).astype(dtype)
    y, eps = F.gaussian(mean, ln_var, return_eps=True)
    assert type(eps) is np.ndarray
    assert eps.dtype == y.dtype == dtype
    np.testing.assert_array_equal(F.gaussian(mean, ln_var, eps=eps).array, y.array)


def test_given_numbers_of_another_dtype_do_not_widen_the_sample():
    mean = np.zeros(3, "f2")
    y, eps = F.gaussian(mean, mean, eps=np.ones(3), return_eps=True)
    assert y.dtype == eps.dtype == "f2"
    assert F.gaussian(mean, mean, eps=Variable(np.ones(3))).dtype == "f2"


def test_a_tiny_variance_gives_the_mean_and_no_nan():
    mean, ln_var = Variable(np.arange(3.0)), Variable(np.full(3, -1000.0))
    y = F.gaussian(mean, ln_var)
    F.sum(y).backward()
    np.testing.assert_allclose(y.array, [0, 1, 2], atol=1e-200)
    assert mean.grad.tolist() == [1, 1, 1]
    np.testing.assert_allclose(ln_var.grad, 0, atol=1e-200)


def test_a_gaussian_sample_has_the_mean_and_the_variance(seeded):
    n = 100_000
    y = F.gaussian(np.full(n, 3.0, "f"), np.full(n, np.log(4), "f")).array
    assert abs(y.mean() - 3) < 4 * 2 / np.sqrt(n)
    assert abs(y.var() - 4) < 4 * 4 * np.sqrt(2 / n)


# zoneout


def test_zoneout_in_test_mode_gives_the_very_same_variable():
    h, x = Variable(np.zeros(3)), Variable(np.ones(3))
    with chainette.test_mode():
        assert F.zoneout(h, x) is x
        assert F.zoneout(h, x, return_mask=True) == (x, None)
        assert F.zoneout(h, x, mask=np.array([True] * 3)) is x


@pytest.mark.parametrize(("ratio", "expected"), [(0, 1), (0.0, 1), (1, 0), (1.0, 0)])
def test_zoneout_keeps_nothing_or_everything_at_the_extremes(ratio, expected):
    assert (F.zoneout(np.zeros(100), np.ones(100), ratio).array == expected).all()


def test_a_mask_that_zoneout_returned_repeats_it():
    h, x = np.zeros((20, 20)), np.ones((20, 20))
    y, mask = F.zoneout(h, x, 0.4, return_mask=True)
    assert type(mask) is np.ndarray
    np.testing.assert_array_equal(mask, y.array == 0)
    np.testing.assert_array_equal(F.zoneout(h, x, 0.4, mask=mask).array, y.array)


def test_zoneout_keeps_the_share_it_is_told(seeded):
    n = 100_000
    kept = (F.zoneout(np.zeros(n, "f"), np.ones(n, "f"), 0.3).array == 0).mean()
    assert abs(kept - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)


def test_zoneout_sends_gradients_only_to_what_was_taken():
    h, x = Variable(np.array([np.nan, 1.0])), Variable(np.array([2.0, np.nan]))
    y = F.zoneout(h, x, mask=np.array([False, True]))
    F.sum(y).backward()
    assert y.array.tolist() == [2, 1]
    assert (h.grad.tolist(), x.grad.tolist()) == ([0, 1], [1, 0])


# gumbel_softmax


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("scale", [0, 1000, 60000])
def test_a_soft_sample_sums_to_one_whatever_the_scores(scale, dtype):
    x = Variable(scale * np.array([[-1, 0, 1], [-1, -1, -1], [1, 1, 1]], dtype))
    y = F.gumbel_softmax(x)
    y.grad = np.eye(3, dtype=dtype)
    y.backward()
    np.testing.assert_allclose(y.array.astype("d").sum(1), 1, atol=2e-3)
    assert np.isfinite(x.grad).all()


def test_impossible_categories_are_never_drawn():
    x = Variable(np.array([[0.0, -np.inf]] * 50))
    y = F.gumbel_softmax(x, tau=1.0)
    y.grad = np.ones((50, 2))
    y.backward()
    assert y.array.tolist() == [[1, 0]] * 50
    assert np.isfinite(x.grad).all()


def test_soft_samples_prefer_categories_by_their_probabilities(seeded):
    n, p = 50_000, np.array([0.2, 0.5, 0.3])
    y = F.gumbel_softmax(np.log(np.tile(p, (n, 1))), tau=0.01).array
    share = np.bincount(y.argmax(1), minlength=3) / n
    assert (abs(share - p) < 4 * np.sqrt(p * (1 - p) / n)).all()


def test_a_low_temperature_gives_nearly_a_single_one(seeded):
    x = np.zeros((200, 3))
    largest = [F.gumbel_softmax(x, tau).array.max(1).mean() for tau in (10.0, 1.0, 0.01)]
    assert largest[0] < 0.4 < largest[1] < 0.95 < largest[2]


def test_a_draw_of_zero_gives_no_infinity(monkeypatch):
    class Zeros:
        def standard_exponential(self, shape):
            return np.zeros(shape)

    monkeypatch.setattr(chainette.random, "generator", lambda device: Zeros())
    np.testing.assert_allclose(F.gumbel_softmax(np.array([[0.0, 0.0]])).array, [[0.5, 0.5]])


# simplified_dropconnect


def test_all_weights_are_used_when_not_training():
    x, W, b = np.ones((2, 3)), np.arange(12.0).reshape(4, 3), np.arange(4.0)
    with chainette.test_mode():
        np.testing.assert_array_equal(F.simplified_dropconnect(x, W, b).array, F.linear(x, W, b).array)
        assert (F.simplified_dropconnect(np.ones((50, 3)), W, train=True).array != x[:1] @ W.T).any()
    np.testing.assert_array_equal(F.simplified_dropconnect(x, W, b, train=False).array, F.linear(x, W, b).array)


@pytest.mark.parametrize("kind", ["bool", "int32", "float64"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_a_mask_says_which_weights_stay_and_they_are_scaled(kind, dtype):
    x, W = np.ones((2, 3), dtype), np.array([[1, 2, 4]], dtype)
    one = np.array([[1, 0, 1]], kind)
    y = F.simplified_dropconnect(x, W, ratio=0.5, mask=one, use_batchwise_mask=False)
    assert y.array.tolist() == [[10], [10]]
    each = np.array([[[1, 0, 1]], [[0, 1, 0]]], kind)
    z = F.simplified_dropconnect(x, W, ratio=0.75, mask=Variable(each, requires_grad=False))
    assert z.array.tolist() == [[20], [8]]
    assert y.dtype == z.dtype == dtype


def test_each_row_has_a_choice_of_its_own_unless_told_otherwise(seeded):
    x, W = np.ones((2, 100)), np.ones((1, 100))
    first, second = F.simplified_dropconnect(x, W).array
    assert first != second
    first, second = F.simplified_dropconnect(x, W, use_batchwise_mask=False).array
    assert first == second


def test_dropped_weights_leave_the_mean_and_biases_stay(seeded):
    n = 100_000
    y = F.simplified_dropconnect(np.ones((n, 1)), np.ones((1, 1)), np.array([10.0]), ratio=0.2).array
    assert set(np.unique(y)) == {10, 11.25}
    assert abs(y.mean() - 11) < 4 * 1.25 * np.sqrt(0.2 * 0.8 / n)
