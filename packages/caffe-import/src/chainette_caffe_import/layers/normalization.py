"""BatchNorm, LRN, MVN and Normalize; Scale and Bias, which follow them."""

from __future__ import annotations

import math

import numpy as np

import chainette.functions as F
from chainette import Parameter, Variable, as_variable, config
from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette.initializers import generate_array
from chainette.typing import Array
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.message import Message
from chainette_functions.util.recomputing import is_recomputing


class BatchNorm(Layer):
    """(x - mean) / sqrt(variance + eps) for each channel, without factors: a Scale follows.

    In training the batch gives mean and variance, and averages of them are kept; in test mode the averages count.
    ``use_global_stats`` in the file says for both which it is. Averages only change in training.

    Persistent values: ``avg_mean`` and ``avg_var`` (channels), None while that is open, and ``factor``, the sum of the
    weights of what went into them. Caffe keeps sums, which it divides by that; here they are divided.
    """

    avg_mean: Array  # None while the number of channels is open
    avg_var: Array
    factor: float

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("batch_norm_param")
        self.by_averages = parameters.get("use_global_stats")
        self.fraction = float(parameters.get("moving_average_fraction", 0.999))
        self.eps = float(parameters.get("eps", 1e-5))
        if self.eps < 0:
            raise CaffeNetError(f"eps is {self.eps} (expected at least 0)")
        mean = self.take_blob(definition, "avg_mean", (None,))
        var = self.take_blob(definition, "avg_var", (None,) if mean is None else mean.shape)
        factor = self.take_blob(definition, "factor", (1,))
        weight = 0.0 if factor is None else float(factor[0])
        if mean is not None:
            inverse = np.float32(1 / weight if weight else 0)
            mean, var = mean * inverse, var * inverse
        self.add_persistent("avg_mean", mean)
        self.add_persistent("avg_var", var)
        self.add_persistent("factor", weight)

    def forward(self, x: Variable) -> Variable:
        x = as_variable(x)
        if x.ndim == 0:
            raise ShapeError("BatchNorm: x is a single number (expected a batch).")
        if x.ndim == 1:  # one channel
            return F.reshape(self._normalized(F.reshape(x, (len(x), 1))), x.shape)
        return self._normalized(x)

    def _normalized(self, x: Variable) -> Variable:
        channels = (x.shape[1],)
        if self.avg_mean is None:
            self.avg_mean, self.avg_var = [generate_array(0, channels, "f", self._device) for _ in range(2)]
        with x.device.use():
            one, zero = x.xp.ones(channels, "f"), x.xp.zeros(channels, "f")
        eps = max(self.eps, float(np.finfo("f").tiny))  # Caffe takes an eps of 0
        if not config.train if self.by_averages is None else self.by_averages:
            return F.fixed_batch_normalization(x, one, zero, self.avg_mean, self.avg_var, eps)
        if not config.train:
            return F.batch_normalization(x, one, zero, eps)
        factor = self.factor * self.fraction + 1
        y = F.batch_normalization(
            x, one, zero, eps, running_mean=self.avg_mean, running_var=self.avg_var, decay=1 - 1 / factor
        )
        if x.size and not is_recomputing():
            self.factor = factor
        return y


class _AlongAxes(Layer):
    """What Scale and Bias share: an operand whose axes are those of x from ``axis`` on, from a blob or a bottom."""

    bottoms = (1, 2)

    def _read(self, definition: LayerDefinition, parameters: Message) -> None:
        self.axis = int(parameters.get("axis", 1))
        self.n_axes = int(parameters.get("num_axes", 1))
        if self.n_axes < -1:
            raise CaffeNetError(f"num_axes is {self.n_axes} (expected -1 for all that follow, or at least 0)")
        self.is_fed = len(definition.bottoms) == 2

    def _open_shape(self, definition: LayerDefinition) -> tuple[None, ...]:
        """The shape of the next blob, as far as the file says it: how many axes there are."""
        if self.n_axes < 0 or self.is_fed:  # any number
            blobs = (definition.blobs or [])[self._taken :]
            return (None,) * (len(blobs[0].shape) if blobs else 1)
        return (None,) * self.n_axes

    def _shape(self, x: Variable) -> tuple[int, ...]:
        axis = normalize_axis(type(self).__name__, self.axis, x.ndim)
        shape = x.shape[axis:] if self.n_axes < 0 else x.shape[axis : axis + self.n_axes]
        if len(shape) < self.n_axes:
            raise ShapeError(
                f"{type(self).__name__}: x has shape {x.shape} (expected {self.n_axes} axes from {axis} on: num_axes)."
            )
        return shape


class Scale(_AlongAxes):
    """x times factors, and a bias if ``bias_term`` says so. Parameters: ``W``, unless a second bottom has the factors,
    and ``b``, both of the shape of x from ``axis`` on, as far as ``num_axes`` goes."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("scale_param")
        self._read(definition, parameters)
        filler, bias_filler = _filler(parameters, "filler", 1), _filler(parameters, "bias_filler", 0)
        if not self.is_fed:
            self.add_blob(definition, "W", self._open_shape(definition), filler)
        self.has_bias = bool(parameters.get("bias_term", False))
        if self.has_bias:
            self.add_blob(definition, "b", self._open_shape(definition), bias_filler)

    def forward(self, x: Variable, *fed: Variable) -> Variable:
        W = fed[0] if fed else self.complete("W", self._shape(x))
        y = F.scale(x, W, self.axis)
        return F.bias(y, self.complete("b", W.shape), self.axis) if self.has_bias else y


class Bias(_AlongAxes):
    """x plus a bias. Parameter: ``b``, unless a second bottom has it, of the shape of x from ``axis`` on, as far as
    ``num_axes`` goes."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("bias_param")
        self._read(definition, parameters)
        filler = _filler(parameters, "filler", 0)
        if not self.is_fed:
            self.add_blob(definition, "b", self._open_shape(definition), filler)

    def forward(self, x: Variable, *fed: Variable) -> Variable:
        return F.bias(x, fed[0] if fed else self.complete("b", self._shape(x)), self.axis)


class LRN(Layer):
    """Local response normalization: over neighbouring channels x / (k + alpha mean(x^2) )^beta, where the mean is over
    ``local_size`` of them, missing ones counting as 0; within each channel the same over windows, and k is 1."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("lrn_param")
        self.size = int(parameters.get("local_size", 5))
        if self.size < 1 or self.size % 2 == 0:
            raise CaffeNetError(f"local_size is {self.size} (expected an odd number)")
        self.alpha, self.beta = float(parameters.get("alpha", 1.0)), float(parameters.get("beta", 0.75))
        self.k = float(parameters.get("k", 1.0))
        if self.k <= 0:
            raise CaffeNetError(f"k is {self.k} (expected a number above 0)")
        region = parameters.get("norm_region", "ACROSS_CHANNELS")
        if region not in ("ACROSS_CHANNELS", "WITHIN_CHANNEL"):
            raise CaffeNetError(f"norm_region is {region} (expected ACROSS_CHANNELS or WITHIN_CHANNEL)")
        self.is_within = region == "WITHIN_CHANNEL"

    def forward(self, x: Variable) -> Variable:
        if self.is_within:
            # A window larger than twice the image has nothing more in it.
            size = min(self.size, 2 * max(x.shape[2:], default=1) - 1)
            mean = F.average_pooling_nd(x * x, size, 1, size // 2)
            share = (size / self.size) ** (x.ndim - 2)
            return x * (mean * (self.alpha * share) + 1.0) ** -self.beta
        return F.local_response_normalization(x, self.size, self.k, self.alpha / self.size, self.beta)


class MVN(Layer):
    """(x - mean) / (sqrt(variance) + eps) over each channel of each image, or over each image."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("mvn_param")
        self.normalizes_variance = bool(parameters.get("normalize_variance", True))
        self.n_kept = 1 if parameters.get("across_channels", False) else 2
        self.eps = float(parameters.get("eps", 1e-9))

    def forward(self, x: Variable) -> Variable:
        kept, rest = x.shape[: self.n_kept], x.shape[self.n_kept :]
        rows = F.reshape(x, (math.prod(kept), math.prod(rest)))
        y = rows - F.mean(rows, 1, keepdims=True)
        if self.normalizes_variance:
            variance = F.mean(y * y, 1, keepdims=True)
            # The root has no gradient at 0, where all of x is alike.
            y = y / (F.sqrt(F.maximum(variance, float(np.finfo(x.dtype).tiny))) + self.eps)
        return F.reshape(y, x.shape)


class Normalize(Layer):
    """x / sqrt(sum(x^2) + eps) times a factor; SSD's layer. The sum is over each image, or over the channels at each
    place if ``across_spatial`` is false. Parameter: ``W``, () or if ``channel_shared`` is false (channels)."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("norm_param")
        self.is_across = bool(parameters.get("across_spatial", True))
        self.is_shared = bool(parameters.get("channel_shared", True))
        self.eps = float(parameters.get("eps", 1e-10))
        self.add_blob(definition, "W", () if self.is_shared else (None,), _filler(parameters, "scale_filler", 1))

    def forward(self, x: Variable) -> Variable:
        W: Parameter = self.complete("W", () if self.is_shared else (x.shape[1],))
        axes = tuple(range(1, x.ndim)) if self.is_across else 1
        return F.scale(x / F.sqrt(F.sum(x * x, axes, keepdims=True) + self.eps), W)


def _filler(parameters: Message, name: str, value: float) -> Message:
    """The filler of that name; without one, a constant."""
    filler = parameters.message(name)
    if name not in parameters:
        filler = Message("FillerParameter")
        filler.add("value", value)
    return filler
