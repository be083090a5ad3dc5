"""Nets that Caffe trained, as chains of chainette."""

from chainette_caffe_import.caffe_function import CaffeFunction
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import (
    CaffeFormatError,
    CaffeInputError,
    CaffeNetError,
    CaffeUnsupportedError,
    CaffeWarning,
)
from chainette_caffe_import.layer import Layer, known_layers, register_layer
from chainette_caffe_import.message import Blob, Message
from chainette_caffe_import.prototxt import read_prototxt
from chainette_caffe_import.wire import read_caffemodel

__all__ = [
    "Blob",
    "CaffeFormatError",
    "CaffeFunction",
    "CaffeInputError",
    "CaffeNetError",
    "CaffeUnsupportedError",
    "CaffeWarning",
    "Layer",
    "LayerDefinition",
    "Message",
    "known_layers",
    "read_caffemodel",
    "read_prototxt",
    "register_layer",
]
