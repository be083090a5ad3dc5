"""What rows cannot say of the links that are losses: the best labels, trees, and how words are drawn."""

import copy
import pickle

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.testing import fake_backend, isolated_plugins
from chainette_links.hierarchical_softmax import TreeParser
from chainette_links.walker_alias import WalkerAlias

COUNTS = [5, 1, 0, 3, 2]
X, T = np.random.default_rng(0).standard_normal((4, 3)).astype("f"), np.array([0, 1, 4, 3])


# Conditional random fields


def test_the_best_labels_come_back_in_the_order_of_the_sequences():
    link = L.CRF1d(2, initial_cost=np.array([[0.0, 1.0], [2.0, 0.0]]))
    sequences = [np.array([[0, 9]]), np.array([[9, 0], [0, 0], [0, 9]]), np.array([[0, 9], [0.5, 0]])]
    score, path = link.argmax(sequences, transpose=True)
    assert [labels.tolist() for labels in path] == [[1], [0, 0, 1], [1, 0]]
    assert score.array.tolist() == [9, 19, 11.5]
    steps = F.transpose_sequence([sequences[i] for i in (1, 2, 0)])
    score, path = link.argmax(steps)
    assert [labels.tolist() for labels in path] == [[0, 1, 1], [0, 0], [1]]
    assert score.array.tolist() == [19, 11.5, 9]


def test_transitions_start_from_zero():
    assert L.CRF1d(2).cost.array.tolist() == [[0, 0], [0, 0]]
    assert [name for name, _ in L.CRF1d(2).namedparams()] == ["/cost"]


# Sampling


def test_words_are_drawn_in_proportion_to_their_weights():
    chainette.seed(0)
    weights = np.array([5, 1, 0, 3, 2, 0.01])
    numbers = WalkerAlias(weights).sample((200, 500))
    assert (numbers.shape, numbers.dtype) == ((200, 500), "int32")
    found, expected = np.bincount(numbers.ravel(), minlength=6) / 1e5, weights / weights.sum()
    assert found[2] == 0
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(expected.max() / 1e5))


def test_the_columns_hold_exactly_the_weights():
    weights = np.random.default_rng(0).uniform(0, 1, 1000) ** 8
    weights[::7] = 0
    shares, aliases = WalkerAlias(weights)._table.on(chainette.get_device("cpu"))
    held = np.bincount(aliases, 1 - shares, minlength=1000) + shares
    np.testing.assert_allclose(held / 1000, weights / weights.sum(), atol=1e-12)
    assert (held[::7] == 0).all()
    assert ((shares >= 0) & (shares <= 1)).all()


def test_the_same_seed_draws_the_same_words():
    sampler = WalkerAlias([1, 2, 3])
    drawn = []
    for each in (sampler, copy.deepcopy(sampler), pickle.loads(pickle.dumps(sampler))):
        chainette.seed(1)
        drawn.append(each.sample(20).tolist())
    assert drawn[0] == drawn[1] == drawn[2]
    assert sampler.sample(()).shape == ()
    assert WalkerAlias([2.0]).sample(3).tolist() == [0, 0, 0]


@pytest.mark.parametrize("probs", [[], [0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0], [[1.0, 1.0]]])
def test_weights_that_are_none_are_refused(probs):
    with pytest.raises(ArgumentError, match="WalkerAlias: probs"):
        WalkerAlias(probs)


def test_words_are_drawn_where_the_features_lie():
    with isolated_plugins(fake_backend.plugin, installed=True):
        for link in (L.NegativeSampling(3, COUNTS, 2), L.BlackOut(3, COUNTS, 2)):
            link(X, T)
            y = link.to_device("fake:1")(chainette.to_device(X, "fake:1"), chainette.to_device(T, "fake:1"))
            assert str(y.device) == "fake:1"
            link.to_cpu()(X, T)


def test_negative_sampling_starts_from_zeros_and_gives_its_samples():
    link = L.NegativeSampling(3, COUNTS, 2, dtype="float64")
    assert (link.W.shape, link.W.dtype, link.W.array.any()) == ((5, 3), "float64", False)
    loss, samples = link(X, np.array([0, 1, -1, 3]), "no", return_samples=True)
    assert samples[:, 0].tolist() == [0, 1, -1, 3]
    assert samples.shape == (4, 3)
    np.testing.assert_allclose(loss.array, np.log(2) * np.array([3, 3, 0, 3]), rtol=1e-6)


def test_black_out_may_be_given_its_samples():
    link = L.BlackOut(3, COUNTS, 2)
    link.sample_data = np.array([[1, 2], [0, 0], [3, 1], [2, 4]])
    np.testing.assert_array_equal(link(X, T).array, F.black_out(X, T, link.W, link.sample_data).array)
    assert link.W.shape == (5, 3)


# Trees


def test_inner_nodes_are_numbered_from_the_root_to_the_left_first():
    parser = TreeParser()
    parser.parse(((0, (3, 1)), (2, 4)))
    assert parser.size() == 4
    assert {word: path.tolist() for word, path in parser.get_paths().items()} == {
        0: [0, 1], 3: [0, 1, 2], 1: [0, 1, 2], 2: [0, 3], 4: [0, 3]}  # fmt: skip
    assert {word: code.tolist() for word, code in parser.get_codes().items()} == {
        0: [1, 1], 3: [1, -1, 1], 1: [1, -1, -1], 2: [-1, 1], 4: [-1, -1]}  # fmt: skip
    parser.parse((7, 8))
    assert (parser.size(), list(parser.get_paths())) == (1, [7, 8])


def test_trees_may_be_deep():
    tree = 0
    for word in range(1, 5000):
        tree = (tree, word)
    parser = TreeParser()
    parser.parse(tree)
    assert (parser.size(), len(parser.get_paths()[0])) == (4999, 4999)


def test_frequent_words_have_short_ways():
    tree = L.BinaryHierarchicalSoftmax.create_huffman_tree({0: 8, 1: 3, 2: 4, 3: 1, 4: 1})
    assert tree == (0, (2, ((3, 4), 1)))
    assert L.BinaryHierarchicalSoftmax.create_huffman_tree({5: 1, 6: 1, 7: 1, 8: 1}) == ((5, 6), (7, 8))
    assert L.BinaryHierarchicalSoftmax.create_huffman_tree({5: 1}) == 5


def test_the_probabilities_of_all_words_sum_to_one():
    link = L.BinaryHierarchicalSoftmax(3, ((0, (3, 1)), (2, 4)))
    total = sum(np.exp(-link(X[:1], np.array([word])).item()) for word in range(5))
    assert total == pytest.approx(1, abs=1e-5)


def test_the_weights_of_a_tree_start_uniformly():
    chainette.seed(0)
    tree = L.BinaryHierarchicalSoftmax.create_huffman_tree(dict.fromkeys(range(101), 1))
    W = L.BinaryHierarchicalSoftmax(50, tree).W.array
    assert W.shape == (100, 50)
    assert abs(W.mean()) < 0.05
    assert 0.99 < abs(W).max() <= 1


def test_a_tree_may_leave_out_numbers_or_be_a_single_word():
    link = L.BinaryHierarchicalSoftmax(3, (1, 4))
    assert link(X[:2], np.array([1, 4])).shape == ()
    with pytest.raises(ArgumentError, match="t holds a number that is no leaf"):
        link(X[:1], np.array([2]))
    assert L.BinaryHierarchicalSoftmax(3, 0)(X[:1], np.array([0])).item() == 0
    assert link(X[:0], T[:0]).item() == 0


# Wrong arguments

TREE = L.BinaryHierarchicalSoftmax(3, ((0, 1), 2))
WRONG = [
    (lambda: TreeParser().parse((1, 2, 3)), ArgumentError, "TreeParser: a node has 3 children"),
    (lambda: TreeParser().parse(((1, 2), 2)), ArgumentError, "TreeParser: the leaf 2 occurs twice"),
    (lambda: L.BinaryHierarchicalSoftmax(3, ("a", 1)), ArgumentError, "the leaf 'a' is no word's number"),
    (lambda: L.BinaryHierarchicalSoftmax(3, (-1, 1)), ArgumentError, "the leaf -1 is no word's number"),
    (lambda: L.BinaryHierarchicalSoftmax.create_huffman_tree({}), ArgumentError, "word_counts is empty"),
    (lambda: TREE(X[:, :2], T), ShapeError, r"BinaryHierarchicalSoftmax: x has shape \(4, 2\) \(expected \(batch, 3"),
    (lambda: TREE(X, T[:2]), ShapeError, r"BinaryHierarchicalSoftmax: t has shape \(2,\)"),
    (lambda: TREE(X, T), ArgumentError, r"BinaryHierarchicalSoftmax: t holds 4"),
    (lambda: TREE(X, X[:, 0]), DtypeError, "BinaryHierarchicalSoftmax: t is float32"),
    (lambda: TREE(X.astype("i"), T), DtypeError, "BinaryHierarchicalSoftmax: x is int32"),
    (lambda: L.BlackOut(3, COUNTS, 1)(np.ones(()), T), ShapeError, r"BlackOut: x has shape \(\)"),
    (lambda: L.BlackOut(3, COUNTS, 1)(X, T + 4), ArgumentError, "black_out: t holds"),
    (lambda: L.NegativeSampling(3, COUNTS, 1)(X, T, "mean"), ArgumentError, "negative_sampling: reduce='mean'"),
    (lambda: L.CRF1d(2)([X], [T, T], transpose=True), ArgumentError, "1 sequences in xs and 2 in ys"),
    (lambda: L.CRF1d(2)([], [], transpose=True), ArgumentError, "at least one step"),
    (lambda: L.CRF1d(2).argmax([X[:0]], transpose=True), ArgumentError, "at least one step"),
    (lambda: L.CRF1d(2)([X], [T]), ShapeError, r"crf1d: xs\[0\] has shape"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[says for _, _, says in WRONG])
def test_wrong_arguments_are_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
