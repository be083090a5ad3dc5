"""GoogLeNet, the network of Inception modules."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from chainette import Variable
from chainette.initializers import LeCunUniform
from chainette.typing import ArrayLike
from chainette_functions import (
    average_pooling_2d,
    dropout,
    local_response_normalization,
    max_pooling_2d,
    relu,
    softmax,
)
from chainette_functions.windows import Sizes
from chainette_links.convolution_2d import Convolution2D
from chainette_links.inception import Inception
from chainette_links.linear import Linear
from chainette_links.model import images
from chainette_links.model.image_classifier import FilePath, ImageClassifier, Layers

INCEPTIONS = {  # in, 1x1, projection and 3x3, projection and 5x5, projection of the pooling
    "3a": (192, 64, 96, 128, 16, 32, 32),
    "3b": (256, 128, 128, 192, 32, 96, 64),
    "4a": (480, 192, 96, 208, 16, 48, 64),
    "4b": (512, 160, 112, 224, 24, 64, 64),
    "4c": (512, 128, 128, 256, 24, 64, 64),
    "4d": (512, 112, 144, 288, 32, 64, 64),
    "4e": (528, 256, 160, 320, 32, 128, 128),
    "5a": (832, 256, 160, 320, 32, 128, 128),
    "5b": (832, 384, 192, 384, 48, 128, 128),
}
MEAN = (104.0, 117.0, 123.0)
SOURCE = "http://dl.caffe.berkeleyvision.org"

CAFFE_LAYERS = {
    "conv1": "conv1/7x7_s2",
    "conv2_reduce": "conv2/3x3_reduce",
    "conv2": "conv2/3x3",
    "loss1_conv": "loss1/conv",
    "loss1_fc1": "loss1/fc",
    "loss1_fc2": "loss1/classifier",
    "loss2_conv": "loss2/conv",
    "loss2_fc1": "loss2/fc",
    "loss2_fc2": "loss2/classifier",
    "loss3_fc": "loss3/classifier",
}
CAFFE_PARTS = {
    "conv1": "1x1",
    "proj3": "3x3_reduce",
    "conv3": "3x3",
    "proj5": "5x5_reduce",
    "conv5": "5x5",
    "projp": "pool_proj",
}


class GoogLeNet(ImageClassifier):
    """GoogLeNet, the network of nine Inception modules that won the classification of ImageNet 2014.

    Args:
        pretrained_model: an npz file of weights that Chainer or chainette wrote; or the published caffemodel, for which
            chainette-caffe-import must be installed; or ``"auto"``, for one of them at the place where Chainer kept
            it: the folder ``pfnet/chainer/models`` of ``$CHAINER_DATASET_ROOT``, by default ``~/.chainer/dataset``; or
            None, for random weights: LeCunUniform, within the modules LeCunNormal. Nothing is downloaded.

    A call returns the outputs of layers by name: ``forward(x, layers)``. ``extract`` and ``predict`` take images.
    Images are 224 x 224 pixels, but for the layers up to ``inception_5b``, which take any size. For training,
    ``loss1_fc2`` and ``loss2_fc2`` are further classifications, from the outputs of ``inception_4a`` and
    ``inception_4d``.

    Children: ``conv1``, ``conv2_reduce``, ``conv2``, the modules ``inc3a`` ... ``inc5b``, ``loss3_fc``, and
    ``loss1_conv``, ``loss1_fc1``, ``loss1_fc2``, ``loss2_conv``, ``loss2_fc1``, ``loss2_fc2``; their parameters have
    13,378,280 elements, 6,998,552 of them on the way to ``prob``.

    Source: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015.

    >>> model = GoogLeNet(pretrained_model=None)
    >>> model(np.zeros((1, 3, 32, 32), "f"), layers=["inception_3b"])["inception_3b"].shape
    (1, 480, 4, 4)
    """

    mean = MEAN
    features = "pool5"
    branches: ClassVar[Mapping[str, str]] = {"loss1_fc2": "inception_4a", "loss2_fc2": "inception_4d"}

    def __init__(self, pretrained_model: FilePath | None = "auto") -> None:
        super().__init__(pretrained_model, "bvlc_googlenet", SOURCE)
        W = self._initial(LeCunUniform())
        with self.init_scope():
            self.conv1 = Convolution2D(3, 64, 7, stride=2, pad=3, initialW=W)
            self.conv2_reduce = Convolution2D(64, 64, 1, initialW=W)
            self.conv2 = Convolution2D(64, 192, 3, pad=1, initialW=W)
            for name, channels in INCEPTIONS.items():
                setattr(self, f"inc{name}", Inception(*channels, conv_init=self._initial(None)))
            self.loss3_fc = Linear(1024, 1000, initialW=W)
            for name, in_channels in {"loss1": 512, "loss2": 528}.items():
                setattr(self, f"{name}_conv", Convolution2D(in_channels, 128, 1, initialW=W))
                setattr(self, f"{name}_fc1", Linear(2048, 1024, initialW=W))
                setattr(self, f"{name}_fc2", Linear(1024, 1000, initialW=W))
        self._load()

    @property
    def functions(self) -> Layers:
        layers: Layers = {
            "conv1": [self.conv1, relu],
            "pool1": [_pool, _normalize],
            "conv2_reduce": [self.conv2_reduce, relu],
            "conv2": [self.conv2, relu, _normalize],
        }
        for name in INCEPTIONS:
            if name.endswith("a"):
                layers[f"pool{int(name[0]) - 1}"] = [_pool]
            layers[f"inception_{name}"] = [self[f"inc{name}"]]
        layers |= {
            "pool5": [partial(average_pooling_2d, ksize=7, stride=1)],
            "loss3_fc": [partial(dropout, ratio=0.4), self.loss3_fc],
            "prob": [softmax],
        }
        for name in self.branches:
            loss = name.removesuffix("_fc2")
            conv, fc1, fc2 = (self[f"{loss}_{each}"] for each in ("conv", "fc1", "fc2"))
            layers[name] = [partial(average_pooling_2d, ksize=5, stride=3), conv, relu, fc1, relu, fc2]
        return layers

    def _caffe_name(self, name: str) -> str:
        link, *part, value = name.removeprefix("/").split("/")
        layer = f"inception_{link.removeprefix('inc')}/{CAFFE_PARTS[part[0]]}" if part else CAFFE_LAYERS[link]
        return f"/{layer}/{value}"


def _pool(x: ArrayLike) -> Variable:
    y: Variable = max_pooling_2d(x, 3, stride=2)
    return y


def _normalize(x: ArrayLike) -> Variable:
    return local_response_normalization(x, n=5, k=1, alpha=1e-4 / 5)  # Caffe's alpha is divided by n


def prepare(image: Any, size: Sizes | None = (224, 224)) -> images.Pixels:
    """An image as GoogLeNet takes it: scaled, in the order blue, green, red, less the mean colour of ImageNet.

    Args:
        image: an array, ``(height, width)``, ``(height, width, channels)`` or ``(channels, height, width)``, of red,
            green and blue from 0 to 255; or an image of Pillow.
        size: ``(width, height)``; None leaves the size as it is.

    Returns:
        ``(3, height, width)``, of ``config.dtype``.

    >>> prepare(np.zeros((5, 4, 3), "uint8"))[:, 0, 0]
    array([-104., -117., -123.], dtype=float32)
    """
    return images.prepare(image, size, MEAN)
