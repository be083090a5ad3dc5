"""ResNet-32 with stochastic depth in PyTorch, in the environment that has it. Run by stochastic_depth.py."""

import os
import sys
from typing import Any

import nets
import workloads
from blocks import BATCH, CHANNELS, CLASSES, SIZE, blocks, by_size, survivals

try:
    import torch
    from torch import Tensor, nn
except (ImportError, OSError) as error:
    workloads.tell({"error": f"torch does not import there ({error})"})
    sys.exit()

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
seeds = iter(range(1, 1000))


def filled(module: Any) -> Any:
    with torch.no_grad():
        nets.fill(module.weight, next(seeds), torch.arange)
        if module.bias is not None:
            module.bias.zero_()
    return module


def convolution(ins: int, outs: int, stride: int = 1) -> nn.Module:
    """One of 3x3, and batch normalization."""
    conv = filled(nn.Conv2d(ins, outs, 3, stride, 1, bias=False))
    return nn.Sequential(conv, nn.BatchNorm2d(outs, eps=2e-5))


class Block(nn.Module):
    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.stride, self.new = outs // ins, outs - ins
        self.first, self.second = convolution(ins, outs, self.stride), convolution(outs, outs)

    def forward(self, x: Tensor, survives: bool) -> Tensor:
        shortcut = x
        if self.new:
            shortcut = nn.functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new))
        if not survives:
            return shortcut
        h = self.second(self.first(x).relu_())
        h += shortcut
        return h.relu_()


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = convolution(3, CHANNELS[0])
        self.blocks = nn.ModuleList(Block(*channels) for channels in blocks())
        self.output = filled(nn.Linear(CHANNELS[-1], CLASSES))

    def forward(self, x: Tensor, survive: list[bool]) -> Tensor:
        h = self.first(x).relu_()
        for block, survives in zip(self.blocks, survive, strict=True):
            h = block(h, survives)
        return self.output(h.mean((2, 3)))


class Trainer(nets.Trainer):
    def make(self, name: str) -> None:
        self.net = ResNet()
        self.x = nets.fill(torch.empty(BATCH, 3, SIZE, SIZE), 0, torch.arange, scale=1)
        self.t = torch.arange(BATCH) % CLASSES
        self.survivals = survivals()
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=nets.RATE, momentum=0.9)

    def clear(self) -> None:
        self.net.zero_grad()

    def forward(self) -> Tensor:
        return nn.functional.cross_entropy(self.net(self.x, next(self.survivals)), self.t)

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def update(self, rule: str) -> None:
        self.optimizer.step()

    def results(self, loss: Tensor) -> list[float]:
        grads = [p.grad for p in self.net.parameters() if p.grad is not None]
        return [loss.item(), *by_size((grad.numel(), float(grad.abs().sum())) for grad in grads)]


Trainer().serve({"PyTorch": torch.__version__})
