"""Models that other frameworks saved: plugins bring the readers, the file's content tells which one is meant."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from typing import Any

from chainette.errors import ArgumentError, MissingPluginError
from chainette.plugins import host


def importers() -> dict[str, Any]:
    """The readers by format name, imported."""
    found = {}
    for plugin, formats in host.collect("chainette_importers", Mapping):
        for name, target in sorted(formats.items()):
            module, _, attribute = str(target).partition(":")
            try:
                found.setdefault(name, getattr(importlib.import_module(module), attribute))
            except (ImportError, AttributeError) as error:
                host.complain(plugin, f"its importer {name!r} cannot be used: {error}")
    return found


def load_model(path: str | os.PathLike[str], **options: Any) -> Any:
    """The network in a file of another framework, as links with ordinary parameters.

    Args:
        path: the file. Its first bytes, and its name where they do not tell, say what format it has.
        options: handed to the reader of that format.

    Raises:
        MissingPluginError: no reader is installed.
        ArgumentError: none of them knows the file.
    """
    readers = importers()
    if not readers:
        raise MissingPluginError("load_model: no importer is installed: pip install chainette-caffe-import")
    with open(path, "rb") as file:
        head = file.read(512)
    for reader in readers.values():
        if reader.recognizes(head, os.fspath(path)):
            return reader.load(path, **options)
    raise ArgumentError(f"load_model: {os.fspath(path)} is in none of the formats {', '.join(sorted(readers))}.")
