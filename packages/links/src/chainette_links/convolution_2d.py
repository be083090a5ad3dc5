"""Convolution over images."""

from __future__ import annotations

from chainette.checks import removed_arguments
from chainette.initializers import InitializerLike
from chainette_functions import convolution_2d
from chainette_functions.windows import Sizes
from chainette_links.convolution_nd import ConvolutionND
from chainette_links.convolving import REMOVED


class Convolution2D(ConvolutionND):
    """Convolution of images, ``convolution_2d(x, W, b)``.

    Args:
        in_channels: channels of the input; None takes them from the first one. ``Convolution2D(16, 3)`` means
            ``Convolution2D(None, 16, 3)``.
        out_channels: channels of the output.
        ksize: the windows' size; one number, or a pair for height and width. So are stride, pad and dilate.
        stride: the distance of two windows.
        pad: how many zeros stand on each side of the image.
        nobias: whether to leave out ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation
            ``sqrt(groups / (in_channels * elements of a window))``.
        initial_bias: what ``b`` starts from; None means zeros.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of the output sees its group of the input only.

    Parameters: ``W`` of shape (out_channels, in_channels / groups, window height, window width), ``b`` of shape
    (out_channels,), which is None with ``nobias``.

    >>> layer = Convolution2D(3, 16, ksize=5, stride=2, pad=2)
    >>> layer(np.ones((1, 3, 8, 8), "f")).shape
    (1, 16, 4, 4)
    """

    function = staticmethod(convolution_2d)

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int | None = None,
        ksize: Sizes | None = None,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        *,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            2, in_channels, out_channels, ksize, stride, pad, nobias, initialW, initial_bias, False, dilate, groups
        )
