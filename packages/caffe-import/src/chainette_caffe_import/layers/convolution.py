"""Convolution, Deconvolution and InnerProduct: sums of products with weights."""

from __future__ import annotations

import math
from typing import Any

import chainette.functions as F
from chainette import Variable
from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.layers.windows import along_axes, require_blob


class Convolution(Layer):
    """Convolution over the axes behind the channels, however many there are; several images may be given, each of
    which gets a top.

    Parameters: ``W`` (outputs, inputs / group, *kernel), ``b`` (outputs).
    """

    bottoms = (1, None)
    tops = (1, None)
    is_depthwise = False

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("convolution_param")
        if len(definition.tops) != len(definition.bottoms):
            raise CaffeNetError(f"it has {len(definition.tops)} tops for {len(definition.bottoms)} bottoms")
        if parameters.get("axis", 1) != 1:
            raise CaffeNetError(f"axis is {parameters.get('axis')} (expected 1, the channels)")
        self.n_outputs = int(parameters.get("num_output", 0))
        self.ndim = self._ndim(definition)
        self.kernel = along_axes(parameters, "kernel_size", None, self.ndim, 1)
        self.stride = along_axes(parameters, "stride", 1, self.ndim, 1)
        self.pad = along_axes(parameters, "pad", 0, self.ndim, 0)
        self.dilation = along_axes(parameters, "dilation", 1, self.ndim, 1)
        self.group = self.n_outputs if self.is_depthwise else int(parameters.get("group", 1))
        if self.is_depthwise:
            parameters.ignore("group")
        if self.n_outputs < 1 or self.group < 1 or self.n_outputs % self.group:
            raise CaffeNetError(f"num_output is {self.n_outputs} and group {self.group} (expected a multiple of it)")
        parameters.ignore("engine", "force_nd_im2col")
        filler, bias_filler = parameters.message("weight_filler"), parameters.message("bias_filler")
        self.add_blob(definition, "W", self._shape(), filler)
        self.has_bias = bool(parameters.get("bias_term", True))
        if self.has_bias:
            self.add_blob(definition, "b", (self.n_outputs,), bias_filler)

    def _ndim(self, definition: LayerDefinition) -> int:
        """How many spatial axes there are: the weights tell, or the lists of values; else two."""
        parameters = definition.parameters("convolution_param")
        if definition.blobs and not definition.blobs[0].is_old:
            return max(len(definition.blobs[0].shape) - 2, 1)
        return max(2, *(len(parameters.all(name)) for name in ("kernel_size", "stride", "pad", "dilation")))

    def _shape(self) -> tuple[int | None, ...]:
        return self.n_outputs, None, *self.kernel

    def forward(self, *xs: Variable) -> tuple[Variable, ...]:
        for x in xs:
            if x.ndim != self.ndim + 2:
                expected = f"(batch, channels) and {self.ndim} axes behind them"
                raise ShapeError(f"{type(self).__name__}: x has shape {x.shape} (expected {expected}).")
        return tuple([self._apply(x) for x in xs])

    def _apply(self, x: Variable) -> Variable:
        axes = list(zip(x.shape[2:], self.kernel, self.stride, self.pad, self.dilation, strict=True))
        out = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in axes]
        self._require_moderate(x, (x.shape[1], *[n + 2 * p for n, _, _, p, _ in axes]), (self.n_outputs, *out))
        W = self.complete("W", (self.n_outputs, x.shape[1] // self.group, *self.kernel))
        b = self.b if self.has_bias else None
        if self.ndim == 2:
            return F.convolution_2d(x, W, b, self.stride, self.pad, dilate=self.dilation, groups=self.group)
        return F.convolution_nd(x, W, b, self.stride, self.pad, dilate=self.dilation, groups=self.group)

    def _require_moderate(self, x: Variable, *others: tuple[int, ...]) -> None:
        """Neither the weights nor the others are too large for a blob."""
        for shape in ((self.n_outputs, x.shape[1] // self.group, *self.kernel), *others):
            require_blob(type(self).__name__, shape)

    def multiply_adds(self, bottoms: list[Any], tops: list[Any]) -> int:
        return sum(int(top.size) for top in tops) * math.prod(self.W.shape[1:])


class DepthwiseConvolution(Convolution):
    """As forks write it: each channel has a window of its own, ``group`` is the number of channels."""

    is_depthwise = True


class Deconvolution(Convolution):
    """The transposed convolution. Parameters: ``W`` (inputs, outputs / group, *kernel), ``b`` (outputs)."""

    def _shape(self) -> tuple[int | None, ...]:
        return None, self.n_outputs // self.group, *self.kernel

    def _apply(self, x: Variable) -> Variable:
        axes = zip(x.shape[2:], self.kernel, self.stride, self.dilation, strict=True)
        self._require_moderate(x, (self.n_outputs, *[s * (n - 1) + d * (k - 1) + 1 for n, k, s, d in axes]))
        W = self.complete("W", (x.shape[1], self.n_outputs // self.group, *self.kernel))
        b = self.b if self.has_bias else None
        if self.ndim == 2:
            return F.deconvolution_2d(x, W, b, self.stride, self.pad, dilate=self.dilation, groups=self.group)
        return F.deconvolution_nd(x, W, b, self.stride, self.pad, dilate=self.dilation, groups=self.group)

    def multiply_adds(self, bottoms: list[Any], tops: list[Any]) -> int:
        return sum(int(bottom.size) for bottom in bottoms) * math.prod(self.W.shape[1:])


class InnerProduct(Layer):
    """A product with a matrix, of all axes from ``axis`` on. Parameters: ``W`` (outputs, inputs), or (inputs, outputs)
    where it is transposed, and ``b`` (outputs)."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("inner_product_param")
        self.n_outputs = int(parameters.get("num_output", 0))
        if self.n_outputs < 1:
            raise CaffeNetError(f"num_output is {self.n_outputs} (expected at least 1)")
        self.axis = int(parameters.get("axis", 1))
        self.transpose = bool(parameters.get("transpose", False))
        filler, bias_filler = parameters.message("weight_filler"), parameters.message("bias_filler")
        self.add_blob(definition, "W", (None, self.n_outputs) if self.transpose else (self.n_outputs, None), filler)
        self.has_bias = bool(parameters.get("bias_term", True))
        if self.has_bias:
            self.add_blob(definition, "b", (self.n_outputs,), bias_filler)

    def forward(self, x: Variable) -> Variable:
        axis = normalize_axis(type(self).__name__, self.axis, x.ndim)
        before, n_inputs = x.shape[:axis], math.prod(x.shape[axis:])
        W = self.complete("W", (n_inputs, self.n_outputs) if self.transpose else (self.n_outputs, n_inputs))
        y = F.linear(F.reshape(x, (math.prod(before), n_inputs)), W.T if self.transpose else W, self.bias)
        return y if len(before) == 1 else F.reshape(y, (*before, self.n_outputs))

    @property
    def bias(self) -> Variable | None:
        return self.b if self.has_bias else None

    def multiply_adds(self, bottoms: list[Any], tops: list[Any]) -> int:
        return int(bottoms[0].size * self.n_outputs)
