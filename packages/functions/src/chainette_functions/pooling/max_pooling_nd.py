"""Max pooling over any number of axes."""

from typing import Any

from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.pooling.max_pooling import max_pool
from chainette_functions.windows import Sizes


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def max_pooling_nd(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    cover_all: bool = True,
    *,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window that slides over the axes behind batch and channels.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype.
        ksize: the windows' size: one number for all axes, or one for each.
        stride: the distance from window to window; None for ``ksize``.
        pad: how many elements of padding stand at both ends of each axis. Padding never is the largest.
        cover_all: windows reach beyond the end where that takes for each element to be in one; False leaves what is
            left over out. Note the default of True: ``ceil((size + 2 pad - ksize) / stride) + 1`` windows, not floor.
        return_indices: also return which element of its window each is, counted in row-major order from 0.

    Returns:
        ``(batch, channels, ...)``, of x's dtype; with ``return_indices`` a pair of it and an int32 array of its shape,
        as ``upsampling_2d`` takes it. The gradient goes to the first one of equal elements. NaN counts as largest.

    Raises:
        ShapeError: ``x`` has no such axes, no window fits, or one would hold nothing but padding.
        ArgumentError: a size is out of range.
        DtypeError: ``x`` is not floating.

    >>> x = np.array([[[3.0, 1.0, 2.0, 5.0, 4.0]]])
    >>> max_pooling_nd(x, 2).array, max_pooling_nd(x, 2, cover_all=False).array
    (array([[[3., 5., 4.]]]), array([[[3., 5.]]]))
    """
    return max_pool("max_pooling_nd", None, x, ksize, stride, pad, cover_all, return_indices)


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def max_pooling_1d(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    cover_all: bool = True,
    *,
    return_indices: bool = False,
) -> Any:
    """``max_pooling_nd`` for x of shape ``(batch, channels, length)``.

    >>> max_pooling_1d(np.array([[[3.0, 1.0, 2.0, 5.0]]]), 2).array
    array([[[3., 5.]]])
    """
    return max_pool("max_pooling_1d", 1, x, ksize, stride, pad, cover_all, return_indices)


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def max_pooling_3d(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    cover_all: bool = True,
    *,
    return_indices: bool = False,
) -> Any:
    """``max_pooling_nd`` for x of shape ``(batch, channels, depth, height, width)``.

    >>> max_pooling_3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), 2).array
    array([[[[[7.]]]]])
    """
    return max_pool("max_pooling_3d", 3, x, ksize, stride, pad, cover_all, return_indices)
