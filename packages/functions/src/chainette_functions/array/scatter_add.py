"""Adding at places."""

from typing import Any

import numpy as np

from chainette import Function, Variable, as_variable
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.operators import get_item
from chainette.operators.broadcast import can_broadcast
from chainette.typing import Array, ArrayLike


class ScatterAdd(Function):
    """a, with b added to a[slices]; float16 is added up in float32."""

    def __init__(self, slices: Any) -> None:
        self.slices = slices

    def forward(self, a: Array, b: Array) -> Array:
        y = a.astype("f" if a.dtype == "e" else a.dtype)  # a copy
        if _is_basic(self.slices):
            y[self.slices] += b
        else:
            self.xp.add.at(y, self.slices, b.astype(y.dtype))
        return y.astype(a.dtype, copy=False)

    def backward(self, gy: Variable) -> tuple[Variable, Variable | None]:
        return gy, get_item(gy, self.slices) if self.needs_input_grad[1] else None


def _is_basic(slices: Any) -> bool:
    """Whether no element is met twice, since the index is made of numbers and slices."""
    parts = slices if isinstance(slices, tuple) else (slices,)
    return all(part is None or part is Ellipsis or isinstance(part, (int, slice)) for part in parts)


def scatter_add(a: ArrayLike, slices: Any, b: ArrayLike) -> Variable:
    """A copy of ``a`` with ``b`` added to ``a[slices]``. What is added to one element several times adds up.

    Args:
        a: any shape, a numeric dtype.
        slices: as in ``get_item``: an int, slice, None, Ellipsis, integer or boolean array or list, or a tuple of them.
        b: a shape that broadcasts to that of ``a[slices]``.

    Returns:
        The shape and dtype of ``a``.

    Raises:
        ArgumentError: a Variable in ``slices``: positions have no gradient, so its array is to be given.
        ShapeError: ``slices`` does not fit ``a``, or ``b`` does not fit there.
        DtypeError: ``a`` is of integers and ``b`` is not.

    >>> scatter_add(np.zeros(3), [0, 2, 2], np.array([1.0, 2.0, 3.0])).array
    array([1., 0., 5.])
    """
    a, b = as_variable(a), as_variable(b)
    if any(isinstance(part, Variable) for part in (slices if isinstance(slices, tuple) else (slices,))):
        raise ArgumentError("scatter_add: slices holds a Variable. Give its array, i.array.")
    try:
        with a.device.use():
            shape = a.array[slices].shape
    except IndexError as error:
        raise ShapeError(f"scatter_add: slices does not fit a of shape {a.shape}: {error}.") from None
    if not can_broadcast(b.shape, shape):
        raise ShapeError(f"scatter_add: b has shape {b.shape} (expected one that broadcasts to a[slices], {shape}).")
    if not np.can_cast(b.dtype, a.dtype, "same_kind"):
        raise DtypeError(f"scatter_add: b is {b.dtype} and a is {a.dtype} (expected a dtype that can hold both).")
    return ScatterAdd(slices).apply(a, b)
