"""What chainette-caffe-import adds to chainette."""

from collections.abc import Mapping

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
    return {"caffe": "chainette_caffe_import.importer"}
