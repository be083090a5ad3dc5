"""The nets in chainette. Run by convnets.py and mlp.py."""

from importlib.metadata import version
from typing import Any

import nets
import numpy as np

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Variable, optimizers

seeds = iter(range(1, 1000))


class Net(chainette.ChainList):
    """Layers one after the other, or the branches of an inception."""

    def __init__(self, layers: list[nets.Layer]) -> None:
        super().__init__()
        self.steps = [self.made(*layer) for layer in layers]

    def made(self, kind: str, *numbers: Any) -> Any:
        if kind == "relu":
            return F.relu
        if kind == "pool":
            return lambda x: F.max_pooling_2d(x, *numbers, cover_all=False)
        if kind == "average":
            return lambda x: F.average_pooling_2d(x, *numbers)
        if kind == "flat":
            return lambda x: F.reshape(x, (len(x), -1))
        if kind == "inception":
            parts = [Net(layers) for layers in nets.branches(*numbers)]
            for part in parts:
                self.append(part)
            return lambda x: F.concat([part(x) for part in parts], axis=1)
        ins, outs, *window = numbers
        if kind == "linear":
            link: Any = L.Linear(ins, outs, initialW=0)
        else:
            size, stride, pad = window
            link = L.Convolution2D(ins, outs, size, stride, pad, initialW=0)
        nets.fill(link.W.array, next(seeds), np.arange)
        self.append(link)
        return link

    def forward(self, x: Variable) -> Variable:
        for step in self.steps:
            x = step(x)
        return x


class Trainer(nets.Trainer):
    def make(self, name: str) -> None:
        shape, layers = nets.NETS[name]
        self.net = Net(layers)
        self.x = nets.fill(np.empty(shape, np.float32), 0, np.arange, scale=1)
        self.t = np.arange(shape[0]) % 10
        self.rule, self.optimizer = "", optimizers.SGD()

    def clear(self) -> None:
        self.net.cleargrads()

    def forward(self) -> Variable:
        return F.softmax_cross_entropy(self.net(self.x), self.t)

    def backward(self, loss: Variable) -> None:
        loss.backward()

    def update(self, rule: str) -> None:
        if rule != self.rule:  # a net has one optimizer at a time
            self.rule = rule
            self.optimizer = {"sgd": optimizers.SGD(lr=nets.RATE), "adam": optimizers.Adam()}[rule].setup(self.net)
        self.optimizer.update()

    def results(self, loss: Variable) -> list[float]:
        return [loss.item(), *sorted(float(np.abs(p.grad).mean()) for p in self.net.params())]


Trainer().serve({"chainette": version("chainette"), "NumPy": np.__version__})
