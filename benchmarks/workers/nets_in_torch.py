"""The nets in PyTorch, in the environment that has it. Run by convnets.py and mlp.py."""

import os
import sys
from typing import Any

import nets
import workloads

try:
    import torch
    from torch import Tensor, nn
except (ImportError, OSError) as error:
    workloads.tell({"error": f"torch does not import there ({error})"})
    sys.exit()

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


class Inception(nn.Module):
    def __init__(self, *numbers: int) -> None:
        super().__init__()
        self.parts = nn.ModuleList(made(layers) for layers in nets.branches(*numbers))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self.parts], 1)


def made(layers: list[nets.Layer]) -> nn.Module:
    kinds = {
        "relu": lambda: nn.ReLU(inplace=True), "pool": nn.MaxPool2d, "average": nn.AvgPool2d, "flat": nn.Flatten,
        "conv": nn.Conv2d, "linear": nn.Linear, "inception": Inception,
    }  # fmt: skip
    return nn.Sequential(*(filled(kinds[kind](*numbers)) for kind, *numbers in layers))


seeds = iter(range(1, 1000))


def filled(module: Any) -> Any:
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        with torch.no_grad():
            nets.fill(module.weight, next(seeds), torch.arange)
            module.bias.zero_()
    return module


class Trainer(nets.Trainer):
    def make(self, name: str) -> None:
        shape, layers = nets.NETS[name]
        self.net = made(layers)
        self.x = nets.fill(torch.empty(shape), 0, torch.arange, scale=1)
        self.t = torch.arange(shape[0]) % 10
        parameters = list(self.net.parameters())
        self.rules = {"sgd": torch.optim.SGD(parameters, lr=nets.RATE), "adam": torch.optim.Adam(parameters)}

    def clear(self) -> None:
        self.net.zero_grad()

    def forward(self) -> Tensor:
        return nn.functional.cross_entropy(self.net(self.x), self.t)

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def update(self, rule: str) -> None:
        self.rules[rule].step()

    def results(self, loss: Tensor) -> list[float]:
        return [loss.item(), *sorted(float(p.grad.abs().mean()) for p in self.net.parameters())]


Trainer().serve({"PyTorch": torch.__version__})
