"""Lets a LeNet that Caffe trained read the 10,000 test digits of MNIST.

    python examples/caffe/lenet.py --data where/the/four/files/are --model lenet.caffemodel

The files are the original ones, t10k-images-idx3-ubyte and so on, gzipped or not. The model may be of any of Caffe's
formats; where its layers have other names than in lenet.prototxt here, --prototxt gives the one that belongs to it.
"""

import argparse
import sys
from pathlib import Path

import chainette
from chainette.dataset import concat_examples
from chainette.datasets import get_mnist
from chainette.links.caffe import CaffeFunction

INK = 255 / 256  # Caffe's example scales the bytes by 1/256


def count_right(net, images, labels, batch_size=500):
    """How many digits the net reads right."""
    right = 0
    with chainette.no_backprop_mode(), chainette.test_mode():
        for start in range(0, len(images), batch_size):
            y = net(images[start : start + batch_size])
            right += int((y.array.argmax(axis=1) == labels[start : start + batch_size]).sum())
    return right


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of MNIST's four files")
    parser.add_argument("--model", type=Path, required=True, help="the .caffemodel")
    parser.add_argument("--prototxt", type=Path, default=Path(__file__).with_name("lenet.prototxt"))
    args = parser.parse_args()
    try:
        images, labels = concat_examples(get_mnist(folder=args.data, ndim=3, scale=INK)[1][:])
        net = CaffeFunction(args.model, args.prototxt)
    except (OSError, ValueError) as error:  # a file is not there, or is not what it should be
        sys.exit(f"lenet.py: {error}")
    right = count_right(net, images, labels)
    print(f"{right:,} of {len(labels):,} test digits are read right: {right / len(labels):.2%}.")


if __name__ == "__main__":
    main()
