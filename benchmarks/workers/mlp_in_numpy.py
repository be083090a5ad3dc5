"""The perceptron written out in NumPy, as one would who has no framework: what there is to reach. Run by mlp.py."""

import nets
import numpy as np


class Trainer(nets.Trainer):
    def make(self, name: str) -> None:
        shape, layers = nets.NETS[name]
        sizes = [(ins, outs) for kind, *numbers in layers if kind == "linear" for ins, outs in [numbers]]
        self.Ws = [nets.fill(np.empty((b, a), np.float32), seed, np.arange) for seed, (a, b) in enumerate(sizes, 1)]
        self.bs = [np.zeros(b, np.float32) for _, b in sizes]
        self.x = nets.fill(np.empty(shape, np.float32), 0, np.arange, scale=1)
        self.t = np.arange(shape[0]) % 10
        self.state = [(np.zeros_like(p), np.zeros_like(p)) for p in (*self.Ws, *self.bs)]
        self.count = 0

    def clear(self) -> None:
        self.gradients: list[np.ndarray] = []

    def forward(self) -> float:
        self.hs, last = [self.x], len(self.Ws) - 1
        for i, (W, b) in enumerate(zip(self.Ws, self.bs, strict=True)):
            h = self.hs[-1] @ W.T
            h += b
            self.hs.append(np.maximum(h, 0, out=h) if i < last else h)
        y = self.hs.pop()
        y -= y.max(axis=1, keepdims=True)
        self.log_p = y - np.log(np.exp(y).sum(axis=1, keepdims=True))
        return -float(self.log_p[np.arange(len(y)), self.t].mean())

    def backward(self, loss: float) -> None:
        g = np.exp(self.log_p)
        g[np.arange(len(g)), self.t] -= 1
        g /= len(g)
        of_Ws, of_bs = [], []
        for W, h in zip(self.Ws[::-1], self.hs[::-1], strict=True):
            of_Ws.append(g.T @ h)
            of_bs.append(g.sum(axis=0))
            if h is not self.x:
                g = g @ W
                g *= h > 0
        self.gradients = [*of_Ws[::-1], *of_bs[::-1]]

    def update(self, rule: str) -> None:
        self.count += 1
        correction = (1 - 0.999**self.count) ** 0.5 / (1 - 0.9**self.count)
        for p, g, (m, v) in zip((*self.Ws, *self.bs), self.gradients, self.state, strict=True):
            if rule == "sgd":
                g *= nets.RATE
                p -= g
            else:
                m += (1 - 0.9) * (g - m)
                v += (1 - 0.999) * (g * g - v)
                p -= 0.001 * correction * m / (np.sqrt(v) + 1e-8)

    def results(self, loss: float) -> list[float]:
        return [loss, *sorted(float(np.abs(g).mean()) for g in self.gradients)]


Trainer().serve({"NumPy": np.__version__})
