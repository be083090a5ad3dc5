"""Batches one after the other, in this thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainette.errors import ArgumentError
from chainette_training.convert import Batch
from chainette_training.datasets.dataset_mixin import take_from
from chainette_training.iterators.iterator import Iterator
from chainette_training.iterators.order_samplers import OrderSampler, ShuffleOrderSampler


class SerialIterator(Iterator):
    """Batches of a dataset, one after the other.

    Args:
        dataset: anything with ``len`` and whole numbers as indices: a list, an array, a TupleDataset.
        batch_size: examples in a batch.
        repeat: whether to go on with the next epoch, for ever. A batch is then filled up with the first examples of
            the next epoch; else the last one may be smaller.
        shuffle: whether the examples of each epoch come in a random order; None means yes, unless there is an
            ``order_sampler``.
        order_sampler: says in which order they come, see OrderSampler.

    Raises:
        ArgumentError: the batch size is below 1, the dataset is empty, or there is a sampler beside ``shuffle``.

    >>> for batch in SerialIterator([1, 2, 3], 2, repeat=False, shuffle=False):
    ...     print(batch)
    [1, 2]
    [3]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        repeat: bool = True,
        shuffle: bool | None = None,
        order_sampler: OrderSampler | None = None,
    ) -> None:
        if batch_size < 1:
            raise ArgumentError(f"SerialIterator: batch_size={batch_size} (expected at least 1).")
        if repeat and not len(dataset):
            raise ArgumentError("SerialIterator: the dataset is empty, so no batch can ever be filled.")
        if order_sampler is not None and shuffle is not None:
            raise ArgumentError("SerialIterator: both shuffle and order_sampler were given. Give one of them.")
        self.dataset = dataset
        self.batch_size = batch_size
        self.repeat = repeat
        if shuffle or (shuffle is None and order_sampler is None):
            order_sampler = ShuffleOrderSampler()
        self.order_sampler = order_sampler
        self.reset()

    def reset(self) -> None:
        self.current_position = 0
        self.epoch = 0
        self.is_new_epoch = False
        self.previous_epoch_detail = None
        self._order = np.arange(len(self.dataset), dtype=np.intp)
        self._shuffle()

    def _begin_epoch(self) -> None:
        self.epoch += 1
        self.current_position = 0
        if self.repeat:
            self._shuffle()

    def _shuffle(self) -> None:
        if self.order_sampler is None or not len(self._order):
            return
        order = np.asarray(self.order_sampler(self._order, self.current_position), np.intp)
        if order.ndim != 1 or not len(order):
            raise ArgumentError(f"SerialIterator: order_sampler gave an order of shape {order.shape} (expected (n,)).")
        self._order = order

    @property
    def epoch_detail(self) -> float:  # type: ignore[override]
        """How many epochs have been given, as a fraction."""
        return self.epoch + self.current_position / max(len(self._order), 1)

    def next(self) -> Sequence[Any]:
        if not len(self._order) or (self.epoch and not self.repeat):
            raise StopIteration
        self.previous_epoch_detail = self.epoch_detail
        end = self.current_position + self.batch_size
        indices = self._order[self.current_position : end]
        self.is_new_epoch = end >= len(self._order)
        if self.is_new_epoch:
            self._begin_epoch()
        else:
            self.current_position = end
        while self.repeat and len(indices) < self.batch_size:  # more than once where the dataset is a small one
            more = self._order[: self.batch_size - len(indices)]
            indices = np.concatenate([indices, more])
            self.current_position = len(more)
            if len(more) == len(self._order):
                self._begin_epoch()
        return taken(self.dataset, indices)

    def serialize(self, serializer: Any) -> None:
        self.current_position = serializer("current_position", self.current_position)
        self.epoch = serializer("epoch", self.epoch)
        self.is_new_epoch = bool(serializer("is_new_epoch", self.is_new_epoch))
        previous = -1.0 if self.previous_epoch_detail is None else self.previous_epoch_detail
        previous = serializer("previous_epoch_detail", previous)
        self.previous_epoch_detail = None if previous < 0 else previous
        if self.order_sampler is not None:
            self._order = serializer("order", self._order.copy())
            self.order_sampler.serialize(serializer["order_sampler"])


def taken(dataset: Any, indices: np.ndarray[Any, Any]) -> Sequence[Any]:
    """The examples of these numbers: as columns where the dataset has whole arrays, else a list."""
    columns = take_from(dataset, indices)
    return [dataset[i] for i in indices.tolist()] if columns is None else Batch(columns)
