"""Sampling from a given distribution, in constant time a sample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette import Device, get_device, random
from chainette.backend import CPU
from chainette.errors import ArgumentError
from chainette.typing import Array, Shape
from chainette_links.constants import Constants


class WalkerAlias:
    """A sampler of the numbers 0 to n - 1, each with a probability of its own.

    The unit of probability is spread over n columns of the same height, so that each holds at most two numbers. A
    sample is a random column, and in it one of the two.

    Args:
        probs: n weights, at least one of them above 0, in proportion to which the numbers are drawn.

    Source: Walker, "An Efficient Method for Generating Discrete Random Variables with General Distributions", 1977.

    >>> chainette.seed(0)
    >>> numbers = WalkerAlias([1.0, 0.0, 3.0]).sample((1000,))
    >>> numbers.dtype, sorted(set(numbers.tolist())), bool(abs((numbers == 2).mean() - 0.75) < 0.05)
    (dtype('int32'), [0, 2], True)
    """

    def __init__(self, probs: Sequence[float] | npt.NDArray[Any]) -> None:
        weights = np.asarray(probs, "d")
        total = weights.sum()
        if weights.ndim != 1 or not np.isfinite(total) or (weights < 0).any() or not total > 0:
            raise ArgumentError("WalkerAlias: probs must be finite weights in one axis, 0 or more, and not all 0.")
        self.size = len(weights)
        self._table = Constants(*_columns(weights * (self.size / total)))

    def sample(self, shape: int | Shape, device: str | Device = CPU) -> Array:
        """Random numbers, an int32 array of that shape on a device. They come from ``chainette.random``."""
        device = get_device(device)
        shares, aliases = self._table.on(device)
        generator = random.generator(device)
        with device.use():
            columns = generator.integers(0, self.size, shape)
            own = generator.random(shape) < shares[columns]
            return device.xp.where(own, columns, aliases[columns]).astype("int32")


def _columns(heights: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Of each column the share of its own number, and the number that takes the rest. The heights' mean is 1."""
    shares, aliases = np.ones(len(heights)), np.arange(len(heights))
    rest = heights.tolist()
    low = [i for i, height in enumerate(rest) if height < 1]
    high = [i for i, height in enumerate(rest) if height >= 1]
    while low and high:
        i, j = low.pop(), high[-1]
        shares[i], aliases[i] = rest[i], j
        rest[j] -= 1 - rest[i]
        if rest[j] < 1:
            low.append(high.pop())
    for i in low:  # rounding alone has left them below 1; a weight of 0 must not become one of 1
        if heights[i] == 0:
            shares[i], aliases[i] = 0.0, int(heights.argmax())
    return shares, aliases
