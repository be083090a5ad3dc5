"""Sums, means and extrema over axes."""

from __future__ import annotations

from typing import Any

from chainette.checks import normalize_axes
from chainette.errors import ShapeError
from chainette.function import Function
from chainette.operators.arithmetic import mul
from chainette.operators.broadcast import BroadcastTo
from chainette.operators.cast import cast
from chainette.operators.shape import reshape
from chainette.typing import Array, ArrayLike, Axis, Shape
from chainette.variable import Variable, as_variable


class Reduction(Function):
    """The base of functions that reduce the given axes (None: all) to one value, or to axes of size 1."""

    def __init__(self, axes: tuple[int, ...] | None, keepdims: bool) -> None:
        self.axes = axes
        self.keepdims = keepdims
        self.in_shape: Shape = ()

    def reduce(self, method: str, x: Array, **options: Any) -> Any:
        self.in_shape = x.shape
        return getattr(x, method)(axis=self.axes, keepdims=self.keepdims, **options)

    def keep_axes(self, y: Variable) -> Variable:
        """``y`` with the reduced axes put back, of size 1."""
        if self.keepdims:
            return y
        axes = range(len(self.in_shape)) if self.axes is None else self.axes
        return reshape(y, tuple(1 if i in axes else size for i, size in enumerate(self.in_shape)))

    def spread(self, gy: Variable) -> Variable:
        """``gy`` given to every element that was reduced."""
        return BroadcastTo(self.in_shape).apply(self.keep_axes(gy))


class Sum(Reduction):
    """The sum; of float16 accumulated in float32."""

    def forward(self, x: Array) -> Array:
        if x.dtype == "e":
            return self.reduce("sum", x, dtype="f").astype("e")
        return self.reduce("sum", x)

    def backward(self, gy: Variable) -> Variable:
        return self.spread(gy)


class Mean(Reduction):
    """The mean; of float16 accumulated in float32."""

    def forward(self, x: Array) -> Array:
        y = self.reduce("mean", x)
        self.count = x.size // (y.size or 1) or 1
        return y

    def backward(self, gy: Variable) -> Variable:
        return self.spread(gy * (1 / self.count))  # float16 cannot hold a count over 65,504


class Extremum(Reduction):
    """The maximum or minimum; the gradient goes to all elements that attain it."""

    method = ""

    def forward(self, x: Array) -> Array:
        y = self.reduce(self.method, x)
        self.retain(x=x, y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        x, y = self.retained("x"), self.retained("y")
        attained: Array = x.array == self.keep_axes(y).array
        return mul(self.keep_axes(gy), attained)


class Max(Extremum):
    method = "max"


class Min(Extremum):
    method = "min"


def sum(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The sum of the elements along ``axis``.

    Args:
        x: any numeric dtype. float16 is accumulated in float32.
        axis: an axis, a tuple of axes, or None for all.
        keepdims: whether the summed axes stay, with size 1.

    Raises:
        ShapeError: an axis is out of range or given twice.

    >>> sum(np.ones((2, 3)), axis=1).array
    array([3., 3.])
    """
    x = as_variable(x)
    return Sum(normalize_axes("sum", axis, x.ndim), keepdims).apply(x)


def mean(x: ArrayLike, axis: Axis = None, weights: ArrayLike | None = None, keepdims: bool = False) -> Variable:
    """The mean of the elements along ``axis``, weighted if ``weights`` are given: ``sum(w x) / sum(w)``.

    Args:
        x: any floating dtype. float16 is accumulated in float32.
        axis: an axis, a tuple of axes, or None for all.
        weights: of x's shape, or one value for each element along a single ``axis``.
        keepdims: whether the reduced axes stay, with size 1.

    Raises:
        ShapeError: an axis is out of range or given twice, or the weights do not fit.

    >>> mean(np.array([1.0, 2.0, 6.0])).array
    array(3.)
    >>> mean(np.array([1.0, 2.0, 6.0]), weights=np.array([1.0, 1.0, 0.0])).array
    array(1.5)
    """
    x = as_variable(x)
    axes = normalize_axes("mean", axis, x.ndim)
    if weights is None:
        return Mean(axes, keepdims).apply(x)
    weights = as_variable(weights)
    if weights.shape != x.shape:
        if axes is None or len(axes) != 1 or weights.shape != (x.shape[axes[0]],):
            raise ShapeError(f"mean: weights of shape {weights.shape} do not fit x {x.shape} along axis={axis}.")
        weights = reshape(weights, tuple(size if i == axes[0] else 1 for i, size in enumerate(x.shape)))
        weights = BroadcastTo(x.shape).apply(weights)
    if x.dtype == "e":
        return cast(mean(cast(x, "f"), axis, cast(weights, "f"), keepdims), "e")
    return sum(x * weights, axis, keepdims) / sum(weights, axis, keepdims)


def _extremum(function: type[Extremum], x: ArrayLike, axis: Axis, keepdims: bool) -> Variable:
    x = as_variable(x)
    axes = normalize_axes(function.name, axis, x.ndim)
    reduced = x.shape if axes is None else [x.shape[i] for i in axes]
    if 0 in reduced:
        raise ShapeError(f"{function.name}: x of shape {x.shape} has no elements along axis={axis}.")
    return function(axes, keepdims).apply(x)


def max(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The largest element along ``axis``. The gradient goes to every element that equals it.

    Args:
        x: any real dtype.
        axis: an axis, a tuple of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Raises:
        ShapeError: an axis is out of range or given twice, or there is nothing to choose from.

    >>> max(np.array([[1.0, 5.0], [7.0, 2.0]]), axis=1).array
    array([5., 7.])
    """
    return _extremum(Max, x, axis, keepdims)


def min(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Variable:
    """The smallest element along ``axis``. The gradient goes to every element that equals it.

    Args:
        x: any real dtype.
        axis: an axis, a tuple of axes, or None for all.
        keepdims: whether the reduced axes stay, with size 1.

    Raises:
        ShapeError: an axis is out of range or given twice, or there is nothing to choose from.

    >>> min(np.array([[1.0, 5.0], [7.0, 2.0]]), axis=1).array
    array([1., 2.])
    """
    return _extremum(Min, x, axis, keepdims)
