"""What can go wrong with a dataset beside what chainette.errors has."""

from chainette.errors import ChainetteError


class ExampleIndexError(ChainetteError, IndexError):
    """A dataset has no example of that number.

    >>> from chainette_training.datasets import TupleDataset
    >>> TupleDataset([1, 2])[2]
    Traceback (most recent call last):
        ...
    chainette_training.datasets.errors.ExampleIndexError: TupleDataset: there is no example 2 (there are 2).
    """


class MissingFileError(ChainetteError, FileNotFoundError):
    """A file that a dataset is read from is not there; the message says where it is looked for."""


class DownloadError(ChainetteError, OSError):
    """A file could not be had from anywhere; the message says where to put it by hand."""
