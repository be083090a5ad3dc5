"""Dilated convolution over two spatial axes."""

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.connection.convolution_nd import REMOVED, convolve
from chainette_functions.windows import Sizes


@removed_arguments(**REMOVED)
def dilated_convolution_2d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    dilate: Sizes = 1,
    cover_all: bool = False,
) -> Variable:
    """Convolution whose windows have gaps: ``convolution_2d`` with ``dilate`` by position.

    Args:
        x: images, ``(batch, in, height, width)``, a floating dtype.
        W: weights, ``(out, in, window height, window width)``, of x's dtype.
        b: biases, ``(out,)``; None for none.
        stride: the distance of two windows; one number, or a pair for height and width. So are the next two.
        pad: how many zeros stand on each side of x.
        dilate: the distance of two elements within a window; 1 for neighbours.
        cover_all: round the number of windows up, so that the last ones may reach beyond the padding.

    Returns:
        ``(batch, out, height, width)``, of sizes as in ``convolution_2d``.

    Raises:
        ShapeError: the shapes do not fit together, or no window fits into x.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: a number is out of range.

    Source: Yu and Koltun, "Multi-Scale Context Aggregation by Dilated Convolutions", ICLR 2016.

    >>> dilated_convolution_2d(np.arange(5.0).reshape(1, 1, 1, 5), np.ones((1, 1, 1, 2)), dilate=3).array
    array([[[[3., 5.]]]])
    """
    return convolve("dilated_convolution_2d", 2, x, W, b, stride, pad, cover_all, dilate, 1)
