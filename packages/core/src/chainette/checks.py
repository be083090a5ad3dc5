"""Checks of arguments, each with an error that names the function, what was expected and what came."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from chainette.backend import device_of
from chainette.config import thread
from chainette.errors import ArgumentError, BackendMismatchError, DtypeError, ShapeError
from chainette.typing import Axis, Shape

P = ParamSpec("P")
R = TypeVar("R")


def normalize_axis(function: str, axis: int, ndim: int) -> int:
    """``axis`` counted from the front.

    >>> normalize_axis("sum", -1, 3)
    2
    """
    if not -ndim <= axis < ndim:
        raise ShapeError(f"{function}: axis {axis} is out of range for an array of {ndim} axes.")
    return int(axis) % ndim


def normalize_axes(function: str, axis: Axis, ndim: int) -> tuple[int, ...] | None:
    """A tuple of axes counted from the front; None stays None and means all.

    >>> normalize_axes("sum", (0, -1), 3)
    (0, 2)
    """
    if axis is None:
        return None
    axes = tuple(normalize_axis(function, each, ndim) for each in (axis if isinstance(axis, tuple) else (axis,)))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"{function}: axis={axis} names one axis twice.")
    return axes


def require_same_shape(function: str, **arguments: Any) -> None:
    """Every argument has the shape of the first.

    Raises:
        ShapeError: one has not.
    """
    shapes = {name: tuple(x.shape) for name, x in arguments.items()}
    if len(set(shapes.values())) > 1:
        told = ", ".join(f"{name}: {shape}" for name, shape in shapes.items())
        raise ShapeError(f"{function}: {' and '.join(shapes)} must have one shape ({told}).")


def require_ndim(function: str, name: str, x: Any, minimum: int, meaning: str) -> None:
    """``x`` has at least ``minimum`` axes; ``meaning`` says what they stand for, e.g. ``(batch, channels, ...)``.

    Raises:
        ShapeError: it has fewer.
    """
    if x.ndim < minimum:
        raise ShapeError(f"{function}: {name} has shape {tuple(x.shape)} (expected {meaning}).")


def require_floating(function: str, **arguments: Any) -> None:
    """Every argument has a floating dtype.

    Raises:
        DtypeError: one has not.
    """
    for name, x in arguments.items():
        if x.dtype.kind not in "fc":
            raise DtypeError(f"{function}: {name} is {x.dtype} (expected a floating dtype). Write {name}.astype('f').")


def require_integers(function: str, **arguments: Any) -> None:
    """Every argument has an integer dtype, of any size, signed or not.

    Raises:
        DtypeError: one has not.
    """
    for name, x in arguments.items():
        if x.dtype.kind not in "iu":
            raise DtypeError(f"{function}: {name} is {x.dtype} (expected an integer dtype, as labels are).")


def require_range(function: str, name: str, x: Any, low: int, high: int, ignore: int | None = None) -> None:
    """Every element of the array ``x`` lies in ``low <= x < high`` or equals ``ignore``.

    On an accelerator the values are looked at in debug mode only: it would mean waiting for the device.

    Raises:
        ArgumentError: one does not.
    """
    # Seen without its sign, what is negative is larger than any bound: one pass for both.
    if type(x) is np.ndarray and low == 0 and x.dtype.isnative:
        unsigned = x.view(_UNSIGNED[x.dtype.itemsize])
        if x.size == 0 or unsigned.item(unsigned.argmax()) < high:  # argmax takes a sixth of max's time on few elements
            return
    elif device_of(x).backend.is_accelerator and not thread.settings.debug:
        return
    with device_of(x).use():
        wrong = (x < low) | (x >= high)
        if ignore is not None:
            wrong &= x != ignore
        if not wrong.any():
            return
        example = x[wrong][0]
    also = f", or {ignore} to ignore" if ignore is not None else ""
    raise ArgumentError(f"{function}: {name} holds {example} (expected {low} to {high - 1}{also}).")


_UNSIGNED = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}


def require_shape(function: str, name: str, x: Any, shape: Shape) -> None:
    """``x`` has exactly that shape.

    Raises:
        ShapeError: it has not.
    """
    if tuple(x.shape) != tuple(shape):
        raise ShapeError(f"{function}: {name} has shape {tuple(x.shape)} (expected {tuple(shape)}).")


def require_fitting_gradient(x: Any, gradient: Any) -> None:
    """The gradient has the shape, the dtype and the device of the Variable ``x``.

    Raises:
        ShapeError: the shape differs.
        DtypeError: the dtype does.
        BackendMismatchError: the device does.
    """
    if gradient.shape != x.shape:
        raise ShapeError(f"Variable.grad: shape {gradient.shape} given (expected {x.shape}, that of the array).")
    if gradient.dtype != x.dtype:
        raise DtypeError(f"Variable.grad: dtype {gradient.dtype} given (expected {x.dtype}, that of the array).")
    if gradient.device != x.device:
        raise BackendMismatchError(f"Variable.grad: it lies on {gradient.device} (expected {x.device}).")


def require_one_of(function: str, name: str, value: str, allowed: tuple[str, ...]) -> None:
    """``value`` is one of the words allowed.

    Raises:
        ArgumentError: it is not.
    """
    if value not in allowed:
        raise ArgumentError(f"{function}: {name}={value!r} (expected {' or '.join(map(repr, allowed))}).")


def removed_arguments(**replacements: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A decorator: keyword arguments that Chainer once had give a TypeError that says what takes their place.

    >>> @removed_arguments(volatile="use chainette.no_backprop_mode()")
    ... def double(x):
    ...     return 2 * x
    >>> double(3, volatile=True)
    Traceback (most recent call last):
        ...
    TypeError: double: the argument volatile= is gone: use chainette.no_backprop_mode().
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name in replacements:
                    label = function.__qualname__.removesuffix(".__init__")
                    raise TypeError(f"{label}: the argument {name}= is gone: {replacements[name]}.")
            return function(*args, **kwargs)

        return call

    return decorate
