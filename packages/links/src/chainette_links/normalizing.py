"""What the normalizations share: parameters that stay in float32 where the others are in float16."""

from __future__ import annotations

from typing import Any

from chainette import Parameter, get_dtype
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import DTypeLike
from chainette_links.copying import with_dtype


def normalizing_parameter(
    initial: InitializerLike, default: float, dtype: DTypeLike = None, shape: Any = None
) -> Parameter:
    """A parameter that scales or shifts: of ``config.dtype``, but of float32 where that is ``mixed16``."""
    initializer = get_initializer(default if initial is None else initial)
    if dtype is None and getattr(initializer, "dtype", None) is None:
        dtype = get_dtype(map_mixed16="float32")
    return Parameter(with_dtype(initializer, dtype), shape)
