"""Convolution with weights of its own for each window."""

from math import prod

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_shape
from chainette.errors import DtypeError, ShapeError
from chainette.operators import cast, matmul, reshape, transpose
from chainette.typing import ArrayLike
from chainette_functions.array.im2col import im2col
from chainette_functions.windows import Sizes, geometry


def local_convolution_2d(x: ArrayLike, W: ArrayLike, b: ArrayLike | None = None, stride: Sizes = 1) -> Variable:
    """Convolution of images with other weights for each window, where ``convolution_2d`` has the same for all.

    ``y[n, o, i, j] = b[o, i, j] + sum_cuv W[o, i, j, c, u, v] x[n, c, i stride + u, j stride + v]``

    Args:
        x: images, ``(batch, in, height, width)``, a floating dtype.
        W: weights, ``(out, out height, out width, in, window height, window width)``, of x's dtype.
        b: biases, ``(out, out height, out width)``; None for none.
        stride: the distance of two windows; one number, or a pair for height and width.

    Returns:
        ``(batch, out, out height, out width)``, with ``floor((size - window size) / stride) + 1`` windows an axis.
        float16 is computed in float32.

    Raises:
        ShapeError: the shapes do not fit together, or no window fits into x.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: ``stride`` is out of range.

    Source: Taigman, Yang, Ranzato, Wolf, "DeepFace: Closing the Gap to Human-Level Performance in Face Verification",
    CVPR 2014.

    >>> W = np.array([[1.0, 1.0], [0.0, 10.0]]).reshape(1, 1, 2, 1, 1, 2)
    >>> local_convolution_2d(np.array([[[[1.0, 2.0, 3.0]]]]), W).array
    array([[[[ 3., 30.]]]])
    """
    name = "local_convolution_2d"
    x, W, *rest = [as_variable(each) for each in (x, W, b) if each is not None]
    told = f"(x: {x.shape}, W: {W.shape})"
    if x.ndim != 4:
        raise ShapeError(f"{name}: x has {x.ndim} axes (expected batch, in, height, width) {told}")
    if W.ndim != 6:
        raise ShapeError(f"{name}: W has {W.ndim} axes (expected out, 2 of the windows, in, 2 within a window) {told}")
    if W.shape[3] != x.shape[1]:
        raise ShapeError(f"{name}: W has {W.shape[3]} input channels but x has {x.shape[1]} {told}")
    out = geometry(name, x.shape[2:], W.shape[4:], stride).out
    if W.shape[1:3] != out:
        raise ShapeError(f"{name}: W is for {W.shape[1:3]} windows but x has {out} {told}")
    for each in rest:
        require_shape(name, "b", each, W.shape[:3])
    named = dict(zip(("x", "W", "b"), (x, W, *rest), strict=False))
    require_floating(name, **named)
    for which, each in named.items():
        if each.dtype != x.dtype:
            raise DtypeError(f"{name}: {which} is {each.dtype} but x is {x.dtype} (expected one dtype). Cast one.")
    if x.dtype == "e":
        x, W, *rest = [cast(each, "f") for each in named.values()]
    columns = im2col(x, W.shape[4:], stride)
    batch, features, count = len(x), columns.shape[1], prod(out)
    each_window = transpose(reshape(columns, (batch, features, count)), (2, 0, 1))
    y = matmul(each_window, transpose(reshape(W, (len(W), count, features)), (1, 2, 0)))
    y = reshape(transpose(y, (1, 2, 0)), (batch, len(W), *out))
    return cast(y + rest[0] if rest else y, named["x"].dtype)
