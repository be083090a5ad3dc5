"""Trains a multilayer perceptron on MNIST, and says how long it took; beside PyTorch, if that is named.

    python examples/mnist/train.py --data where/the/four/files/are
    python examples/mnist/train.py --data where/the/four/files/are --torch path/to/an/environment/bin/python

The files are the original ones, train-images-idx3-ubyte and so on, gzipped or not.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers
from chainette.datasets import get_mnist
from chainette.iterators import SerialIterator
from chainette.training import Trainer, extensions, updaters


class MLP(Chain):
    """Two hidden layers."""

    def __init__(self, units):
        super().__init__(l1=L.Linear(784, units), l2=L.Linear(units, units), l3=L.Linear(units, 10))

    def forward(self, x):
        h = F.relu(self.l1(x))
        h = F.relu(self.l2(h))
        return self.l3(h)


def train(args):
    """Train as the arguments say; the last entry of the log."""
    train, test = get_mnist(folder=args.data)
    print(f"{len(train):,} images to learn from, {len(test):,} held out for testing\n")
    chainette.seed(args.seed)
    model = L.Classifier(MLP(args.units))
    optimizer = optimizers.Adam().setup(model)
    updater = updaters.StandardUpdater(SerialIterator(train, args.batch_size), optimizer, device=args.device)
    trainer = Trainer(updater, (args.epochs, "epoch"), out=args.out)

    loss, accuracy = ("main/loss", "validation/main/loss"), ("main/accuracy", "validation/main/accuracy")
    trainer.extend(extensions.Evaluator(SerialIterator(test, 1000, repeat=False, shuffle=False), model))
    trainer.extend(extensions.LinearShift("alpha", (0.001, 0), (0, args.epochs)), trigger=(1, "epoch"))
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.PrintReport(["epoch", *loss, *accuracy, "elapsed_time"]))
    trainer.extend(extensions.PlotReport(loss, "epoch", filename="loss.png"))
    trainer.extend(extensions.PlotReport(accuracy, "epoch", filename="accuracy.png"))
    trainer.extend(extensions.snapshot_object(model.predictor, "model.npz"), trigger=(args.epochs, "epoch"))
    trainer.extend(extensions.ProgressBar())
    trainer.run()
    return trainer.get_extension("LogReport").log[-1]


def train_in_torch(args):
    """The same in PyTorch, in an environment that has it; a dictionary with accuracy and time."""
    script = Path(__file__).with_name("in_torch.py")
    numbers = [args.epochs, args.batch_size, args.units, args.seed]
    command = [args.torch, str(script), str(args.data), *map(str, numbers)]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of MNIST's four files")
    parser.add_argument("--epochs", type=int, default=10, help="passes through the training set (default: 10)")
    parser.add_argument("--batch-size", type=int, default=100, help="images in one step (default: 100)")
    parser.add_argument("--units", type=int, default=1000, help="units of each hidden layer (default: 1000)")
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same numbers (default: 0)")
    parser.add_argument("--device", default="cpu", help="where to compute (default: cpu)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written (default: out)")
    parser.add_argument("--torch", metavar="PYTHON", help="a Python that has torch, to train the same model there too")
    return parser.parse_args()


def main():
    args = parse_arguments()
    try:
        entry = train(args)
    except (OSError, ValueError) as error:  # the files are not there, or are none of MNIST
        sys.exit(f"train.py: {error}")
    print(f"\n{entry['validation/main/accuracy']:.2%} of the test images are read right.")
    print(f"chainette: {entry['elapsed_time']:.1f} s for {entry['epoch']} epochs, evaluation and plots included")
    if args.torch:
        theirs = train_in_torch(args)
        print(f"PyTorch {theirs['version']}: {theirs['seconds']:.1f} s, {theirs['accuracy']:.2%}, evaluation included")
        print(f"chainette takes {entry['elapsed_time'] / theirs['seconds']:.2f} times as long.")


if __name__ == "__main__":
    main()
