"""Stochastic depth: in training each layer takes part by chance, so the graph is another one at each step.

Huang, Sun, Liu, Sedra, Weinberger, "Deep Networks with Stochastic Depth", ECCV 2016.
"""

import argparse

import numpy as np

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, ChainList, optimizers
from chainette.dataset import concat_examples
from chainette.datasets import get_digits


class StochasticDepth(Chain):
    """Layers with a shortcut around each; the deeper a layer, the less often it takes part."""

    def __init__(self, depth, units):
        super().__init__(
            first=L.Linear(64, units),
            f=ChainList(*(L.Linear(units, units) for _ in range(depth))),
            last=L.Linear(units, 10),
        )
        self.survival = np.linspace(1, 0.5, depth)
        self.rng = np.random.default_rng(0)

    def __call__(self, x):
        h = F.relu(self.first(x))
        for i, p in enumerate(self.survival):
            b = int(self.rng.random() < p) if chainette.config.train else 1
            c = self.f[i](h) + h if b == 1 else h
            h = F.relu(c)
        return self.last(h)


def main(steps):
    chainette.seed(0)
    rng = np.random.default_rng(0)
    (x_train, t_train), (x_test, t_test) = [concat_examples(digits[:]) for digits in get_digits()]
    model = L.Classifier(StochasticDepth(8, 50))
    optimizer = optimizers.Adam()
    optimizer.setup(model)
    for step in range(1, steps + 1):
        batch = rng.integers(0, len(x_train), 100)
        optimizer.update(model, x_train[batch], t_train[batch])
        if step % 100 == 0 or step == 1:
            print(f"step {step:4}  loss {model.loss.item():.3f}  accuracy {model.accuracy.item():.2f}")

    with chainette.test_mode(), chainette.no_backprop_mode():
        model(x_test, t_test)
    print(f"test accuracy {100 * model.accuracy.item():.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    main(parser.parse_args().steps)
