"""Trains a network to read handwritten digits, saves it, loads it again, and draws how it learned.

Examples:
    python examples/digits/train_mlp.py
    python examples/digits/train_mlp.py --data mnist --folder where/the/four/files/are --epochs 10 --batch-size 100
"""

import argparse
import time
from pathlib import Path

import digits
import matplotlib
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers, serializers

matplotlib.use("agg")
import matplotlib.pyplot as plt


class MLP(Chain):
    """Two hidden layers. The first takes its input size from the first images that it sees."""

    def __init__(self, units):
        super().__init__(l1=L.Linear(None, units), l2=L.Linear(units, units), l3=L.Linear(units, 10))

    def forward(self, x):
        h = F.relu(self.l1(x))
        h = F.relu(self.l2(h))
        return self.l3(h)


def train(model, train_set, test_set, args, console):
    """Train the model; return loss and accuracy on both sets after each epoch, one row an epoch."""
    x, t = train_set
    send = model.device.send
    optimizer = optimizers.Adam().setup(model)
    rng = np.random.default_rng(args.seed)
    history = []
    console.print("epoch  train loss  accuracy   test loss  accuracy    time", style="bold")
    start = time.perf_counter()
    with progress_bar(console) as progress:
        bar = progress.add_task("learning", total=args.epochs * len(x))
        for epoch in range(1, args.epochs + 1):
            progress.update(bar, description=f"epoch {epoch} of {args.epochs}")
            order = rng.permutation(len(x))
            for i in range(0, len(x), args.batch_size):
                batch = order[i : i + args.batch_size]
                loss = F.softmax_cross_entropy(model(send(x[batch])), send(t[batch]))
                model.cleargrads()
                loss.backward()
                optimizer.update()
                progress.advance(bar, len(batch))
            train_loss, train_accuracy = evaluate(model, *train_set)
            test_loss, test_accuracy = evaluate(model, *test_set)
            history.append((train_loss, train_accuracy, test_loss, test_accuracy))
            progress.console.print(
                f"{epoch:5}{train_loss:12.4f}{train_accuracy:10.2%}{test_loss:12.4f}{test_accuracy:10.2%}"
                f"{time.perf_counter() - start:7.1f}s"
            )
    return np.array(history)


def evaluate(model, x, t, batch_size=1000):
    """The mean loss and the accuracy of the model, without changing it."""
    y, t = predict(model, x, batch_size), model.device.send(t)
    return F.softmax_cross_entropy(y, t).item(), F.accuracy(y, t).item()


def predict(model, x, batch_size=1000):
    """The model's scores, (images, 10)."""
    with chainette.test_mode(), chainette.no_backprop_mode():
        return F.concat([model(model.device.send(x[i : i + batch_size])) for i in range(0, len(x), batch_size)], axis=0)


def progress_bar(console):
    """A line that shows how far the training is; nothing where the output is no terminal."""
    columns = TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_interactive)


def draw_curves(history, path):
    """Loss and accuracy of both sets, epoch by epoch."""
    epochs = np.arange(1, len(history) + 1)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axes, column, title in (left, 0, "Loss"), (right, 1, "Accuracy (%)"):
        scale = 100 if axes is right else 1
        for offset, name, color in (0, "training set", "tab:blue"), (2, "test set", "tab:orange"):
            values = scale * history[:, column + offset]
            label = f"{name}, {values[-1]:.2f} at the end" if axes is right else f"{name}, {values[-1]:.3f} at the end"
            axes.plot(epochs, values, label=label, color=color, marker="o", markersize=3.5)
        axes.set_title(title, loc="left", fontweight="bold")
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    left.set_yscale("log")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits", help="what to learn (default: digits)")
    parser.add_argument("--folder", type=Path, help="with --data mnist: where its four files are, gzipped or not")
    parser.add_argument("--epochs", type=int, default=30, help="passes through the training set (default: 30)")
    parser.add_argument("--batch-size", type=int, default=32, help="images in one step (default: 32)")
    parser.add_argument("--units", type=int, default=300, help="units of each hidden layer (default: 300)")
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same numbers (default: 0)")
    parser.add_argument("--device", default="cpu", help="where to compute (default: cpu)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for model and curves (default: out)")
    args = parser.parse_args()
    for name in ("epochs", "batch_size", "units"):
        if getattr(args, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1")
    if (args.data == "mnist") != (args.folder is not None):
        parser.error("--data mnist and --folder go together")
    return args


def main():
    args = parse_arguments()
    console = Console(highlight=False, soft_wrap=True)
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        train_set, test_set = digits.load_digits() if args.data == "digits" else digits.load_mnist(args.folder)
    except (OSError, ValueError) as error:
        raise SystemExit(f"train_mlp.py: {error}") from None
    console.print(f"{args.data}: {len(train_set[1]):,} images to learn from, {len(test_set[1]):,} held out for testing")

    chainette.seed(args.seed)
    model = MLP(args.units).to_device(args.device)
    predict(model, train_set[0][:1])  # the first layer learns its size
    console.print(f"{model}\n")
    history = train(model, train_set, test_set, args, console)
    scores = chainette.to_device(predict(model, test_set[0]).array, "cpu")
    right = (scores.argmax(axis=1) == test_set[1]).sum()
    console.print(f"\nThe network reads {right:,} of {len(test_set[1]):,} test images right: {history[-1, 3]:.2%}.")

    path = args.out / "model.npz"
    serializers.save_npz(path, model)
    fresh = MLP(args.units).to_device(args.device)
    serializers.load_npz(path, fresh)
    if not np.array_equal(scores, chainette.to_device(predict(fresh, test_set[0]).array, "cpu")):
        raise SystemExit(f"train_mlp.py: the model loaded from {path} predicts something else than the one saved.")
    console.print(f"Saved to {path}; loaded into a fresh network, it predicts exactly the same.")

    draw_curves(history, args.out / "curves.png")
    console.print(f"The curves are in {args.out / 'curves.png'}.")


if __name__ == "__main__":
    main()
