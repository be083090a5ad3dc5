"""Average pooling over images."""

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.pooling.sum_pooling import average_pool
from chainette_functions.windows import Sizes


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def average_pooling_2d(x: ArrayLike, ksize: Sizes, stride: Sizes | None = None, pad: Sizes = 0) -> Variable:
    """The mean of each window that slides over images. Padding counts as zeros.

    Args:
        x: ``(batch, channels, height, width)``, a floating dtype. float16 is accumulated in float32.
        ksize: the windows' size: a number or a pair ``(height, width)``.
        stride: the distance from window to window, a number or a pair; None for ``ksize``.
        pad: how much padding stands at all four sides, a number or a pair.

    Returns:
        ``(batch, channels, rows, columns)``, of x's dtype: ``floor((size + 2 pad - ksize) / stride) + 1`` windows an
        axis. What is left over at the end is in no window, unlike in ``max_pooling_2d``.

    Raises:
        ShapeError: ``x`` is of another shape, or no window fits.
        ArgumentError: a size is out of range.
        DtypeError: ``x`` is not floating.

    ``average_pooling_nd(..., pad_value=None)`` leaves padding out of the mean.

    >>> average_pooling_2d(np.arange(16.0).reshape(1, 1, 4, 4), 2).array
    array([[[[ 2.5,  4.5],
             [10.5, 12.5]]]])
    """
    return average_pool("average_pooling_2d", 2, x, ksize, stride, pad, 0)
