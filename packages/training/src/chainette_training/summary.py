"""Means and deviations of values that come one after the other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainette import Variable
from chainette.backend import device_of, is_array, to_device
from chainette.errors import ArrayTypeError


class Summary:
    """The mean and the deviation of numbers that are added one by one.

    Numbers of an accelerator stay there, so that nobody waits for them before the mean is asked for.

    >>> summary = Summary()
    >>> for value in (1.0, 3.0):
    ...     summary.add(value)
    >>> summary.compute_mean(), summary.make_statistics()
    (2.0, (2.0, 1.0))
    """

    def __init__(self) -> None:
        self._sum: Any = 0.0
        self._squares: Any = 0.0
        self._weight = 0.0

    def add(self, value: Any, weight: float = 1.0) -> None:
        """Add a number: Python's, a 0-d array or a Variable. Weights make the mean a weighted one."""
        number = _number(value)
        if number is None:
            raise ArrayTypeError(f"Summary.add: {value!r:.80} is no single number.")
        self._add(number, weight)

    def _add(self, number: Any, weight: float) -> None:
        if type(number) is float:
            self._sum += weight * number
            self._squares += weight * (number * number)
        else:
            with device_of(number).use():
                self._sum = self._sum + weight * number
                self._squares = self._squares + weight * (number * number)
        self._weight += weight

    def compute_mean(self) -> float:
        """The mean, NaN where nothing was added."""
        return _host(self._sum) / self._weight if self._weight else float("nan")

    def make_statistics(self) -> tuple[float, float]:
        """The mean, and the standard deviation (divided by the number of values)."""
        mean = self.compute_mean()
        variance = _host(self._squares) / self._weight - mean * mean if self._weight else float("nan")
        return mean, float(np.sqrt(np.maximum(variance, 0)))

    def serialize(self, serializer: Any) -> None:
        self._sum = serializer("_sum", _host(self._sum))
        self._squares = serializer("_squares", _host(self._squares))
        self._weight = serializer("_weight", self._weight)


class DictSummary:
    """The means and deviations of numbers by name, which are added some at a time.

    Values that are no single numbers are passed over. ``(value, weight)`` has a weight of its own.

    >>> summary = DictSummary()
    >>> summary.add({"loss": 1.0, "name": "a"})
    >>> summary.add({"loss": 2.0, "accuracy": (0.5, 10)})
    >>> summary.compute_mean()
    {'loss': 1.5, 'accuracy': 0.5}
    """

    def __init__(self) -> None:
        self._summaries: dict[str, Summary] = {}

    def add(self, values: Mapping[str, Any]) -> None:
        """Add some numbers by name."""
        for name, value in values.items():
            weight = 1.0
            if isinstance(value, tuple) and len(value) == 2:
                value, weight = value
            number = _number(value)
            if number is not None:
                if name not in self._summaries:
                    self._summaries[name] = Summary()
                self._summaries[name]._add(number, float(weight))

    def compute_mean(self) -> dict[str, float]:
        """The mean of each name."""
        return {name: summary.compute_mean() for name, summary in self._summaries.items()}

    def make_statistics(self) -> dict[str, float]:
        """The mean of each name, and the deviation under ``name.std``."""
        found = {}
        for name, summary in self._summaries.items():
            found[name], found[f"{name}.std"] = summary.make_statistics()
        return found

    def serialize(self, serializer: Any) -> None:
        """Save or load all of it under one key: which names there are differs from time to time."""
        state = {n: [_host(s._sum), _host(s._squares), s._weight] for n, s in self._summaries.items()}
        loaded = json.loads(serializer("_summaries", json.dumps(state)))
        if loaded != state:
            self._summaries = {name: Summary() for name in loaded}
            for name, summary in self._summaries.items():
                summary._sum, summary._squares, summary._weight = loaded[name]


def _host(total: Any) -> float:
    return float(total if isinstance(total, int | float) else to_device(total, "cpu"))


def _number(value: Any) -> Any:
    """A float; a 0-d array of an accelerator in float64; None for what is no single number."""
    if isinstance(value, Variable):
        value = value.array
    if getattr(value, "shape", ()) != ():
        return None
    if type(value) is np.ndarray or isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int | float):
        return float(value)
    if not is_array(value):
        return None
    with device_of(value).use():
        return value.astype("d")
