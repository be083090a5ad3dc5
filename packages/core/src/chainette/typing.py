"""The types that chainette's signatures speak of."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy.typing as npt

if TYPE_CHECKING:
    from chainette.variable import Variable

Array: TypeAlias = Any
"""An array of whichever backend: inside ``forward`` one cannot know more."""

ArrayModule: TypeAlias = ModuleType
"""``xp``: NumPy, or the module with NumPy's interface that an accelerator brings."""

Scalar: TypeAlias = int | float | complex

NumPyLike: TypeAlias = npt.NDArray[Any] | Scalar

ArrayLike: TypeAlias = Union["Variable", npt.NDArray[Any], int, float, complex]
"""What a function takes: a Variable, a plain array, or (beside an array) a Python number."""

Shape: TypeAlias = tuple[int, ...]
DTypeLike: TypeAlias = npt.DTypeLike | None
Axis: TypeAlias = int | tuple[int, ...] | None

SCALAR_TYPES: tuple[type, ...] = (bool, int, float, complex)
"""Python's own numbers. They never widen an array's dtype (NumPy's NEP 50)."""

__all__ = ["SCALAR_TYPES", "Array", "ArrayLike", "ArrayModule", "Axis", "DTypeLike", "NumPyLike", "Scalar", "Shape"]
