"""Windows of images, laid out as channels."""

from chainette import Function, Variable, as_variable
from chainette.errors import ShapeError
from chainette.typing import Array, ArrayLike
from chainette_functions.windows import Geometry, Sizes, gather, geometry, scatter


class Im2Col(Function):
    """The windows of x, whose elements become channels."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry

    def forward(self, x: Array) -> Array:
        batch, channels = x.shape[:2]
        windows = gather(self.xp, x, self.geometry)
        height, width = self.geometry.ksize
        return windows.reshape(batch, channels * height * width, *self.geometry.out)

    def backward(self, gy: Variable) -> Variable:
        return Col2Im(self.geometry).apply(gy)


class Col2Im(Function):
    """Each channel of y added where ``Im2Col`` took it from; of float16 accumulated in float32."""

    def __init__(self, geometry: Geometry) -> None:
        self.geometry = geometry

    def forward(self, y: Array) -> Array:
        g = self.geometry
        height, width = g.ksize
        windows = y.reshape(len(y), y.shape[1] // (height * width), height, width, *g.out)
        return scatter(self.xp, windows.astype("f") if y.dtype == "e" else windows, g).astype(y.dtype, copy=False)

    def backward(self, gx: Variable) -> Variable:
        return Im2Col(self.geometry).apply(gx)


def im2col(
    x: ArrayLike, ksize: Sizes, stride: Sizes = 1, pad: Sizes = 0, cover_all: bool = False, dilate: Sizes = 1
) -> Variable:
    """The windows of images, each laid out along the channels: a convolution is then a matrix product.

    Args:
        x: images, ``(batch, channels, height, width)``.
        ksize: the windows' size; one number, or a pair for height and width. So are ``stride``, ``pad`` and ``dilate``.
        stride: the distance of two windows.
        pad: how many zeros stand on each side of x.
        cover_all: round the number of windows up, so that the last ones may reach beyond the padding.
        dilate: the distance of two elements within a window; 1 for neighbours.

    Returns:
        ``(batch, channels * window height * window width, height, width)``, with
        ``floor((size + 2 pad - (ksize - 1) dilate - 1) / stride) + 1`` windows an axis. Channel by channel, the rows of
        its window follow each other.

    Raises:
        ShapeError: x is no batch of images, or no window fits into it.
        ArgumentError: a number is out of range.

    >>> im2col(np.arange(6.0).reshape(1, 1, 2, 3), 2).array
    array([[[[0., 1.]],
    <BLANKLINE>
            [[1., 2.]],
    <BLANKLINE>
            [[3., 4.]],
    <BLANKLINE>
            [[4., 5.]]]])
    """
    x = as_variable(x)
    if x.ndim != 4:
        raise ShapeError(f"im2col: x has shape {x.shape} (expected (batch, channels, height, width)).")
    return Im2Col(geometry("im2col", x.shape[2:], ksize, stride, pad, dilate, cover_all)).apply(x)
