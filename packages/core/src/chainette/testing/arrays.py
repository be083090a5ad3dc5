"""Recipes for test inputs: each says what kind of numbers a function is to be tried on, and in which shape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainette.typing import Array, Shape


@dataclass(frozen=True)
class Recipe:
    """How to make one input: ``make(generator, dtype)`` gives the array.

    Args:
        shape: the shape.
        draw: ``draw(generator, shape)`` gives the values.
        dtype: a dtype of its own; None follows the test's (so that labels stay integers).
    """

    shape: Shape
    draw: Callable[[np.random.Generator, Shape], Any]
    dtype: str | None = None

    def make(self, generator: np.random.Generator, dtype: str) -> Array:
        return np.asarray(self.draw(generator, self.shape)).astype(self.dtype or dtype)

    def reshaped(self, shape: Shape) -> Recipe:
        return replace(self, shape=shape)


def normal(shape: Shape, scale: float = 1.0) -> Recipe:
    """Normally distributed numbers."""
    return Recipe(shape, lambda generator, size: scale * generator.standard_normal(size))


def uniform(shape: Shape, low: float = -1.0, high: float = 1.0) -> Recipe:
    """Numbers between ``low`` and ``high``."""
    return Recipe(shape, lambda generator, size: generator.uniform(low, high, size))


def positive(shape: Shape) -> Recipe:
    """Numbers between 0.5 and 2, for functions such as log."""
    return uniform(shape, 0.5, 2.0)


def away_from_zero(shape: Shape, distance: float = 0.2) -> Recipe:
    """Numbers of either sign at least ``distance`` from 0, where functions such as relu have a kink."""

    def draw(generator: np.random.Generator, size: Shape) -> Any:
        return generator.uniform(distance, 2, size) * generator.choice([-1, 1], size)

    return Recipe(shape, draw)


def distinct(shape: Shape) -> Recipe:
    """Numbers of which any two differ by at least 0.1, for functions that choose among them."""

    def draw(generator: np.random.Generator, size: Shape) -> Any:
        count = int(np.prod(size))
        return (generator.permutation(count) - count / 2 + 0.25).reshape(size) / 8

    return Recipe(shape, draw)


def integers(shape: Shape, low: int, high: int, dtype: str = "int32") -> Recipe:
    """Integers, ``low <= n < high``, for labels; they keep their dtype."""
    return Recipe(shape, lambda generator, size: generator.integers(low, high, size), dtype)


def booleans(shape: Shape) -> Recipe:
    """True and False."""
    return Recipe(shape, lambda generator, size: generator.integers(0, 2, size), "bool")


def values(*rows: Any, dtype: str | None = None) -> Recipe:
    """Exactly these values: edges that a function must get right."""
    array = np.array(rows)
    return Recipe(array.shape, lambda generator, size: array, dtype)
