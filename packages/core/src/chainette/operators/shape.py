"""Reshaping and reordering axes."""

from __future__ import annotations

from math import prod

from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette.function import Function
from chainette.typing import Array, ArrayLike, Shape
from chainette.variable import Variable, as_variable


class Reshape(Function):
    """The elements of x in another shape."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def forward(self, x: Array) -> Array:
        self.in_shape = x.shape
        return x.reshape(self.shape)

    def backward(self, gy: Variable) -> Variable:
        return Reshape(self.in_shape).apply(gy)


class Transpose(Function):
    """The axes of x in another order."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        self.axes = axes

    def forward(self, x: Array) -> Array:
        return x.transpose(self.axes)

    def backward(self, gy: Variable) -> Variable:
        inverse = tuple(sorted(range(len(self.axes)), key=self.axes.__getitem__))
        return Transpose(inverse).apply(gy)


def reshape(x: ArrayLike, shape: int | Shape) -> Variable:
    """The same elements, in row-major order, in another shape.

    Args:
        x: any dtype.
        shape: the new shape; one size may be -1 and follows from the others.

    Returns:
        A Variable of that shape: ``x`` itself where it has it already, a view of its array where NumPy can give one.

    Raises:
        ShapeError: the number of elements differs.

    >>> reshape(np.arange(6), (2, -1)).shape
    (2, 3)
    """
    x = as_variable(x)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if x.shape == shape:
        return x
    known = prod(size for size in shape if size != -1)
    open_sizes = shape.count(-1)
    if open_sizes > 1 or (x.size != known if not open_sizes else known == 0 or x.size % known):
        raise ShapeError(f"reshape: x of shape {x.shape} has {x.size} elements, which do not fit into {shape}.")
    return Reshape(shape).apply(x)


def transpose(x: ArrayLike, axes: tuple[int, ...] | None = None) -> Variable:
    """The axes in another order.

    Args:
        x: any dtype.
        axes: a permutation of x's axes; None reverses them.

    Returns:
        A Variable whose axis ``i`` is axis ``axes[i]`` of ``x``; its array is a view.

    Raises:
        ShapeError: ``axes`` is no permutation.

    >>> transpose(np.ones((2, 3, 4)), (2, 0, 1)).shape
    (4, 2, 3)
    """
    x = as_variable(x)
    if axes is None:
        return Transpose(tuple(reversed(range(x.ndim)))).apply(x)
    order = tuple(normalize_axis("transpose", axis, x.ndim) for axis in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ShapeError(f"transpose: axes {tuple(axes)} are no permutation of the axes of x (shape {x.shape}).")
    return Transpose(order).apply(x)
