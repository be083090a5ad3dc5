"""Steps of PyTorch's optimizers, in the environment that has it. Run by optimizers.py."""

import os
import sys
from collections.abc import Callable
from typing import Any

import steps
from workloads import tell

try:
    import torch
except (ImportError, OSError) as error:
    tell({"error": f"torch does not import there ({error})"})
    sys.exit()

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def made(function: Callable[[torch.Tensor], torch.Tensor], shape: steps.Shape) -> torch.Tensor:
    numbers = torch.arange(int(torch.Size(shape).numel()), dtype=torch.float64)
    return function(numbers).to(torch.float32).reshape(shape)


parameters = [torch.nn.Parameter(torch.empty(shape)) for shape in steps.shapes()]
for parameter in parameters:
    parameter.grad = made(torch.sin, parameter.shape)

OPTIMIZERS = {
    "adam": lambda **options: torch.optim.Adam(parameters, lr=0.001, **options),
    "momentum": lambda **options: torch.optim.SGD(parameters, lr=0.01, momentum=0.9, **options),
}


def start(name: str) -> Callable[[], Any]:
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_(made(torch.cos, parameter.shape))
    kind, _, fused = name.partition("_")
    step: Callable[[], Any] = OPTIMIZERS[kind](**({"fused": True} if fused else {})).step
    return step


def samples() -> list[float]:
    return [float(parameter.detach().flatten()[i]) for parameter in parameters for i in (0, -1)]


steps.serve({"PyTorch": torch.__version__}, start, samples)
