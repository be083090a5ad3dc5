"""Sums of windows, and spreading over windows. Each is the other's gradient."""

from math import prod
from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike
from chainette_functions.pooling.geometry import pooling_geometry, require_filled, unpooling_geometry
from chainette_functions.windows import Geometry, Sizes, fold, images_in_cache, spread


class SumPooling(Function):
    """The sum of each window over ``divisor``; None stands for how many of its elements are no padding."""

    name = "sum_pooling_nd"

    def __init__(self, g: Geometry, divisor: int | None = 1) -> None:
        self.g = g
        self.divisor = divisor

    def forward(self, x: Array) -> Array:
        y = self.xp.empty((*x.shape[:2], *self.g.out), x.dtype)
        for images in images_in_cache(x.shape):
            sums = fold(self.xp, _wide(x[images]), self.g, self.xp.add, 0)
            y[images] = _divided(self.xp, sums, self.g, self.divisor)
        return y

    def backward(self, gy: Variable) -> Variable:
        return Unpooling(self.g, self.divisor).apply(gy)


class Unpooling(Function):
    """Each value over ``divisor`` given to all elements of its window; where windows overlap, they add up."""

    name = "unpooling_nd"

    def __init__(self, g: Geometry, divisor: int | None = 1) -> None:
        self.g = g
        self.divisor = divisor

    def forward(self, y: Array) -> Array:
        x = self.xp.empty((*y.shape[:2], *self.g.size), y.dtype)
        for images in images_in_cache(x.shape):
            x[images] = spread(self.xp, _divided(self.xp, _wide(y[images]), self.g, self.divisor), self.g)
        return x

    def backward(self, gx: Variable) -> Variable:
        return SumPooling(self.g, self.divisor).apply(gx)


def _wide(x: Array) -> Array:
    """float16 adds up in float32."""
    return x.astype("f") if x.dtype == "e" else x


def _divided(xp: Any, y: Array, g: Geometry, divisor: int | None) -> Array:
    if divisor is None:
        return y / fold(xp, xp.ones(g.size, y.dtype), g, xp.add, 0)
    return y if divisor == 1 else y / divisor


def average_pool(
    function: str,
    ndim: int | None,
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None,
    pad: Sizes,
    pad_value: int | None,
) -> Variable:
    """Average pooling for ``function``, which has ``ndim`` spatial axes (None: as many as x has)."""
    x = as_variable(x)
    require_floating(function, x=x)
    g = pooling_geometry(function, x, ndim, ksize, stride, pad)
    if pad_value is None:
        require_filled(function, g)
    elif pad_value != 0:
        raise ArgumentError(f"{function}: pad_value={pad_value} (expected 0, or None for padding that does not count).")
    return SumPooling(g, None if pad_value is None else prod(g.ksize)).apply(x)


def unpool(
    function: str,
    ndim: int | None,
    x: ArrayLike,
    ksize: Sizes,
    stride: Sizes | None,
    pad: Sizes,
    outsize: Sizes | None,
    cover_all: bool,
) -> Variable:
    """Unpooling for ``function``, which has ``ndim`` spatial axes (None: as many as x has)."""
    x = as_variable(x)
    return Unpooling(unpooling_geometry(function, x, ndim, ksize, stride, pad, outsize, cover_all)).apply(x)
