"""Max pooling over images."""

from typing import Any

from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.pooling.max_pooling import max_pool
from chainette_functions.windows import Sizes


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def max_pooling_2d(
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    cover_all: bool = True,
    *,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window that slides over images: ``max_pooling_nd`` with two axes.

    Args:
        x: ``(batch, channels, height, width)``, a floating dtype.
        ksize: the windows' size: a number or a pair ``(height, width)``.
        stride: the distance from window to window, a number or a pair; None for ``ksize``.
        pad: how much padding stands at all four sides, a number or a pair. Padding never is the largest.
        cover_all: windows reach beyond the end where that takes for each element to be in one. Note the default of
            True: ``ceil((size + 2 pad - ksize) / stride) + 1`` windows, not floor.
        return_indices: also return which element of its window each is, counted row by row from 0.

    Returns:
        ``(batch, channels, rows, columns)``, of x's dtype; with ``return_indices`` a pair of it and an int32 array of
        its shape, as ``upsampling_2d`` takes it. The gradient goes to the first one of equal elements. NaN counts as
        largest.

    Raises:
        ShapeError: ``x`` is of another shape, no window fits, or one would hold nothing but padding.
        ArgumentError: a size is out of range.
        DtypeError: ``x`` is not floating.

    >>> x = np.arange(36.0).reshape(1, 1, 6, 6)
    >>> max_pooling_2d(x, 3, stride=2).array
    array([[[[14., 16., 17.],
             [26., 28., 29.],
             [32., 34., 35.]]]])
    """
    return max_pool("max_pooling_2d", 2, x, ksize, stride, pad, cover_all, return_indices)
