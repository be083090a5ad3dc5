"""The order in which examples come."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette import random

Order = npt.NDArray[np.intp]


class OrderSampler:
    """Says in which order the examples of the next epoch come.

    >>> class Backwards(OrderSampler):
    ...     def __call__(self, current_order, current_position):
    ...         return current_order[::-1]
    >>> Backwards()(np.arange(3), 0)
    array([2, 1, 0])
    """

    def __call__(self, current_order: Order, current_position: int) -> Order:
        """The next order.

        Args:
            current_order: numbers of examples.
            current_position: how many of them have been given; all of them, but for the start.
        """
        raise NotImplementedError(f"{type(self).__name__} is not called: write __call__(current_order, position).")

    def serialize(self, serializer: Any) -> None:
        """Save or load what it remembers."""


class ShuffleOrderSampler(OrderSampler):
    """A random order.

    Args:
        random_state: a ``numpy.random.Generator`` or a seed; None means chainette's own source, which
            ``chainette.seed`` sets and a Trainer's snapshots hold.

    >>> ShuffleOrderSampler(0)(np.arange(5), 0)
    array([2, 4, 3, 0, 1])
    """

    def __init__(self, random_state: np.random.Generator | int | None = None) -> None:
        self._own = None if random_state is None else np.random.default_rng(random_state)

    def __call__(self, current_order: Order, current_position: int) -> Order:
        generator = random.generator() if self._own is None else self._own
        return generator.permutation(len(current_order)).astype(np.intp, copy=False)

    def serialize(self, serializer: Any) -> None:
        if self._own is not None:
            present = json.dumps(self._own.bit_generator.state)
            self._own.bit_generator.state = json.loads(serializer("random_state", present))
