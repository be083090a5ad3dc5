"""Dilated convolution over images."""

from __future__ import annotations

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import dilated_convolution_2d
from chainette_functions.windows import Sizes
from chainette_links.convolving import REMOVED, Convolving, channels_and_window


class DilatedConvolution2D(Convolving):
    """Convolution of images with gaps in its windows, ``dilated_convolution_2d(x, W, b)``.

    Args:
        in_channels: channels of the input; None takes them from the first one. ``DilatedConvolution2D(16, 3)`` means
            ``DilatedConvolution2D(None, 16, 3)``.
        out_channels: channels of the output.
        ksize: the windows' size; one number, or a pair for height and width. So are stride, pad and dilate.
        stride: the distance of two windows.
        pad: how many zeros stand on each side of the image.
        dilate: the distance of two elements within a window; 1 for neighbours.
        nobias: whether to leave out ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation
            ``sqrt(1 / (in_channels * elements of a window))``.
        initial_bias: what ``b`` starts from; None means zeros.

    Parameters: ``W`` of shape (out_channels, in_channels, window height, window width), ``b`` of shape
    (out_channels,), which is None with ``nobias``.

    >>> layer = DilatedConvolution2D(3, 16, ksize=3, dilate=2)
    >>> layer(np.ones((1, 3, 8, 8), "f")).shape
    (1, 16, 4, 4)
    """

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int | None = None,
        ksize: Sizes | None = None,
        stride: Sizes = 1,
        pad: Sizes = 0,
        dilate: Sizes = 1,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
    ) -> None:
        given = channels_and_window("DilatedConvolution2D", in_channels, out_channels, ksize)
        super().__init__(2, *given, stride, pad, nobias, initialW, initial_bias, dilate)

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer."""
        return dilated_convolution_2d(self.accept(x), self.W, self.b, self.stride, self.pad, self.dilate)
