"""Convolution over two spatial axes."""

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.connection.convolution_nd import REMOVED, convolve
from chainette_functions.windows import Sizes


@removed_arguments(**REMOVED)
def convolution_2d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    *,
    cover_all: bool = False,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Convolution of images, ``y[n, o, i, j] = b[o] + sum_cuv W[o, c, u, v] x[n, c, i stride + u, j stride + v]``.

    x is padded with zeros first. W is not flipped: this is what signal processing calls cross-correlation.

    Args:
        x: images, ``(batch, in, height, width)``, a floating dtype.
        W: weights, ``(out, in / groups, window height, window width)``, of x's dtype.
        b: biases, ``(out,)``; None for none.
        stride: the distance of two windows; one number, or a pair for height and width. So are the next two.
        pad: how many zeros stand on each side of x.
        cover_all: round the number of windows up, so that the last ones may reach beyond the padding.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of ``out`` sees its group of ``in`` only.

    Returns:
        ``(batch, out, height, width)``, with ``floor((size + 2 pad - reach) / stride) + 1`` windows an axis, where
        ``reach = (window size - 1) dilate + 1``. float16 is accumulated in float32.

    Raises:
        ShapeError: the shapes do not fit together, or no window fits into x.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: a number is out of range.

    Source: LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", Neural Computation 1989.

    >>> x = np.arange(12.0).reshape(1, 1, 3, 4)
    >>> convolution_2d(x, np.array([[[[1.0, -1.0]]]]), stride=(2, 1)).array
    array([[[[-1., -1., -1.],
             [-1., -1., -1.]]]])
    """
    return convolve("convolution_2d", 2, x, W, b, stride, pad, cover_all, dilate, groups)
