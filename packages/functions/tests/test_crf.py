"""Conditional random fields against all label sequences there are, and BlackOut: one row each, and their edges."""

from itertools import pairwise, product

import numpy as np
import pytest

import chainette_functions as F
from chainette import Variable, as_variable
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.testing import Case, FunctionTests, arrays


def sequences(cost, xs):
    """For each row of the batch: its time steps, and the score of every sequence of labels."""
    for i in range(len(xs[0])):
        steps = [x[i] for x in xs if i < len(x)]
        yield {
            labels: sum(x[y] for x, y in zip(steps, labels, strict=True)) + sum(cost[pair] for pair in pairwise(labels))
            for labels in product(range(len(cost)), repeat=len(steps))
        }


def log_likelihoods(cost, xs, ys):
    losses = []
    for i, scores in enumerate(sequences(cost, xs)):
        labels = tuple(int(y[i]) for y in ys if i < len(y))
        losses.append(np.log(sum(np.exp(score) for score in scores.values())) - scores[labels])
    return np.array(losses)


def mean_of_rows(losses):
    return losses.sum() / max(len(losses), 1)


def best(cost, xs):
    """The highest scores, and for each time step the labels that have them."""
    found = [max(scores.items(), key=lambda item: item[1]) for scores in sequences(cost, xs)]
    labels = [np.array([y[t] for y, _ in found[: len(x)]], "i").reshape(len(x)) for t, x in enumerate(xs)]
    return np.array([score for _, score in found]), *labels


def crf(steps, **options):
    """crf1d as a function of its arrays: the cost, then xs, then ys."""
    return lambda cost, *rest: F.crf1d(cost, rest[:steps], rest[steps:], **options)


def argmax(cost, *xs):
    score, path = F.argmax_crf1d(cost, xs)
    return score, *map(as_variable, path)


def black_out(x, t, W, samples):
    losses = np.zeros(len(x))
    for i, row in enumerate(x):
        p = np.exp(np.array([W[k] @ row for k in (t[i], *samples[i])]))
        p /= p.sum()
        losses[i] = -np.log(p[0]) - np.log(1 - p[1:]).sum()
    return losses


COST = arrays.normal((3, 3))
LABELS = [arrays.integers((size,), 0, 3) for size in (4, 4, 2, 1)]
SCORES = [arrays.normal((size, 3)) for size in (4, 4, 2, 1)]
WORDS = [arrays.normal((4, 3)), arrays.integers((4,), 0, 6), arrays.normal((6, 3)), arrays.integers((4, 5), 0, 6)]
BATCHED = (True, True, False, True)

CASES = [
    Case(F.crf1d, [COST, *SCORES, *LABELS],
         lambda cost, *rest: mean_of_rows(log_likelihoods(cost, rest[:4], rest[4:])), call=crf(4),
         batched=(False, *[True] * 8)),
    Case(F.crf1d, [COST, *SCORES[:2], *LABELS[:2]],
         lambda cost, *rest: log_likelihoods(cost, rest[:2], rest[2:]), call=crf(2, reduce="no"),
         batched=(False, *[True] * 4), name="crf1d of each sequence"),
    Case(F.crf1d, [COST, SCORES[0], arrays.integers((4,), 0, 3, "uint8")],
         lambda cost, x, y: mean_of_rows(log_likelihoods(cost, [x], [y])), call=crf(1), batched=(False, True, True),
         name="crf1d of one step"),
    Case(F.argmax_crf1d, [COST, *SCORES], lambda cost, *xs: best(cost, xs), call=argmax, batched=(False, *[True] * 4)),
    Case(F.argmax_crf1d, [arrays.normal((2, 2)), arrays.normal((3, 2))], lambda cost, *xs: best(cost, xs), call=argmax,
         batched=(False, True), name="argmax_crf1d of one step"),
    Case(F.black_out, WORDS, lambda *xs: mean_of_rows(black_out(*xs)), batched=BATCHED),
    Case(F.black_out, WORDS, black_out, kwargs={"reduce": "no"}, batched=BATCHED, name="black_out of each word"),
]  # fmt: skip


class TestRandomFieldsAndBlackOut(FunctionTests):
    module = F
    homes = ("chainette_functions.loss.crf1d", "chainette_functions.loss.black_out")
    cases = CASES


X = np.array([[1.0, 0.0], [0.0, 2.0]])
NONE = np.zeros((2, 2))


def test_transitions_go_from_the_label_of_the_row_to_that_of_the_column():
    cost = np.array([[0.0, 9.0], [0.0, 0.0]])
    losses = [
        F.crf1d(cost, [X * 0, X * 0], [np.array(a), np.array(b)]).item()
        for a, b in (([0, 0], [1, 1]), ([1, 1], [0, 0]))
    ]
    assert losses[0] < 1e-3 < losses[1]
    assert [labels.tolist() for labels in F.argmax_crf1d(cost, [X, X])[1]] == [[0, 0], [1, 1]]


def test_large_scores_do_not_overflow():
    x = Variable(np.array([[1000.0, -1000.0]]))
    loss = F.crf1d(1000 * np.eye(2), [x, x, x], [np.array([0])] * 3)
    loss.backward()
    assert loss.item() == 0
    assert x.grad.tolist() == [[0, 0]]


def test_a_transition_may_be_forbidden():
    cost = Variable(np.array([[0.0, -np.inf], [0.0, 0.0]]))
    loss = F.crf1d(cost, [X, X], [np.array([0, 1]), np.array([0, 1])])
    loss.backward()
    assert np.isfinite(loss.item())
    assert np.isfinite(cost.grad).all()
    assert cost.grad[0, 1] == 0
    assert [labels.tolist() for labels in F.argmax_crf1d(cost, [X, -3 * X])[1]] == [[1, 1], [1, 0]]


def test_sequences_that_are_over_keep_their_best_labels():
    score, path = F.argmax_crf1d(NONE, [np.array([[0.0, 1.0], [3.0, 0.0], [0.0, 5.0]]), X[:1] * 0 + [[0.0, 2.0]]])
    assert score.array.tolist() == [3, 3, 5]
    assert [(labels.tolist(), labels.dtype) for labels in path] == [([1, 0, 1], "int32"), ([1], "int32")]


def test_the_score_of_the_best_path_has_gradients():
    cost, x = Variable(NONE.copy()), Variable(X.copy())
    score, path = F.argmax_crf1d(cost, [x, x])
    F.sum(score).backward()
    assert [labels.tolist() for labels in path] == [[0, 1], [0, 1]]
    assert x.grad.tolist() == [[2, 0], [0, 2]]
    assert cost.grad.tolist() == [[1, 0], [0, 1]]


# BlackOut


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_sampled_word_that_is_nearly_certain_costs_much_but_nothing_infinite(dtype):
    x, W = Variable(np.array([[100.0], [100.0]], dtype)), Variable(np.array([[0.0], [1.0], [0.5]], dtype))
    loss = F.black_out(x, np.array([0, 1]), W, np.array([[1, 2], [0, 2]]), "no")
    np.testing.assert_allclose(loss.array, [150, 0], atol=1e-5)  # -log p_t = 100, and log(1 - p_1) = -50
    F.sum(loss).backward()
    np.testing.assert_allclose(W.grad, [[-100], [200], [-100]], rtol=1e-3)


def test_without_samples_nothing_is_to_be_told_apart():
    loss = F.black_out(X, np.array([0, 1]), X, np.zeros((2, 0), "i"))
    assert loss.item() == 0


# Wrong arguments

T = np.array([0, 1])
S = np.array([[0], [1]])
WRONG = [
    (lambda: F.crf1d(NONE, [X], [T], "sum"), ArgumentError, "crf1d: reduce='sum'"),
    (lambda: F.crf1d(NONE[0], [X], [T]), ShapeError, r"crf1d: cost has shape \(2,\)"),
    (lambda: F.crf1d(NONE[:1], [X], [T]), ShapeError, r"crf1d: cost has shape \(1, 2\)"),
    (lambda: F.crf1d(np.zeros((0, 0)), [X], [T]), ShapeError, r"crf1d: cost has shape \(0, 0\)"),
    (lambda: F.crf1d(NONE.astype("i"), [X], [T]), DtypeError, "crf1d: cost is int32"),
    (lambda: F.crf1d(NONE, [], []), ArgumentError, "crf1d: xs is empty"),
    (lambda: F.crf1d(NONE, [X], []), ArgumentError, "crf1d: ys has 0 time steps, and xs has 1"),
    (lambda: F.crf1d(NONE, [X, X[0]], [T, T]), ShapeError, r"crf1d: xs\[1\] has shape \(2,\)"),
    (lambda: F.crf1d(NONE, [X, np.ones((2, 3))], [T, T]), ShapeError, r"xs\[1\] has shape \(2, 3\) \(expected"),
    (lambda: F.crf1d(NONE, [X[:1], X], [T[:1], T]), ShapeError, r"xs\[1\] has 2 rows, after 1"),
    (lambda: F.crf1d(NONE, [X.astype("i")], [T]), DtypeError, r"crf1d: xs\[0\] is int32"),
    (lambda: F.crf1d(NONE, [X], [X[0]]), DtypeError, r"crf1d: ys\[0\] is float64"),
    (lambda: F.crf1d(NONE, [X, X], [T, T[:1]]), ShapeError, r"crf1d: ys\[1\] has shape \(1,\)"),
    (lambda: F.crf1d(NONE, [X], [T + 1]), ArgumentError, r"crf1d: ys\[0\] holds 2 \(expected 0 to 1\)"),
    (lambda: F.argmax_crf1d(NONE, []), ArgumentError, "argmax_crf1d: xs is empty"),
    (lambda: F.argmax_crf1d(NONE, [X.T[:, :1]]), ShapeError, r"argmax_crf1d: xs\[0\] has shape"),
    (lambda: F.black_out(X, T, X, S, "sum"), ArgumentError, "black_out: reduce='sum'"),
    (lambda: F.black_out(X, T, X.astype("i"), S), DtypeError, "black_out: W is int32"),
    (lambda: F.black_out(X, T, X, X), DtypeError, "black_out: samples is float64"),
    (lambda: F.black_out(X, T, X[:, :1], S), ShapeError, r"black_out: x \(2, 2\) and W \(2, 1\)"),
    (lambda: F.black_out(X, T[:1], X, S), ShapeError, r"black_out: t has shape \(1,\)"),
    (lambda: F.black_out(X, T, X, T), ShapeError, r"samples has shape \(2,\) \(expected \(2, sample size\)"),
    (lambda: F.black_out(X, T, X, S[:1]), ShapeError, r"samples has shape \(1, 1\)"),
    (lambda: F.black_out(X, T + 1, X, S), ArgumentError, "black_out: t holds 2"),
    (lambda: F.black_out(X, T, X, S - 1), ArgumentError, "black_out: samples holds -1"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[says for _, _, says in WRONG])
def test_wrong_arguments_are_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
