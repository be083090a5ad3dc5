"""Trains a network to read handwritten digits.

    python examples/digits/train.py
    python examples/digits/train.py --resume     # goes on where it was interrupted, or with more --epochs

A Trainer shows how far it is, prints a table, draws curves, and saves everything that it needs to go on.
"""

import argparse
import sys
from pathlib import Path

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers, serializers
from chainette.dataset import concat_examples
from chainette.datasets import get_digits
from chainette.iterators import SerialIterator
from chainette.training import Trainer, extensions, updaters


class MLP(Chain):
    """Two hidden layers. The first takes its input size from the first images that it sees."""

    def __init__(self, units, dropout):
        super().__init__(l1=L.Linear(None, units), l2=L.Linear(units, units), l3=L.Linear(units, 10))
        self.dropout = dropout

    def forward(self, x):
        h = F.dropout(F.relu(self.l1(x)), self.dropout)
        h = F.dropout(F.relu(self.l2(h)), self.dropout)
        return self.l3(h)


def make_trainer(args, train, test):
    model = L.Classifier(MLP(args.units, args.dropout))
    optimizer = optimizers.Adam().setup(model)
    updater = updaters.StandardUpdater(SerialIterator(train, args.batch_size), optimizer, device=args.device)
    trainer = Trainer(updater, (args.epochs, "epoch"), out=args.out)

    loss, accuracy = ("main/loss", "validation/main/loss"), ("main/accuracy", "validation/main/accuracy")
    trainer.extend(extensions.Evaluator(SerialIterator(test, 1000, repeat=False, shuffle=False), model))
    trainer.extend(extensions.LogReport())
    trainer.extend(extensions.PrintReport(["epoch", *loss, *accuracy, "elapsed_time"]))
    trainer.extend(extensions.PlotReport(loss, "epoch", filename="loss.png"))
    trainer.extend(extensions.PlotReport(accuracy, "epoch", filename="accuracy.png"))
    trainer.extend(
        extensions.snapshot(n_retains=2, snapshot_on_error=True, autoload=args.resume), trigger=(10, "epoch")
    )
    trainer.extend(extensions.ProgressBar())
    return trainer, model


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=30, help="passes through the training set (default: 30)")
    parser.add_argument("--batch-size", type=int, default=32, help="images in one step (default: 32)")
    parser.add_argument("--units", type=int, default=300, help="units of each hidden layer (default: 300)")
    parser.add_argument("--dropout", type=float, default=0.2, help="share of units left out at random (default: 0.2)")
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same numbers (default: 0)")
    parser.add_argument("--device", default="cpu", help="where to compute (default: cpu)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written (default: out)")
    parser.add_argument("--resume", action="store_true", help="go on from the last snapshot in that folder")
    args = parser.parse_args()
    for name in ("epochs", "batch_size", "units"):
        if getattr(args, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if not 0 <= args.dropout < 1:
        parser.error("--dropout must be at least 0 and below 1")
    return args


def main():
    args = parse_arguments()
    chainette.seed(args.seed)
    train, test = get_digits()
    print(f"{len(train):,} images to learn from, {len(test):,} held out for testing\n")
    trainer, model = make_trainer(args, train, test)
    try:
        trainer.run()
    except KeyboardInterrupt:
        print(f"Interrupted; what there is lies in {args.out}. The same command with --resume goes on.")
        sys.exit(130)

    x, t = concat_examples(test[:])
    with chainette.test_mode(), chainette.no_backprop_mode():
        y = model.predictor(model.device.send(x))
    right = int(F.accuracy(y, model.device.send(t)).item() * len(test) + 0.5)
    serializers.save_npz(args.out / "model.npz", model.predictor)
    print(f"\nThe network reads {right:,} of {len(test):,} test images right: {right / len(test):.2%}.")
    print(f"It is in {args.out / 'model.npz'}; the curves are loss.png and accuracy.png there.")


if __name__ == "__main__":
    main()
