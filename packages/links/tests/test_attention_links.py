"""Attention links: one row each, and what rows cannot say."""

import copy
import math
import pickle

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette import Variable, initializers
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.testing import LinkCase, LinkTests, arrays

HEADS = 2
SEEN = np.array([[True, False, True, True], [True, True, False, True], [False, True, True, False]])
CAUSAL = np.tril(np.ones((3, 4), bool))


def linear(v, name, x):
    return x @ v[f"/{name}/W"].T + v.get(f"/{name}/b", 0)


def attention(v, query, key, value, seen=None, heads=HEADS, name=""):
    """One example, one head and one target after the other; ``seen`` is (batch, targets, sources)."""
    q, k, within = linear(v, f"{name}W_q", query), linear(v, f"{name}W_k", key), linear(v, f"{name}W_v", value)
    y, depth = np.zeros(q.shape), q.shape[2] // heads
    for n in range(len(q)):
        for head in range(heads):
            part = slice(head * depth, (head + 1) * depth)
            for t in range(q.shape[1]):
                scores = np.array([q[n, t, part] @ source for source in k[n, :, part]]) / math.sqrt(depth)
                weights = np.exp(scores) * (1 if seen is None else seen[n, t])
                y[n, t, part] = (weights / weights.sum()) @ within[n, :, part]
    return linear(v, f"{name}W_o", y)


def normalized(v, name, x):
    x = x - x.mean(-1, keepdims=True)
    return v[f"/{name}/gamma"] * x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) + v[f"/{name}/beta"]


def encoder_layer(v, x, activation, pre_norm=False, seen=None):
    def attend(x):
        return attention(v, x, x, x, seen, name="attention/")

    def feed(x):
        return linear(v, "l_2", activation(linear(v, "l_1", x)))

    if pre_norm:
        x = x + attend(normalized(v, "norm_1", x))
        return x + feed(normalized(v, "norm_2", x))
    x = normalized(v, "norm_1", x + attend(x))
    return normalized(v, "norm_2", x + feed(x))


def relu(x):
    return np.maximum(x, 0)


def gelu(x):
    return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2


QUERY, KEY, VALUE = arrays.normal((2, 3, 4)), arrays.normal((2, 4, 5)), arrays.normal((2, 4, 3))
LOOSE = {"tolerance": {"float16": {"atol": 3e-2, "rtol": 3e-2}}}
BOTH = np.stack([SEEN, SEEN])

CASES = [
    LinkCase(lambda: L.MultiheadAttention(4, HEADS), [QUERY], lambda v, x: attention(v, x, x, x), **LOOSE),
    LinkCase(lambda: L.MultiheadAttention(4, HEADS, key_size=5, value_size=3), [QUERY, KEY, VALUE], attention, **LOOSE,
             name="Attention to other sizes"),
    LinkCase(lambda: L.MultiheadAttention(4, HEADS, key_size=5), [QUERY, KEY], lambda v, q, k: attention(v, q, k, k),
             name="Attention to a memory", **LOOSE),
    LinkCase(lambda: L.MultiheadAttention(4, 1, nobias=True), [QUERY], lambda v, x: attention(v, x, x, x, heads=1),
             name="Attention of one head without bias", **LOOSE),
    LinkCase(lambda: L.MultiheadAttention(4, 4, dropout=0.5), [QUERY], lambda v, x: attention(v, x, x, x, heads=4),
             train=False, name="Attention of four heads", **LOOSE),
    LinkCase(lambda: L.TransformerEncoderLayer(4, HEADS, 6, dropout=0.0), [QUERY],
             lambda v, x: encoder_layer(v, x, relu), **LOOSE),
    LinkCase(lambda: L.TransformerEncoderLayer(4, HEADS, dropout=0.5, activation=F.gelu, pre_norm=True), [QUERY],
             lambda v, x: encoder_layer(v, x, gelu, pre_norm=True), train=False, name="Encoder layer, pre-norm",
             **LOOSE),
]  # fmt: skip


class TestAttention(LinkTests):
    module = L
    public = ("MultiheadAttention", "TransformerEncoderLayer")
    cases = CASES


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def layer(**kwargs):
    with chainette.using_config("dtype", "float64"):
        return L.MultiheadAttention(4, HEADS, initial_bias=initializers.Normal(0.5), **kwargs)


def values(link):
    return {path: p.array for path, p in link.namedparams()}


QUERIES, MEMORY = draw(2, 3, 4), draw(2, 4, 4, seed=1)

MASKS = [
    ("of a target and a source", SEEN, BOTH),
    ("of each example", np.stack([SEEN, ~SEEN]), np.stack([SEEN, ~SEEN])),
    ("of the sources", SEEN[0], np.broadcast_to(SEEN[0], (2, 3, 4))),
    ("of the sources of each example", SEEN[:2, None], np.repeat(SEEN[:2, None], 3, axis=1)),
    ("with a head axis", BOTH[:, None], BOTH),
    ("to be added", np.where(BOTH, 0.0, -np.inf), BOTH),
]


@pytest.mark.parametrize(("mask", "seen"), [row[1:] for row in MASKS], ids=[row[0] for row in MASKS])
def test_a_mask_says_who_sees_what(mask, seen):
    link = layer()
    y = link(QUERIES, MEMORY, mask=mask)
    np.testing.assert_allclose(y.array, attention(values(link), QUERIES, MEMORY, MEMORY, seen))
    np.testing.assert_array_equal(link(Variable(QUERIES), MEMORY, MEMORY, mask=Variable(mask)).array, y.array)


def test_each_head_may_have_a_mask_of_its_own():
    link = layer()
    mask = np.stack([np.stack([SEEN, np.ones((3, 4), bool)])] * 2)
    link.W_o.W.array[...], link.W_o.b.array[...] = np.eye(4), 0
    one, two, y = (link(QUERIES, MEMORY, mask=each).array for each in (mask[:, [0, 0]], mask[:, [1, 1]], mask))
    np.testing.assert_allclose(y, np.concatenate([one[:, :, :2], two[:, :, 2:]], 2))
    assert (one != two).any()


def test_causal_attention_sees_nothing_that_comes_later():
    link = layer()
    y = link(QUERIES, MEMORY, causal=True)
    seen = np.stack([CAUSAL, CAUSAL])
    np.testing.assert_allclose(y.array, attention(values(link), QUERIES, MEMORY, MEMORY, seen))
    y = link(QUERIES, MEMORY, causal=True, mask=np.array([True, True, False, True]))
    seen[:, :, 2] = False
    np.testing.assert_allclose(y.array, attention(values(link), QUERIES, MEMORY, MEMORY, seen))


def test_a_target_that_sees_nothing_gets_the_bias():
    link, x = layer(), Variable(QUERIES)
    y = link(x, mask=np.array([[True] * 3, [False] * 3, [True] * 3]))
    np.testing.assert_array_equal(y.array[:, 1], np.broadcast_to(link.W_o.b.array, (2, 4)))
    F.sum(y * y).backward()
    assert np.isfinite(x.grad).all()


def test_one_memory_or_one_query_serves_the_whole_batch():
    link = layer()
    y = link(QUERIES, MEMORY[:1], mask=BOTH)
    np.testing.assert_allclose(y.array, link(QUERIES, np.concatenate([MEMORY[:1]] * 2), mask=BOTH).array)
    y = link(QUERIES[:1], MEMORY, mask=BOTH)
    np.testing.assert_allclose(y.array, link(np.concatenate([QUERIES[:1]] * 2), MEMORY, mask=BOTH).array)


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4)])
def test_there_may_be_no_examples_and_no_positions(shape):
    x = np.zeros(shape, "f")
    assert L.MultiheadAttention(4, HEADS)(x).shape == shape
    assert L.TransformerEncoderLayer(4, HEADS)(x).shape == shape


def test_dropout_drops_weights_in_training(seeded):
    link = L.MultiheadAttention(4, HEADS, dropout=0.5)
    x = draw(2, 6, 4).astype("f")
    with chainette.test_mode():
        expected = link(x).array
        np.testing.assert_array_equal(link(x).array, expected)
    first = link(x).array
    assert (first != expected).any()
    assert (first != link(x).array).any()
    chainette.seed(3)
    first = link(x).array
    chainette.seed(3)
    np.testing.assert_array_equal(link(x).array, first)


def test_dropout_is_in_each_place_of_an_encoder_layer(seeded):
    x = draw(2, 6, 4).astype("f")
    link = L.TransformerEncoderLayer(4, HEADS, dropout=0.5, pre_norm=True)
    assert link.attention.dropout == 0.5
    link.attention.dropout = 0.0
    link.l_2.W.array[...] = 0
    link.attention.W_o.W.array[...], link.attention.W_o.b.array[...] = 0, 3
    added = link(x).array - x
    assert set(added.round(4).ravel().tolist()) == {0, 6}
    link.attention.W_o.b.array[...], link.l_2.b.array[...] = 0, 3
    assert set((link(x).array - x).round(4).ravel().tolist()) == {0, 6}
    link.l_1.W.array[...], link.l_1.b.array[...] = 0, 1
    link.l_2.W.array[...], link.l_2.b.array[...] = 1, 0
    assert set((link(x).array - x).round(4).ravel().tolist()) <= set(range(0, 65, 4))
    with chainette.test_mode():
        np.testing.assert_allclose(link(x).array - x, 16, rtol=1e-5)


def test_an_encoder_layer_passes_its_mask_on():
    link, x = L.TransformerEncoderLayer(4, HEADS, dropout=0.0), draw(2, 3, 4).astype("f")
    later = x.copy()
    later[:, 2] += 1
    for options in ({"causal": True}, {"mask": np.tri(3, dtype=bool)}):
        np.testing.assert_array_equal(link(x, **options).array[:, :2], link(later, **options).array[:, :2])
    assert (link(x).array[:, :2] != link(later).array[:, :2]).any()


def test_an_encoder_layer_is_made_of_the_sizes_given():
    link = L.TransformerEncoderLayer(8, 4, initialW=0.5, eps=0.25)
    shapes = {path: p.shape for path, p in link.namedparams()}
    assert (shapes["/l_1/W"], shapes["/l_2/W"], shapes["/norm_1/gamma"]) == ((32, 8), (8, 32), (8,))
    assert (link.attention.n_heads, link.norm_1.eps, link.norm_2.eps) == (4, 0.25, 0.25)
    assert all((p.array == 0.5).all() for path, p in link.namedparams() if path.endswith("W"))


def test_an_encoder_layer_is_copied_and_pickled_with_its_activation():
    link, x = L.TransformerEncoderLayer(4, HEADS, dropout=0.0, activation=F.gelu), draw(2, 3, 4).astype("f")
    for copied in (copy.deepcopy(link), pickle.loads(pickle.dumps(link)), *link.repeat(1, "copy")):
        np.testing.assert_array_equal(copied(x).array, link(x).array)


M, X = L.MultiheadAttention(4, HEADS), draw(2, 3, 4).astype("f")

WRONG = [
    ("heads", lambda: L.MultiheadAttention(4, 3), ArgumentError, "n_heads=3 does not divide units=4"),
    ("no heads", lambda: L.MultiheadAttention(4, 0), ArgumentError, "n_heads=0 does not divide"),
    ("dropout", lambda: L.MultiheadAttention(4, 2, dropout=1.0), ArgumentError, r"dropout=1\.0 is out of range"),
    ("query", lambda: M(X[0]), ShapeError, r"query has shape \(3, 4\) \(expected \(batch, length, size\)"),
    ("key", lambda: M(X, X[0]), ShapeError, r"key has shape \(3, 4\)"),
    ("value", lambda: M(X, X, X[0]), ShapeError, r"value has shape \(3, 4\)"),
    ("units", lambda: M(X[:, :, :3]), ShapeError, r"linear: W has shape \(4, 4\) \(expected \(out_size, 3\)"),
    ("lengths", lambda: M(X, X, X[:, :2]), ShapeError, "there are 3 keys but 2 values"),
    ("batches", lambda: M(X, X[[0, 0, 0]]), ShapeError, "the leading axes do not broadcast"),
    ("mask", lambda: M(X, mask=np.ones((2, 4), bool)), ShapeError,
     r"MultiheadAttention: mask of shape \(2, 4\) does not broadcast to \(2, 3, 3\).*Write mask\[:, None\]"),
    ("mask of heads", lambda: M(X, mask=np.ones((2, 3, 3, 3), bool)), ShapeError, r"broadcast to \(2, 2, 3, 3\)"),
    ("mask dtype", lambda: M(X, mask=np.ones((3, 3), "i")), DtypeError, "mask is int32"),
    ("encoder", lambda: L.TransformerEncoderLayer(4, 2)(X[0]), ShapeError, r"query has shape \(3, 4\)"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
