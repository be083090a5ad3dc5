"""Deconvolution (transposed convolution) over one, three, or any number of spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike, Shape
from chainette_functions import deconvolution_1d, deconvolution_3d, deconvolution_nd
from chainette_functions.windows import Sizes, per_axis
from chainette_links.convolving import REMOVED, Convolving, channels_and_window


class DeconvolutionND(Convolving):
    """Deconvolution over any number of spatial axes, ``deconvolution_nd(x, W, b)``: the transpose of a convolution.

    Args:
        ndim: the number of spatial axes.
        in_channels: channels of the input; None takes them from the first one. ``DeconvolutionND(2, 16, 3)`` means
            ``DeconvolutionND(2, None, 16, 3)``.
        out_channels: channels of the output.
        ksize: the windows' size; one number for all spatial axes, or one for each. So are stride, pad and dilate.
        stride: the distance of two windows in the output.
        pad: how much is cut off the output at both ends.
        nobias: whether to leave out ``b``.
        outsize: the sizes of the output, any from which the convolution gives those of the input; None for the
            smallest.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation
            ``sqrt(groups / (out_channels * elements of a window))``.
        initial_bias: what ``b`` starts from; None means zeros.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of the output sees its group of the input only.

    Parameters: ``W`` of shape (in_channels, out_channels / groups, window sizes ...), ``b`` of shape (out_channels,),
    which is None with ``nobias``.

    >>> layer = DeconvolutionND(2, 16, 3, ksize=4, stride=2, pad=1)
    >>> layer(np.ones((1, 16, 8, 8), "f")).shape
    (1, 3, 16, 16)
    """

    function: ClassVar[Callable[..., Variable]] = staticmethod(deconvolution_nd)

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        ndim: int,
        in_channels: int | None,
        out_channels: int | None = None,
        ksize: Sizes | None = None,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        outsize: Sizes | None = None,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        name = type(self).__name__
        given = channels_and_window(name, in_channels, out_channels, ksize)
        super().__init__(ndim, *given, stride, pad, nobias, initialW, initial_bias, dilate, groups)
        self.outsize = None if outsize is None else per_axis(name, "outsize", outsize, ndim, 1)

    def weight_shape(self, in_channels: int) -> Shape:
        """(in, out / groups, window sizes ...)."""
        assert self.out_channels is not None
        return in_channels, self.out_channels // self.groups, *self.ksize

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer."""
        x = self.accept(x)
        windows = {"outsize": self.outsize, "dilate": self.dilate, "groups": self.groups}
        return self.function(x, self.W, self.b, self.stride, self.pad, **windows)


class Deconvolution1D(DeconvolutionND):
    """Deconvolution over one spatial axis, of inputs ``(batch, channels, size)``: ``DeconvolutionND`` with ``ndim=1``.

    Its other arguments and its parameters are those of ``DeconvolutionND``.

    >>> layer = Deconvolution1D(3, 4, ksize=5, stride=2)
    >>> layer(np.ones((2, 3, 3), "f")).shape
    (2, 4, 9)
    """

    function = staticmethod(deconvolution_1d)

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: Sizes,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        outsize: Sizes | None = None,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            1, in_channels, out_channels, ksize, stride, pad, nobias, outsize, initialW, initial_bias, dilate, groups
        )


class Deconvolution3D(DeconvolutionND):
    """Deconvolution over three spatial axes, of inputs ``(batch, channels, depth, height, width)``.

    It is ``DeconvolutionND`` with ``ndim=3``, whose other arguments and parameters it has.

    >>> layer = Deconvolution3D(3, 4, ksize=2, stride=2)
    >>> layer(np.ones((2, 3, 1, 2, 3), "f")).shape
    (2, 4, 2, 4, 6)
    """

    function = staticmethod(deconvolution_3d)

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: Sizes,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        outsize: Sizes | None = None,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            3, in_channels, out_channels, ksize, stride, pad, nobias, outsize, initialW, initial_bias, dilate, groups
        )
