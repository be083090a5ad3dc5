"""Unpooling over any number of axes."""

from chainette import Variable
from chainette.typing import ArrayLike
from chainette_functions.pooling.sum_pooling import unpool
from chainette_functions.windows import Sizes


def unpooling_nd(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    cover_all: bool = True,
) -> Variable:
    """Each element of ``x`` given to all of a window; where windows overlap, they add up.

    The windows are those that pooling the result would have, which makes this the gradient of their sums.

    Args:
        x: ``(batch, channels, ...)``.
        ksize: the windows' size: one number for all axes, or one for each.
        stride: the distance from window to window; None for ``ksize``.
        pad: how much is cut off at both ends of each axis.
        outsize: the result's size, for pooling gives one size for several; None for the smallest one if
            ``cover_all``, else for the one that the windows fill.
        cover_all: whether the windows reach beyond the end, as by default those of ``max_pooling_nd`` do:
            ``stride (size - 1) + ksize - stride + 1 - 2 pad``. False: ``stride (size - 1) + ksize - 2 pad``.

    Returns:
        ``(batch, channels, *outsize)``, of x's dtype.

    Raises:
        ShapeError: ``x`` has no such axes, nothing would be left, or pooling ``outsize`` would not give x's size.
        ArgumentError: a size is out of range.

    >>> x = np.array([[[1.0, 2.0]]])
    >>> unpooling_nd(x, 2).array, unpooling_nd(x, 2, cover_all=False).array
    (array([[[1., 1., 2.]]]), array([[[1., 1., 2., 2.]]]))
    """
    return unpool("unpooling_nd", None, x, ksize, stride, pad, outsize, cover_all)


def unpooling_1d(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    cover_all: bool = True,
) -> Variable:
    """``unpooling_nd`` for x of shape ``(batch, channels, length)``.

    >>> unpooling_1d(np.array([[[1.0, 2.0]]]), 2, cover_all=False).array
    array([[[1., 1., 2., 2.]]])
    """
    return unpool("unpooling_1d", 1, x, ksize, stride, pad, outsize, cover_all)


def unpooling_3d(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    cover_all: bool = True,
) -> Variable:
    """``unpooling_nd`` for x of shape ``(batch, channels, depth, height, width)``.

    >>> unpooling_3d(np.ones((1, 1, 1, 1, 1)), (1, 2, 3), cover_all=False).array
    array([[[[[1., 1., 1.],
              [1., 1., 1.]]]]])
    """
    return unpool("unpooling_3d", 3, x, ksize, stride, pad, outsize, cover_all)
