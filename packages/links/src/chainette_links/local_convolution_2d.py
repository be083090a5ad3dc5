"""Convolution over images with weights of its own for each window."""

from __future__ import annotations

from chainette import Parameter, Variable, as_variable
from chainette.checks import require_floating
from chainette.errors import ShapeError
from chainette.initializers import InitializerLike, LeCunNormal, get_initializer
from chainette.typing import ArrayLike, Shape
from chainette_functions import local_convolution_2d
from chainette_functions.windows import Sizes, geometry, per_axis
from chainette_links.convolving import bias_initializer, count
from chainette_links.link import Link


class LocalConvolution2D(Link):
    """Convolution of images with other weights for each window, ``local_convolution_2d(x, W, b)``.

    Args:
        in_channels: channels of the input; None takes them from the first one.
        out_channels: channels of the output.
        in_size: height and width of the input, a pair or one number for both; None takes them from the first one.
        ksize: the windows' size; one number, or a pair for height and width. So is the stride.
        stride: the distance of two windows.
        nobias: whether to leave out ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation
            ``sqrt(1 / (in_channels * elements of a window))``.
        initial_bias: what ``b`` starts from; None means zeros.

    Parameters: ``W`` of shape (out_channels, out height, out width, in_channels, window height, window width), ``b`` of
    shape (out_channels, out height, out width), which is None with ``nobias``.

    >>> layer = LocalConvolution2D(3, 4, in_size=(8, 6), ksize=3)
    >>> layer(np.ones((1, 3, 8, 6), "f")).shape
    (1, 4, 6, 4)
    """

    b: Parameter | None

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        in_size: Sizes | None = None,
        ksize: Sizes | None = None,
        stride: Sizes = 1,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
    ) -> None:
        super().__init__()
        name = "LocalConvolution2D"
        if ksize is None:
            raise TypeError(f"{name}: ksize is missing. Write {name}(in_channels, out_channels, in_size, ksize).")
        self.in_channels = None if in_channels is None else count(name, "in_channels", in_channels)
        self.in_size = None if in_size is None else per_axis(name, "in_size", in_size, 2, 1)
        self.out_channels = count(name, "out_channels", out_channels)
        self.ksize = per_axis(name, "ksize", ksize, 2, 1)
        self.stride = per_axis(name, "stride", stride, 2, 1)
        with self.init_scope():
            self.W = Parameter(LeCunNormalOfWindows() if initialW is None else get_initializer(initialW))
            self.b = None if nobias else Parameter(bias_initializer(initial_bias))
        if self.in_channels is not None and self.in_size is not None:
            self.initialize(self.in_channels, self.in_size)

    def initialize(self, in_channels: int, in_size: Shape) -> None:
        """Make the parameters, for inputs of that many channels and of that height and width."""
        out = geometry("LocalConvolution2D", in_size, self.ksize, self.stride).out
        self.in_channels, self.in_size = in_channels, in_size
        self.W.initialize((self.out_channels, *out, in_channels, *self.ksize))
        if self.b is not None:
            self.b.initialize((self.out_channels, *out))

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer."""
        x = as_variable(x)
        if not self.W.is_initialized:
            if x.ndim != 4 or self.in_channels not in (None, x.shape[1]) or self.in_size not in (None, x.shape[2:]):
                channels, size = self.in_channels or "channels", self.in_size or ("height", "width")
                expected = f"(batch, {channels}, {size[0]}, {size[1]})"
                raise ShapeError(f"LocalConvolution2D: x has shape {x.shape} (expected {expected}).")
            require_floating("LocalConvolution2D", x=x)
            self.initialize(x.shape[1], x.shape[2:])
        return local_convolution_2d(x, self.W, self.b, self.stride)


class LeCunNormalOfWindows(LeCunNormal):
    """LeCunNormal by the elements of one window, of which there are weights for each place."""

    def deviation(self, shape: Shape) -> float:
        return super().deviation((shape[0], *shape[3:]))
