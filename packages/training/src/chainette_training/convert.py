"""From a batch of examples to arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

import chainette
from chainette.backend import get_array_module, is_array
from chainette.errors import ArgumentError, ShapeError

Converter: TypeAlias = Callable[[Any, Any], Any]
"""``converter(batch, device)``: arrays of a batch, on a device."""


class Batch(Sequence[Any]):
    """Some examples that were taken out of a dataset together: columns of arrays, seen as a list of examples.

    Args:
        columns: an array, or a tuple or dict of arrays, each with one row for each example.

    >>> batch = Batch((np.array([1.0, 2.0]), np.array([0, 1])))
    >>> len(batch), batch[1]
    (2, (np.float64(2.0), np.int64(1)))
    """

    def __init__(self, columns: Any) -> None:
        self.columns = columns

    def _each(self, take: Callable[[Any], Any]) -> Any:
        if isinstance(self.columns, tuple):
            return tuple(map(take, self.columns))
        if isinstance(self.columns, dict):
            return {name: take(column) for name, column in self.columns.items()}
        return take(self.columns)

    def __len__(self) -> int:
        first = self.columns
        if isinstance(first, tuple | dict):
            first = next(iter(first.values() if isinstance(first, dict) else first))
        return len(first)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(f"Batch: there is no example {index} (there are {len(self)}).")
        return self._each(lambda column: column[index])

    def __iter__(self) -> Iterator[Any]:
        return map(self.__getitem__, range(len(self)))

    def to_device(self, device: Any) -> Any:
        """The columns, on a device."""
        return self._each(lambda column: _send(column, device))


def concat_examples(batch: Sequence[Any], device: Any = None, padding: Any = None) -> Any:
    """Put examples together: an array, or a tuple or dict of arrays, with the examples along a new first axis.

    Args:
        batch: examples, all of one form: arrays or numbers, or tuples of them, or dicts of them.
        device: where the arrays shall lie; None leaves them where they are.
        padding: what fills smaller arrays up to the size of the largest one, axis by axis; a tuple or a dict has one
            for each part. None means that all sizes are equal.

    Returns:
        One array for arrays; a tuple for tuples, a dict for dicts.

    Raises:
        ArgumentError: (a ValueError) the batch is empty, or its examples are of different forms.
        ShapeError: (a ValueError) the sizes differ and there is no padding.

    >>> x, t = concat_examples([(np.array([1.0, 2.0]), 0), (np.array([3.0]), 1)], padding=(0.0, None))
    >>> x
    array([[1., 2.],
           [3., 0.]])
    >>> t
    array([0, 1])
    """
    if not len(batch):
        raise ArgumentError("concat_examples: the batch is empty (expected at least one example).")
    if isinstance(batch, Batch) and padding is None:
        return batch.to_device(device)
    first = batch[0]
    if isinstance(first, tuple):
        if any(not isinstance(example, tuple) or len(example) != len(first) for example in batch):
            raise ArgumentError(f"concat_examples: not every example is a tuple of {len(first)}, as the first one is.")
        paddings = padding if isinstance(padding, tuple) else (padding,) * len(first)
        if len(paddings) != len(first):
            raise ArgumentError(f"concat_examples: padding has {len(paddings)} values for tuples of {len(first)}.")
        return tuple(
            _concat([example[i] for example in batch], device, each, f"part {i} of ") for i, each in enumerate(paddings)
        )
    if isinstance(first, dict):
        if any(not isinstance(example, dict) or example.keys() != first.keys() for example in batch):
            raise ArgumentError(f"concat_examples: not every example is a dict of {list(first)}, as the first one is.")
        each_padding: Mapping[str, Any] = padding if isinstance(padding, dict) else dict.fromkeys(first, padding)
        return {
            name: _concat([example[name] for example in batch], device, each_padding.get(name), f"{name!r} of ")
            for name in first
        }
    return _concat(list(batch), device, padding, "")


def _concat(values: list[Any], device: Any, padding: Any, what: str) -> Any:
    if not all(is_array(value) for value in values):
        values = [value if is_array(value) else np.asarray(value) for value in values]
    shapes = {value.shape for value in values}
    if padding is not None and len({len(shape) for shape in shapes}) == 1:
        return _send(_padded(values, padding), device)
    if len(shapes) > 1:
        raise ShapeError(
            f"concat_examples: {what}the examples have shapes {', '.join(map(str, sorted(shapes)[:4]))} (expected one "
            "shape). Give padding=, a value to fill them up with, or another converter."
        )
    return _send(get_array_module(values[0]).stack(values), device)


def _padded(values: list[Any], padding: Any) -> Any:
    xp = get_array_module(values[0])
    shape = tuple(max(sizes) for sizes in zip(*(value.shape for value in values), strict=True))
    out = xp.full((len(values), *shape), padding, values[0].dtype)
    for row, value in zip(out, values, strict=True):
        row[tuple(map(slice, value.shape))] = value
    return out


def _send(array: Any, device: Any) -> Any:
    return array if device is None else chainette.to_device(array, device)
