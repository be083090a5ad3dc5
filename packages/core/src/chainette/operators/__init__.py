"""The differentiable functions that a Variable itself needs; ``chainette.functions`` shows most of them too."""

from collections.abc import Callable
from typing import Any

from chainette.operators.arithmetic import Add, absolute, add, div, floor_div, mul, neg, pow, sub
from chainette.operators.broadcast import broadcast_to, sum_to
from chainette.operators.cast import cast, copy
from chainette.operators.get_item import get_item
from chainette.operators.log import log
from chainette.operators.matmul import matmul
from chainette.operators.reduction import max, mean, min, sum
from chainette.operators.shape import reshape, transpose

BY_UFUNC: dict[str, Callable[..., Any]] = {
    "add": add,
    "subtract": sub,
    "multiply": mul,
    "divide": div,
    "floor_divide": floor_div,
    "power": pow,
    "matmul": matmul,
    "negative": neg,
    "absolute": absolute,
}
"""What ``ndarray op Variable`` means: NumPy asks the Variable, naming its ufunc."""

__all__ = [
    "BY_UFUNC",
    "Add",
    "absolute",
    "add",
    "broadcast_to",
    "cast",
    "copy",
    "div",
    "floor_div",
    "get_item",
    "log",
    "matmul",
    "max",
    "mean",
    "min",
    "mul",
    "neg",
    "pow",
    "reshape",
    "sub",
    "sum",
    "sum_to",
    "transpose",
]
