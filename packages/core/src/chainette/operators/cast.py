"""Change of dtype, and plain copies."""

from __future__ import annotations

import numpy as np

from chainette.backend import Device, device_of, get_device, to_device
from chainette.function import Function
from chainette.typing import Array, ArrayLike, DTypeLike
from chainette.variable import Variable, as_variable


class Cast(Function):
    """x in another dtype."""

    def __init__(self, dtype: DTypeLike) -> None:
        self.dtype = dtype

    def forward(self, x: Array) -> Array:
        return x.astype(self.dtype)

    def backward(self, gy: Variable) -> Variable:
        return gy  # the walk casts it to the dtype of x


class Copy(Function):
    """x in memory of its own."""

    def forward(self, x: Array) -> Array:
        return x.copy()

    def backward(self, gy: Variable) -> Variable:
        return gy


class ToDevice(Function):
    """x on another device."""

    def __init__(self, destination: Device) -> None:
        self.destination = destination

    def forward(self, x: Array) -> Array:
        self.source = device_of(x)
        return to_device(x, self.destination)

    def backward(self, gy: Variable) -> Variable:
        return copy(gy, self.source)


def cast(x: ArrayLike, typ: DTypeLike) -> Variable:
    """``x`` in the dtype ``typ``; the gradient comes back in x's own.

    Args:
        x: any shape and dtype.
        typ: a NumPy dtype or its name. To an integer dtype no gradient flows.

    Returns:
        ``x`` itself, as a Variable, where it has that dtype already.

    >>> cast(np.ones(2, "float32"), "float64").dtype
    dtype('float64')
    """
    x = as_variable(x)
    return x if x.dtype == np.dtype(typ) else Cast(typ).apply(x)


def copy(x: ArrayLike, dst: str | Device | None = None) -> Variable:
    """A copy of ``x``, on the device ``dst``; gradients come back to where ``x`` lies.

    Args:
        x: any shape and dtype.
        dst: a device or its name; None for the device of ``x``.

    >>> x = np.zeros(2)
    >>> copy(x).array is x
    False
    """
    x = as_variable(x)
    if dst is None or get_device(dst) == x.device:
        return Copy().apply(x)
    return ToDevice(get_device(dst)).apply(x)
