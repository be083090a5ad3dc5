"""The links that are losses: one row each; the tests are those of the kit."""

from itertools import pairwise, product

import numpy as np

import chainette_links as L
from chainette.testing import LinkCase, LinkTests, arrays
from chainette_links.walker_alias import WalkerAlias

COUNTS = [5, 1, 0, 3, 2]
TREE = ((0, (3, 1)), (2, 4))


def crf(steps, **options):
    """CRF1d as a function of arrays: xs, then ys."""
    return lambda link, *rest: link(rest[:steps], rest[steps:], **options)


def crf_losses(v, sequences, labels):
    """Against all label sequences that there are; each sequence alone."""
    cost, losses = v["/cost"], []
    for x, y in zip(sequences, labels, strict=True):
        scores = {
            path: sum(x[t, label] for t, label in enumerate(path)) + sum(cost[a, b] for a, b in pairwise(path))
            for path in product(range(len(cost)), repeat=len(x))
        }
        losses.append(np.log(sum(map(np.exp, scores.values()))) - scores[tuple(map(int, y))])
    return np.array(losses)


def by_step(v, *rest):
    """xs and ys by time steps, of which the second has the first sequence alone."""
    xs, ys = rest[:2], rest[2:]
    sequences = [np.stack([xs[0][0], xs[1][0]]), xs[0][1:2]]
    return crf_losses(v, sequences, [[ys[0][0], ys[1][0]], [ys[0][1]]])


def softplus(x):
    return np.log1p(np.exp(-abs(x))) + np.maximum(x, 0)


def negative_sampling(v, x, t, power=0.75, size=3):
    words = WalkerAlias(np.array(COUNTS) ** power).sample((len(x), size + 1))
    words[:, 0] = t
    scores = np.einsum("bkd,bd->bk", v["/W"][words], x)
    scores[:, 0] *= -1
    return softplus(scores).sum(1)


def black_out(v, x, t):
    words = np.concatenate([t[:, None], WalkerAlias(COUNTS).sample((len(x), 3))], 1)
    p = np.exp(np.einsum("bkd,bd->bk", v["/W"][words], x))
    p /= p.sum(1, keepdims=True)
    return np.mean(-np.log(p[:, 0]) - np.log(1 - p[:, 1:]).sum(1))


def hierarchical_softmax(v, x, t):
    ways = {0: [(0, 1), (1, 1)], 3: [(0, 1), (1, -1), (2, 1)], 1: [(0, 1), (1, -1), (2, -1)], 2: [(0, -1), (3, 1)],
            4: [(0, -1), (3, -1)]}  # fmt: skip
    return sum(
        softplus(-code * (v["/W"][node] @ row)) for row, word in zip(x, t, strict=True) for node, code in ways[word]
    )


FEATURES, WORDS = arrays.normal((4, 3)), arrays.integers((4,), 0, 5)
STEPS = [arrays.normal((2, 3)), arrays.normal((1, 3)), arrays.integers((2,), 0, 3), arrays.integers((1,), 0, 3)]
SEQUENCES = [*[arrays.normal((n, 3)) for n in (2, 4, 1)], *[arrays.integers((n,), 0, 3) for n in (2, 4, 1)]]

CASES = [
    LinkCase(lambda: L.CRF1d(3), STEPS, lambda v, *rest: by_step(v, *rest).mean(), call=crf(2)),
    LinkCase(lambda: L.CRF1d(3), STEPS, by_step, call=crf(2, reduce="no"), name="CRF1d of each sequence"),
    LinkCase(lambda: L.CRF1d(3), SEQUENCES, lambda v, *rest: crf_losses(v, rest[:3], rest[3:]).mean(),
             call=crf(3, transpose=True), name="CRF1d by sequences"),
    LinkCase(lambda: L.CRF1d(3), SEQUENCES, lambda v, *rest: crf_losses(v, rest[:3], rest[3:]),
             call=crf(3, reduce="no", transpose=True), name="CRF1d of each sequence, by sequences"),
    LinkCase(lambda: L.NegativeSampling(3, COUNTS, 3), [FEATURES, WORDS],
             lambda v, *xs: negative_sampling(v, *xs).sum(), exact=False),
    LinkCase(lambda: L.NegativeSampling(3, COUNTS, 2, power=0), [FEATURES, WORDS],
             lambda v, *xs: negative_sampling(v, *xs, power=0, size=2), call=lambda link, *xs: link(*xs, reduce="no"),
             name="NegativeSampling of each word, with power", exact=False),
    LinkCase(lambda: L.BlackOut(3, COUNTS, 3), [FEATURES, WORDS], black_out, exact=False),
    LinkCase(lambda: L.BinaryHierarchicalSoftmax(3, TREE), [FEATURES, WORDS], hierarchical_softmax),
]  # fmt: skip


class TestLosses(LinkTests):
    module = L
    public = ("BinaryHierarchicalSoftmax", "BlackOut", "CRF1d", "NegativeSampling")
    cases = CASES
