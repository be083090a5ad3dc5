"""The vision models of chainette-links read Caffe's files through this package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import chainette
import chainette.links as L
from chainette_caffe_import import CaffeFunction, Message
from chainette_caffe_import.prototxt import parse_prototxt

from . import zoo
from .writing import encode


def fields(message: Message) -> dict[str, Any]:
    """A message as ``encode`` takes it."""
    return {
        name: [fields(value) if isinstance(value, Message) else value for value in message.all(name)]
        for name in message
    }


def heads() -> list[dict[str, Any]]:
    """The classifiers in the middle of the net that training had, which the published file has too."""
    found: list[dict[str, Any]] = []
    for head, bottom, channels in (("loss1", "inception_4a/output", 512), ("loss2", "inception_4d/output", 528)):
        shapes = {"conv": (128, channels, 1, 1), "fc": (1024, 2048), "classifier": (1000, 1024)}
        pooling = {"pool": "AVE", "kernel_size": 5, "stride": 3}
        top = f"{head}/pool"
        found.append({"name": top, "type": "Pooling", "bottom": bottom, "top": top, "pooling_param": pooling})
        for name, shape in shapes.items():
            is_convolution = len(shape) == 4
            found.append(
                {
                    "name": f"{head}/{name}",
                    "type": "Convolution" if is_convolution else "InnerProduct",
                    "bottom": top,
                    "top": (top := f"{head}/{name}"),
                    "convolution_param" if is_convolution else "inner_product_param": {"num_output": shape[0]}
                    | ({"kernel_size": 1} if is_convolution else {}),
                    "blobs": [np.zeros(shape, "f"), np.zeros(shape[0], "f")],
                }
            )
    return found


def test_googlenet_is_the_same_read_by_either(tmp_path: Path) -> None:
    chainette.seed(0)
    text = zoo.googlenet()
    (tmp_path / "it.prototxt").write_text(text, encoding="utf-8")
    net = CaffeFunction(None, tmp_path / "it.prototxt")
    x = np.random.default_rng(0).uniform(-100, 100, (1, 3, 224, 224)).astype("f")
    with chainette.test_mode(), chainette.no_backprop_mode():
        net(x)  # which gives the parameters their sizes
        net["loss3/classifier"].W.array *= 1e-3  # else one class takes all
        (want,) = net(inputs={"data": x}, outputs=["prob"])
        layers = [fields(layer) for layer in parse_prototxt(text).all("layer")]
        for layer in layers:
            if layer["name"][0] in net._children_of:
                layer["blobs"] = [parameter.array for parameter in net[layer["name"][0]].params()]
        (tmp_path / "it.caffemodel").write_bytes(
            encode("NetParameter", {"name": "GoogLeNet", "layer": layers + heads()})
        )
        got = L.GoogLeNet(tmp_path / "it.caffemodel")(x, layers=["prob"])["prob"]
    assert want.array.max() < 0.9
    np.testing.assert_allclose(got.array, want.array, rtol=1e-3, atol=1e-6)
