"""ArgMax, BatchReindex, Embed, Filter, Parameter, Reduction and Softmax: which values, and what they come to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import chainette
import chainette.functions as F
from chainette import Variable
from chainette.checks import normalize_axis, require_range
from chainette.errors import ShapeError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError, CaffeUnsupportedError
from chainette_caffe_import.layer import Layer


def _numbers(x: Variable) -> Any:
    """An array of whole numbers: Caffe's blobs hold them as floats."""
    with x.device.use():
        return x.array if x.dtype.kind in "iu" else x.array.astype("i4")


class ArgMax(Layer):
    """Where the ``top_k`` largest values stand, as floats; of equal ones the last comes first.

    Along ``axis``, where it is given: then ``out_max_val`` gives the values instead. Else over all of an item: the top
    is (items, 1, top_k, 1), or (items, 2, top_k, 1) with the values behind the places where ``out_max_val`` is set.
    """

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("argmax_param")
        self.axis: int | None = parameters.get("axis")
        self.k = int(parameters.get("top_k", 1))
        self.with_values = bool(parameters.get("out_max_val", False))
        if self.k < 1:
            raise CaffeNetError(f"top_k is {self.k} (expected at least 1)")

    def forward(self, x: Variable) -> Variable:
        if self.axis is None and x.ndim == 0:
            raise ShapeError("ArgMax: x has no axes (expected items along the first one).")
        values = chainette.to_device(x.array, "cpu")
        axis = 1 if self.axis is None else normalize_axis("ArgMax", self.axis, x.ndim)
        if self.axis is None:
            values = values.reshape(len(values), math.prod(values.shape[1:]))
        if self.k > values.shape[axis]:
            raise ShapeError(f"ArgMax: top_k is {self.k}, of {values.shape[axis]} values (x: {x.shape}).")
        places = _largest(values, self.k, axis)
        if self.axis is not None:
            y = np.take_along_axis(values, places, axis) if self.with_values else places
        else:
            found = [places, np.take_along_axis(values, places, axis)][: 1 + self.with_values]
            y = np.stack(found, 1).reshape(len(values), len(found), self.k, *[1] * max(x.ndim - 3, 1))
        return Variable(x.device.send(y.astype("f")), requires_grad=False)


def _largest(x: Any, k: int, axis: int) -> Any:
    """Where the k largest stand, of equal ones the last first."""
    if k == 1:  # maps of classes are large, and sorting them takes long
        return x.shape[axis] - 1 - np.flip(x, axis).argmax(axis, keepdims=True)
    rising = np.argsort(x, axis, kind="stable")
    return np.flip(np.take(rising, np.arange(x.shape[axis] - k, x.shape[axis]), axis), axis)


class BatchReindex(Layer):
    """The items of the first bottom whose numbers the second one lists."""

    bottoms = (2, 2)

    def forward(self, x: Variable, indices: Variable) -> Variable:
        if x.ndim == 0 or indices.ndim != 1:
            raise ShapeError(f"BatchReindex: x {x.shape} and indices {indices.shape} (expected items, and one axis).")
        numbers = _numbers(indices)
        require_range("BatchReindex", "indices", numbers, 0, x.shape[0])
        return F.get_item(x, numbers)


class Embed(Layer):
    """The rows of a table by their numbers. Parameters: ``W`` (inputs, outputs), ``b`` (outputs)."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("embed_param")
        n_inputs, n_outputs = int(parameters.get("input_dim", 0)), int(parameters.get("num_output", 0))
        if n_inputs < 1 or n_outputs < 1:
            raise CaffeNetError(f"input_dim is {n_inputs} and num_output {n_outputs} (expected at least 1)")
        filler, bias_filler = parameters.message("weight_filler"), parameters.message("bias_filler")
        self.add_blob(definition, "W", (n_inputs, n_outputs), filler)
        self.has_bias = bool(parameters.get("bias_term", True))
        if self.has_bias:
            self.add_blob(definition, "b", (n_outputs,), bias_filler)

    def forward(self, x: Variable) -> Variable:
        y = F.embed_id(_numbers(x), self.W)
        return y + F.broadcast_to(self.b, y.shape) if self.has_bias else y


class Filter(Layer):
    """The items of each bottom for which the last bottom is not 0."""

    bottoms = (2, None)
    tops = (1, None)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        if len(definition.tops) != len(definition.bottoms) - 1:
            raise CaffeNetError(f"it has {len(definition.tops)} tops (expected {len(definition.bottoms) - 1})")

    def forward(self, *bottoms: Variable) -> tuple[Variable, ...]:
        *xs, selector = bottoms
        if selector.ndim == 0 or selector.size != selector.shape[0]:
            raise ShapeError(f"Filter: the selector has shape {selector.shape} (expected one value for each item).")
        for x in xs:
            if x.shape[:1] != selector.shape[:1]:
                raise ShapeError(f"Filter: x {x.shape} has not as many items as the selector {selector.shape}.")
        with selector.device.use():
            kept = selector.array.reshape(-1) != 0
        return tuple([F.get_item(x, kept) for x in xs])


class Parameter(Layer):
    """A parameter, ``W``, that is the top."""

    bottoms = (0, 0)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("parameter_param")
        shape = tuple(parameters.message("shape").all("dim"))
        if "shape" not in parameters and definition.blobs:
            shape = definition.blobs[0].shape
        self.add_blob(definition, "W", shape)

    def forward(self) -> Variable:
        return self.W


class Reduction(Layer):
    """The sum over ``axis`` and all axes behind it, of the values, their squares or what they are without their signs,
    or the mean; and that times ``coeff``."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("reduction_param")
        self.operation = parameters.get("operation", "SUM")
        self.axis = int(parameters.get("axis", 0))
        self.coeff = float(parameters.get("coeff", 1.0))
        if self.operation not in ("SUM", "ASUM", "SUMSQ", "MEAN"):
            raise CaffeUnsupportedError(f"operation is {self.operation} (expected SUM, ASUM, SUMSQ or MEAN)")

    def forward(self, x: Variable) -> Variable:
        axes = tuple(range(normalize_axis("Reduction", self.axis, x.ndim), x.ndim))
        if self.operation == "ASUM":
            x = F.absolute(x)
        elif self.operation == "SUMSQ":
            x = F.square(x)
        y = F.mean(x, axes) if self.operation == "MEAN" else F.sum(x, axes)
        return y if self.coeff == 1 else self.coeff * y


class Softmax(Layer):
    """exp(x) over its sum along ``axis``."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("softmax_param")
        self.axis = int(parameters.get("axis", 1))
        parameters.ignore("engine")

    def forward(self, x: Variable) -> Variable:
        return F.softmax(x, self.axis)
