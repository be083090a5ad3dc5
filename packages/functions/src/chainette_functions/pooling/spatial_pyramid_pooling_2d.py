"""Spatial pyramid pooling."""

from chainette import Variable, as_variable
from chainette.checks import removed_arguments, require_floating, require_one_of
from chainette.errors import ShapeError
from chainette.operators import reshape
from chainette.typing import ArrayLike
from chainette_functions.array.concat import concat
from chainette_functions.pooling.geometry import require_positive, spatial
from chainette_functions.pooling.max_pooling_2d import max_pooling_2d


@removed_arguments(
    use_cudnn="which kernel runs is shown by 'python -m chainette kernels'",
    pooling_class="write pooling='max'",
)
def spatial_pyramid_pooling_2d(x: ArrayLike, pyramid_height: int, *, pooling: str = "max") -> Variable:
    """Max pooling into 1, 2 x 2, 4 x 4, ... bins: as many numbers whatever the size of the image.

    Args:
        x: ``(batch, channels, height, width)``, a floating dtype.
        pyramid_height: how many levels: the last one has ``2 ** (pyramid_height - 1)`` bins a side. Bins are of size
            ``ceil(size / bins)``; where that is too much, padding at the sides makes up for it.
        pooling: ``"max"``.

    Returns:
        ``(batch, channels * (1 + 4 + ... + 4 ** (pyramid_height - 1)), 1, 1)``: level after level, in each channel
        after channel.

    Raises:
        ShapeError: ``x`` is of another shape, or so small that a bin would be empty.
        ArgumentError: ``pyramid_height`` is below 1, or ``pooling`` is another.
        DtypeError: ``x`` is not floating.

    Source: He et al., "Spatial Pyramid Pooling in Deep Convolutional Networks for Visual Recognition", ECCV 2014.

    >>> spatial_pyramid_pooling_2d(np.arange(16.0).reshape(1, 1, 4, 4), 2).array.ravel()
    array([15.,  5.,  7., 13., 15.])
    """
    name = "spatial_pyramid_pooling_2d"
    x = as_variable(x)
    require_floating(name, x=x)
    height, width = spatial(name, x, 2)
    require_one_of(name, "pooling", pooling, ("max",))
    levels = []
    for level in range(require_positive(name, "pyramid_height", pyramid_height)):
        bins = 2**level
        pads = tuple((-size % bins) // 2 for size in (height, width))
        ksize = tuple(-(-size // bins) for size in (height, width))
        if any((bins - 1) * k - p >= size for size, k, p in zip((height, width), ksize, pads, strict=True)):
            raise ShapeError(
                f"{name}: {bins} bins a side leave one empty in x of shape {x.shape}. Give larger images, "
                "sizes that the bins divide, or a lower pyramid."
            )
        levels.append(reshape(max_pooling_2d(x, ksize, None, pads), (len(x), x.shape[1] * bins * bins, 1, 1)))
    return concat(levels, 1)
