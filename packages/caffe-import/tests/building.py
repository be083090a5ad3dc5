"""One layer alone, as a net would build it."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainette_caffe_import import Blob, CaffeUnsupportedError, Layer, LayerDefinition, making
from chainette_caffe_import.prototxt import parse_prototxt


def make_layer(text: str, *blobs: Any) -> Layer:
    """The layer of a prototxt's entry, such as ``'type: "ReLU" bottom: "x" top: "y"'``, with the model's blobs."""
    message = parse_prototxt(f'layer {{ name: "it" {text} }}').all("layer")[0]
    arrays = [np.asarray(each, np.float32) for each in blobs]
    definition = LayerDefinition(
        "it",
        message.get("type"),
        message.all("bottom"),
        message.all("top"),
        message,
        [Blob(each.shape, False, [each.ravel()], "byte 0") for each in arrays] or None,
    )
    layer, unread = making.make_layer(definition)
    if unread:
        raise CaffeUnsupportedError(", ".join(unread))
    return layer
