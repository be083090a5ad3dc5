"""The maximum of each window; and putting back by its index, and taking by it, which are its gradients."""

from math import inf, prod
from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating
from chainette.typing import Array, ArrayLike
from chainette_functions.pooling.geometry import pooling_geometry, require_filled
from chainette_functions.windows import Geometry, Sizes, around, fold, images_in_cache, positions, with_padding


class MaxPooling(Function):
    """The largest element of each window; keeps which one that was: its number within the window."""

    name = "max_pooling_nd"

    def __init__(self, g: Geometry, return_indices: bool = False) -> None:
        self.g = g
        self.return_indices = return_indices

    def forward(self, x: Array) -> Any:
        xp, indexed = self.xp, self.edges is not None or self.return_indices
        y = xp.empty((*x.shape[:2], *self.g.out), x.dtype)
        index = xp.empty(y.shape, number_dtype(prod(self.g.ksize))) if indexed else None
        for images in images_in_cache(x.shape):
            if index is None:
                y[images] = fold(xp, x[images], self.g, xp.maximum, -inf)
            else:
                y[images], index[images] = first_maximum(xp, x[images], self.g, index.dtype)
        self.retain(index=index)
        return (y, index) if self.return_indices else y

    def backward(self, gy: Variable, gindex: None = None) -> Variable:
        return MaxPoolingGrad(self.g).apply(self.retained("index"), gy)


def number_dtype(count: int) -> str:
    """The smallest dtype that numbers so many elements."""
    return "uint8" if count <= 1 << 8 else "uint16" if count <= 1 << 16 else "int32"


def first_maximum(xp: Any, x: Array, g: Geometry, dtype: Any) -> tuple[Array, Array]:
    """The maximum of each window, NaN if it has one, and the number of the first element that is it.

    One axis after the other: of the windows along it, first the maximum, then the least number where that is.
    """
    last = dtype.type(prod(g.ksize) - 1)
    number = None
    for axis, size in enumerate(g.ksize):
        before, after = around(x, axis, g)
        shape = (*x.shape[:before], g.out[axis], *x.shape[before + 1 :])
        y, least = xp.full(shape, -inf, x.dtype), xp.full(shape, last)
        spans = [((..., windows, *after), (..., elements, *after)) for windows, elements in g.spans(axis)]
        for windows, elements in spans:
            xp.maximum(y[windows], x[elements], out=y[windows])
        for i, (windows, elements) in enumerate(spans):
            other = x[elements] != y[windows]
            other &= x[elements] == x[elements]  # a NaN is the maximum, though it equals nothing
            mine = dtype.type(i)
            if number is not None:
                mine = number[elements] * dtype.type(size) + mine
            xp.minimum(least[windows], xp.maximum(other * last, mine), out=least[windows])
        x, number = y, least
    return x, number


class MaxPoolingGrad(Function):
    """Zeros, with each gradient added where the maximum was."""

    name = "max_pooling_nd_grad"

    def __init__(self, g: Geometry) -> None:
        self.g = g

    def forward(self, index: Array, gy: Array) -> Array:
        self.retain(index=index)
        xp, g = self.xp, self.g
        overlap = any(k > s for k, s in zip(g.ksize, g.stride, strict=True))
        gx = xp.empty((*gy.shape[:2], *g.size), gy.dtype)
        for images in images_in_cache(gx.shape):
            part = gy[images]
            padded = xp.zeros((*part.shape[:2], *g.padded), "f" if gy.dtype == "e" else gy.dtype)
            where, values = positions(xp, index[images], g).ravel(), part.ravel().astype(padded.dtype, copy=False)
            if overlap:
                xp.add.at(padded.reshape(-1), where, values)
            else:
                padded.reshape(-1)[where] = values
            gx[images] = padded[(..., *g.inside)]
        return gx

    def backward(self, ggx: Variable) -> tuple[None, Variable]:
        return None, MaxPoolingPick(self.g).apply(self.retained("index"), ggx)


class MaxPoolingPick(Function):
    """The element of each window that has the given number."""

    name = "max_pooling_nd_pick"

    def __init__(self, g: Geometry) -> None:
        self.g = g

    def forward(self, index: Array, x: Array) -> Array:
        self.retain(index=index)
        return with_padding(self.xp, x, self.g).ravel()[positions(self.xp, index, self.g)]

    def backward(self, gy: Variable) -> tuple[None, Variable]:
        return None, MaxPoolingGrad(self.g).apply(self.retained("index"), gy)


def max_pool(
    function: str,
    ndim: int | None,
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None,
    pad: Sizes,
    cover_all: bool,
    return_indices: bool,
) -> Any:
    """Max pooling for ``function``, which has ``ndim`` spatial axes (None: as many as x has)."""
    x = as_variable(x)
    require_floating(function, x=x)
    g = pooling_geometry(function, x, ndim, ksize, stride, pad, cover_all)
    require_filled(function, g)
    y: Any = MaxPooling(g, return_indices).apply(x)
    return (y[0], y[1].array.astype("int32")) if return_indices else y
