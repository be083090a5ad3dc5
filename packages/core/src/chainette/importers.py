"""Models that other frameworks saved: plugins bring the readers, the file's content tells which one is meant."""

from __future__ import annotations

import os
from typing import Any

from chainette._facade import conflict, is_contested, names, resolve
from chainette.errors import ArgumentError, MissingPluginError, PluginConflict
from chainette.plugins import host, words


def importers() -> dict[str, Any]:
    """The readers by format name, imported. A format that two plugins contend for is left out."""
    found: dict[str, Any] = {}
    for name in names("importers"):
        try:
            found[name] = resolve("importers", name)
        except AttributeError:  # a conflict, or the plugin's fault, which has been reported
            continue
    return found


def load_model(path: str | os.PathLike[str], **options: Any) -> Any:
    """The network in a file of another framework, as links with ordinary parameters.

    Args:
        path: the file. Its first bytes, and its name where they do not tell, say what format it has.
        options: handed to the reader of that format.

    Raises:
        MissingPluginError: no reader is installed.
        ArgumentError: none of them knows the file.
        PluginConflict: none that is alone with its format does, and two plugins contend for another format.
    """
    formats = names("importers")
    if not formats:
        raise MissingPluginError("load_model: no importer is installed: pip install chainette-caffe-import")
    with open(path, "rb") as file:
        head = file.read(512)
    for name, reader in importers().items():
        try:
            is_meant = reader.recognizes(head, os.fspath(path))
        except Exception as error:  # one plugin's fault must not hide the other readers
            host.complain(formats[name][0].plugin, f"its importer {name!r} failed to look at a file: {words(error)}")
            continue
        if is_meant:
            return reader.load(path, **options)
    for name, providers in formats.items():
        if is_contested(providers):
            raise PluginConflict(conflict("importers", name, providers))
    raise ArgumentError(f"load_model: {os.fspath(path)} is in none of the formats {', '.join(formats)}.")
