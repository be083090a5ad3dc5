"""Hierarchical softmax over a binary tree."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette import Parameter, Variable, as_variable
from chainette.checks import require_floating, require_integers, require_range, require_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.initializers import Uniform
from chainette.typing import Array, ArrayLike, DTypeLike
from chainette_functions import embed_id, matmul, reshape, softplus, where
from chainette_functions.loss.reduction import reduced, widen
from chainette_links.constants import Constants
from chainette_links.link import Link


class TreeParser:
    """Numbers the inner nodes of a binary tree, and lists for each leaf the way from the root to it.

    The root is 0; then come the nodes below its left child, then those below its right one.

    >>> parser = TreeParser()
    >>> parser.parse(((3, 5), 4))
    >>> parser.size(), parser.get_paths()[5].tolist(), parser.get_codes()[5].tolist()
    (2, [0, 1], [1.0, -1.0])
    """

    def __init__(self) -> None:
        self.next_id = 0
        self.paths: dict[Any, npt.NDArray[np.int32]] = {}
        self.codes: dict[Any, npt.NDArray[np.float32]] = {}

    def parse(self, tree: Any) -> None:
        """Read a tree: a node is a pair, whatever else is a leaf.

        Raises:
            ArgumentError: a node has not two children, or a leaf occurs twice.
        """
        self.next_id, self.paths, self.codes = 0, {}, {}
        waiting: list[tuple[Any, tuple[int, ...], tuple[int, ...]]] = [(tree, (), ())]  # no recursion: trees are deep
        while waiting:
            node, path, code = waiting.pop()
            if not isinstance(node, tuple):
                if node in self.paths:
                    raise ArgumentError(f"TreeParser: the leaf {node!r} occurs twice.")
                self.paths[node], self.codes[node] = np.array(path, np.int32), np.array(code, np.float32)
                continue
            if len(node) != 2:
                raise ArgumentError(f"TreeParser: a node has {len(node)} children (expected two).")
            left, right = node
            path = (*path, self.next_id)
            self.next_id += 1
            waiting += [(right, path, (*code, -1)), (left, path, (*code, 1))]

    def size(self) -> int:
        """The number of inner nodes."""
        return self.next_id

    def get_paths(self) -> dict[Any, npt.NDArray[np.int32]]:
        """For each leaf the inner nodes on the way to it."""
        return self.paths

    def get_codes(self) -> dict[Any, npt.NDArray[np.float32]]:
        """For each leaf, at each of these nodes, 1 where the way goes to the left, -1 where it goes to the right."""
        return self.codes


class BinaryHierarchicalSoftmax(Link):
    """Hierarchical softmax: the loss of words that are leaves of a binary tree, in steps as many as a leaf is deep.

    At each inner node ``n`` on the way to a word, the way goes to the left with the probability ``sigmoid(W_n x)``.
    The word's probability is the product of all its turns'.

    Args:
        in_size: the length of a feature vector.
        tree: nested pairs whose leaves are the words' numbers, e.g. ``((1, 2), 3)``, as ``create_huffman_tree`` gives.
        dtype: of ``W``; None means ``config.dtype``.

    Parameter: ``W`` of shape (inner nodes, in_size), in the order of ``TreeParser``; it starts uniformly between -1
    and 1.

    Source: Morin and Bengio, "Hierarchical Probabilistic Neural Network Language Model", AISTATS 2005.

    >>> layer = BinaryHierarchicalSoftmax(2, ((0, 1), 2))
    >>> x = np.zeros((2, 2), "f")  # each turn has the probability 1/2: two turns to the word 1, one to the word 2
    >>> round(layer(x, np.array([1, 2])).item(), 4)
    2.0794
    """

    def __init__(self, in_size: int, tree: Any, dtype: DTypeLike = None) -> None:
        super().__init__()
        parser = TreeParser()
        parser.parse(tree)
        table = _table(parser)
        self._table = Constants(*table)
        self._has_gaps = not table[2].all()
        with self.init_scope():
            self.W = Parameter(Uniform(1.0, dtype), (parser.size(), in_size))

    @staticmethod
    def create_huffman_tree(word_counts: Mapping[Any, float]) -> Any:
        """The tree in which frequent words have the shortest ways.

        Args:
            word_counts: how often each word occurs.

        Returns:
            Nested pairs; the word itself if there is but one. Among equal counts, words that come first are joined
            first, so that the same mapping gives the same tree.

        Raises:
            ArgumentError: there are no words.

        >>> BinaryHierarchicalSoftmax.create_huffman_tree({0: 8, 1: 3, 2: 4})
        ((1, 2), 0)
        """
        if not word_counts:
            raise ArgumentError("create_huffman_tree: word_counts is empty (expected at least one word).")
        heap = [(count, position, word) for position, (word, count) in enumerate(word_counts.items())]
        heapq.heapify(heap)
        while len(heap) > 1:
            count1, position1, first = heapq.heappop(heap)
            count2, position2, second = heapq.heappop(heap)
            heapq.heappush(heap, (count1 + count2, min(position1, position2), (first, second)))
        return heap[0][2]

    def forward(self, x: ArrayLike, t: ArrayLike) -> Variable:
        """The loss of words ``t``, ``(batch,)``, for features ``x``, ``(batch, in_size)``: the sum over the batch."""
        name = "BinaryHierarchicalSoftmax"
        x, t = as_variable(x), as_variable(t)
        require_floating(name, x=x)
        require_integers(name, t=t)
        if x.ndim != 2 or x.shape[1] != self.W.shape[1]:
            raise ShapeError(f"{name}: x has shape {x.shape} (expected (batch, {self.W.shape[1]})).")
        require_shape(name, "t", t, x.shape[:1])
        with x.device.use():
            paths, codes, is_word = self._table.on(x.device)
            require_range(name, "t", t.array, 0, len(is_word))
            if self._has_gaps and not is_word[t.array].all():
                raise ArgumentError(f"{name}: t holds a number that is no leaf of the tree.")
            nodes, code = paths[t.array], codes[t.array]
        scores = reshape(matmul(embed_id(nodes, self.W, -1), reshape(widen(x), (*x.shape, 1))), nodes.shape)
        with x.device.use():
            loss = where(nodes >= 0, softplus(scores * -code), 0.0)
        return reduced(loss, "sum", [x, self.W])


def _table(parser: TreeParser) -> tuple[Array, Array, Array]:
    """For each number up to the highest: the nodes on its way, filled up with -1; the codes; whether it is a word."""
    words = list(parser.paths)
    for word in words:
        if not isinstance(word, (int, np.integer)) or word < 0:
            raise ArgumentError(f"BinaryHierarchicalSoftmax: the leaf {word!r} is no word's number (0 or more).")
    shape = max(words) + 1, max(map(len, parser.paths.values()))
    paths, codes, is_word = np.full(shape, -1, np.int32), np.zeros(shape, np.int8), np.zeros(shape[0], np.bool_)
    for word, path in parser.paths.items():
        paths[word, : len(path)], codes[word, : len(path)], is_word[word] = path, parser.codes[word], True
    return paths, codes, is_word
