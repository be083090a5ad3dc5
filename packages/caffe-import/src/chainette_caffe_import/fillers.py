"""What parameters start from that no model gives: Caffe's fillers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from chainette import random, to_device
from chainette.backend import device_of
from chainette.initializers import Initializer
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.message import Message


class Filler(Initializer):
    """An initializer that does what a FillerParameter says.

    Fan-in is the number of values behind the first axis, fan-out the number of values without the second one.

    Args:
        message: the FillerParameter; an empty one fills with zeros, as Caffe does.
    """

    def __init__(self, message: Message) -> None:
        super().__init__(np.float32)
        self.kind = message.get("type", "constant")
        self.value = message.get("value", 0.0)
        self.low, self.high = message.get("min", 0.0), message.get("max", 1.0)
        self.mean, self.std = message.get("mean", 0.0), message.get("std", 1.0)
        self.norm = message.get("variance_norm", "FAN_IN")
        self.sparse = message.get("sparse", -1)
        if self.kind not in KINDS:
            raise CaffeNetError(f"the filler {self.kind!r} is not known (expected {', '.join(KINDS)})")
        if self.norm not in ("FAN_IN", "FAN_OUT", "AVERAGE"):
            raise CaffeNetError(f"variance_norm is {self.norm} (expected FAN_IN, FAN_OUT or AVERAGE)")

    def __call__(self, array: Any) -> None:
        array[...] = to_device(np.asarray(KINDS[self.kind](self, array.shape), "f"), device_of(array))

    def _fan(self, shape: tuple[int, ...]) -> float:
        size = math.prod(shape)
        fan_in, fan_out = size / max(shape[0], 1), size / max(shape[1] if len(shape) > 1 else 1, 1)
        norms = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "AVERAGE": (fan_in + fan_out) / 2}
        return max(norms[self.norm], 1.0)

    def _constant(self, shape: tuple[int, ...]) -> Any:
        return self.value

    def _uniform(self, shape: tuple[int, ...]) -> Any:
        return random.generator().uniform(self.low, self.high, shape)

    def _gaussian(self, shape: tuple[int, ...]) -> Any:
        values = random.generator().normal(self.mean, self.std, shape)
        if self.sparse < 0:
            return values
        return values * (random.generator().random(shape) < self.sparse / max(shape[0], 1))  # so many an output

    def _xavier(self, shape: tuple[int, ...]) -> Any:
        bound = math.sqrt(3 / self._fan(shape))
        return random.generator().uniform(-bound, bound, shape)

    def _msra(self, shape: tuple[int, ...]) -> Any:
        return random.generator().normal(0, math.sqrt(2 / self._fan(shape)), shape)

    def _positive_unitball(self, shape: tuple[int, ...]) -> Any:
        values = random.generator().uniform(0, 1, shape)
        return values / values.reshape(shape[0], -1).sum(1).reshape(-1, *[1] * (len(shape) - 1))

    def _bilinear(self, shape: tuple[int, ...]) -> Any:
        def along(k: int) -> Any:
            f = math.ceil(k / 2)
            return 1 - np.abs(np.arange(k) / f - (k - 1) / (2 * f))

        return along(shape[-2])[:, None] * along(shape[-1])


KINDS = {
    "bilinear": Filler._bilinear,
    "constant": Filler._constant,
    "gaussian": Filler._gaussian,
    "msra": Filler._msra,
    "positive_unitball": Filler._positive_unitball,
    "uniform": Filler._uniform,
    "xavier": Filler._xavier,
}
