r"""Says what an image shows, by a net that Caffe trained.

    python examples/caffe/classify.py cat.jpg --model alexnet.caffemodel --prototxt deploy.prototxt \
        --labels synset_words.txt --size 256

The image is scaled to the size that the net takes; with --size to that one, and what the net takes is cut out of its
middle. A line of the file of labels is the name of a class, in the order of the net's outputs.
"""

import argparse
import sys
from pathlib import Path

import pictures

import chainette
from chainette.links.caffe import CaffeFunction


def prepare(image, shape, size):
    """The image in the size that the net takes: ``shape`` is (channels, height, width)."""
    channels, height, width = shape
    image = image.convert("L" if channels == 1 else "RGB")
    image = image.resize((size, size) if size else (width, height))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", help="an image file, or the name of a picture of scikit-image, such as coffee")
    parser.add_argument("--model", type=Path, required=True, help="the .caffemodel")
    parser.add_argument("--prototxt", type=Path, help="its description for use, with the size of the input")
    parser.add_argument("--labels", type=Path, help="a file with a name in each line")
    parser.add_argument(
        "--mean", type=float, nargs="+", default=pictures.MEAN, metavar="B G R", help="what is subtracted"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="by what the result is multiplied (default: 1)")
    parser.add_argument("--size", type=int, help="scale the image to this size before its middle is cut out")
    parser.add_argument("--top", type=int, default=5, help="how many classes are printed (default: 5)")
    return parser.parse_args()


def main():
    args = parse_arguments()
    try:
        image = pictures.load(args.image)
        net = CaffeFunction(args.model, args.prototxt)
        labels = args.labels.read_text(encoding="utf-8").splitlines() if args.labels else None
    except (OSError, ValueError) as error:
        sys.exit(f"classify.py: {error}")
    shape = net.input_shapes.get(net.inputs[0], (1, 3, args.size, args.size))[1:]
    if None in shape:
        sys.exit("classify.py: the net does not say the size of its input. Give it with --size, or another --prototxt.")
    if args.size and args.size < max(shape[1:]):
        sys.exit(f"classify.py: --size must be at least {max(shape[1:])}, what the net takes")
    if len(args.mean) < shape[0]:
        sys.exit(f"classify.py: --mean must have {shape[0]} values, one for each channel of the net's input")
    x = pictures.to_blob(prepare(image, shape, args.size), args.mean, args.scale)
    with chainette.no_backprop_mode(), chainette.test_mode():
        y = net(x).array.reshape(-1)
    if labels is not None and len(labels) != len(y):
        sys.exit(f"classify.py: {args.labels} has {len(labels)} lines (expected {len(y)}, one for each class)")
    for label in y.argsort()[::-1][: args.top]:
        print(f"{y[label]:7.2%}  {labels[label] if labels else f'class {label}'}")


if __name__ == "__main__":
    main()
