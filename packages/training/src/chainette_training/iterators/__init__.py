"""Iterators: batches of examples, again and again."""

from chainette_training.iterators.iterator import Iterator
from chainette_training.iterators.order_samplers import OrderSampler, ShuffleOrderSampler
from chainette_training.iterators.serial_iterator import SerialIterator

__all__ = ["Iterator", "OrderSampler", "SerialIterator", "ShuffleOrderSampler"]
