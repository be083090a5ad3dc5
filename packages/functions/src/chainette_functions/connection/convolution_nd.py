"""Convolution over any number of spatial axes: the one implementation that all convolution functions share.

With the windows in place (``Geometry``), convolution is linear in ``x`` and in ``W``. So there are three functions, and
the gradients of each are the other two: ``ConvolutionND(x, W)``, ``DeconvolutionND(gy, W)`` and
``ConvolutionNDGradW(x, gy)``.
"""

from numbers import Integral
from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import removed_arguments, require_floating
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.operators import sum
from chainette.typing import Array, ArrayLike, Shape
from chainette_functions.connection.convolving import variant
from chainette_functions.windows import Geometry, Sizes, geometry

KERNELS = "which kernel runs is shown by 'python -m chainette kernels'"
REMOVED = {
    "use_cudnn": KERNELS,
    "cudnn_fast": KERNELS,
    "deterministic": "write chainette.config.deterministic = True, or chainette.using_config('deterministic', True)",
}


class Sliding(Function):
    """The base of the three: ``geometry`` is the convolution's, and W always ``(out, in / groups, window size, ...)``.

    ``convolving`` says how they are computed, and how little memory that takes. float16 is computed in float32.
    """

    def __init__(self, geometry: Geometry, groups: int) -> None:
        self.geometry = geometry
        self.groups = groups

    def retain_operands(self, **operands: Array) -> None:
        """Keep each of the two operands if the gradient of the other, which is made of it, is wanted."""
        if self.edges is not None:
            wanted = reversed(self.needs_input_grad[:2])
            self.retain(**{name: x if yes else None for (name, x), yes in zip(operands.items(), wanted, strict=True)})

    def variant(self, W: Shape, batch: int) -> Any:
        return variant(self.geometry, W, self.groups, batch)


class ConvolutionND(Sliding):
    """The products of the windows of x with W, plus b."""

    def forward(self, x: Array, W: Array, b: Array | None = None) -> Array:
        self.retain_operands(x=x, W=W)
        y: Array = self.variant(W.shape, len(x)).convolve(self.xp, x, W, b, self.geometry, self.groups)
        return y.astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> tuple[Variable | None, ...]:
        gx, gW, *gb = self.needs_input_grad
        return (
            DeconvolutionND(self.geometry, self.groups).apply(gy, self.retained("W")) if gx else None,
            ConvolutionNDGradW(self.geometry, self.groups).apply(self.retained("x"), gy) if gW else None,
            *[_grad_b(gy) if needed else None for needed in gb],
        )


class DeconvolutionND(Sliding):
    """Each element of gy times W, added up where the convolution's windows lie, plus b: the convolution transposed."""

    def forward(self, gy: Array, W: Array, b: Array | None = None) -> Array:
        self.retain_operands(gy=gy, W=W)
        gx: Array = self.variant(W.shape, len(gy)).deconvolve(self.xp, gy, W, b, self.geometry, self.groups)
        return gx.astype(gy.dtype, copy=False)

    def backward(self, ggx: Variable) -> tuple[Variable | None, ...]:
        ggy, gW, *gb = self.needs_input_grad
        return (
            ConvolutionND(self.geometry, self.groups).apply(ggx, self.retained("W")) if ggy else None,
            ConvolutionNDGradW(self.geometry, self.groups).apply(ggx, self.retained("gy")) if gW else None,
            *[_grad_b(ggx) if needed else None for needed in gb],
        )


class ConvolutionNDGradW(Sliding):
    """The products of gy with the windows of x, summed over the batch and all positions."""

    def forward(self, x: Array, gy: Array) -> Array:
        self.retain_operands(x=x, gy=gy)
        W_shape = (gy.shape[1], x.shape[1] // self.groups, *self.geometry.ksize)
        gW: Array = self.variant(W_shape, len(x)).correlate(self.xp, x, gy, self.geometry, self.groups)
        return gW.astype(x.dtype, order="C", copy=False)

    def backward(self, ggW: Variable) -> tuple[Variable | None, Variable | None]:
        gx, ggy = self.needs_input_grad
        return (
            DeconvolutionND(self.geometry, self.groups).apply(self.retained("gy"), ggW) if gx else None,
            ConvolutionND(self.geometry, self.groups).apply(self.retained("x"), ggW) if ggy else None,
        )


def _grad_b(gy: Variable) -> Variable:
    return sum(gy, axis=tuple(i for i in range(gy.ndim) if i != 1))


def convolve(
    function: str,
    ndim: int,
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None,
    stride: Sizes,
    pad: Sizes,
    cover_all: bool,
    dilate: Sizes,
    groups: int,
) -> Variable:
    """Check the arguments of ``function``, which has ``ndim`` spatial axes, and convolve."""
    x, W, *rest = operands(function, ndim, x, W, b, groups, transposed=False)
    g = geometry(function, x.shape[2:], W.shape[2:], stride, pad, dilate, cover_all)
    return ConvolutionND(g, groups).apply(x, W, *rest)


def operands(
    function: str, ndim: int, x: ArrayLike, W: ArrayLike, b: ArrayLike | None, groups: int, transposed: bool
) -> list[Variable]:
    """x, W and, unless it is None, b, whose shapes and dtypes fit; W is transposed in a deconvolution."""
    x, W = as_variable(x), as_variable(W)
    told = f"(x: {x.shape}, W: {W.shape}, groups={groups})"
    if x.ndim != ndim + 2:
        raise ShapeError(f"{function}: x has {x.ndim} axes (expected batch, channels, {ndim} spatial axes) {told}")
    if W.ndim != ndim + 2:
        meant = "in, out / groups" if transposed else "out, in / groups"
        raise ShapeError(f"{function}: W has {W.ndim} axes (expected {meant}, {ndim} spatial axes) {told}")
    if 0 in W.shape[2:]:
        raise ShapeError(f"{function}: the windows of W have no elements {told}")
    if not isinstance(groups, Integral) or groups < 1:
        raise ArgumentError(f"{function}: groups={groups} (expected an integer of at least 1).")
    inputs, outputs = W.shape[1] * groups, W.shape[0]
    if transposed:
        inputs, outputs = outputs, inputs
    if inputs != x.shape[1]:
        raise ShapeError(f"{function}: W has {inputs} input channels but x has {x.shape[1]} {told}")
    if W.shape[0] % groups:
        kind = "input" if transposed else "output"
        raise ShapeError(f"{function}: the {W.shape[0]} {kind} channels of W do not divide into {groups} groups {told}")
    named = {"x": x, "W": W}
    if b is not None:
        named["b"] = b = as_variable(b)
        if b.shape != (outputs,):
            raise ShapeError(f"{function}: b has shape {b.shape} (expected ({outputs},)) {told}")
    require_floating(function, **named)
    for name, each in named.items():
        if each.dtype != x.dtype:
            raise DtypeError(f"{function}: {name} is {each.dtype} but x is {x.dtype} (expected one dtype). Cast one.")
    return list(named.values())


@removed_arguments(**REMOVED)
def convolution_nd(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    cover_all: bool = False,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Convolution over any number of spatial axes.

    ``y[n, o, p] = b[o] + sum_ck W[o, c, k] x[n, c, p stride + k dilate - pad]``, where x is 0 beyond its ends.
    W is not flipped: this is what signal processing calls cross-correlation.

    Args:
        x: ``(batch, in, size, ...)``, a floating dtype.
        W: weights, ``(out, in / groups, window size, ...)``, of x's dtype.
        b: biases, ``(out,)``; None for none.
        stride: the distance of two windows; one number for all spatial axes, or one for each. So are the next two.
        pad: how many zeros stand before and behind x.
        cover_all: round the number of windows up, so that the last ones may reach beyond the padding.
        dilate: the distance of two elements within a window; 1 for neighbours.
        groups: channels are cut into so many groups, and each group of ``out`` sees its group of ``in`` only.

    Returns:
        ``(batch, out, number of windows, ...)``, with ``floor((size + 2 pad - reach) / stride) + 1`` windows an axis,
        where ``reach = (window size - 1) dilate + 1``. float16 is accumulated in float32.

    Raises:
        ShapeError: the shapes do not fit together, or no window fits into x.
        DtypeError: x is not floating, or the dtypes differ.
        ArgumentError: a number is out of range.

    >>> x = np.arange(5.0).reshape(1, 1, 5)
    >>> convolution_nd(x, np.array([[[1.0, 10.0]]]), np.array([100.0])).array
    array([[[110., 121., 132., 143.]]])
    >>> convolution_nd(x, np.array([[[1.0, 10.0]]]), stride=2, pad=1).array
    array([[[ 0., 21., 43.]]])
    """
    x = as_variable(x)
    return convolve("convolution_nd", max(x.ndim - 2, 1), x, W, b, stride, pad, cover_all, dilate, groups)


@removed_arguments(**REMOVED)
def convolution_1d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    cover_all: bool = False,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Convolution over one spatial axis: ``convolution_nd`` of x ``(batch, in, size)``.

    >>> convolution_1d(np.ones((2, 3, 7)), np.ones((4, 3, 5))).shape
    (2, 4, 3)
    """
    return convolve("convolution_1d", 1, x, W, b, stride, pad, cover_all, dilate, groups)


@removed_arguments(**REMOVED)
def convolution_3d(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    stride: Sizes = 1,
    pad: Sizes = 0,
    cover_all: bool = False,
    dilate: Sizes = 1,
    groups: int = 1,
) -> Variable:
    """Convolution over three spatial axes: ``convolution_nd`` of x ``(batch, in, depth, height, width)``.

    >>> convolution_3d(np.ones((2, 3, 4, 5, 6)), np.ones((4, 3, 2, 2, 2))).shape
    (2, 4, 3, 4, 5)
    """
    return convolve("convolution_3d", 3, x, W, b, stride, pad, cover_all, dilate, groups)
