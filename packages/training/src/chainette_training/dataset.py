"""What datasets and iterators are made of, and how a batch of examples becomes arrays."""

from chainette_training.convert import Batch, concat_examples
from chainette_training.datasets.dataset_mixin import DatasetMixin
from chainette_training.iterators.iterator import Iterator

__all__ = ["Batch", "DatasetMixin", "Iterator", "concat_examples"]
