"""What chainette-caffe-import adds to chainette."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from functools import partial

from chainette.hooks import hookimpl

chainette_api = 1

LAYERS = {
    "activations": "AbsVal BNLL Clip Dropout ELU PReLU ReLU ReLU6 Sigmoid Swish TanH Threshold",
    "convolution": "Convolution Deconvolution InnerProduct",
    "detection": "DetectionOutput PriorBox",
    "elementwise": "Eltwise Exp Log Power",
    "losses": "Accuracy ContrastiveLoss EuclideanLoss HingeLoss InfogainLoss MultinomialLogisticLoss "
    "SigmoidCrossEntropyLoss SoftmaxWithLoss",
    "normalization": "BatchNorm Bias LRN MVN Normalize Scale",
    "pooling": "Im2col Pooling ROIPooling SPP",
    "recurrent": "LSTM RNN",
    "selecting": "ArgMax BatchReindex Embed Filter Parameter Reduction Softmax",
    "shaping": "Concat Crop Flatten Permute Reshape Silence Slice Split Tile",
}
"""The types of Caffe's layers, by the module that has a class of that name."""

OTHER_NAMES = {
    "ConvolutionDepthwise": "chainette_caffe_import.layers.convolution:DepthwiseConvolution",
    "DepthwiseConvolution": "chainette_caffe_import.layers.convolution:DepthwiseConvolution",
}


@hookimpl
def chainette_names() -> Mapping[str, str | Mapping[str, str]]:
    layers = {
        name: f"chainette_caffe_import.layers.{module}:{name}"
        for module, types in LAYERS.items()
        for name in types.split()
    }
    return {"caffe": "chainette_caffe_import", "caffe_layers": layers | OTHER_NAMES}


@hookimpl
def chainette_importers() -> Mapping[str, str]:
    return {"caffe": "chainette_caffe_import.importer:CaffeImporter"}


@hookimpl
def chainette_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    what = "Caffe's models: what is in them, whether they can be built, their parameters as npz"
    caffe = subparsers.add_parser("caffe", help=what, description=what)
    caffe.set_defaults(run=lambda chosen: caffe.print_help())
    commands = caffe.add_subparsers(title="commands", metavar="COMMAND")
    info = commands.add_parser("info", help="what is in a model, and what of it is not supported")
    info.add_argument("--json", action="store_true", help="print one JSON object")
    convert = commands.add_parser("convert", help="write the parameters to a file of chainette")
    check = commands.add_parser("check", help="whether a model and a prototxt fit; exit status 1 if not")
    for name, command in (("info", info), ("convert", convert), ("check", check)):
        command.add_argument("file", metavar="FILE", help="a .caffemodel" + (" or .prototxt" if name == "info" else ""))
        command.add_argument(
            "--prototxt", required=name == "check", help="the net's description; without one the model's layers count"
        )
        command.set_defaults(run=partial(_run, name))
    convert.add_argument("out", metavar="OUT", help="the file to write: .npz, .h5 or .hdf5")
    convert.add_argument(
        "--unsupported", choices=("error", "skip"), default="error", help="skip: leave such layers out"
    )


def _run(name: str, chosen: argparse.Namespace) -> int:
    from chainette_caffe_import import commands  # not before it is wanted: it brings the whole package

    return commands.run(name, chosen)
