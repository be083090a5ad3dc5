"""ResNet-32 with stochastic depth in chainette. Run by stochastic_depth.py."""

from importlib.metadata import version

import nets
import numpy as np
from blocks import BATCH, CHANNELS, CLASSES, SIZE, blocks, by_size, survivals

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Variable, optimizers

seeds = iter(range(1, 1000))


class Convolution(chainette.Chain):
    """One of 3x3, and batch normalization."""

    def __init__(self, ins: int, outs: int, stride: int = 1) -> None:
        conv = L.Convolution2D(ins, outs, 3, stride, 1, nobias=True, initialW=0)
        super().__init__(conv=conv, norm=L.BatchNormalization(outs))
        nets.fill(self.conv.W.array, next(seeds), np.arange)

    def forward(self, x: Variable) -> Variable:
        return self.norm(self.conv(x))


class Block(chainette.Chain):
    def __init__(self, ins: int, outs: int) -> None:
        self.stride, self.new = outs // ins, outs - ins
        super().__init__(first=Convolution(ins, outs, self.stride), second=Convolution(outs, outs))

    def forward(self, x: Variable, survives: bool) -> Variable:
        shortcut = x
        if self.new:
            shortcut = F.pad(
                x[:, :, :: self.stride, :: self.stride], ((0, 0), (0, self.new), (0, 0), (0, 0)), "constant"
            )
        return F.relu(self.second(F.relu(self.first(x))) + shortcut) if survives else shortcut


class ResNet(chainette.Chain):
    def __init__(self) -> None:
        super().__init__(
            first=Convolution(3, CHANNELS[0]),
            blocks=chainette.ChainList(*(Block(*channels) for channels in blocks())),
            output=L.Linear(CHANNELS[-1], CLASSES, initialW=0),
        )
        nets.fill(self.output.W.array, next(seeds), np.arange)

    def forward(self, x: np.ndarray, survive: list[bool]) -> Variable:
        h = F.relu(self.first(x))
        for block, survives in zip(self.blocks, survive, strict=True):
            h = block(h, survives)
        return self.output(F.mean(h, axis=(2, 3)))


class Trainer(nets.Trainer):
    def make(self, name: str) -> None:
        self.net = ResNet()
        self.x = nets.fill(np.empty((BATCH, 3, SIZE, SIZE), np.float32), 0, np.arange, scale=1)
        self.t = np.arange(BATCH) % CLASSES
        self.survivals = survivals()
        self.optimizer = optimizers.MomentumSGD(lr=nets.RATE, momentum=0.9).setup(self.net)

    def clear(self) -> None:
        self.net.cleargrads()

    def forward(self) -> Variable:
        return F.softmax_cross_entropy(self.net(self.x, next(self.survivals)), self.t)

    def backward(self, loss: Variable) -> None:
        loss.backward()

    def update(self, rule: str) -> None:
        self.optimizer.update()

    def results(self, loss: Variable) -> list[float]:
        grads = [p.grad for p in self.net.params() if p.grad is not None]
        return [loss.item(), *by_size((grad.size, float(np.abs(grad).sum())) for grad in grads)]


Trainer().serve({"chainette": version("chainette"), "NumPy": np.__version__})
