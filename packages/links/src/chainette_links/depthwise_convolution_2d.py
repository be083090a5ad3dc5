"""Depthwise convolution over images."""

from __future__ import annotations

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike, Shape
from chainette_functions import depthwise_convolution_2d
from chainette_functions.windows import Sizes
from chainette_links.convolving import REMOVED, Convolving, count


class DepthwiseConvolution2D(Convolving):
    """Convolution of each channel of images by itself, ``depthwise_convolution_2d(x, W, b)``.

    Args:
        in_channels: channels of the input; None takes them from the first one.
        channel_multiplier: how many channels each of them becomes.
        ksize: the windows' size; one number, or a pair for height and width. So are stride and pad.
        stride: the distance of two windows.
        pad: how many zeros stand on each side of the image.
        nobias: whether to leave out ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation
            ``sqrt(1 / (in_channels * elements of a window))``.
        initial_bias: what ``b`` starts from; None means zeros.

    Parameters: ``W`` of shape (channel_multiplier, in_channels, window height, window width), ``b`` of shape
    (in_channels * channel_multiplier,), which is None with ``nobias``.

    >>> layer = DepthwiseConvolution2D(3, 2, ksize=3, pad=1)
    >>> layer(np.ones((1, 3, 8, 8), "f")).shape
    (1, 6, 8, 8)
    """

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        channel_multiplier: int,
        ksize: Sizes,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
    ) -> None:
        self.channel_multiplier = count("DepthwiseConvolution2D", "channel_multiplier", channel_multiplier)
        super().__init__(2, in_channels, None, ksize, stride, pad, nobias, initialW, initial_bias)

    def weight_shape(self, in_channels: int) -> Shape:
        """(multiplier, in, window height, window width)."""
        return self.channel_multiplier, in_channels, *self.ksize

    def initialize(self, in_channels: int) -> None:
        """Make the parameters, of which ``b`` too has a number for each channel of the input."""
        super().initialize(in_channels)
        if self.b is not None:
            self.b.initialize((in_channels * self.channel_multiplier,))

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer."""
        return depthwise_convolution_2d(self.accept(x), self.W, self.b, self.stride, self.pad)
