"""Deconvolution (transposed convolution) over any number of spatial axes."""

from chainette import Variable, as_variable
from chainette.checks import removed_arguments
from chainette.errors import ShapeError
from chainette.typing import ArrayLike, Shape
from chainette_functions.connection.convolution_nd import REMOVED, DeconvolutionND, operands
from chainette_functions.windows import Geometry, Sizes, per_axis


def deconvolve(
    function: str,
    ndim: int,
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None,
    stride: Sizes,
    pad: Sizes,
    outsize: Sizes | None,
    dilate: Sizes,
    groups: int,
) -> Variable:
    """Check the arguments of ``function``, which has ``ndim`` spatial axes, and deconvolve."""
    x, W, *rest = operands(function, ndim, x, W, b, groups, transposed=True)
    g = geometry_behind(function, x.shape[2:], W.shape[2:], stride, pad, dilate, outsize)
    return DeconvolutionND(g, groups).apply(x, W, *rest)


def geometry_behind(
    function: str, out: Shape, ksize: Shape, stride: Sizes, pad: Sizes, dilate: Sizes, outsize: Sizes | None
) -> Geometry:
    """That of a convolution which makes ``out`` of ``outsize``; by default of the smallest such size."""
    ndim = len(out)
    s, p = per_axis(function, "stride", stride, ndim, 1), per_axis(function, "pad", pad, ndim, 0)
    d = per_axis(function, "dilate", dilate, ndim, 1)
    axes = zip(out, ksize, s, p, d, strict=True)
    smallest = tuple((o - 1) * s_i + (k_i - 1) * d_i + 1 - 2 * p_i for o, k_i, s_i, p_i, d_i in axes)
    size = smallest if outsize is None else per_axis(function, "outsize", outsize, ndim, 1)
    told = f"(windows of {ksize}, stride={s}, pad={p}, dilate={d})"
    if min(*out, *size) < 1:
        raise ShapeError(f"{function}: x of size {out} gives a result of size {size} {told}. Pad less, or enlarge x.")
    if any(not low <= n < low + s_i for n, low, s_i in zip(size, smallest, s, strict=True)):
        largest = tuple(low + s_i - 1 for low, s_i in zip(smallest, s, strict=True))
        raise ShapeError(
            f"{function}: outsize={size} does not fit x of size {out} {told} (expected {smallest} to {largest}, from "
            "which a convolution leads back to it)."
        )
    return Geometry(size, ksize, s, p, d, out)


@removed_arguments(**REMOVED)
def deconvolution_nd(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Deconvolution, the transpose and gradient of ``convolution_nd``: each element of x adds a window of W to y.

    ``W[c, o, k] x[n, c, p]`` is added to ``y[n, o, p stride + k dilate - pad]``, where y has such a place.

    Args:
        x: ``(batch, in, size, ...)``, a floating dtype.
        W: weights, ``(in, out / groups, window size, ...)``, of x's dtype.
        b: biases, ``(out,)``; None for none.
        stride: the distance of two windows in y; one number for all spatial axes, or one for each. So are the others.
        pad: how much is cut off y at both ends.
        outsize: the sizes of y, any from which the convolution gives those of x; None for the smallest.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of ``out`` sees its group of ``in`` only.

    Returns:
        ``(batch, out, *outsize)``, by default ``stride (size - 1) + (window size - 1) dilate + 1 - 2 pad`` an axis.
        float16 is accumulated in float32.

    Raises:
        ShapeError: the shapes do not fit together, or nothing is left of y.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: a number is out of range.

    >>> deconvolution_nd(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0, 100.0]]]), stride=2).array
    array([[[  1.,  10., 102.,  20., 200.]]])
    """
    x = as_variable(x)
    return deconvolve("deconvolution_nd", max(x.ndim - 2, 1), x, W, b, stride, pad, outsize, dilate, groups)


@removed_arguments(**REMOVED)
def deconvolution_1d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Deconvolution over one spatial axis: ``deconvolution_nd`` of x ``(batch, in, size)``.

    >>> deconvolution_1d(np.ones((2, 4, 3)), np.ones((4, 3, 5))).shape
    (2, 3, 7)
    """
    return deconvolve("deconvolution_1d", 1, x, W, b, stride, pad, outsize, dilate, groups)


@removed_arguments(**REMOVED)
def deconvolution_3d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    outsize: Sizes | None = None,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Deconvolution over three spatial axes: ``deconvolution_nd`` of x ``(batch, in, depth, height, width)``.

    >>> deconvolution_3d(np.ones((2, 4, 3, 4, 5)), np.ones((4, 3, 2, 2, 2))).shape
    (2, 3, 4, 5, 6)
    """
    return deconvolve("deconvolution_3d", 3, x, W, b, stride, pad, outsize, dilate, groups)
