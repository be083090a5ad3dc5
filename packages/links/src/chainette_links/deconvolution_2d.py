"""Deconvolution (transposed convolution) over images."""

from __future__ import annotations

from chainette.checks import removed_arguments
from chainette.initializers import InitializerLike
from chainette_functions import deconvolution_2d
from chainette_functions.windows import Sizes
from chainette_links.convolving import REMOVED
from chainette_links.deconvolution_nd import DeconvolutionND


class Deconvolution2D(DeconvolutionND):
    """Deconvolution of images, ``deconvolution_2d(x, W, b)``: the transpose of a convolution, which enlarges images.

    Args:
        in_channels: channels of the input; None takes them from the first one. ``Deconvolution2D(16, 3)`` means
            ``Deconvolution2D(None, 16, 3)``.
        out_channels: channels of the output.
        ksize: the windows' size; one number, or a pair for height and width. So are stride, pad and dilate.
        stride: the distance of two windows in the output.
        pad: how much is cut off each side of the output.
        nobias: whether to leave out ``b``.
        outsize: the height and width of the output, any from which the convolution gives those of the input; None for
            the smallest.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation
            ``sqrt(groups / (out_channels * elements of a window))``.
        initial_bias: what ``b`` starts from; None means zeros.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of the output sees its group of the input only.

    Parameters: ``W`` of shape (in_channels, out_channels / groups, window height, window width), ``b`` of shape
    (out_channels,), which is None with ``nobias``.

    >>> layer = Deconvolution2D(16, 3, ksize=4, stride=2, pad=1)
    >>> layer(np.ones((1, 16, 8, 8), "f")).shape
    (1, 3, 16, 16)
    """

    function = staticmethod(deconvolution_2d)

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int | None = None,
        ksize: Sizes | None = None,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        outsize: Sizes | None = None,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        *,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            2, in_channels, out_channels, ksize, stride, pad, nobias, outsize, initialW, initial_bias, dilate, groups
        )
