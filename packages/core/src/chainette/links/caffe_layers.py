"""Layers of Caffe's nets by the names of their types: those of chainette-caffe-import and of third-party plugins."""

from chainette._facade import facade

__getattr__, __dir__ = facade(__name__, "caffe_layers", "chainette-caffe-import")
