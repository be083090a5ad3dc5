"""Fine-tunes a LeNet that Caffe trained: other digits, a new last layer, and the first layers stay as they are.

    python examples/caffe/fine_tune.py --model lenet.caffemodel
    python examples/caffe/fine_tune.py                           # from random numbers, to compare

The digits come with chainette: 8x8 pixels, which are scaled to what LeNet knows.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizers
from chainette.dataset import concat_examples
from chainette.datasets import TupleDataset, get_digits
from chainette.iterators import SerialIterator
from chainette.links.caffe import CaffeFunction
from chainette.training import Trainer, extensions, updaters

PROTOTXT = Path(__file__).with_name("lenet.prototxt")
FROZEN = "conv1", "conv2"


class FineTuned(Chain):
    """The features of a net, and a new layer on them.

    Args:
        net: the net.
        features: the name of the blob with them.
        classes: how many the new layer tells apart.
    """

    def __init__(self, net, features, classes):
        super().__init__(net=net, last=L.Linear(None, classes))
        self.features = features

    def forward(self, x):
        (h,) = self.net(inputs={"data": x}, outputs=[self.features])
        return self.last(h)


def as_mnist(digits):
    """The digits as those of MNIST are: 20x20 pixels in the middle of 28x28."""
    x, t = concat_examples(digits[:])
    with chainette.no_backprop_mode():
        x = F.resize_images(x, (20, 20), align_corners=False).array
    return TupleDataset(np.pad(x, ((0, 0), (0, 0), (4, 4), (4, 4))), t)


def accuracy(model, dataset):
    x, t = concat_examples(dataset[:])
    with chainette.no_backprop_mode(), chainette.test_mode():
        return F.accuracy(model(x), t).item()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="LeNet's .caffemodel; without it all starts from random numbers")
    parser.add_argument("--prototxt", type=Path, default=PROTOTXT)
    parser.add_argument("--epochs", type=int, default=5, help="passes through the training set (default: 5)")
    parser.add_argument("--batch-size", type=int, default=32, help="images in one step (default: 32)")
    parser.add_argument("--seed", type=int, default=0, help="the same one gives the same numbers (default: 0)")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for what is written (default: out)")
    return parser.parse_args()


def main():
    args = parse_arguments()
    chainette.seed(args.seed)
    train, test = (as_mnist(digits) for digits in get_digits(ndim=3, scale=255 / 256))
    try:
        net = CaffeFunction(args.model, args.prototxt)
    except (OSError, ValueError) as error:
        sys.exit(f"fine_tune.py: {error}")
    if args.model:
        print(f"As it came, LeNet reads {accuracy(net, test):.2%} of the {len(test)} test digits right.\n")

    model = FineTuned(net, "ip1", 10)
    classifier = L.Classifier(model)
    optimizer = optimizers.Adam().setup(classifier)
    if args.model:
        for name in FROZEN:
            net[name].disable_update()

    updater = updaters.StandardUpdater(SerialIterator(train, args.batch_size), optimizer)
    trainer = Trainer(updater, (args.epochs, "epoch"), out=args.out)
    trainer.extend(extensions.Evaluator(SerialIterator(test, 500, repeat=False, shuffle=False), classifier))
    trainer.extend(extensions.LogReport())
    trainer.extend(
        extensions.PrintReport(["epoch", "main/loss", "main/accuracy", "validation/main/accuracy", "elapsed_time"])
    )
    trainer.extend(extensions.snapshot_object(model, "model.npz"), trigger=(args.epochs, "epoch"))
    trainer.run()
    print(f"\nFine-tuned, it reads {accuracy(model, test):.2%} of them right. It is in {args.out / 'model.npz'}.")


if __name__ == "__main__":
    main()
