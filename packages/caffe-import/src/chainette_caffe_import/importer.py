"""How ``chainette.load_model`` knows Caffe's files, and reads them."""

from __future__ import annotations

import os
from typing import Any

from chainette_caffe_import.caffe_function import CaffeFunction


def recognizes(head: bytes, path: str) -> bool:
    """Whether a file is a caffemodel: it begins with the net's name, or with a layer.

    >>> recognizes(b"\\x0a\\x05LeNet\\x12\\x80\\x01", "model.bin"), recognizes(b"PK\\x03\\x04", "model.npz")
    (True, False)
    """
    if path.endswith(".caffemodel"):
        return True
    if head[:1] != b"\x0a" or len(head) < 2 or head[1] > 0x7F:  # field 1, a short string
        return False
    name, behind = head[2 : 2 + head[1]], head[2 + head[1] : 4 + head[1]]
    is_text = name.isascii() and all(byte >= 0x20 for byte in name)
    return is_text and behind[:1] in (b"\x12", b"\x1a", b"\x22", b"\x28", b"\x32", b"\x42", b"\xa2")


def load(path: str | os.PathLike[str], **options: Any) -> CaffeFunction:
    """The net in a caffemodel; ``options`` are those of CaffeFunction."""
    return CaffeFunction(path, **options)
