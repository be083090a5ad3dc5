"""Eltwise, Exp, Log and Power: arithmetic on each element."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import reduce

import chainette.functions as F
from chainette import Variable
from chainette.checks import require_same_shape
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError, CaffeUnsupportedError
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.message import Message


class Eltwise(Layer):
    """The sum, each bottom times its ``coeff``, the product, or the maximum of bottoms of one shape."""

    bottoms = (1, None)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("eltwise_param")
        self.operation = parameters.get("operation", "SUM")
        self.coefficients = [float(each) for each in parameters.all("coeff")]
        parameters.ignore("stable_prod_grad")  # it chooses between two ways to the same gradient
        if self.operation not in ("PROD", "SUM", "MAX"):
            raise CaffeUnsupportedError(f"operation is {self.operation} (expected PROD, SUM or MAX)")
        n_bottoms, n_coefficients = len(definition.bottoms), len(self.coefficients)
        if n_coefficients not in (0, n_bottoms):
            raise CaffeNetError(f"coeff has {n_coefficients} values (expected one for each of {n_bottoms} bottoms)")
        if self.coefficients and self.operation == "PROD":  # with MAX it means nothing in Caffe either
            raise CaffeNetError("coeff is given for PROD (expected it for SUM only)")

    def forward(self, *xs: Variable) -> Variable:
        require_same_shape("Eltwise", **{f"bottom{i}": x for i, x in enumerate(xs)})
        if self.operation == "PROD":
            return reduce(lambda y, x: y * x, xs)
        if self.operation == "MAX":
            return _maximum(xs)
        terms = zip(xs, self.coefficients or [1.0] * len(xs), strict=True)
        return reduce(lambda y, x: y + x, [_times(x, coefficient) for x, coefficient in terms])


class Exp(Layer):
    """``base`` ^ (``shift`` + ``scale`` x), where base -1 means e."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("exp_param")
        log_base = _log_base(parameters)
        self.scale = log_base * parameters.get("scale", 1.0)
        self.shift = log_base * parameters.get("shift", 0.0)

    def forward(self, x: Variable) -> Variable:
        return F.exp(_linear(x, self.scale, self.shift))


class Log(Layer):
    """The logarithm of ``shift`` + ``scale`` x to the base ``base``, where -1 means e."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("log_param")
        log_base = _log_base(parameters)
        if log_base == 0:
            raise CaffeNetError(
                "base is 1, to which there is no logarithm (expected -1 for e, or another number above 0)"
            )
        self.factor = 1 / log_base
        self.scale, self.shift = float(parameters.get("scale", 1.0)), float(parameters.get("shift", 0.0))

    def forward(self, x: Variable) -> Variable:
        return _times(F.log(_linear(x, self.scale, self.shift)), self.factor)


class Power(Layer):
    """(``shift`` + ``scale`` x) ^ ``power``; 1 where the power is 0, whatever x is."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("power_param")
        self.power, self.scale, self.shift = (
            float(parameters.get(name, default)) for name, default in (("power", 1.0), ("scale", 1.0), ("shift", 0.0))
        )

    def forward(self, x: Variable) -> Variable:
        if self.power == 0 or self.scale == 0:
            return self._constant(x)
        base = _linear(x, self.scale, self.shift)
        if self.power == 1:
            return base
        return F.square(base) if self.power == 2 else base**self.power

    def _constant(self, x: Variable) -> Variable:
        """The value that x does not change, also where it is infinite; as a choice, so that its gradient is zeros."""
        with x.device.use():
            value = x.xp.full(x.shape, self.shift, x.dtype) ** self.power
            return F.where(x.xp.ones(x.shape, bool), value, x)


def _log_base(parameters: Message) -> float:
    base = parameters.get("base", -1.0)
    if base == -1:
        return 1.0
    if base <= 0:
        raise CaffeNetError(f"base is {base} (expected -1 for e, or a number above 0)")
    return math.log(base)


def _times(x: Variable, factor: float) -> Variable:
    return x if factor == 1 else factor * x


def _linear(x: Variable, scale: float, shift: float) -> Variable:
    y = _times(x, scale)
    return y if shift == 0 else y + shift


def _maximum(xs: Iterable[Variable]) -> Variable:
    """The maximum; of equal values the gradient goes to the second bottom, then to the first one, as Caffe has it."""
    first, *others = xs
    if not others:
        return first
    return reduce(F.maximum, others[1:], F.maximum(others[0], first))
