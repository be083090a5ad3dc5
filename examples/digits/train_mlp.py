"""Train a small network on real handwritten digits, and watch it learn.

python examples/digits/train_mlp.py
python examples/digits/train_mlp.py --data mnist --folder DIR    # the four original MNIST files in DIR
"""

import argparse
from pathlib import Path

import matplotlib
import numpy as np
from digits import load_digits, load_mnist
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers, serializers

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # the backend is chosen first, so that no window is opened


class MLP(Chain):
    """Two hidden layers; how many pixels come in is taken from the first images."""

    def __init__(self, units):
        super().__init__(l1=L.Linear(None, units), l2=L.Linear(units, units), l3=L.Linear(units, 10))

    def __call__(self, x):
        h = F.dropout(F.relu(self.l1(x)), 0.3)
        h = F.dropout(F.relu(self.l2(h)), 0.3)
        return self.l3(h)


def train_epoch(model, optimizer, x, t, batch_size, device, rng, advance):
    """One pass over the training images in random order; the mean loss and accuracy."""
    order = rng.permutation(len(x))
    loss = accuracy = 0.0
    for start in range(0, len(x), batch_size):
        batch = order[start : start + batch_size]
        optimizer.update(model, device.send(x[batch]), device.send(t[batch]))
        loss += model.loss.item() * len(batch)
        accuracy += model.accuracy.item() * len(batch)
        advance(len(batch))
    return loss / len(x), accuracy / len(x)


def evaluate(model, x, t, device, batch_size=1000):
    """The mean loss and accuracy without dropout, and the digit predicted for each image."""
    loss = accuracy = 0.0
    predicted = []
    with chainette.test_mode(), chainette.no_backprop_mode():
        for start in range(0, len(x), batch_size):
            part = slice(start, start + batch_size)
            loss += model(device.send(x[part]), device.send(t[part])).item() * len(x[part])
            accuracy += model.accuracy.item() * len(x[part])
            predicted.append(chainette.to_device(model.y.array, "cpu").argmax(axis=1))
    return loss / len(x), accuracy / len(x), np.concatenate(predicted)


def draw(history, path):
    """Loss and accuracy by epoch, on the images it learns from and on those held out."""
    epochs = range(1, len(history) + 1)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axis, name, columns in zip(axes, ("loss", "accuracy"), ((0, 2), (1, 3)), strict=True):
        for column, label in zip(columns, ("training images (with dropout)", "held-out images"), strict=True):
            axis.plot(epochs, [row[column] for row in history], label=label)
        axis.set(xlabel="epoch", ylabel=name)
        axis.grid(alpha=0.3)
        axis.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_yscale("log")
    axes[1].legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter, usage="%(prog)s [options]"
    )
    parser.add_argument("--data", choices=("digits", "mnist"), default="digits", help="what to learn from")
    parser.add_argument("--folder", default=".", help="where the four MNIST files are")
    parser.add_argument("--epochs", type=int, default=40, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, default=50, help="images in one step")
    parser.add_argument("--units", type=int, default=200, help="units in each hidden layer")
    parser.add_argument("--seed", type=int, default=0, help="for weights, dropout and the order of the images")
    parser.add_argument("--device", default="cpu", help="where to compute: cpu, cuda:0, ...")
    parser.add_argument("--out", type=Path, default=Path("out"), help="where the model and the curves go")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    console = Console(highlight=False)
    (x, t), (x_test, t_test) = load_digits() if arguments.data == "digits" else load_mnist(arguments.folder)

    chainette.seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    device = chainette.get_device(arguments.device)
    model = L.Classifier(MLP(arguments.units)).to_device(device)
    optimizer = optimizers.Adam().setup(model)

    console.print(f"{len(x):,} images to learn from, {len(x_test):,} held out\n")
    console.print("           training            held out\nepoch    loss  accuracy     loss  accuracy")
    history = []
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("learning", total=arguments.epochs * len(x))
        for epoch in range(1, arguments.epochs + 1):
            learnt = train_epoch(
                model, optimizer, x, t, arguments.batch_size, device, rng, lambda n: progress.advance(bar, n)
            )
            *seen, predicted = evaluate(model, x_test, t_test, device)
            history.append((*learnt, *seen))
            numbers = "{:7.4f} {:7.1%}  {:9.4f} {:7.1%}".format(*history[-1])
            console.print(f"{epoch:5} {numbers}")

    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / "model.npz"
    serializers.save_npz(path, model)
    reloaded = L.Classifier(MLP(arguments.units))
    serializers.load_npz(path, reloaded)
    *_, again = evaluate(reloaded.to_device(device), x_test, t_test, device)
    if not np.array_equal(predicted, again):
        raise SystemExit(f"{path} does not predict what the trained model does")
    draw(history, arguments.out / "curves.png")

    console.print(f"\n{model}\n")
    console.print(f"saved {path}; read back, it predicts the same")
    console.print(f"drew {arguments.out / 'curves.png'}")
    console.print(f"test accuracy {100 * history[-1][3]:.1f} % ({(predicted != t_test).sum()} of {len(t_test)} wrong)")


if __name__ == "__main__":
    main()
