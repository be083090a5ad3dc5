"""What one value looks like in a file, and how it comes back: the same for every format."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from chainette.backend import CPU, device_of, is_array, to_device
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError

Stored: TypeAlias = npt.NDArray[Any] | None
"""A value in its stored form: a number is a 0-d array, a str a 0-d array of dtype ``U``, None is None."""

NUMERIC = "biufc"
SCALARS = (bool, int, float, complex, str, np.generic)


class Misfit(Exception):
    """A stored value cannot take the place of the one the object has; the text says why."""


def to_stored(key: str, value: Any) -> Stored:
    """The stored form of a value.

    Raises:
        ArrayTypeError: it is no array, number, str or None.
        DtypeError: an array of no numeric dtype, an integer of more than 64 bits.
        ArgumentError: a str with a NUL character, which neither format can hold.
    """
    if value is None:
        return None
    if isinstance(value, str) and "\0" in value:
        raise ArgumentError(f"save: the str {key!r} has a NUL character (expected text without). Take it out.")
    if not isinstance(value, SCALARS) and not is_array(value):
        raise ArrayTypeError(
            f"save: {key!r} is a {type(value).__name__} (expected an array, a number, a str or None). "
            "Give serializer(name, value) one of these; of a Variable, its array."
        )
    array = np.asarray(value if isinstance(value, SCALARS) else to_device(value, CPU))
    if array.dtype.kind not in NUMERIC and not isinstance(value, str):
        raise DtypeError(
            f"save: {key!r} has dtype {array.dtype} (expected numbers of at most 64 bits each, or bool). Convert it."
        )
    return array


def restore(value: Any, stored: Stored) -> Any:
    """The stored value in the form of ``value``; of an array, what is to be copied into it. Changes nothing.

    Raises:
        Misfit: the stored value cannot take its place.
    """
    if stored is not None and stored.dtype.kind not in NUMERIC and not _is_text(stored):
        raise Misfit(f"expected {_describe(value)}, got {_describe(stored)}, which is never read")
    if value is None:
        return None if stored is None else stored.astype(stored.dtype.newbyteorder("="))
    if isinstance(value, SCALARS):
        return None if stored is None else _restore_scalar(value, stored)
    return _restore_array(value, stored)


def put(value: Any, restored: Any) -> Any:
    """Let the restored value take the place of ``value``: copied into an array, else itself."""
    if value is None or isinstance(value, SCALARS):
        return restored
    device = device_of(value)
    with device.use():
        value[...] = to_device(restored, device)
    return value


def _restore_array(value: Any, stored: Stored) -> Any:
    if not is_array(value):
        raise Misfit(f"the object has a {type(value).__name__}, which cannot be loaded into")
    misfit = Misfit(f"expected {_describe(value)}, got {_describe(stored)}")
    if stored is None or _is_text(stored) or stored.shape != tuple(value.shape):
        raise misfit
    if not np.can_cast(stored.dtype, value.dtype, "same_kind"):
        raise misfit
    if isinstance(value, np.ndarray) and not value.flags.writeable:
        raise Misfit("the object's array is read-only")
    try:
        with np.errstate(over="raise"):
            return stored.astype(value.dtype, copy=False)
    except FloatingPointError:
        raise Misfit(f"has values too large for {value.dtype}") from None


def _restore_scalar(value: Any, stored: npt.NDArray[Any]) -> Any:
    misfit = Misfit(f"expected {_describe(value)}, got {_describe(stored)}")
    kind = np.asarray(value).dtype.kind
    if stored.size != 1 or (kind == "U") != _is_text(stored) or (stored.dtype.kind == "c" and kind != "c"):
        raise misfit
    item = stored.reshape(())[()]
    try:
        with np.errstate(over="raise", invalid="raise"):
            restored = type(value)(item)
    except (TypeError, ValueError, ArithmeticError):
        raise misfit from None
    if kind in "biu" and restored != item:  # 2.5 is no int, 2 is no bool; 2.0 and 1 are
        raise misfit
    return restored


def _is_text(stored: npt.NDArray[Any]) -> bool:
    return stored.dtype.kind == "U" and stored.shape == ()


def _describe(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        return "an array of Python objects"
    if isinstance(value, np.ndarray) and value.shape == ():
        return f"the str {value.item()!r}" if _is_text(value) else f"{value.dtype} {value.item()!r}"
    if isinstance(value, SCALARS):
        return f"{type(value).__name__} {value!r}" if isinstance(value, str) else type(value).__name__
    return f"{value.dtype} {tuple(value.shape)}"
