"""The maximum of each window; and putting back by its index, and taking by it, which are its gradients."""

from math import inf, prod
from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating
from chainette.typing import Array, ArrayLike
from chainette_functions.pooling.geometry import pooling_geometry, require_filled
from chainette_functions.windows import Geometry, Sizes, fold, positions, with_padding


class MaxPooling(Function):
    """The largest element of each window; keeps which one that was: its number within the window."""

    name = "max_pooling_nd"

    def __init__(self, g: Geometry, return_indices: bool = False) -> None:
        self.g = g
        self.return_indices = return_indices

    def forward(self, x: Array) -> Any:
        y = fold(self.xp, x, self.g, self.xp.maximum, -inf)
        if self.edges is None and not self.return_indices:
            return y
        index = self.first_maximum(x, y)
        self.retain(index=index)
        return (y, index) if self.return_indices else y

    def first_maximum(self, x: Array, y: Array) -> Array:
        """How many elements of each window come before the one that is the maximum, or before the first NaN."""
        index = self.xp.zeros(y.shape, "int32")
        missing = self.xp.ones(y.shape, bool)
        for windows, elements in self.g.overlaps():
            candidate = x[elements]
            missing[windows] &= ~((candidate >= y[windows]) | (candidate != candidate))
            index += missing
        return index

    def backward(self, gy: Variable, gindex: None = None) -> Variable:
        return MaxPoolingGrad(self.g).apply(self.retained("index"), gy)


class MaxPoolingGrad(Function):
    """Zeros, with each gradient added where the maximum was."""

    name = "max_pooling_nd_grad"

    def __init__(self, g: Geometry) -> None:
        self.g = g

    def forward(self, index: Array, gy: Array) -> Array:
        self.retain(index=index)
        shape = gy.shape[: gy.ndim - len(self.g.size)] + self.g.padded
        gx = self.xp.zeros(prod(shape), "f" if gy.dtype == "e" else gy.dtype)  # where windows overlap, it is a sum
        self.xp.add.at(gx, positions(self.xp, index, self.g).ravel(), gy.ravel().astype(gx.dtype, copy=False))
        return gx.reshape(shape)[(..., *self.g.inside)].astype(gy.dtype, copy=False)

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
    return (y[0], y[1].array) if return_indices else y
