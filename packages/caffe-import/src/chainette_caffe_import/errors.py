"""What can go wrong with a Caffe model."""

from __future__ import annotations

from chainette.errors import ArgumentError, LoadError


class CaffeFormatError(LoadError):
    """A file is no Caffe model, or is damaged: the message says at which byte, or line and column."""


class CaffeNetError(CaffeFormatError):
    """The net cannot be built: layers that are not known, parameters that are not read, blobs that do not fit.

    The message lists all of them.
    """


class CaffeUnsupportedError(CaffeNetError):
    """A layer does something that Caffe, or a fork of it, can do and this package cannot."""


class CaffeInputError(ArgumentError):
    """The net was asked for a blob that it has not, or lacks an input."""


class CaffeWarning(UserWarning):
    """A prototxt has a field that is not known, which is skipped; the message says in which line."""
