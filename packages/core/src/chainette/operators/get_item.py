"""Indexing, ``x[index]``."""

from __future__ import annotations

from typing import Any

from chainette.errors import ArgumentError
from chainette.function import Function
from chainette.typing import Array, ArrayLike, Shape
from chainette.variable import Variable


class GetItem(Function):
    """x[index]."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def forward(self, x: Array) -> Array:
        self.in_shape = x.shape
        return x[self.index]

    def backward(self, gy: Variable) -> Variable:
        return GetItemGrad(self.index, self.in_shape).apply(gy)


class GetItemGrad(Function):
    """Zeros, with gy added at index: an element that was taken twice gets both gradients."""

    def __init__(self, index: Any, shape: Shape) -> None:
        self.index = index
        self.shape = shape

    def forward(self, gy: Array) -> Array:
        if _takes_each_once(self.index):
            gx = self.xp.zeros(self.shape, gy.dtype)
            gx[self.index] = gy
            return gx
        gx = self.xp.zeros(self.shape, "f" if gy.dtype == "e" else gy.dtype)  # sums of float16 would lose digits
        self.xp.add.at(gx, self.index, gy.astype(gx.dtype, copy=False))
        return gx.astype(gy.dtype, copy=False)

    def backward(self, ggx: Variable) -> Variable:
        return GetItem(self.index).apply(ggx)


def _takes_each_once(index: Any) -> bool:
    """Basic indexing and boolean masks never take one element twice."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (int, slice)) or getattr(part, "dtype", "") == "?"
        for part in parts
    )


def get_item(x: ArrayLike, slices: Any) -> Variable:
    """``x[slices]``, with NumPy's basic and advanced indexing.

    Args:
        x: any dtype.
        slices: an int, slice, None, Ellipsis, integer or boolean array or list, or a tuple of them.

    Returns:
        What NumPy gives. An element that is taken several times gets the sum of the gradients.

    Raises:
        IndexError: the index does not fit.
        ArgumentError: a Variable in the index: positions have no gradient, so its array is to be given.

    >>> get_item(np.arange(6.0).reshape(2, 3), (slice(None), [0, 2])).array
    array([[0., 2.],
           [3., 5.]])
    """
    if any(isinstance(part, Variable) for part in (slices if isinstance(slices, tuple) else (slices,))):
        raise ArgumentError("get_item: the index holds a Variable. Give its array, x[i.array].")
    return GetItem(slices).apply(x)
