"""A network and its loss are classes, and the training loop is written out. It learns digits of 28x28 pixels."""

import argparse

import numpy as np

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers
from chainette.dataset import concat_examples
from chainette.datasets import get_digits


class MLP2(Chain):
    def __init__(self):
        super().__init__(l1=L.Linear(784, 100), l2=L.Linear(100, 10))

    def __call__(self, x):
        h = F.relu(self.l1(x))
        return self.l2(h)


class Classifier(Chain):
    def __init__(self, predictor):
        super().__init__(predictor=predictor)

    def __call__(self, x, t):
        y = self.predictor(x)
        self.loss = F.softmax_cross_entropy(y, t)
        self.accuracy = F.accuracy(y, t)
        return self.loss, self.accuracy


def enlarge(x):
    """Images of 8x8 as images of 28x28: each pixel three by three, and a border of two."""
    images = np.kron(x.reshape(-1, 8, 8), np.ones((3, 3), "f"))
    return np.pad(images, ((0, 0), (2, 2), (2, 2))).reshape(-1, 784)


def main(steps):
    chainette.seed(0)
    rng = np.random.default_rng(0)
    (x_train, t_train), (x_test, t_test) = [concat_examples(digits[:]) for digits in get_digits()]
    x_train, x_test = enlarge(x_train), enlarge(x_test)

    model = Classifier(MLP2())
    optimizer = optimizers.SGD(lr=0.2)
    optimizer.setup(model)
    for step in range(1, steps + 1):
        batch = rng.integers(0, len(x_train), 100)
        x, t = x_train[batch], t_train[batch]
        model.zerograds()
        loss, accuracy = model(x, t)
        loss.backward()
        optimizer.update()
        if step % 100 == 0 or step == 1:
            print(f"step {step:4}  loss {loss.item():.3f}  accuracy {accuracy.item():.2f}")

    _, accuracy = model(x_test, t_test)
    print(f"test accuracy {100 * accuracy.item():.1f} %")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=600)
    main(parser.parse_args().steps)
