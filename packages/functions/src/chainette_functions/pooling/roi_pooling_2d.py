"""Max pooling over regions of interest."""

from itertools import product
from math import inf, isfinite, prod

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_range
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.operators import reshape
from chainette.operators.get_item import GetItemGrad
from chainette.typing import Array, ArrayLike
from chainette_functions.array.where import Where
from chainette_functions.pooling.geometry import require_positive, spatial


class ROIPooling2D(Function):
    """The largest element of each bin of each region, 0 for an empty bin; keeps where in x it was."""

    name = "roi_pooling_2d"

    def __init__(self, outh: int, outw: int, spatial_scale: float) -> None:
        self.outh = outh
        self.outw = outw
        self.spatial_scale = spatial_scale

    def forward(self, x: Array, rois: Array) -> Array:
        self.in_shape = x.shape
        at = self.maxima(x, rois)
        kept = at != -1
        at = self.xp.maximum(at, 0)
        self.retain(at=at, kept=kept)
        return self.xp.where(kept, x.ravel()[at], 0).astype(x.dtype, copy=False)

    def maxima(self, x: Array, rois: Array) -> Array:
        """Positions in the flattened x, ``(regions, channels, outh, outw)``; -1 in empty bins."""
        _, channels, height, width = x.shape
        at = self.xp.full((len(rois), channels, self.outh, self.outw), -1, "int64")
        for r, (image, x1, y1, x2, y2) in enumerate(self.corners(rois)):
            first = (image * channels + self.xp.arange(channels)) * height * width
            for (i, ys), (j, xs) in product(
                enumerate(_bins(y1, y2, self.outh, height)), enumerate(_bins(x1, x2, self.outw, width))
            ):
                if ys and xs:
                    part = x[image, :, ys.start : ys.stop, xs.start : xs.stop]
                    best = part.reshape(channels, len(ys) * len(xs)).argmax(1)
                    at[r, :, i, j] = first + (ys.start + best // len(xs)) * width + xs.start + best % len(xs)
        return at

    def corners(self, rois: Array) -> list[tuple[int, ...]]:
        """For each region its image and its corners among the elements of x."""
        images = rois[:, :1].tolist()
        corners = self.xp.rint(rois[:, 1:].astype("d") * self.spatial_scale).tolist()
        rows = [image + corner for image, corner in zip(images, corners, strict=True)]
        if not all(isfinite(number) for row in rows for number in row):
            raise ArgumentError("roi_pooling_2d: rois hold NaN or an infinity (expected coordinates).")
        return [tuple(map(int, row)) for row in rows]

    def backward(self, gy: Variable) -> tuple[Variable, None]:
        at: Array = self.retained("at")
        gy = Where().apply(self.retained("kept"), gy, 0.0)
        flat = GetItemGrad(at.ravel(), (prod(self.in_shape),)).apply(reshape(gy, (gy.size,)))
        return reshape(flat, self.in_shape), None


def _bins(first: int, last: int, count: int, limit: int) -> list[range]:
    """The coordinates from first to last in ``count`` parts, which may share their ends, each cut to 0 to limit."""
    size = max(last - first + 1, 1)
    ends = [(first + i * size // count, first - -(i + 1) * size // count) for i in range(count)]
    return [range(*(min(max(end, 0), limit) for end in pair)) for pair in ends]


def roi_pooling_2d(x: ArrayLike, rois: ArrayLike, outh: int, outw: int, spatial_scale: float) -> Variable:
    """The largest elements of regions of interest, each divided into ``outh`` by ``outw`` bins.

    The corners of a region are multiplied by ``spatial_scale`` and rounded, halves to the even number. It holds both
    of its corners and at least one element, and is cut at the borders of ``x``. Bin ``i`` of ``n`` along an axis
    reaches from ``floor(i size / n)`` to ``ceil((i + 1) size / n)``.

    Args:
        x: ``(batch, channels, height, width)``, a floating dtype.
        rois: ``(regions, 5)``: each row ``(index in the batch, x1, y1, x2, y2)``. They get no gradient.
        outh: how many bins there are from top to bottom.
        outw: how many from left to right.
        spatial_scale: the size of ``x`` over that of the image to which the coordinates belong.

    Returns:
        ``(regions, channels, outh, outw)``, of x's dtype; 0 in bins that lie outside of ``x``. The gradient goes to
        the first one of equal elements.

    Raises:
        ShapeError: ``x`` or ``rois`` is of another shape.
        DtypeError: ``x`` is not floating, or ``rois`` are not real numbers.
        ArgumentError: ``outh``, ``outw``, ``spatial_scale`` or an index is out of range, or a coordinate not finite.

    Source: Girshick, "Fast R-CNN", ICCV 2015.

    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> roi_pooling_2d(x, np.array([[0.0, 2.0, 2.0, 6.0, 6.0]]), 2, 2, spatial_scale=0.5).array
    array([[[[10., 11.],
             [14., 15.]]]])
    """
    name = "roi_pooling_2d"
    x, rois = as_variable(x), as_variable(rois)
    require_floating(name, x=x)
    if 0 in spatial(name, x, 2):
        raise ShapeError(f"{name}: x of shape {x.shape} has no elements to choose from.")
    if rois.ndim != 2 or rois.shape[1] != 5:
        raise ShapeError(f"{name}: rois has shape {rois.shape} (expected (regions, 5): index, x1, y1, x2, y2).")
    if rois.dtype.kind not in "fiu":
        raise DtypeError(f"{name}: rois is {rois.dtype} (expected numbers).")
    if not 0 < spatial_scale < inf:
        raise ArgumentError(f"{name}: spatial_scale={spatial_scale} (expected a number above 0).")
    outh, outw = require_positive(name, "outh", outh), require_positive(name, "outw", outw)
    with rois.device.use():
        require_range(name, "rois[:, 0]", rois.array[:, 0], 0, len(x))
    return ROIPooling2D(outh, outw, spatial_scale).apply(x, rois)
