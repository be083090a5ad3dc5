"""The language model in PyTorch, in the environment that has it. Run by recurrent.py."""

import os
import sys
from typing import Any

import nets
import workloads
from segments import GATES, LAYERS, UNITS, VOCABULARY, text, weights

try:
    import torch
    from torch import Tensor, nn
except (ImportError, OSError) as error:
    workloads.tell({"error": f"torch does not import there ({error})"})
    sys.exit()

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


class LanguageModel(nn.Module):
    def __init__(self, lstm: Any, matrices: list[list[Tensor]]) -> None:
        super().__init__()
        self.embed, self.lstm, self.output = nn.Embedding(VOCABULARY, UNITS), lstm, nn.Linear(UNITS, VOCABULARY)
        with torch.no_grad():
            numbers = weights(torch.empty, torch.arange)
            for parameter in self.parameters():
                parameter.zero_()
            self.embed.weight.copy_(next(numbers))
            for layer in matrices:
                for gate in range(len(GATES)):
                    for matrix in layer:
                        matrix[gate * UNITS : (gate + 1) * UNITS] = next(numbers)
            self.output.weight.copy_(next(numbers))


class Steps(LanguageModel):
    """Cells that are called anew for each word, whose loss is added to that of the words before."""

    def __init__(self) -> None:
        cells = nn.ModuleList(nn.LSTMCell(UNITS, UNITS) for _ in range(LAYERS))
        super().__init__(cells, [[cell.weight_ih, cell.weight_hh] for cell in cells])

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        states: list[Any] = [None] * LAYERS
        loss: Any = 0
        for words, following in zip(x, t, strict=True):
            h = self.embed(words)
            for i, cell in enumerate(self.lstm):
                states[i] = cell(h, states[i])
                h = states[i][0]
            loss = loss + nn.functional.cross_entropy(self.output(h), following)
        return loss / len(x)


class Whole(LanguageModel):
    """A module that takes all words at once."""

    def __init__(self) -> None:
        lstm = nn.LSTM(UNITS, UNITS, LAYERS)
        names = ("weight_ih", "weight_hh")
        super().__init__(lstm, [[getattr(lstm, f"{name}_l{i}") for name in names] for i in range(LAYERS)])

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        ys, _ = self.lstm(self.embed(x))
        return nn.functional.cross_entropy(self.output(ys.flatten(0, 1)), t.flatten())


class Trainer(nets.Trainer):
    def make(self, name: str) -> None:
        self.net = {"steps": Steps, "whole": Whole}[name]()
        words = torch.tensor(text())
        self.x, self.t = words[:-1], words[1:]
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=nets.RATE)

    def clear(self) -> None:
        self.net.zero_grad()

    def forward(self) -> Tensor:
        return self.net(self.x, self.t)

    def backward(self, loss: Tensor) -> None:
        loss.backward()

    def update(self, rule: str) -> None:
        self.optimizer.step()

    def results(self, loss: Tensor) -> list[float]:
        net = self.net
        ends = [float(p.grad.abs().mean()) for p in (net.embed.weight, net.output.weight, net.output.bias)]
        middle = sum(float(p.grad.abs().sum()) for p in net.lstm.parameters() if p.ndim == 2)
        return [loss.item(), *ends, middle]


Trainer().serve({"PyTorch": torch.__version__})
