"""Debug mode: finds where a NaN first appears, and arrays that were changed before backward needed them.

Switched on by ``chainette.config.debug = True``, ``chainette.using_config("debug", True)`` or ``CHAINETTE_DEBUG=1``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from chainette.backend import backend_of, device_of, is_array
from chainette.config import thread
from chainette.errors import InPlaceChangeError, NaNError

if TYPE_CHECKING:
    from chainette.function import Function


def check_forward(function: Function, outputs: Any) -> None:
    """Note where the function was applied, and refuse NaN among its outputs."""
    function.made_at = _line_of_user_code()
    for index, y in enumerate(outputs if type(outputs) is tuple else (outputs,)):
        if _has_nan(y):
            raise NaNError(f"{function.name}: output {index} holds NaN, computed at {function.made_at}.")


def check_backward(function: Function, results: Any) -> None:
    """Refuse NaN among the gradients that the function's backward returned."""
    for index, gx in enumerate(results if type(results) is tuple else (results,)):
        if gx is not None and _has_nan(getattr(gx, "array", gx)):
            raise NaNError(f"{function.name}: the gradient of input {index} holds NaN; applied at {function.made_at}.")


def _has_nan(array: Any) -> bool:
    if not is_array(array):
        return bool(array != array)  # only NaN differs from itself
    if array.dtype.kind not in "fc":
        return False
    with device_of(array).use():  # what a function gives may lie elsewhere than where it ran
        return bool(backend_of(array).xp.isnan(array).any())


def _line_of_user_code() -> str:
    """File and line of the innermost frame that is not chainette's own."""
    frame = sys._getframe(1)
    while frame.f_back is not None and _is_ours(frame.f_globals.get("__name__", "")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"


def _is_ours(module: str) -> bool:
    package = module.partition(".")[0]
    return package == "chainette" or package.startswith("chainette_")


def _pack(array: Any) -> tuple[Any, Any]:
    return array, array.copy()


def _unpack(pair: tuple[Any, Any]) -> Any:
    array, copy = pair
    same = (array == copy) | ((array != array) & (copy != copy))  # NaN equals NaN here
    if not bool(same.all()):
        raise InPlaceChangeError(
            f"an array of shape {tuple(array.shape)} that backward needs was changed in place since the forward pass. "
            "Change a copy instead."
        )
    return array


GUARD = (_pack, _unpack)
"""What debug mode does with retained arrays, by way of ``chainette.retention``."""


def is_debug() -> bool:
    """Whether debug mode is on in this thread."""

    return thread.settings.debug


def set_debug(debug: bool) -> None:
    """Switch debug mode on or off in this thread."""

    thread.settings.debug = debug
