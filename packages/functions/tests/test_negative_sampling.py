"""Negative sampling: what the sampler is asked for and gives, words that count for nothing or twice, extreme scores."""

import numpy as np
import pytest

import chainette_functions as F
from chainette import Variable

A = np.random.default_rng(0).standard_normal((4, 3))


def gradients(function, *inputs):
    """The output's array and the gradients of the inputs."""
    variables = [Variable(x) for x in inputs]
    y = function(*variables)
    y.grad = np.ones(y.shape, y.dtype)
    y.backward()
    return y.array, *[x.grad for x in variables]


def test_words_are_drawn_for_the_batch_and_the_true_ones_take_the_first_column():
    shapes, drawn = [], np.full((2, 4), 3)

    def sampler(shape):
        shapes.append(shape)
        return drawn

    t = np.array([1, -1])
    y, samples = F.negative_sampling(A[:2], t, A, sampler, 3, return_samples=True)
    assert shapes == [(2, 4)]
    assert samples.tolist() == [[1, 3, 3, 3], [-1, 3, 3, 3]]
    assert drawn.tolist() == [[3] * 4] * 2  # what the sampler holds is not written to
    assert F.negative_sampling(A[:2], t, A, lambda shape: samples, 3).item() == y.item()
    assert F.negative_sampling(A[:2], t, A, lambda shape: Variable(samples), 3).item() == y.item()


def test_words_of_minus_1_cost_nothing_and_move_nothing():
    sampler = lambda shape: np.full(shape, 2)  # noqa: E731
    t = np.array([-1, 1])
    y, gx, gW = gradients(lambda x, W: F.negative_sampling(x, t, W, sampler, 2, "no"), A[:2], A)
    _, alone_gx, alone_gW = gradients(lambda x, W: F.negative_sampling(x, t[1:], W, sampler, 2, "no"), A[1:2], A)
    assert y[0] == 0 < y[1]
    assert not gx[0].any()
    np.testing.assert_allclose(gx[1:], alone_gx)
    np.testing.assert_allclose(gW, alone_gW)
    y, gx, gW = gradients(lambda x, W: F.negative_sampling(x, np.full(2, -1), W, sampler, 2), A[:2], A)
    assert not y
    assert not gx.any()
    assert not gW.any()


def test_the_vocabulary_may_be_a_single_word():
    y = F.negative_sampling(A[:2], np.array([-1, 0]), A[:1], lambda shape: np.zeros(shape, "i"), 1, "no")
    score = A[1] @ A[0]
    np.testing.assert_allclose(y.array, [0, np.log1p(np.exp(-score)) + np.log1p(np.exp(score))])


def test_a_word_that_is_drawn_twice_counts_twice():
    once, twice = (F.negative_sampling(A, np.zeros(4, "i"), A, lambda s: np.ones(s, "i"), n).item() for n in (1, 2))
    true = F.negative_sampling(A, np.zeros(4, "i"), A, lambda shape: np.zeros(shape, "i"), 0).item()
    np.testing.assert_allclose(twice - true, 2 * (once - true))
    _, _, gW = gradients(
        lambda x, W: F.negative_sampling(x, np.array([0]), W, lambda shape: np.zeros(shape, "i"), 2), A[:1], A
    )
    p = 1 / (1 + np.exp(-(A[0] @ A[0])))
    np.testing.assert_allclose(gW[0], (3 * p - 1) * A[0])
    assert not gW[1:].any()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_scores_of_negative_sampling_may_be_extreme(dtype):
    x, W = np.array([[1.0]], dtype), np.array([[-1000.0], [1000.0]], dtype)
    y, gx, gW = gradients(lambda x, W: F.negative_sampling(x, np.array([0]), W, lambda shape: np.ones(shape, "i"), 1),
                          x, W)  # fmt: skip
    assert (y, gx.tolist(), gW.tolist()) == (2000, [[2000]], [[-1], [1]])
