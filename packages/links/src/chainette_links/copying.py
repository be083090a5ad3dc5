"""How parameters are made with a dtype, and copied."""

from __future__ import annotations

import copy
from typing import Any

from chainette import Parameter
from chainette.backend import is_array
from chainette.initializers import Constant, Initializer, InitializerLike
from chainette.typing import DTypeLike

COPY_MODES = ("share", "copy", "init")


def with_dtype(initializer: InitializerLike, dtype: DTypeLike) -> Any:
    """The initializer, made to give that dtype."""
    if dtype is None or is_array(initializer):
        return initializer
    if isinstance(initializer, Initializer):
        initializer = copy.copy(initializer)
        initializer.dtype = dtype
        return initializer
    return Constant(float("nan") if initializer is None else initializer, dtype)


def copied_parameter(parameter: Parameter, mode: str) -> Parameter:
    """A copy of a parameter: see ``Link.copy`` for the modes."""
    if mode == "copy":
        return copy.deepcopy(parameter)
    copied = copy.copy(parameter)
    if mode == "init":
        copied.update_rule = None
        copied.cleargrad()
        if copied.is_initialized and copied.initializer is not None:
            copied.initialize(parameter.shape)
        elif copied.is_initialized:
            copied.array = parameter.array.copy()  # it was made from an array: that is what it starts from
    return copied
