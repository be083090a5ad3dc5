"""The language model that both frameworks compute: its sizes, weights and text. Python's own library only."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import nets

VOCABULARY, UNITS, LAYERS = 10_000, 650, 2
LENGTH, BATCH = 35, 20  # words of a segment, through which backward goes; and segments side by side
GATES = "ifao"  # input, forget, what may be added to the cell, output


def text() -> list[list[int]]:
    """Words of shape (LENGTH + 1, BATCH), frequent ones and rare ones as in a text: word k comes about 1 / k times."""
    draw = random.Random(1)
    return [[int(VOCABULARY ** draw.random()) - 1 for _ in range(BATCH)] for _ in range(LENGTH + 1)]


def weights(empty: Callable[[int, int], Any], arange: Callable[[int, int], Any]) -> Iterator[Any]:
    """The words as vectors; for each layer and each gate a matrix for the input and one for the state; the output's."""
    shapes = [(VOCABULARY, UNITS), *[(UNITS, UNITS)] * (LAYERS * len(GATES) * 2), (VOCABULARY, UNITS)]
    for seed, shape in enumerate(shapes, 1):
        yield nets.fill(empty(*shape), seed, arange, scale=UNITS**-0.5)
