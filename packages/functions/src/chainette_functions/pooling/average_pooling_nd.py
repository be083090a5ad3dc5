"""Average pooling over any number of axes."""

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.pooling.sum_pooling import average_pool
from chainette_functions.windows import Sizes


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def average_pooling_nd(
    x: ArrayLike, ksize: Sizes, stride: Sizes | None = None, pad: Sizes = 0, *, pad_value: int | None = 0
) -> Variable:
    """The mean of each window that slides over the axes behind batch and channels.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype. float16 is accumulated in float32.
        ksize: the windows' size: one number for all axes, or one for each.
        stride: the distance from window to window; None for ``ksize``.
        pad: how many elements of padding stand at both ends of each axis.
        pad_value: 0: padding counts as zeros; None: it does not count, the mean is that of the elements of ``x``.

    Returns:
        ``(batch, channels, ...)``, of x's dtype: ``floor((size + 2 pad - ksize) / stride) + 1`` windows an axis. What
        is left over at the end is in no window, unlike in ``max_pooling_nd``.

    Raises:
        ShapeError: ``x`` has no such axes, no window fits, or one has nothing to take a mean of.
        ArgumentError: a size is out of range, or ``pad_value`` is neither 0 nor None.
        DtypeError: ``x`` is not floating.

    >>> x = np.array([[[2.0, 4.0, 6.0]]])
    >>> average_pooling_nd(x, 3, 2, 1).array, average_pooling_nd(x, 3, 2, 1, pad_value=None).array
    (array([[[2.        , 3.33333333]]]), array([[[3., 5.]]]))
    """
    return average_pool("average_pooling_nd", None, x, ksize, stride, pad, pad_value)


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def average_pooling_1d(
    x: ArrayLike, ksize: Sizes, stride: Sizes | None = None, pad: Sizes = 0, *, pad_value: int | None = 0
) -> Variable:
    """``average_pooling_nd`` for x of shape ``(batch, channels, length)``.

    >>> average_pooling_1d(np.array([[[2.0, 4.0, 6.0, 8.0]]]), 2).array
    array([[[3., 7.]]])
    """
    return average_pool("average_pooling_1d", 1, x, ksize, stride, pad, pad_value)


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def average_pooling_3d(
    x: ArrayLike, ksize: Sizes, stride: Sizes | None = None, pad: Sizes = 0, *, pad_value: int | None = 0
) -> Variable:
    """``average_pooling_nd`` for x of shape ``(batch, channels, depth, height, width)``.

    >>> average_pooling_3d(np.arange(8.0).reshape(1, 1, 2, 2, 2), 2).array
    array([[[[[3.5]]]]])
    """
    return average_pool("average_pooling_3d", 3, x, ksize, stride, pad, pad_value)
