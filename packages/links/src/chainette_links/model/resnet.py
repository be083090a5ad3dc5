"""Residual networks with 50, 101 and 152 layers."""

from __future__ import annotations

from typing import Any

from chainette import Variable, as_variable
from chainette.errors import ArgumentError
from chainette.initializers import HeNormal, Initializer
from chainette.typing import ArrayLike
from chainette_functions import max_pooling_2d, mean, relu, softmax
from chainette_functions.windows import Sizes
from chainette_links.batch_normalization import BatchNormalization
from chainette_links.chain import Chain
from chainette_links.convolution_2d import Convolution2D
from chainette_links.linear import Linear
from chainette_links.model import images
from chainette_links.model.image_classifier import FilePath, ImageClassifier, Layers

UNITS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}  # of three layers each, in each block
MEAN = (103.063, 115.903, 123.152)
SOURCE = "https://github.com/KaimingHe/deep-residual-networks"

CAFFE_BRANCHES = {"1": "branch2a", "2": "branch2b", "3": "branch2c", "4": "branch1"}
CAFFE_VALUES = {
    "avg_mean": ("bn", "avg_mean"),
    "avg_var": ("bn", "avg_var"),
    "gamma": ("scale", "W"),
    "beta": ("scale", "bias/b"),
}


class Bottleneck(Chain):
    """A residual unit: a 3 x 3 convolution on few channels, between two of 1 x 1 that reduce and restore them, is added
    to the input. With ``project`` the input first goes through a 1 x 1 convolution, to more channels or less pixels.

    Children: ``conv1`` and ``bn1`` to ``conv3`` and ``bn3``, with ``project`` also ``conv4`` and ``bn4``.
    """

    def __init__(
        self,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        stride: int = 1,
        project: bool = False,
        initialW: Initializer | None = None,
        downsample_fb: bool = False,
    ) -> None:
        super().__init__()
        stride1, stride2 = (1, stride) if downsample_fb else (stride, 1)
        self.project = project
        with self.init_scope():
            self.conv1 = Convolution2D(in_channels, mid_channels, 1, stride1, 0, True, initialW)
            self.bn1 = BatchNormalization(mid_channels)
            self.conv2 = Convolution2D(mid_channels, mid_channels, 3, stride2, 1, True, initialW)
            self.bn2 = BatchNormalization(mid_channels)
            self.conv3 = Convolution2D(mid_channels, out_channels, 1, 1, 0, True, initialW)
            self.bn3 = BatchNormalization(out_channels)
            if project:
                self.conv4 = Convolution2D(in_channels, out_channels, 1, stride, 0, True, initialW)
                self.bn4 = BatchNormalization(out_channels)

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the unit."""
        h = relu(self.bn1(self.conv1(x)))
        h = relu(self.bn2(self.conv2(h)))
        h = self.bn3(self.conv3(h))
        return relu(h + (self.bn4(self.conv4(x)) if self.project else x))


class BuildingBlock(Chain):
    """Residual units, the first of which changes the number of channels and of pixels.

    Children: ``a``, ``b1``, ``b2`` ..., each a ``Bottleneck``.
    """

    def __init__(
        self,
        n_layer: int,
        in_channels: int,
        mid_channels: int,
        out_channels: int,
        stride: int,
        initialW: Initializer | None = None,
        downsample_fb: bool = False,
    ) -> None:
        super().__init__()
        with self.init_scope():
            self.a = Bottleneck(in_channels, mid_channels, out_channels, stride, True, initialW, downsample_fb)
            for i in range(1, n_layer):
                setattr(self, f"b{i}", Bottleneck(out_channels, mid_channels, out_channels, initialW=initialW))

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the units."""
        h = as_variable(x)
        for unit in self.children():
            h = unit(h)
        return h


class ResNetLayers(ImageClassifier):
    """A residual network: a 7 x 7 convolution, four blocks of residual units, and a linear layer.

    Args:
        pretrained_model: as for ``ResNet50Layers``.
        n_layers: how many layers there are on the longest way, 50, 101 or 152.
        downsample_fb: as for ``ResNet50Layers``.
    """

    mean = MEAN
    features = "pool5"

    def __init__(self, pretrained_model: FilePath | None, n_layers: int, downsample_fb: bool = False) -> None:
        if n_layers not in UNITS:
            raise ArgumentError(f"ResNetLayers: n_layers={n_layers} (expected 50, 101 or 152).")
        super().__init__(pretrained_model, f"ResNet-{n_layers}-model", SOURCE)
        self.n_layers = n_layers
        W = self._initial(HeNormal())
        n2, n3, n4, n5 = UNITS[n_layers]
        with self.init_scope():
            self.conv1 = Convolution2D(3, 64, 7, 2, 3, initialW=W)
            self.bn1 = BatchNormalization(64)
            self.res2 = BuildingBlock(n2, 64, 64, 256, 1, W, downsample_fb)
            self.res3 = BuildingBlock(n3, 256, 128, 512, 2, W, downsample_fb)
            self.res4 = BuildingBlock(n4, 512, 256, 1024, 2, W, downsample_fb)
            self.res5 = BuildingBlock(n5, 1024, 512, 2048, 2, W, downsample_fb)
            self.fc6 = Linear(2048, 1000, initialW=self._initial(None))
        self._load()

    @property
    def functions(self) -> Layers:
        return {
            "conv1": [self.conv1, self.bn1, relu],
            "pool1": [_pool],
            "res2": [self.res2],
            "res3": [self.res3],
            "res4": [self.res4],
            "res5": [self.res5],
            "pool5": [_mean],
            "fc6": [self.fc6],
            "prob": [softmax],
        }

    def _caffe_name(self, name: str) -> str | None:
        *place, layer, value = name.removeprefix("/").split("/")
        if layer == "fc6":
            return f"/fc1000/{value}"
        if value == "N" or (value == "b" and self.n_layers != 50):  # the others' conv1 has no bias
            return None
        if place:
            block, unit = place[0].removeprefix("res"), place[1]
            if self.n_layers == 50 or block in "25":  # there units are a, b, c; elsewhere a, b1, b2
                unit = "abcdef"[int(unit.removeprefix("b").replace("a", "0"))]
            branch = f"{block}{unit}_{CAFFE_BRANCHES[layer[-1]]}"
        else:
            branch = "_conv1"
        if layer.startswith("conv"):
            return f"/res{branch}/{value}" if place else f"/conv1/{value}"
        kind, value = CAFFE_VALUES[value]
        return f"/{kind}{branch}/{value}"


def _pool(x: ArrayLike) -> Variable:
    y: Variable = max_pooling_2d(x, 3, stride=2)
    return y


def _mean(x: ArrayLike) -> Variable:
    return mean(x, axis=(2, 3))


class ResNet50Layers(ResNetLayers):
    """ResNet-50, the residual network of 50 layers.

    Args:
        pretrained_model: an npz file of weights that Chainer or chainette wrote; or the published caffemodel, for which
            chainette-caffe-import must be installed; or ``"auto"``, for one of them at the place where Chainer kept
            it: the folder ``pfnet/chainer/models`` of ``$CHAINER_DATASET_ROOT``, by default ``~/.chainer/dataset``; or
            None, for random weights: HeNormal. Nothing is downloaded.
        downsample_fb: which convolution of a block takes every other pixel. False: the first one, 1 x 1, as published
            by Microsoft. True: the 3 x 3 one behind it, as in Facebook's implementation.

    A call returns the outputs of layers by name: ``forward(x, layers)``. ``extract`` and ``predict`` take images.
    Images may have any size.

    Children: ``conv1``, ``bn1``, the blocks ``res2`` to ``res5`` of units ``a``, ``b1``, ``b2`` ..., and ``fc6``; their
    parameters have 25,557,096 elements.

    Source: He, Zhang, Ren, Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    >>> model = ResNet50Layers(pretrained_model=None)
    >>> model(np.zeros((1, 3, 32, 32), "f"), layers=["res2"])["res2"].shape
    (1, 256, 8, 8)
    """

    def __init__(self, pretrained_model: FilePath | None = "auto", downsample_fb: bool = False) -> None:
        super().__init__(pretrained_model, 50, downsample_fb)


class ResNet101Layers(ResNetLayers):
    """ResNet-101, the residual network of 101 layers: as ``ResNet50Layers``, with 17 more units in ``res4``.

    Args:
        pretrained_model: as for ``ResNet50Layers``.
        downsample_fb: as for ``ResNet50Layers``.

    Children: those of ``ResNet50Layers``; their parameters have 44,549,224 elements.

    >>> model = ResNet101Layers("ResNet-101-model.npz")  # doctest: +SKIP
    >>> model.extract([image])["pool5"].shape  # doctest: +SKIP
    (1, 2048)
    """

    def __init__(self, pretrained_model: FilePath | None = "auto", downsample_fb: bool = False) -> None:
        super().__init__(pretrained_model, 101, downsample_fb)


class ResNet152Layers(ResNetLayers):
    """ResNet-152, the residual network of 152 layers: as ``ResNet50Layers``, with more units in ``res3`` and ``res4``.

    Args:
        pretrained_model: as for ``ResNet50Layers``.
        downsample_fb: as for ``ResNet50Layers``.

    Children: those of ``ResNet50Layers``; their parameters have 60,192,872 elements.

    >>> model = ResNet152Layers("ResNet-152-model.npz")  # doctest: +SKIP
    >>> model.extract([image])["pool5"].shape  # doctest: +SKIP
    (1, 2048)
    """

    def __init__(self, pretrained_model: FilePath | None = "auto", downsample_fb: bool = False) -> None:
        super().__init__(pretrained_model, 152, downsample_fb)


def prepare(image: Any, size: Sizes | None = (224, 224)) -> images.Pixels:
    """An image as residual networks take it: scaled, in the order blue, green, red, less the mean colour of ImageNet.

    Args:
        image: an array, ``(height, width)``, ``(height, width, channels)`` or ``(channels, height, width)``, of red,
            green and blue from 0 to 255; or an image of Pillow.
        size: ``(width, height)``; None leaves the size as it is.

    Returns:
        ``(3, height, width)``, of ``config.dtype``.

    >>> prepare(np.zeros((5, 4, 3), "uint8"))[:, 0, 0]
    array([-103.063, -115.903, -123.152], dtype=float32)
    """
    return images.prepare(image, size, MEAN)
