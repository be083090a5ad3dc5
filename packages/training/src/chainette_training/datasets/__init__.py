"""Datasets: sequences of examples, ways to cut and join them, and some that come from files."""

from chainette_training.datasets.cifar import get_cifar10
from chainette_training.datasets.concatenated_dataset import ConcatenatedDataset
from chainette_training.datasets.dict_dataset import DictDataset
from chainette_training.datasets.digits import get_digits
from chainette_training.datasets.image_dataset import ImageDataset, LabeledImageDataset
from chainette_training.datasets.mnist import (
    get_fashion_mnist,
    get_fashion_mnist_labels,
    get_kuzushiji_mnist,
    get_kuzushiji_mnist_labels,
    get_mnist,
)
from chainette_training.datasets.splits import (
    get_cross_validation_datasets,
    get_cross_validation_datasets_random,
    split_dataset,
    split_dataset_n,
    split_dataset_n_random,
    split_dataset_random,
)
from chainette_training.datasets.sub_dataset import SubDataset
from chainette_training.datasets.text_dataset import TextDataset
from chainette_training.datasets.transform_dataset import TransformDataset
from chainette_training.datasets.tuple_dataset import TupleDataset
from chainette_training.datasets.zipped_image_dataset import (
    LabeledZippedImageDataset,
    MultiZippedImageDataset,
    ZippedImageDataset,
)

__all__ = [
    "ConcatenatedDataset",
    "DictDataset",
    "ImageDataset",
    "LabeledImageDataset",
    "LabeledZippedImageDataset",
    "MultiZippedImageDataset",
    "SubDataset",
    "TextDataset",
    "TransformDataset",
    "TupleDataset",
    "ZippedImageDataset",
    "get_cifar10",
    "get_cross_validation_datasets",
    "get_cross_validation_datasets_random",
    "get_digits",
    "get_fashion_mnist",
    "get_fashion_mnist_labels",
    "get_kuzushiji_mnist",
    "get_kuzushiji_mnist_labels",
    "get_mnist",
    "split_dataset",
    "split_dataset_n",
    "split_dataset_n_random",
    "split_dataset_random",
]
