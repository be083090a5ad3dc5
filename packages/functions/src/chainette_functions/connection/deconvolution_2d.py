"""Deconvolution (transposed convolution) over two spatial axes."""

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.connection.convolution_nd import REMOVED
from chainette_functions.connection.deconvolution_nd import deconvolve
from chainette_functions.windows import Sizes


@removed_arguments(**REMOVED)
def deconvolution_2d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    *,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Deconvolution of images, the transpose and gradient of ``convolution_2d``: each element adds a window of W to y.

    ``W[c, o, u, v] x[n, c, i, j]`` is added to ``y[n, o, i stride + u, j stride + v]``, from which ``pad`` is cut off.

    Args:
        x: images, ``(batch, in, height, width)``, a floating dtype.
        W: weights, ``(in, out / groups, window height, window width)``, of x's dtype.
        b: biases, ``(out,)``; None for none.
        stride: the distance of two windows in y; one number, or a pair for height and width. So are the others.
        pad: how much is cut off each side of y.
        outsize: the height and width of y, any from which the convolution gives those of x; None for the smallest.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of ``out`` sees its group of ``in`` only.

    Returns:
        ``(batch, out, *outsize)``, by default ``stride (size - 1) + (window size - 1) dilate + 1 - 2 pad`` an axis.
        float16 is accumulated in float32.

    Raises:
        ShapeError: the shapes do not fit together, or nothing is left of y.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: a number is out of range.

    Source: Zeiler et al., "Deconvolutional Networks", CVPR 2010.

    >>> deconvolution_2d(np.array([[[[1.0, 2.0]]]]), np.array([[[[1.0, 10.0, 100.0]]]]), stride=2).array
    array([[[[  1.,  10., 102.,  20., 200.]]]])
    """
    return deconvolve("deconvolution_2d", 2, x, W, b, stride, pad, outsize, dilate, groups)
