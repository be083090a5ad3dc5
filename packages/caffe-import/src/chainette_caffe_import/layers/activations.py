"""ReLU: an activation as a layer."""

from __future__ import annotations

import chainette.functions as F
from chainette import Variable
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.layer import Layer


class ReLU(Layer):
    """max(x, 0), and ``negative_slope`` times x below."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("relu_param")
        self.slope = float(parameters.get("negative_slope", 0.0))
        parameters.ignore("engine")

    def forward(self, x: Variable) -> Variable:
        return F.leaky_relu(x, self.slope) if self.slope else F.relu(x)
