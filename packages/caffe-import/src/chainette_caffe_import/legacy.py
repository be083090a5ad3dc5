"""The formats of 2013 (V0) and 2014 (V1), brought into that of today."""

from __future__ import annotations

from typing import Any

from chainette_caffe_import.errors import CaffeFormatError
from chainette_caffe_import.message import Message

SPELLED_OTHERWISE = {
    "ABSVAL": "AbsVal", "BNLL": "BNLL", "LRN": "LRN", "MVN": "MVN", "RELU": "ReLU", "TANH": "TanH",
    "ARGMAX": "ArgMax", "HDF5_DATA": "HDF5Data", "HDF5_OUTPUT": "HDF5Output", "IM2COL": "Im2col",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
}  # fmt: skip
"""Types of V1 that are not the words in a row."""

V0_TYPES = {
    "conv": "Convolution", "pool": "Pooling", "innerproduct": "InnerProduct", "relu": "ReLU", "lrn": "LRN",
    "dropout": "Dropout", "softmax": "Softmax", "softmax_loss": "SoftmaxWithLoss", "sigmoid": "Sigmoid",
    "tanh": "TanH", "bnll": "BNLL", "power": "Power", "concat": "Concat", "flatten": "Flatten", "split": "Split",
    "im2col": "Im2col", "accuracy": "Accuracy", "data": "Data", "images": "ImageData", "hdf5_data": "HDF5Data",
    "hdf5_output": "HDF5Output", "window_data": "WindowData", "euclidean_loss": "EuclideanLoss",
    "infogain_loss": "InfogainLoss", "multinomial_logistic_loss": "MultinomialLogisticLoss", "padding": "Padding",
}  # fmt: skip

V0_PARAMETERS = {
    "Convolution": ("convolution_param", "ConvolutionParameter"),
    "Im2col": ("convolution_param", "ConvolutionParameter"),
    "Pooling": ("pooling_param", "PoolingParameter"),
    "InnerProduct": ("inner_product_param", "InnerProductParameter"),
    "LRN": ("lrn_param", "LRNParameter"),
    "Dropout": ("dropout_param", "DropoutParameter"),
    "Concat": ("concat_param", "ConcatParameter"),
}
V0_NAMES = {
    "num_output": "num_output", "biasterm": "bias_term", "pad": "pad", "kernelsize": "kernel_size", "group": "group",
    "stride": "stride", "pool": "pool", "dropout_ratio": "dropout_ratio", "local_size": "local_size",
    "alpha": "alpha", "beta": "beta", "k": "k", "concat_dim": "concat_dim",
}  # fmt: skip


def layers_of(net: Message) -> list[Message]:
    """The layers of a net in whichever format, as those of today."""
    if "layer" in net:
        return net.all("layer")
    return _without_padding([_from_v0(each) if "layer" in each else _from_v1(each) for each in net.all("layers")])


def _copy(source: Message, target: Message, names: dict[str, str]) -> None:
    for old, new in names.items():
        for value in source.all(old):
            target.add(new, value)


def _from_v1(old: Message) -> Message:
    new = Message("LayerParameter")
    kind = old.get("type", "NONE")
    new.add("type", SPELLED_OTHERWISE.get(kind) or "".join(word.capitalize() for word in str(kind).split("_")))
    new.unknown, old.unknown = old.unknown, {}
    for field in old:
        if field in new.unknown:
            new._fields[field] = old._fields[field]  # not read yet
        elif field == "param":  # names under which parameters are shared
            for name in old.all(field):
                spec = Message("ParamSpec")
                spec.add("name", name)
                new.add("param", spec)
        elif field not in ("type", "blobs_lr", "weight_decay", "blob_share_mode"):
            _copy(old, new, {field: field})
    return new


def _from_v0(connection: Message) -> Message:
    old = connection.message("layer")
    new = Message("LayerParameter")
    given = old.get("type", "")
    kind = V0_TYPES.get(given)
    if kind is None:
        raise CaffeFormatError(f"a layer of the format of 2013 has type {given!r} (expected {', '.join(V0_TYPES)}).")
    new.add("type", kind)
    _copy(connection, new, {"bottom": "bottom", "top": "top"})
    _copy(old, new, {"name": "name", "blobs": "blobs"})
    if kind in V0_PARAMETERS:
        field, message = V0_PARAMETERS[kind]
        parameters = Message(message)
        _copy(old, parameters, V0_NAMES)
        new.add(field, parameters)
    elif kind == "Padding":
        _copy(old, new, {"pad": "pad"})
    return new


def _without_padding(layers: list[Message]) -> list[Message]:
    """Padding was a layer of its own in V0; it becomes part of the convolution or pooling that reads it."""
    pads: dict[str, tuple[str, Any]] = {}
    kept = []
    for layer in layers:
        if layer.get("type") == "Padding":
            pads[layer.get("top")] = layer.get("bottom"), layer.get("pad", 0)
            continue
        bottoms = layer.all("bottom")
        for i, bottom in enumerate(bottoms):
            if bottom not in pads:
                continue
            kind = layer.get("type")
            if kind not in ("Convolution", "Pooling"):
                raise CaffeFormatError(
                    f"layer {layer.get('name')!r} ({kind}) reads a padding layer (expected a convolution or pooling)."
                )
            source, pad = pads[bottom]
            parameters = layer.message(V0_PARAMETERS[kind][0])
            parameters.all("pad").clear()  # in Caffe too, what the layer itself says does not count
            parameters.add("pad", pad)
            bottoms[i] = source
        kept.append(layer)
    return kept
