"""The types that chainette's signatures speak of."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy.typing as npt

if TYPE_CHECKING:
    from chainette.variable import Variable

Array: TypeAlias = npt.NDArray[Any]
"""An array of any backend. Other backends' arrays offer NumPy's interface, so NumPy's type stands for all of them."""

ArrayModule: TypeAlias = ModuleType
"""``xp``: NumPy, or the module with NumPy's interface that an accelerator brings."""

Scalar: TypeAlias = int | float | complex

ArrayLike: TypeAlias = "Variable | Array | Scalar"
"""What a function takes: a Variable, a plain array, or (beside an array) a Python number."""

Shape: TypeAlias = tuple[int, ...]
DTypeLike: TypeAlias = npt.DTypeLike
Axis: TypeAlias = int | tuple[int, ...] | None

SCALAR_TYPES: tuple[type, ...] = (bool, int, float, complex)
"""Python's own numbers. They never widen an array's dtype (NumPy's NEP 50)."""

__all__ = ["SCALAR_TYPES", "Array", "ArrayLike", "ArrayModule", "Axis", "DTypeLike", "Scalar", "Shape"]
