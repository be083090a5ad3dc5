"""The language model in chainette. Run by recurrent.py."""

from importlib.metadata import version
from typing import Any

import nets
import numpy as np
from segments import GATES, LAYERS, UNITS, VOCABULARY, text, weights

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import ChainList, Variable, optimizers

Words = np.ndarray[Any, Any]


class LanguageModel(chainette.Chain):
    def __init__(self, lstm: chainette.Link) -> None:
        super().__init__(
            embed=L.EmbedID(VOCABULARY, UNITS, initialW=0), lstm=lstm, output=L.Linear(UNITS, VOCABULARY, initialW=0)
        )
        numbers = weights(lambda *shape: np.empty(shape, np.float32), np.arange)
        self.embed.W.array[...] = next(numbers)
        for layer in lstm:
            for gate in GATES:
                for matrix in self.matrices(layer, gate):
                    matrix[...] = next(numbers)
        self.output.W.array[...] = next(numbers)


class Steps(LanguageModel):
    """Links that are called anew for each word, whose loss is added to that of the words before."""

    def __init__(self) -> None:
        super().__init__(ChainList(*(L.LSTM(UNITS, UNITS, forget_bias_init=0) for _ in range(LAYERS))))

    def matrices(self, layer: Any, gate: str) -> list[Words]:
        return [matrix.W.array["aifo".index(gate) :: 4] for matrix in (layer.upward, layer.lateral)]

    def forward(self, x: Words, t: Words) -> Variable:
        for layer in self.lstm:
            layer.reset_state()
        loss: Any = 0
        for words, following in zip(x, t, strict=True):
            h = self.embed(words)
            for layer in self.lstm:
                h = layer(h)
            loss += F.softmax_cross_entropy(self.output(h), following)
        return loss / len(x)


class Whole(LanguageModel):
    """A link that takes all words at once."""

    def __init__(self) -> None:
        super().__init__(L.NStepLSTM(LAYERS, UNITS, UNITS, dropout=0.0))

    def matrices(self, layer: Any, gate: str) -> list[Words]:
        number = GATES.index(gate)
        return [getattr(layer, f"w{number + k}").array for k in (0, 4)]

    def forward(self, x: Words, t: Words) -> Variable:
        _, _, ys = self.lstm(None, None, list(F.separate(self.embed(x), axis=1)))
        return F.softmax_cross_entropy(self.output(F.concat(ys, axis=0)), t.T.ravel())


class Trainer(nets.Trainer):
    def make(self, name: str) -> None:
        self.net = {"steps": Steps, "whole": Whole}[name]()
        words = np.array(text(), np.int32)
        self.x, self.t = words[:-1], words[1:]
        self.optimizer = optimizers.SGD(lr=nets.RATE).setup(self.net)

    def clear(self) -> None:
        self.net.cleargrads()

    def forward(self) -> Variable:
        return self.net(self.x, self.t)

    def backward(self, loss: Variable) -> None:
        loss.backward()

    def update(self, rule: str) -> None:
        self.optimizer.update()

    def results(self, loss: Variable) -> list[float]:
        net = self.net
        ends = [float(np.abs(p.grad).mean()) for p in (net.embed.W, net.output.W, net.output.b)]
        middle = sum(float(np.abs(p.grad).sum()) for p in net.lstm.params() if p.ndim == 2)
        return [loss.item(), *ends, middle]


Trainer().serve({"chainette": version("chainette"), "NumPy": np.__version__})
