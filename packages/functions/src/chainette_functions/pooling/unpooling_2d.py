"""Unpooling of images."""

from chainette import Variable
from chainette.typing import ArrayLike
from chainette_functions.pooling.sum_pooling import unpool
from chainette_functions.windows import Sizes


def unpooling_2d(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    cover_all: bool = True,
) -> Variable:
    """Each element of ``x`` given to all of a window: ``unpooling_nd`` with two axes. Overlapping windows add up.

    Args:
        x: ``(batch, channels, rows, columns)``.
        ksize: the windows' size: a number or a pair ``(height, width)``.
        stride: the distance from window to window, a number or a pair; None for ``ksize``.
        pad: how much is cut off at all four sides, a number or a pair.
        outsize: the result's size, a number or a pair ``(height, width)``; None for the smallest one if
            ``cover_all``, else for the one that the windows fill.
        cover_all: whether the windows reach beyond the end, as by default those of ``max_pooling_2d`` do. Note the
            default of True: 2 rows and windows of 2 make 3 rows, not 4.

    Returns:
        ``(batch, channels, height, width)``, of x's dtype.

    Raises:
        ShapeError: ``x`` is of another shape, nothing would be left, or pooling ``outsize`` would not give x's size.
        ArgumentError: a size is out of range.

    >>> x = np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> unpooling_2d(x, 2).array
    array([[[[1., 1., 2.],
             [1., 1., 2.],
             [3., 3., 4.]]]])
    >>> unpooling_2d(x, 2, cover_all=False).shape
    (1, 1, 4, 4)
    """
    return unpool("unpooling_2d", 2, x, ksize, stride, pad, outsize, cover_all)
