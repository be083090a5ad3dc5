"""Nets that Caffe trained: what chainette-caffe-import brings."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_caffe_import import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "caffe", "chainette-caffe-import")
