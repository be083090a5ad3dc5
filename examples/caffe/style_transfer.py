r"""Paints one picture in the style of another: Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional
Neural Networks", CVPR 2016, on the blobs of a net that Caffe trained.

    python examples/caffe/style_transfer.py --model vgg.caffemodel --prototxt vgg.prototxt \
        --content-blob conv4_2 --style-blobs conv1_1 conv2_1 conv3_1 conv4_1 conv5_1

The pixels of an image are changed until a deep blob shows what the content image has where (its values), and other
blobs show how the style image looks (which channels are large together, wherever: their Gram matrices).
"""

import argparse
import sys
import time
from pathlib import Path

import pictures

import chainette
import chainette.functions as F
from chainette import Link, Parameter, optimizers
from chainette.links.caffe import CaffeFunction


def gram(h):
    """The mean products of each two channels over all places."""
    rows = F.reshape(h, (h.shape[1], -1))
    return F.matmul(rows, rows, transb=True) / rows.shape[1]


def relative_error(y, target):
    """The mean squared difference, as a part of the mean square of the target: so it is alike in any layer."""
    return F.mean(F.square(y - target)) / (float((target**2).mean()) + 1e-12)


def roughness(x):
    """How much neighbouring pixels differ, on the whole."""
    return F.mean(F.square(x[:, :, 1:] - x[:, :, :-1])) + F.mean(F.square(x[:, :, :, 1:] - x[:, :, :, :-1]))


class Painting(Link):
    """The image that is being painted; called, it gives the loss.

    Args:
        net: the net.
        content, style: the two pictures as blobs.
        args: the options of the program.
    """

    def __init__(self, net, content, style, args):
        super().__init__()
        self.args = args
        self.blobs = [args.content_blob, *args.style_blobs]
        self.features = lambda x: net(inputs={net.inputs[0]: x}, outputs=self.blobs, train=False)
        with chainette.no_backprop_mode():
            self.content = self.features(content)[0].array
            self.style = [gram(h).array for h in self.features(style)[1:]]
        with self.init_scope():
            self.image = Parameter(content.copy())

    def forward(self):
        content, *style = self.features(self.image)
        content_loss = relative_error(content, self.content)
        style_loss = sum(relative_error(gram(h), target) for h, target in zip(style, self.style, strict=True))
        self.losses = float(content_loss.array), float(style_loss.array)
        return (
            self.args.content_weight * content_loss
            + self.args.style_weight * style_loss / len(style)
            + self.args.smoothness * 1e-4 * roughness(self.image)
        )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", type=Path, help="the .caffemodel; without it the net starts from random numbers")
    add("--prototxt", type=Path, help="its description")
    add("--content", default="chelsea", help="an image file, or a picture of scikit-image (default: chelsea)")
    add("--style", default="immunohistochemistry", help="the same for the style (default: immunohistochemistry)")
    add("--content-blob", required=True, help="the blob that tells what the content image shows")
    add("--style-blobs", required=True, nargs="+", help="the blobs that tell how the style image looks")
    add("--size", type=int, default=384, help="the longer side of the result (default: 384)")
    add("--steps", type=int, default=300, help="steps of Adam (default: 300)")
    add("--rate", type=float, default=3, help="about how much a step changes a pixel at most (default: 3 of 255)")
    add("--content-weight", type=float, default=1, help="what the content counts (default: 1)")
    add("--style-weight", type=float, default=300, help="what the style counts (default: 300)")
    add("--smoothness", type=float, default=30, help="what smoothness counts (default: 30)")
    add("--mean", type=float, nargs=3, default=pictures.MEAN, metavar=("B", "G", "R"), help="the net's mean")
    add("--out", type=Path, default=Path("painting.png"), help="the file of the result (default: painting.png)")
    return parser.parse_args()


def main():
    args = parse_arguments()
    try:
        net = CaffeFunction(args.model, args.prototxt)
        images = [pictures.load(name) for name in (args.content, args.style)]
        for image in images:
            image.thumbnail((args.size, args.size))
        content, style = (pictures.to_blob(image, args.mean) for image in images)
        # whether the net has these blobs, and can compute them at this size
        net(inputs={net.inputs[0]: content}, outputs=[args.content_blob, *args.style_blobs], train=False)
    except (OSError, ValueError) as error:
        sys.exit(f"style_transfer.py: {error}")
    for parameter in net.params():
        parameter.requires_grad = False  # the image is what learns

    painting = Painting(net, content, style, args)
    optimizer = optimizers.Adam(alpha=args.rate).setup(painting)
    start = time.perf_counter()
    for step in range(args.steps):
        optimizer.update(painting)
        if step % 50 == 0 or step == args.steps - 1:
            content_loss, style_loss = painting.losses
            seconds = time.perf_counter() - start
            print(f"step {step:4}  content {content_loss:.4f}  style {style_loss:.4f}  {seconds:6.1f} s")
    pictures.from_blob(painting.image.array, args.mean).save(args.out)
    print(f"The picture is in {args.out}.")


if __name__ == "__main__":
    main()
