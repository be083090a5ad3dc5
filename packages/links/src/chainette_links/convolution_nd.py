"""Convolution over one, three, or any number of spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import convolution_1d, convolution_3d, convolution_nd
from chainette_functions.windows import Sizes
from chainette_links.convolving import REMOVED, Convolving, channels_and_window


class ConvolutionND(Convolving):
    """Convolution over any number of spatial axes, ``convolution_nd(x, W, b)``.

    Args:
        ndim: the number of spatial axes.
        in_channels: channels of the input; None takes them from the first one. ``ConvolutionND(2, 16, 3)`` means
            ``ConvolutionND(2, None, 16, 3)``.
        out_channels: channels of the output.
        ksize: the windows' size; one number for all spatial axes, or one for each. So are stride, pad and dilate.
        stride: the distance of two windows.
        pad: how many zeros stand before and behind the input.
        nobias: whether to leave out ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation
            ``sqrt(groups / (in_channels * elements of a window))``.
        initial_bias: what ``b`` starts from; None means zeros.
        cover_all: round the number of windows up, so that the last ones may reach beyond the padding.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of the output sees its group of the input only.

    Parameters: ``W`` of shape (out_channels, in_channels / groups, window sizes ...), ``b`` of shape (out_channels,),
    which is None with ``nobias``.

    >>> layer = ConvolutionND(2, 3, 16, ksize=(5, 3), pad=(2, 1))
    >>> layer(np.ones((1, 3, 8, 8), "f")).shape
    (1, 16, 8, 8)
    """

    function: ClassVar[Callable[..., Variable]] = staticmethod(convolution_nd)

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
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        cover_all: bool = False,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        given = channels_and_window(type(self).__name__, in_channels, out_channels, ksize)
        super().__init__(ndim, *given, stride, pad, nobias, initialW, initial_bias, dilate, groups)
        self.cover_all = cover_all

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer."""
        x = self.accept(x)
        windows = {"cover_all": self.cover_all, "dilate": self.dilate, "groups": self.groups}
        return self.function(x, self.W, self.b, self.stride, self.pad, **windows)


class Convolution1D(ConvolutionND):
    """Convolution over one spatial axis, of inputs ``(batch, channels, size)``: ``ConvolutionND`` with ``ndim=1``.

    Its other arguments and its parameters are those of ``ConvolutionND``.

    >>> layer = Convolution1D(3, 4, ksize=5)
    >>> layer(np.ones((2, 3, 7), "f")).shape
    (2, 4, 3)
    """

    function = staticmethod(convolution_1d)

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: Sizes,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        cover_all: bool = False,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            1, in_channels, out_channels, ksize, stride, pad, nobias, initialW, initial_bias, cover_all, dilate, groups
        )


class Convolution3D(ConvolutionND):
    """Convolution over three spatial axes, of inputs ``(batch, channels, depth, height, width)``.

    It is ``ConvolutionND`` with ``ndim=3``, whose other arguments and parameters it has.

    >>> layer = Convolution3D(3, 4, ksize=2)
    >>> layer(np.ones((2, 3, 4, 5, 6), "f")).shape
    (2, 4, 3, 4, 5)
    """

    function = staticmethod(convolution_3d)

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        ksize: Sizes,
        stride: Sizes = 1,
        pad: Sizes = 0,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
        cover_all: bool = False,
        dilate: Sizes = 1,
        groups: int = 1,
    ) -> None:
        super().__init__(
            3, in_channels, out_channels, ksize, stride, pad, nobias, initialW, initial_bias, cover_all, dilate, groups
        )
