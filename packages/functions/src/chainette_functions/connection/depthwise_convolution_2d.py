"""Depthwise convolution over two spatial axes."""

from chainette import Variable, as_variable
from chainette.errors import ShapeError
from chainette.operators import reshape, transpose
from chainette.typing import ArrayLike
from chainette_functions.connection.convolution_nd import convolve
from chainette_functions.windows import Sizes


def depthwise_convolution_2d(
    x: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, stride: Sizes = 1, pad: Sizes = 0
) -> Variable:
    """Convolution of each channel alone, by ``multiplier`` windows: a ``convolution_2d`` with a group a channel.

    Args:
        x: images, ``(batch, in, height, width)``, a floating dtype.
        W: weights, ``(multiplier, in, window height, window width)``, of x's dtype.
        b: biases, ``(in * multiplier,)``; None for none.
        stride: the distance of two windows; one number, or a pair for height and width.
        pad: how many zeros stand on each side of x; one number, or a pair.

    Returns:
        ``(batch, in * multiplier, height, width)``: channel ``c * multiplier + m`` is channel c of x by ``W[m, c]``.

    Raises:
        ShapeError: the shapes do not fit together, or no window fits into x.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: a number is out of range.

    Source: Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017.

    >>> x, W = np.array([1.0, 10.0]).reshape(1, 2, 1, 1), np.array([[2.0, 3.0], [4.0, 5.0]]).reshape(2, 2, 1, 1)
    >>> depthwise_convolution_2d(x, W).array.ravel()
    array([ 2.,  4., 30., 50.])
    """
    x, W = as_variable(x), as_variable(W)
    if x.ndim != 4 or W.ndim != 4 or W.shape[1] != x.shape[1] or W.shape[1] == 0:
        raise ShapeError(
            f"depthwise_convolution_2d: x has shape {x.shape} and W has shape {W.shape} "
            "(expected (batch, in, height, width) and (multiplier, in, window height, window width))."
        )
    multiplier, channels, *ksize = W.shape
    each = reshape(transpose(W, (1, 0, 2, 3)), (channels * multiplier, 1, *ksize))
    return convolve("depthwise_convolution_2d", 2, x, each, b, stride, pad, False, 1, channels)
