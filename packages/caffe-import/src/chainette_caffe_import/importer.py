"""How ``chainette.load_model`` knows Caffe's files, and reads them."""

from __future__ import annotations

import os
from typing import Any

from chainette_caffe_import.caffe_function import CaffeFunction

BEHIND_THE_NAME = b"\x12\x1a\x22\x28\x32\x42\xa2"
"""How the fields begin that may follow a net's name: layers of any format, inputs and what belongs to them."""


class CaffeImporter:
    """The reader of caffemodels."""

    @staticmethod
    def recognizes(head: bytes, path: str) -> bool:
        """Whether a file is a caffemodel: it begins with the net's name, and something of a net is behind it.

        >>> CaffeImporter.recognizes(b"\\x0a\\x05LeNet\\x12\\x80\\x01", "model.bin")
        True
        >>> CaffeImporter.recognizes(b"PK\\x03\\x04", "model.npz")
        False
        """
        if path.endswith(".caffemodel"):
            return True
        if head[:1] != b"\x0a" or len(head) < 2 or head[1] >= 0x80:  # field 1, a short text
            return False
        name, behind = head[2 : 2 + head[1]], head[2 + head[1] : 3 + head[1]]
        return all(byte >= 0x20 for byte in name) and behind != b"" and behind in BEHIND_THE_NAME

    @staticmethod
    def load(path: str | os.PathLike[str], **options: Any) -> CaffeFunction:
        """The net in a caffemodel; ``options`` are those of CaffeFunction."""
        return CaffeFunction(path, **options)
