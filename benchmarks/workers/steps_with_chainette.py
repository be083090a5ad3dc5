"""Steps of chainette's optimizers. Run by optimizers.py."""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import steps

from chainette import Parameter, optimizers

parameters = [Parameter(np.empty(shape, np.float32)) for shape in steps.shapes()]
for parameter in parameters:
    parameter.grad = np.sin(np.arange(parameter.size)).astype(np.float32).reshape(parameter.shape)

OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(alpha=0.001),
    "momentum": lambda: optimizers.MomentumSGD(lr=0.01, momentum=0.9),
}


def start(name: str) -> Callable[[], Any]:
    for parameter in parameters:
        parameter.array[...] = np.cos(np.arange(parameter.size)).reshape(parameter.shape)
    optimizer = OPTIMIZERS[name]().setup(parameters)
    rules = [parameter.update_rule for parameter in parameters]

    def step() -> None:
        for parameter, rule in zip(parameters, rules, strict=True):  # another optimizer may have set its own
            parameter.update_rule = rule
        optimizer.update()

    return step


def samples() -> list[float]:
    return [float(parameter.array.flat[i]) for parameter in parameters for i in (0, -1)]


steps.serve({"chainette": version("chainette"), "NumPy": np.__version__}, start, samples)
