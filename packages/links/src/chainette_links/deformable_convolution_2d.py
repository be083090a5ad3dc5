"""Convolution over images whose windows are deformed."""

from __future__ import annotations

from math import prod

from chainette import Variable
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import deformable_convolution_2d_sampler
from chainette_functions.windows import Sizes
from chainette_links.chain import Chain
from chainette_links.convolution_2d import Convolution2D
from chainette_links.convolving import Convolving


class DeformableConvolution2D(Chain):
    """Convolution of images in which each element of each window is moved by an offset, which another convolution of
    the same images gives: ``deformable_convolution_2d_sampler(x, offset_conv(x), W, b)``.

    Args:
        in_channels: channels of the input; None takes them from the first one.
        out_channels: channels of the output.
        ksize: the windows' size; one number, or a pair for height and width. So are stride and pad.
        stride: the distance of two windows.
        pad: how many zeros stand on each side of the image.
        offset_nobias: whether to leave out the biases of ``offset_conv``.
        offset_initialW: what the weights of ``offset_conv`` start from; None means LeCunNormal. With 0 the layer starts
            as a plain convolution.
        offset_initial_bias: what its biases start from; None means zeros.
        deform_nobias: whether to leave out the biases of ``deform_conv``.
        deform_initialW: what the weights of ``deform_conv`` start from; None means LeCunNormal.
        deform_initial_bias: what its biases start from; None means zeros.

    Children: ``offset_conv``, a ``Convolution2D``; ``deform_conv``, a link whose parameters are the same as those of a
    ``Convolution2D``.

    Source: Dai et al., "Deformable Convolutional Networks", ICCV 2017.

    >>> layer = DeformableConvolution2D(3, 4, ksize=3, pad=1)
    >>> layer(np.ones((1, 3, 8, 8), "f")).shape
    (1, 4, 8, 8)
    """

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: Sizes,
        stride: Sizes = 1,
        pad: Sizes = 0,
        offset_nobias: bool = False,
        offset_initialW: InitializerLike = None,
        offset_initial_bias: InitializerLike = None,
        deform_nobias: bool = False,
        deform_initialW: InitializerLike = None,
        deform_initial_bias: InitializerLike = None,
    ) -> None:
        super().__init__()
        with self.init_scope():
            self.deform_conv = DeformedConvolution2D(
                2, in_channels, out_channels, ksize, stride, pad, deform_nobias, deform_initialW, deform_initial_bias
            )
            offsets = 2 * prod(self.deform_conv.ksize)
            self.offset_conv = Convolution2D(
                in_channels, offsets, ksize, stride, pad, offset_nobias, offset_initialW, offset_initial_bias
            )

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer."""
        y: Variable = self.deform_conv(x, self.offset_conv(x))
        return y


class DeformedConvolution2D(Convolving):
    """The weights and biases of a convolution whose offsets are given."""

    def forward(self, x: ArrayLike, offset: ArrayLike) -> Variable:
        """Apply the layer."""
        return deformable_convolution_2d_sampler(self.accept(x), offset, self.W, self.b, self.stride, self.pad)
