"""Convolution whose windows take their elements from where offsets say."""

from math import prod

import numpy as np

from chainette import Variable, as_variable
from chainette.checks import require_shape
from chainette.errors import DtypeError
from chainette.operators import cast, matmul, reshape
from chainette.typing import ArrayLike
from chainette_functions.array.spatial_transformer import sample
from chainette_functions.connection.convolution_nd import operands
from chainette_functions.windows import Geometry, Sizes, geometry


def deformable_convolution_2d_sampler(
    x: ArrayLike, offset: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, stride: Sizes = 1, pad: Sizes = 0
) -> Variable:
    """Convolution of images in which each element of each window is moved by an offset of its own.

    ``y[n, o, i, j] = b[o] + sum_cuv W[o, c, u, v] x[n, c, i stride + u - pad + down, j stride + v - pad + right]``,
    where ``right = offset[n, u * window width + v, i, j]``, and ``down`` likewise in the second half of the offset's
    channels. Between its elements x is interpolated bilinearly; outside there are zeros.

    Args:
        x: images, ``(batch, in, height, width)``, a floating dtype.
        offset: ``(batch, 2 * window height * window width, out height, out width)``, of x's dtype.
        W: weights, ``(out, in, window height, window width)``, of x's dtype.
        b: biases, ``(out,)``; None for none.
        stride: the distance of two windows; one number, or a pair for height and width.
        pad: how many zeros stand on each side of x; one number, or a pair.

    Returns:
        ``(batch, out, out height, out width)``, of sizes as in ``convolution_2d``. float16 is computed in float32.

    Raises:
        ShapeError: the shapes do not fit together, or no window fits into x.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: a number is out of range.

    Source: Dai et al., "Deformable Convolutional Networks", ICCV 2017.

    >>> x, W = np.array([[[[1.0, 2.0, 4.0]]]]), np.ones((1, 1, 1, 1))
    >>> to_the_right = np.array([0.5, 1.0, -2.0])
    >>> offset = np.stack([to_the_right, np.zeros(3)]).reshape(1, 2, 1, 3)
    >>> deformable_convolution_2d_sampler(x, offset, W).array
    array([[[[1.5, 4. , 1. ]]]])
    """
    name = "deformable_convolution_2d_sampler"
    x, W, *rest = operands(name, 2, x, W, b, 1, transposed=False)
    offset = as_variable(offset)
    g = geometry(name, x.shape[2:], W.shape[2:], stride, pad)
    require_shape(name, "offset", offset, (len(x), 2 * prod(g.ksize), *g.out))
    if offset.dtype != x.dtype:
        raise DtypeError(f"{name}: offset is {offset.dtype} but x is {x.dtype} (expected one dtype). Cast one.")
    dtype = x.dtype
    if dtype == "e":
        x, offset, W, *rest = [cast(each, "f") for each in (x, offset, W, *rest)]
    batch, channels, elements, places = len(x), x.shape[1], prod(g.ksize), prod(g.out)
    moves = reshape(offset, (batch, 2, elements * places))
    row, column = (x.device.send(each.astype(x.dtype)) for each in _unmoved(g))
    sampled = sample(x, moves[:, 1] + row, moves[:, 0] + column)
    y = matmul(reshape(W, (len(W), channels * elements)), reshape(sampled, (batch, channels * elements, places)))
    if rest:
        y = y + reshape(rest[0], (len(W), 1))
    return cast(reshape(y, (batch, len(W), *g.out)), dtype)


def _unmoved(g: Geometry) -> list[np.ndarray]:
    """Row and column in x of each element of each window: the windows' elements come first, then the windows."""
    starts = [np.arange(o) * s - p for o, s, p in zip(g.out, g.stride, g.pad, strict=True)]
    within = [np.arange(k) for k in g.ksize]
    u, v, i, j = np.meshgrid(*within, *starts, indexing="ij")
    return [(u + i).ravel(), (v + j).ravel()]
