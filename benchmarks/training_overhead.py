"""What a Trainer with its usual extensions costs over a training loop that is written out.

    python benchmarks/training_overhead.py

Both train the perceptron of examples/digits on the digits, evaluate it after each epoch and note the means, in this
process, and take turns. README.md says more.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from statistics import median
from typing import Any

import numpy as np

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers
from chainette.datasets import get_digits
from chainette.iterators import SerialIterator
from chainette.training import Trainer, extensions, updaters

GOAL = 1.05
BATCH = 32


class MLP(Chain):
    def __init__(self) -> None:
        super().__init__(l1=L.Linear(64, 300), l2=L.Linear(300, 300), l3=L.Linear(300, 10))

    def forward(self, x: Any) -> Any:
        return self.l3(F.relu(self.l2(F.relu(self.l1(x)))))


train, test = get_digits()
x, t = train.take(np.arange(len(train)))
x_test, t_test = test.take(np.arange(len(test)))


def made() -> tuple[Any, Any]:
    chainette.seed(1)
    model = L.Classifier(MLP())
    return model, optimizers.Adam().setup(model)


def loop(epochs: int) -> list[Any]:
    """As one writes it by hand."""
    model, optimizer = made()
    history = []
    generator = np.random.default_rng(1)
    for _ in range(epochs):
        losses, accuracies = [], []
        order = generator.permutation(len(x))
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            optimizer.update(model, x[batch], t[batch])
            losses.append(model.loss.item())
            accuracies.append(model.accuracy.item())
        with chainette.test_mode(), chainette.no_backprop_mode():
            model(x_test, t_test)
        history.append((np.mean(losses), np.mean(accuracies), model.loss.item(), model.accuracy.item()))
    return history


def trainer(epochs: int) -> list[Any]:
    """A Trainer with evaluation, log, table, two plots, a snapshot at every tenth epoch, and a bar."""
    model, optimizer = made()
    names = "main/loss", "validation/main/loss", "main/accuracy", "validation/main/accuracy"
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(updaters.StandardUpdater(SerialIterator(train, BATCH), optimizer), (epochs, "epoch"), folder)
        trainer.extend(extensions.Evaluator(SerialIterator(test, 1000, repeat=False, shuffle=False), model))
        trainer.extend(extensions.LogReport())
        trainer.extend(extensions.PrintReport(["epoch", *names, "elapsed_time"], out=io.StringIO()))
        trainer.extend(extensions.PlotReport(names[:2], "epoch", filename="loss.png"))
        trainer.extend(extensions.PlotReport(names[2:], "epoch", filename="accuracy.png"))
        trainer.extend(extensions.snapshot(n_retains=2), trigger=(10, "epoch"))
        trainer.extend(extensions.ProgressBar(out=io.StringIO()))
        trainer.run()
        return [[entry[name] for name in names] for entry in trainer.get_extension("LogReport").log]


def seconds(train: Any, epochs: int) -> float:
    start = time.perf_counter()
    history = train(epochs)
    taken = time.perf_counter() - start
    assert history[-1][0] < history[0][0]
    return taken


def without_slow_settings() -> None:
    """Begin anew where settings are in the environment that slow NumPy: it has read them when it was imported."""
    slow = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"} & os.environ.keys()
    if slow:
        environment = {name: value for name, value in os.environ.items() if name not in slow}
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)


def main() -> None:
    without_slow_settings()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=300, help="of each run (default: 300)")
    parser.add_argument("--repetitions", type=int, default=5, help="runs of each (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    if options.repetitions < 1 or options.epochs < 1:
        parser.error("--repetitions and --epochs must be at least 1")
    times: dict[str, list[float]] = {"loop": [], "trainer": []}
    for repetition in range(-1, options.repetitions):  # one is not counted
        for name, train in (("loop", loop), ("trainer", trainer)):
            taken = seconds(train, options.epochs)
            if repetition >= 0:
                times[name].append(1e3 * taken / options.epochs)
    pairs = median(b / a for a, b in zip(times["loop"], times["trainer"], strict=True))
    found = {name: {"median": median(each), "minimum": min(each)} for name, each in times.items()}
    ratios = {"medians": found["trainer"]["median"] / found["loop"]["median"], "pairs": pairs}
    if options.json:
        print(json.dumps({"epochs": options.epochs, **found, "ratio": ratios, "goal": GOAL}, indent=2))
        return
    print(f"Milliseconds an epoch of {len(x):,} digits, {options.epochs} epochs a run: median (minimum)\n")
    for name, label in (("loop", "loop written out"), ("trainer", "Trainer with seven extensions")):
        print(f"{label:32}{found[name]['median']:8.2f} ({found[name]['minimum']:.2f})")
    print(f"{'ratio of medians, of neighbours':32}{ratios['medians']:8.3f} {pairs:8.3f}   goal {GOAL}")


if __name__ == "__main__":
    main()
