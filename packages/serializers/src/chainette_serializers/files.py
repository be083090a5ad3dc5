"""Files that appear whole or not at all, and readers whose every complaint is a LoadError."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

from chainette.errors import ArgumentError, LoadError

Filename: TypeAlias = str | os.PathLike[str]


@contextmanager
def replacing(function: str, filename: Filename, durable: bool = True) -> Iterator[str]:
    """Give the name of an empty file in the same folder to write to; at the end it takes the place of ``filename``.

    After an error it is removed, and what was there before stays. A new file gets the mode that the umask gives, one
    that is replaced keeps its own; a symbolic link stays, and what it points to is replaced. ``durable`` waits until
    the disk has it, which takes milliseconds: so the file is whole even after a loss of power.
    """
    target = os.path.realpath(filename)
    if os.path.exists(target) and not os.path.isfile(target):
        raise ArgumentError(f"{function}: {target!r} is there and is no regular file. Give another name.")
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), folder)
    temporary = os.path.join(folder, f".chainette-{uuid.uuid4().hex}.tmp")
    try:
        with open(temporary, "xb"):
            pass
        yield temporary
        if os.path.exists(target):
            os.chmod(temporary, os.stat(target).st_mode & 0o7777)
        if durable:
            with open(temporary, "rb+") as file:
                os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        with suppress(FileNotFoundError):
            os.remove(temporary)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Turn an error of a file format's reader into LoadError: damaged bytes make it raise nearly any type."""
    try:
        yield
    except Exception as error:
        raise LoadError(
            f"{what} cannot be read ({type(error).__name__}: {error}). "
            "The file is damaged or of another format: restore it from a copy, or save again."
        ) from error
