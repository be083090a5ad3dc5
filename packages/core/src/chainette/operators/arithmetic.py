"""``+ - * / // **``, negation and absolute value, with NumPy's broadcasting.

Gradients are returned in the broadcast shape; the walk sums them to each input's own.
"""

from __future__ import annotations

import math
from typing import Any

from chainette.function import Function
from chainette.operators.log import log
from chainette.typing import SCALAR_TYPES, Array, ArrayLike
from chainette.variable import Variable


class Add(Function):
    """x0 + x1."""

    def forward(self, x0: Array, x1: Array) -> Array:
        return x0 + x1

    def backward(self, gy: Variable) -> tuple[Variable, Variable]:
        return gy, gy


class Sub(Function):
    """x0 - x1."""

    def forward(self, x0: Array, x1: Array) -> Array:
        return x0 - x1

    def backward(self, gy: Variable) -> tuple[Variable, Variable | None]:
        return gy, Neg().apply(gy) if self.edges and self.edges[1] is not None else None


class Mul(Function):
    """x0 * x1; keeps each factor only if the other one needs a gradient."""

    def forward(self, x0: Array, x1: Array) -> Array:
        if self.edges is not None:
            first, second = self.edges
            self.retain(x0=None if second is None else x0, x1=None if first is None else x1)
        return x0 * x1

    def backward(self, gy: Variable) -> tuple[Variable | None, Variable | None]:
        first, second = self.edges or (None, None)
        gx0 = None if first is None else Mul().apply(gy, self.retained("x1"))
        gx1 = None if second is None else Mul().apply(gy, self.retained("x0"))
        return gx0, gx1


class Div(Function):
    """x0 / x1."""

    def forward(self, x0: Array, x1: Array) -> Array:
        y = x0 / x1
        self.retain(x1=x1, y=y if self.edges and self.edges[1] is not None else None)
        return y

    def backward(self, gy: Variable) -> tuple[Variable, Variable | None]:
        gx0 = gy / self.retained("x1")
        return gx0, -gx0 * self.retained("y") if self.needs_input_grad[1] else None


class FloorDiv(Function):
    """floor(x0 / x1): constant wherever it has a derivative, so no gradient flows."""

    def forward(self, x0: Array, x1: Array) -> Array:
        return x0 // x1


class Pow(Function):
    """x0 ** x1. No gradient is NaN where the true one is finite: at exponent 0, and at base 0."""

    def forward(self, x0: Array, x1: Array) -> Array:
        y = x0**x1
        self.retain(x0=x0, x1=x1, y=y if self.edges and self.edges[1] is not None else None)
        return y

    def backward(self, gy: Variable) -> tuple[Variable | None, Variable | None]:
        x0, x1 = self.retained("x0"), self.retained("x1")
        gx0 = gx1 = None
        if self.needs_input_grad[0]:
            gx0 = gy * x1 * x0 ** (x1 - _where_not_zero(x1))
        if self.needs_input_grad[1]:
            gx1 = gy * self.retained("y") * _log_or_zero(x0)
        return gx0, gx1


def _where_not_zero(x: Any) -> Any:
    return int(x != 0) if type(x) in SCALAR_TYPES else (x.array != 0).astype(x.dtype)


def _log_or_zero(x: Any) -> Any:
    """log(x), with 0 where x is 0: there x ** p is 0 for every p > 0, so its derivative by p is 0."""
    if type(x) in SCALAR_TYPES:
        return math.log(x) if x > 0 else 0.0 if x == 0 else math.nan
    return log(x + (x.array == 0).astype(x.dtype))


class Neg(Function):
    """-x."""

    def forward(self, x: Array) -> Array:
        return -x

    def backward(self, gy: Variable) -> Variable:
        return -gy


class Absolute(Function):
    """|x|; its gradient at 0 is 0."""

    def forward(self, x: Array) -> Array:
        self.retain(sign=self.xp.sign(x))
        return abs(x)

    def backward(self, gy: Variable) -> Variable:
        return gy * self.retained("sign")


def add(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """``x0 + x1``, broadcast."""
    return Add().apply(x0, x1)


def sub(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """``x0 - x1``, broadcast."""
    return Sub().apply(x0, x1)


def mul(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """``x0 * x1``, broadcast."""
    return Mul().apply(x0, x1)


def div(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """``x0 / x1``, broadcast."""
    return Div().apply(x0, x1)


def floor_div(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """``x0 // x1``, broadcast; no gradient flows."""
    return FloorDiv().apply(x0, x1)


def pow(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """``x0 ** x1``, broadcast. The gradient of the exponent is 0 where the base is 0."""
    return Pow().apply(x0, x1)


def neg(x: ArrayLike) -> Variable:
    """``-x``."""
    return Neg().apply(x)


def absolute(x: ArrayLike) -> Variable:
    """The absolute value, ``|x|``, element by element.

    Args:
        x: any shape and numeric dtype.

    Returns:
        The shape and dtype of ``x``. The gradient at exactly 0 is 0.

    >>> absolute(np.array([-2.0, 3.0])).array
    array([2., 3.])
    """
    return Absolute().apply(x)
