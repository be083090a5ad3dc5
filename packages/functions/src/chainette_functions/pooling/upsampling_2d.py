"""Upsampling of images by the indices of max pooling."""

from math import prod

from chainette import Variable, as_variable
from chainette.checks import require_integers, require_range, require_same_shape
from chainette.typing import ArrayLike
from chainette_functions.pooling.geometry import unpooling_geometry
from chainette_functions.pooling.max_pooling import MaxPoolingGrad
from chainette_functions.windows import Sizes


def upsampling_2d(
    x: ArrayLike,
    indexes: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None = None,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    cover_all: bool = True,
) -> Variable:
    """Each element of ``x`` put back at the place in its window from which max pooling took it, and 0 elsewhere.

    Args:
        x: ``(batch, channels, rows, columns)``.
        indexes: of its shape: places in the windows, as ``max_pooling_2d(..., return_indices=True)`` gives them.
        ksize: the windows' size, as in that pooling: a number or a pair ``(height, width)``.
        stride: the distance from window to window, a number or a pair; None for ``ksize``.
        pad: the padding of that pooling, a number or a pair; what is put there is lost.
        outsize: the result's size, a number or a pair ``(height, width)``: give that of the image that was pooled.
            None for the smallest one if ``cover_all``, else for the one that the windows fill.
        cover_all: whether windows reach beyond the end, as in that pooling.

    Returns:
        ``(batch, channels, height, width)``, of x's dtype. What two windows put at one place adds up.

    Raises:
        ShapeError: the shapes do not fit, nothing would be left, or pooling ``outsize`` would not give x's size.
        DtypeError: ``indexes`` are not integers.
        ArgumentError: a size or a place is out of range.

    >>> x = np.array([[[[1.0, 8.0], [2.0, 3.0]]]])
    >>> import chainette.functions as F
    >>> y, indexes = F.max_pooling_2d(x, 2, return_indices=True)
    >>> upsampling_2d(y, indexes, 2, outsize=2).array
    array([[[[0., 8.],
             [0., 0.]]]])
    """
    name = "upsampling_2d"
    x, indexes = as_variable(x), as_variable(indexes)
    g = unpooling_geometry(name, x, 2, ksize, stride, pad, outsize, cover_all)
    require_integers(name, indexes=indexes)
    require_same_shape(name, x=x, indexes=indexes)
    require_range(name, "indexes", indexes.array, 0, prod(g.ksize))
    return MaxPoolingGrad(g).apply(indexes, x)
