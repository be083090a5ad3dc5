"""Trains one of the networks that made ImageNet's history on a folder of images, and tests it on held-out ones.

Examples:
    python examples/imagenet/make_images.py images
    python examples/imagenet/train_imagenet.py images --arch nin --insize 64
    python examples/imagenet/train_imagenet.py images --arch nin --insize 64 --resume     # after an interruption
    python examples/imagenet/train_imagenet.py where/imagenet/is --arch resnet50 --epochs 90 --batch-size 256 --lr 0.1
"""

import argparse
import math
import time
from pathlib import Path

import network
import numpy as np
from alex import Alex
from googlenet import GoogLeNet
from googlenetbn import GoogLeNetBN
from images import ImageFolder, ImageFolderError
from nin import NIN
from resnet50 import ResNet50
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from vgg import VGG16

import chainette
import chainette.functions as F
from chainette import optimizer_hooks, optimizers, serializers
from chainette.errors import DeviceError, LoadError

NETWORKS = {
    "alex": Alex,
    "googlenet": GoogLeNet,
    "googlenetbn": GoogLeNetBN,
    "nin": NIN,
    "resnet50": ResNet50,
    "vgg": VGG16,
}
WARMUP = 0.1  # in this share of the training the learning rate rises: large first steps ruin a deep network
TOP = 5  # ImageNet's measure: the true class is among so many with the largest scores


class Settings(dict):
    """What a training that goes on must have in common with the one that was interrupted."""

    def serialize(self, serializer):
        self.update({name: serializer(name, value) for name, value in self.items()})


class Training:
    """All that it takes to go on after an interruption. How many epochs there have been, the optimizer counts."""

    def __init__(self, model, optimizer, settings):
        self.model = model
        self.optimizer = optimizer
        self.settings = settings

    def serialize(self, serializer):
        for name in "model", "optimizer", "settings":
            getattr(self, name).serialize(serializer[name])


def resume(training, path):
    """Go on from where a training with the same settings was when it saved itself."""
    saved = Settings(training.settings)
    serializers.load_npz(path, saved, path="settings")
    if others := [name for name, value in training.settings.items() if value != saved[name]]:
        raise LoadError(f"{path} is of a training with other {', '.join(others)}. Give those that it began with.")
    serializers.load_npz(path, training)


def train(training, train_set, val_set, args, console):
    """Train until there have been ``args.epochs`` epochs; after each, test the network and save all."""
    optimizer = training.optimizer
    warmup = WARMUP * args.epochs
    fall = optimizers.PolynomialSchedule(optimizer, "lr", power=1, steps=args.epochs - warmup, init=args.lr)
    schedule = optimizers.WarmupSchedule(optimizer, "lr", start=0.0, steps=warmup, then=fall)
    has_top = len(train_set.classes) > TOP
    top = f"    top {TOP}" if has_top else ""
    console.print(f"epoch  train loss  accuracy    val loss  accuracy{top}  images/s     time", style="bold")
    start = time.perf_counter()
    with progress_bar(console) as progress:
        total, done = args.epochs * len(train_set), optimizer.epoch * len(train_set)
        bar = progress.add_task("", total=total, completed=done, figures="")
        while optimizer.epoch < args.epochs:
            progress.update(bar, description=f"epoch {optimizer.epoch + 1} of {args.epochs}")
            for loss, accuracy, rate, count in epoch(training, schedule, train_set, args):
                figures = f"{rate:.1f} images/s, loss {loss:.3f}, accuracy {accuracy:.1%}"
                progress.update(bar, advance=count, figures=figures)
            optimizer.new_epoch()
            val_loss, val_accuracy, val_top = evaluate(training.model, val_set, args.batch_size)
            require_finite(val_loss)
            save(training, args.out)
            top = f"{val_top:9.2%}" if has_top else ""
            progress.console.print(
                f"{optimizer.epoch:5}{loss:12.4f}{accuracy:10.2%}{val_loss:12.4f}{val_accuracy:10.2%}{top}"
                f"{rate:10.1f}{time.perf_counter() - start:8.1f}s"
            )


def epoch(training, schedule, data, args):
    """Learn from all images once; tell after each batch loss and accuracy so far, images a second, and its size."""
    optimizer = training.optimizer
    # Each epoch draws numbers of its own, so that they are the same after an interruption.
    rng = np.random.default_rng([args.seed, optimizer.epoch])
    chainette.seed(int(rng.integers(2**31)))
    totals, seen, start = np.zeros(2), 0, time.perf_counter()
    for x, t in data.batches(args.batch_size, rng):
        schedule(optimizer.epoch + (seen + len(t) / 2) / len(data))
        totals += len(t) * np.array(step(training.model, optimizer, x, t))
        seen += len(t)
        loss, accuracy = totals / seen
        require_finite(loss)
        yield loss, accuracy, seen / (time.perf_counter() - start), len(t)


def step(model, optimizer, x, t):
    """One step of the optimizer. Loss, which includes that of auxiliary classifiers, and accuracy before it."""
    x, t = model.device.send(x), model.device.send(t)
    outputs = model(x)
    loss = network.loss(outputs, t)
    model.cleargrads()
    loss.backward()
    optimizer.update()
    return loss.item(), F.accuracy(network.main_scores(outputs), t).item()


def require_finite(loss):
    """Stop when there is nothing left to learn from, before such a network is saved."""
    if not math.isfinite(loss):
        raise SystemExit(f"train_imagenet.py: the loss has become {loss}. Give a smaller --lr.")


def evaluate(model, data, batch_size):
    """The mean loss, the accuracy, and the share of images whose class is among the first five."""
    totals = np.zeros(3)
    with chainette.test_mode(), chainette.no_backprop_mode():
        for x, t in data.batches(batch_size):
            x, t = model.device.send(x), model.device.send(t)
            scores = model(x)
            measures = F.softmax_cross_entropy(scores, t), F.accuracy(scores, t), among_first(scores, t, TOP)
            totals += len(t) * np.array([measure.item() for measure in measures])
    return totals / len(data)


def among_first(scores, t, count):
    """The share of images whose true class has one of the ``count`` largest scores."""
    y = scores.array
    is_smaller = y < y[scores.xp.arange(len(t)), t][:, None]  # nothing is smaller than NaN, which so counts as wrong
    return (is_smaller.sum(axis=1) >= y.shape[1] - count).mean()


def save(training, folder):
    """Save the network for use, and all for going on. Files are replaced at once, whatever happens meanwhile."""
    serializers.save_npz(folder / "model.npz", training.model, compression=False)
    serializers.save_npz(folder / "training.npz", training, compression=False)


def progress_bar(console):
    """A line that shows how far the training is; nothing where the output is no terminal."""
    text, figures = TextColumn("{task.description}"), TextColumn("{task.fields[figures]}")
    columns = text, BarColumn(12), figures, TimeRemainingColumn()
    return Progress(*columns, console=console, transient=True, disable=not console.is_interactive)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, metavar="DATA", help="folder with train/CLASS/IMAGE and val/CLASS/IMAGE")
    parser.add_argument("--arch", choices=list(NETWORKS), default="alex", help="the network (default: alex)")
    parser.add_argument(
        "--insize", type=int, metavar="N", help="scale images to N x N (default: what the network was published for)"
    )
    parser.add_argument("--epochs", type=int, default=10, help="passes through the training part (default: 10)")
    parser.add_argument("--batch-size", type=int, default=32, help="images in one step at most (default: 32)")
    parser.add_argument(
        "--lr", type=float, default=0.01, help="the learning rate, which falls to 0 by the end (default: 0.01)"
    )
    parser.add_argument("--weight-decay", type=float, default=1e-4, help="pull of weights to 0 (default: 0.0001)")
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same numbers (default: 0)")
    parser.add_argument("--device", default="cpu", help="where to compute (default: cpu)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the network (default: out)")
    parser.add_argument("--resume", action="store_true", help="go on with the training that was saved in --out")
    args = parser.parse_args()
    published, smallest = NETWORKS[args.arch].insize, NETWORKS[args.arch].smallest
    if args.insize is None:
        args.insize = published
    for name, least in (("epochs", 1), ("batch_size", 1), ("seed", 0), ("weight_decay", 0)):
        if getattr(args, name) < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}")
    if not 0 < args.lr < math.inf:
        parser.error("--lr must be a number above 0")
    if args.insize < smallest:
        parser.error(f"--insize must be at least {smallest} for {args.arch}")
    return args


def run(args):
    console = Console(highlight=False, soft_wrap=True, markup=False)
    train_set = ImageFolder(args.data / "train", args.insize)
    val_set = ImageFolder(args.data / "val", args.insize, train_set.classes)
    args.out.mkdir(parents=True, exist_ok=True)
    chainette.seed(args.seed)
    make = NETWORKS[args.arch]
    classes = len(train_set.classes)
    model = make(classes).to_device(args.device)
    optimizer = optimizers.MomentumSGD(args.lr).setup(model)
    optimizer.add_hook(optimizer_hooks.WeightDecay(args.weight_decay))
    settings = Settings(arch=args.arch, insize=args.insize, classes="\n".join(train_set.classes))
    training = Training(model, optimizer, settings)
    if args.resume:
        resume(training, args.out / "training.npz")
        if optimizer.epoch >= args.epochs:
            raise SystemExit(f"train_imagenet.py: there have been {optimizer.epoch} epochs. Give more --epochs.")

    console.print(
        f"{make.__name__} learns {classes} classes from {len(train_set):,} images of {args.insize} x {args.insize}; "
        f"{len(val_set):,} are held out for testing\n"
    )
    train(training, train_set, val_set, args, console)

    path = args.out / "model.npz"
    fresh = make(classes).to_device(args.device)
    serializers.load_npz(path, fresh)
    x, _ = next(val_set.batches(args.batch_size))
    with chainette.test_mode(), chainette.no_backprop_mode():
        same = (fresh(model.device.send(x)).array == model(model.device.send(x)).array).all()
    if not same:
        raise SystemExit(f"train_imagenet.py: the network loaded from {path} predicts something else than that saved.")
    console.print(f"\nSaved to {path}; loaded into a fresh network, it predicts exactly the same.")


def main():
    try:
        run(parse_arguments())
    except (DeviceError, ImageFolderError, LoadError, OSError) as error:
        raise SystemExit(f"train_imagenet.py: {error}") from None


if __name__ == "__main__":
    main()
