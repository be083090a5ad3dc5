"""Activations as layers: one top of the shape of the bottom. Where a slope jumps, as at 0, Caffe's choice counts."""

from __future__ import annotations

import chainette.functions as F
from chainette import Variable, as_variable
from chainette.checks import require_ndim
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.message import Message


class AbsVal(Layer):
    """The absolute value."""

    def forward(self, x: Variable) -> Variable:
        return F.absolute(x)


class BNLL(Layer):
    """log(1 + exp(x)), the binomial normal log likelihood. No value overflows."""

    def forward(self, x: Variable) -> Variable:
        return F.softplus(x)


class Clip(Layer):
    """x limited to the interval from ``min`` to ``max``."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("clip_param")
        self.min, self.max = parameters.get("min"), parameters.get("max")
        if self.min is None or self.max is None:
            raise CaffeNetError(f"{'min' if self.min is None else 'max'} is missing (expected both min and max)")
        if self.min > self.max:
            raise CaffeNetError(f"min is {self.min} and max {self.max} (expected min not to be above max)")

    def forward(self, x: Variable) -> Variable:
        return F.clip(x, self.min, self.max)


class Dropout(Layer):
    """In training each value becomes 0 with probability ``dropout_ratio``, and the others grow by 1 / (1 - ratio)."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.ratio = float(definition.parameters("dropout_param").get("dropout_ratio", 0.5))
        if not 0 <= self.ratio < 1:
            raise CaffeNetError(f"dropout_ratio is {self.ratio} (expected 0 <= dropout_ratio < 1)")

    def forward(self, x: Variable) -> Variable:
        y: Variable = F.dropout(x, self.ratio)
        return y


class ELU(Layer):
    """x above 0, else ``alpha`` (exp(x) - 1)."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.alpha = float(definition.parameters("elu_param").get("alpha", 1.0))

    def forward(self, x: Variable) -> Variable:
        return F.elu(x, self.alpha)


class PReLU(Layer):
    """x above 0, else a slope that is learned times x.

    Parameters: ``W`` (channels), or () where ``channel_shared`` says that all have one slope.
    """

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("prelu_param")
        filler = parameters.message("filler")
        if "filler" not in parameters:
            filler = Message("FillerParameter")
            filler.add("value", 0.25)
        self.is_shared = bool(parameters.get("channel_shared", False))
        shape: tuple[int | None, ...] = () if self.is_shared else (None,)
        if self.is_shared and definition.blobs and definition.blobs[0].shape == (1,):  # some write the scalar like this
            shape = (1,)
        self.add_blob(definition, "W", shape, filler)

    def forward(self, x: Variable) -> Variable:
        require_ndim("PReLU", "x", x, 2, "(batch, channels, ...)")
        W = self.W if self.is_shared else self.complete("W", x.shape[1:2])
        slope = F.reshape(W, (1, 1 if self.is_shared else x.shape[1], *(1,) * (x.ndim - 2)))
        return _where_positive(x, slope * x)


class ReLU(Layer):
    """max(x, 0), and ``negative_slope`` times x below."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("relu_param")
        self.slope = float(parameters.get("negative_slope", 0.0))
        parameters.ignore("engine")

    def forward(self, x: Variable) -> Variable:
        return _where_positive(x, self.slope * x) if self.slope else F.relu(x)


class ReLU6(Layer):
    """min(max(x, 0), 6), which forks have."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        definition.parameters("relu_param").ignore("engine")

    def forward(self, x: Variable) -> Variable:
        return F.clipped_relu(x, 6.0)


class Sigmoid(Layer):
    """1 / (1 + exp(-x)). No value overflows."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        definition.message.ignore("sigmoid_param")  # it says only which code computes it

    def forward(self, x: Variable) -> Variable:
        return F.sigmoid(x)


class Swish(Layer):
    """x sigmoid(``beta`` x)."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.beta = float(definition.parameters("swish_param").get("beta", 1.0))

    def forward(self, x: Variable) -> Variable:
        return F.swish(x, self.beta)


class TanH(Layer):
    """The hyperbolic tangent."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        definition.message.ignore("tanh_param")  # it says only which code computes it

    def forward(self, x: Variable) -> Variable:
        return F.tanh(x)


class Threshold(Layer):
    """1 where x is above ``threshold``, else 0. No gradient flows."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.threshold = float(definition.parameters("threshold_param").get("threshold", 0.0))

    def forward(self, x: Variable) -> Variable:
        with x.device.use():
            return as_variable((x.array > self.threshold).astype(x.dtype))


def _where_positive(x: Variable, otherwise: Variable) -> Variable:
    """x above 0, else the other; at exactly 0 the gradient is that of the other, unlike in ``F.leaky_relu``."""
    with x.device.use():
        return F.where(x.array > 0, x, otherwise)
