"""Images sampled at points between their elements.

Sampling is linear in the image ``x`` and in the weights ``w`` that say how near a point lies to each of the four
elements around it. So there are three functions, and the gradients of each are the other two: ``Sample(x, w)``,
``SampleGradX(gy, w)`` and ``SampleGradW(x, gy)``. How ``w`` follows from the points is composed of other functions.
"""

import numpy as np

from chainette import Function, Variable, as_variable
from chainette.checks import removed_arguments, require_floating
from chainette.errors import DtypeError, ShapeError
from chainette.operators import cast, matmul, reshape
from chainette.typing import Array, ArrayLike, Shape
from chainette_functions.array.stack import stack
from chainette_functions.connection.convolution_nd import KERNELS
from chainette_functions.math.clip import clip
from chainette_functions.windows import Sizes, per_axis


class Sampling(Function):
    """The base of the three: ``at``, (4, points), is where in ``table`` the elements around each point lie.

    Points count through the whole batch: those of each image follow each other.
    """

    def __init__(self, at: Array, shape: Shape) -> None:
        self.at = at
        self.shape = shape  # of x

    def table(self, x: Array) -> Array:
        """x with zeros around it, (channels, elements of the whole batch)."""
        batch, channels, height, width = self.shape
        padded = self.xp.zeros((channels, batch, height + 2, width + 2), x.dtype)
        padded[:, :, 1:-1, 1:-1] = x.swapaxes(0, 1)
        return padded.reshape(channels, batch * (height + 2) * (width + 2))

    def flat(self, y: Array) -> Array:
        """y, (batch, channels, points of one image), as (channels, points)."""
        return y.swapaxes(0, 1).reshape(self.shape[1], self.at.shape[1])


class Sample(Sampling):
    """The four elements around each point, weighted: (batch, channels, points of one image)."""

    def forward(self, x: Array, w: Array) -> Array:
        self.retain(x=x, w=w)
        table = self.table(x)
        y = self.xp.zeros((len(table), self.at.shape[1]), x.dtype)
        for at, weight in zip(self.at, w, strict=True):
            y += table.take(at, 1) * weight
        batch, channels = self.shape[:2]
        return y.reshape(channels, batch, y.shape[1] // batch if batch else 0).swapaxes(0, 1)

    def backward(self, gy: Variable) -> tuple[Variable | None, Variable | None]:
        gx, gw = self.needs_input_grad
        return (
            SampleGradX(self.at, self.shape).apply(gy, self.retained("w")) if gx else None,
            SampleGradW(self.at, self.shape).apply(self.retained("x"), gy) if gw else None,
        )


class SampleGradX(Sampling):
    """gy, weighted and added to the four elements around each point."""

    def forward(self, gy: Array, w: Array) -> Array:
        self.retain(gy=gy, w=w)
        batch, channels, height, width = self.shape
        gy, size = self.flat(gy), batch * (height + 2) * (width + 2)
        table = self.xp.zeros(channels * size, gy.dtype)
        rows = size * self.xp.arange(channels)[:, None]
        for at, weight in zip(self.at, w, strict=True):
            self.xp.add.at(table, (rows + at).ravel(), (gy * weight).ravel())
        return table.reshape(channels, batch, height + 2, width + 2)[:, :, 1:-1, 1:-1].swapaxes(0, 1)

    def backward(self, ggx: Variable) -> tuple[Variable | None, Variable | None]:
        ggy, gw = self.needs_input_grad
        return (
            Sample(self.at, self.shape).apply(ggx, self.retained("w")) if ggy else None,
            SampleGradW(self.at, self.shape).apply(ggx, self.retained("gy")) if gw else None,
        )


class SampleGradW(Sampling):
    """The products of gy with the four elements around each point, summed over the channels: (4, points)."""

    def forward(self, x: Array, gy: Array) -> Array:
        self.retain(x=x, gy=gy)
        table, gy = self.table(x), self.flat(gy)
        return self.xp.stack([(table.take(at, 1) * gy).sum(0) for at in self.at])

    def backward(self, ggw: Variable) -> tuple[Variable | None, Variable | None]:
        gx, ggy = self.needs_input_grad
        return (
            SampleGradX(self.at, self.shape).apply(self.retained("gy"), ggw) if gx else None,
            Sample(self.at, self.shape).apply(self.retained("x"), ggw) if ggy else None,
        )


def sample(x: Variable, row: Variable, column: Variable) -> Variable:
    """x, ``(batch, channels, height, width)``, between its elements; ``(batch, channels, points)``.

    ``row`` and ``column``, ``(batch, points)``, count its elements from 0. Between the elements it is interpolated;
    outside there are zeros.
    """
    batch, _, height, width = x.shape
    row_before, row_weights = _around(row, height)
    column_before, column_weights = _around(column, width)
    w = reshape(row_weights, (2, 1, row.size)) * reshape(column_weights, (1, 2, row.size))
    with x.device.use():
        xp = x.xp
        image = xp.arange(batch)[:, None]
        first = ((image * (height + 2) + row_before) * (width + 2) + column_before).ravel()
        at = xp.stack([first, first + 1, first + width + 2, first + width + 3])
    return Sample(at, x.shape).apply(x, reshape(w, at.shape))


def _around(position: Variable, size: int) -> tuple[Array, Variable]:
    """The elements before the positions along an axis, and the weights of these and of those after them.

    They are counted from the zero before the first. All that lies beyond the zeros at both ends is 0 as they are.
    """
    position = clip(position + 1, 0.0, size + 1.0)
    with position.device.use():
        xp = position.xp
        before = xp.minimum(xp.floor(position.array), size)
        index = xp.nan_to_num(before).astype("int64")  # of a position that is NaN, any: its weights are NaN
    behind = position - before
    return index, stack([1 - behind, behind])


@removed_arguments(use_cudnn=KERNELS)
def spatial_transformer_grid(theta: ArrayLike, output_shape: Sizes) -> Variable:
    """The points at which affine maps sample an image: ``theta (x, y, 1)^T`` for each element of the new image.

    All coordinates run from -1 to 1: (-1, -1) is the element in the upper left corner, (1, 1) that in the lower right.

    Args:
        theta: the maps, ``(batch, 2, 3)``, a floating dtype.
        output_shape: ``(height, width)`` of the new image.

    Returns:
        ``(batch, 2, height, width)``: x, which goes from left to right, then y. For ``spatial_transformer_sampler``.

    Raises:
        ShapeError: ``theta`` has another shape.
        DtypeError: it is not floating.
        ArgumentError: ``output_shape`` is not two integers above 0.

    Source: Jaderberg, Simonyan, Zisserman, Kavukcuoglu, "Spatial Transformer Networks", NIPS 2015.

    >>> spatial_transformer_grid(np.array([[[0.5, 0.0, 0.0], [0.0, 1.0, 2.0]]]), (1, 3)).array
    array([[[[-0.5,  0. ,  0.5]],
    <BLANKLINE>
            [[ 1. ,  1. ,  1. ]]]])
    """
    name = "spatial_transformer_grid"
    theta = as_variable(theta)
    require_floating(name, theta=theta)
    if theta.ndim != 3 or theta.shape[1:] != (2, 3):
        raise ShapeError(f"{name}: theta has shape {theta.shape} (expected (batch, 2, 3)).")
    height, width = per_axis(name, "output_shape", output_shape, 2, 1)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    wide = cast(theta, "f") if theta.dtype == "e" else theta
    points = np.stack([x, y, np.ones_like(x)]).reshape(3, height * width).astype(wide.dtype)
    grid = matmul(wide, theta.device.send(points))
    return cast(reshape(grid, (len(theta), 2, height, width)), theta.dtype)


@removed_arguments(use_cudnn=KERNELS)
def spatial_transformer_sampler(x: ArrayLike, grid: ArrayLike) -> Variable:
    """Images sampled at the points of a grid, by bilinear interpolation; outside of them there are zeros.

    Args:
        x: images, ``(batch, channels, height, width)``, a floating dtype.
        grid: coordinates, ``(batch, 2, out height, out width)``, of x's dtype: x, then y. They run from -1 to 1:
            (-1, -1) is the element in the upper left corner, (1, 1) that in the lower right.

    Returns:
        ``(batch, channels, out height, out width)``. float16 is computed in float32. Exactly at an element, the
        gradient of a coordinate is the slope towards the next element.

    Raises:
        ShapeError: the shapes do not fit together.
        DtypeError: an array is not floating, or the dtypes differ.

    Source: Jaderberg, Simonyan, Zisserman, Kavukcuoglu, "Spatial Transformer Networks", NIPS 2015.

    >>> x = np.array([[[[1.0, 2.0, 3.0]]]])
    >>> grid = np.array([[-1.0, -0.5, 1.0, 1.5], [0.0, 0.0, 0.0, 0.0]]).reshape(1, 2, 1, 4)
    >>> spatial_transformer_sampler(x, grid).array
    array([[[[1. , 1.5, 3. , 1.5]]]])
    """
    name = "spatial_transformer_sampler"
    x, grid = as_variable(x), as_variable(grid)
    if x.ndim != 4:
        raise ShapeError(f"{name}: x has shape {x.shape} (expected (batch, channels, height, width)).")
    if grid.ndim != 4 or grid.shape[:2] != (len(x), 2):
        expected = f"({len(x)}, 2, out height, out width), since x is {x.shape}"
        raise ShapeError(f"{name}: grid has shape {grid.shape} (expected {expected}).")
    require_floating(name, x=x, grid=grid)
    if grid.dtype != x.dtype:
        raise DtypeError(f"{name}: grid is {grid.dtype} but x is {x.dtype} (expected one dtype). Cast one.")
    (batch, channels, height, width), out = x.shape, grid.shape[2:]
    dtype = x.dtype
    if dtype == "e":
        x, grid = cast(x, "f"), cast(grid, "f")
    points = reshape(grid, (batch, 2, out[0] * out[1]))
    column, row = (points[:, 0] + 1) * ((width - 1) / 2), (points[:, 1] + 1) * ((height - 1) / 2)
    return cast(reshape(sample(x, row, column), (batch, channels, *out)), dtype)
