"""The networks of the Visual Geometry Group, with 16 and 19 layers."""

from __future__ import annotations

from typing import Any

from chainette import Variable
from chainette.errors import ArgumentError
from chainette.initializers import Normal
from chainette.typing import ArrayLike
from chainette_functions import dropout, max_pooling_2d, relu, softmax
from chainette_functions.windows import Sizes
from chainette_links.convolution_2d import Convolution2D
from chainette_links.linear import Linear
from chainette_links.model import images
from chainette_links.model.image_classifier import FilePath, ImageClassifier, Layers

CHANNELS = (64, 128, 256, 512, 512)
CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # in each group
MEAN = (103.939, 116.779, 123.68)
SOURCE = "https://www.robots.ox.ac.uk/~vgg/research/very_deep"


class VGGLayers(ImageClassifier):
    """3 x 3 convolutions in five groups, with max pooling behind each group, and three linear layers.

    Args:
        pretrained_model: as for ``VGG16Layers``.
        n_layers: how many layers have weights, 16 or 19.
    """

    mean = MEAN
    features = "fc7"

    def __init__(self, pretrained_model: FilePath | None = "auto", n_layers: int = 16) -> None:
        if n_layers not in CONVOLUTIONS:
            raise ArgumentError(f"VGGLayers: n_layers={n_layers} (expected 16 or 19).")
        super().__init__(pretrained_model, f"VGG_ILSVRC_{n_layers}_layers", SOURCE)
        self.n_layers = n_layers
        W = self._initial(Normal(0.01))
        in_channels = 3
        with self.init_scope():
            for group, (count, channels) in enumerate(zip(CONVOLUTIONS[n_layers], CHANNELS, strict=True), 1):
                for i in range(1, count + 1):
                    setattr(self, f"conv{group}_{i}", Convolution2D(in_channels, channels, 3, pad=1, initialW=W))
                    in_channels = channels
            self.fc6 = Linear(512 * 7 * 7, 4096, initialW=W)
            self.fc7 = Linear(4096, 4096, initialW=W)
            self.fc8 = Linear(4096, 1000, initialW=W)
        self._load()

    @property
    def functions(self) -> Layers:
        layers: Layers = {}
        for group, count in enumerate(CONVOLUTIONS[self.n_layers], 1):
            layers |= {f"conv{group}_{i}": [self[f"conv{group}_{i}"], relu] for i in range(1, count + 1)}
            layers[f"pool{group}"] = [_pool]
        return layers | {
            "fc6": [self.fc6, relu, dropout],
            "fc7": [self.fc7, relu, dropout],
            "fc8": [self.fc8],
            "prob": [softmax],
        }


def _pool(x: ArrayLike) -> Variable:
    y: Variable = max_pooling_2d(x, 2)
    return y


class VGG16Layers(VGGLayers):
    """VGG-16, the network of 16 layers of the Visual Geometry Group.

    Args:
        pretrained_model: an npz file of weights that Chainer or chainette wrote; or the published caffemodel, for which
            chainette-caffe-import must be installed; or ``"auto"``, for one of them at the place where Chainer kept
            it: the folder ``pfnet/chainer/models`` of ``$CHAINER_DATASET_ROOT``, by default ``~/.chainer/dataset``; or
            None, for random weights: mean 0, deviation 0.01. Nothing is downloaded.

    A call returns the outputs of layers by name: ``forward(x, layers)``. ``extract`` and ``predict`` take images.
    Images are 224 x 224 pixels, but for the layers up to ``pool5``, which take any size.

    Children: ``conv1_1`` ... ``conv5_3``, ``fc6``, ``fc7``, ``fc8``; their parameters have 138,357,544 elements.

    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
    configuration D.

    >>> model = VGG16Layers("VGG_ILSVRC_16_layers.npz")  # doctest: +SKIP
    >>> model.predict([image]).array.argmax()  # doctest: +SKIP
    281
    """

    def __init__(self, pretrained_model: FilePath | None = "auto") -> None:
        super().__init__(pretrained_model, 16)


class VGG19Layers(VGGLayers):
    """VGG-19: as ``VGG16Layers``, with a fourth convolution in each of the last three groups.

    Args:
        pretrained_model: as for ``VGG16Layers``.

    Children: ``conv1_1`` ... ``conv5_4``, ``fc6``, ``fc7``, ``fc8``; their parameters have 143,667,240 elements.

    Source: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
    configuration E.

    >>> model = VGG19Layers("VGG_ILSVRC_19_layers.npz")  # doctest: +SKIP
    >>> model.extract([image])["fc7"].shape  # doctest: +SKIP
    (1, 4096)
    """

    def __init__(self, pretrained_model: FilePath | None = "auto") -> None:
        super().__init__(pretrained_model, 19)


def prepare(image: Any, size: Sizes | None = (224, 224)) -> images.Pixels:
    """An image as VGG networks take it: scaled, in the order blue, green, red, less the mean colour of ImageNet.

    Args:
        image: an array, ``(height, width)``, ``(height, width, channels)`` or ``(channels, height, width)``, of red,
            green and blue from 0 to 255; or an image of Pillow.
        size: ``(width, height)``; None leaves the size as it is.

    Returns:
        ``(3, height, width)``, of ``config.dtype``.

    >>> prepare(np.zeros((5, 4, 3), "uint8"))[:, 0, 0]
    array([-103.939, -116.779, -123.68 ], dtype=float32)
    """
    return images.prepare(image, size, MEAN)
