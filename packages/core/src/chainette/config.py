"""Settings: process-wide defaults, which each thread may override for itself.

chainette.config.train = False              # for this thread
chainette.global_config.train = False       # for every thread that has no value of its own
with chainette.using_config("train", False):
    ...
"""

from __future__ import annotations

import difflib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from chainette.errors import ConfigError
from chainette.typing import DTypeLike

if TYPE_CHECKING:
    from chainette.function import Function
    from chainette.function_hooks import FunctionHook


class Settings:
    """One thread's settings. Class attributes are the process-wide values, instance attributes the thread's own.

    So a lookup that finds nothing on the instance falls through to what every thread shares, at the cost of a plain
    attribute access: ``Function.apply`` reads these for each operation.
    """

    train: bool = True
    enable_backprop: bool = True
    debug: bool = os.environ.get("CHAINETTE_DEBUG", "0") not in ("", "0")
    deterministic: bool = False
    dtype: DTypeLike | Mixed16 = np.float32

    # The seams: what a FunctionHook, chainette.retention and chainette.interception install.
    _function_hooks: dict[str, FunctionHook] | None = None
    _retention: tuple[Callable[[Any], Any], Callable[[Any], Any]] | None = None
    _interceptor: Callable[[Function, tuple[Any, ...]], Any] | None = None

    # Whether a seam is in use or debug mode is on: the one test that apply makes. Kept by the methods below.
    _watched: bool = debug

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        self._watch(name)

    def __delattr__(self, name: str) -> None:
        object.__delattr__(self, name)
        self._watch(name)

    def _watch(self, changed: str) -> None:
        if changed not in _WATCHED:
            return
        own = self.__dict__
        if any(name in own for name in _WATCHED):
            own["_watched"] = any(getattr(self, name) for name in _WATCHED)
        else:
            own.pop("_watched", None)

    @classmethod
    def set_default(cls, name: str, value: Any) -> None:
        """Change the process-wide value."""
        setattr(cls, name, value)
        cls._watched = cls.debug


_WATCHED = ("debug", "_function_hooks", "_retention", "_interceptor")


class _Thread(threading.local):
    def __init__(self) -> None:
        self.settings = Settings()


thread = _Thread()


def _names() -> list[str]:
    return sorted(name for name in vars(Settings) if not name.startswith("_") and name != "set_default")


def _check_name(name: str) -> None:
    if name not in _names():
        near = difflib.get_close_matches(name, _names(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(f"config: there is no setting {name!r} (there are: {', '.join(_names())}).{hint}")


def _check(name: str, value: Any) -> None:
    _check_name(name)
    if name == "dtype" and not isinstance(value, Mixed16):
        try:
            np.dtype(value)
            valid = value is not None  # which NumPy takes for float64
        except TypeError:
            valid = False
        if not valid:
            raise ConfigError(f"config: dtype={value!r} is not a dtype. Give e.g. numpy.float32, 'float32' or mixed16.")


class _View:
    """Reads and writes settings as attributes, refusing names that do not exist."""

    def __init__(self, whose: str, target: Callable[[], Any], write: Callable[[str, Any], None]) -> None:
        vars(self).update(_whose=whose, _target=target, _write=write)

    if TYPE_CHECKING:
        train: bool
        enable_backprop: bool
        debug: bool
        deterministic: bool
        dtype: DTypeLike | Mixed16

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(self._target(), name)
        except AttributeError:
            _check_name(name)
            raise

    def __setattr__(self, name: str, value: Any) -> None:
        _check(name, value)
        self._write(name, value)

    def __delattr__(self, name: str) -> None:
        """Go back to the process-wide value."""
        _check_name(name)
        if self._target() is Settings:
            raise ConfigError(f"global_config: {name} always has a process-wide value. Assign another one.")
        if name in vars(thread.settings):
            delattr(thread.settings, name)

    def __dir__(self) -> list[str]:
        return [*_names(), "show"]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in _names())
        return f"<{self._whose} settings: {values}>"

    def show(self, file: TextIO | None = None) -> None:
        """Print every setting and its value."""
        for name in _names():
            print(f"{name:20} {getattr(self, name)}", file=file or sys.stdout)


config = _View("this thread's", lambda: thread.settings, lambda name, value: setattr(thread.settings, name, value))
global_config = _View("process-wide", lambda: Settings, Settings.set_default)


def add_setting(name: str, default: Any) -> None:
    """Add a setting of a plugin's own, with its process-wide value.

    Raises:
        ConfigError: the name is taken, or is not a public identifier.

    >>> add_setting("doctest_verbosity", 0)
    >>> config.doctest_verbosity
    0
    """
    if not name.isidentifier() or name.startswith("_") or hasattr(Settings, name) or hasattr(_View, name):
        raise ConfigError(f"add_setting: {name!r} is taken or not a public identifier. Choose another name.")
    setattr(Settings, name, default)


@contextmanager
def override(name: str, value: Any) -> Iterator[None]:
    """Give this thread's setting (or seam) a value for a while, then restore what was there, also after an error."""
    settings, missing = thread.settings, object()
    before = vars(settings).get(name, missing)
    setattr(settings, name, value)
    try:
        yield
    finally:
        if before is missing:
            delattr(settings, name)
        else:
            setattr(settings, name, before)


def using_config(name: str, value: Any) -> AbstractContextManager[None]:
    """A context in which this thread's setting ``name`` is ``value``.

    Raises:
        ConfigError: there is no such setting.

    >>> with using_config("train", False):
    ...     config.train
    False
    >>> config.train
    True
    """
    _check(name, value)
    return override(name, value)


def no_backprop_mode() -> AbstractContextManager[None]:
    """A context in which no graph is recorded: nothing is kept for backward.

    >>> import chainette, numpy as np
    >>> x = chainette.Variable(np.ones(2))
    >>> with no_backprop_mode():
    ...     (x + x).requires_grad
    False
    """
    return override("enable_backprop", False)


def force_backprop_mode() -> AbstractContextManager[None]:
    """A context in which the graph is recorded, also inside ``no_backprop_mode``."""
    return override("enable_backprop", True)


def train_mode() -> AbstractContextManager[None]:
    """A context in which dropout, batch statistics and the like behave as in training."""
    return override("train", True)


def test_mode() -> AbstractContextManager[None]:
    """A context in which dropout, batch statistics and the like behave as in evaluation."""
    return override("train", False)


test_mode.__test__ = False  # type: ignore[attr-defined]  # pytest must not collect it where it is imported


class Mixed16:
    """``chainette.mixed16``, a value of ``config.dtype``: float16, but float32 where half precision is too coarse.

    New parameters are float16, save those of normalizations; an optimizer that is set up meanwhile updates them by way
    of a float32 copy. Small gradients are kept by ``optimizer.loss_scaling()``.

    Source: Micikevicius et al., "Mixed Precision Training", ICLR 2018.

    >>> with chainette.using_config("dtype", chainette.mixed16):
    ...     chainette.get_dtype(), chainette.get_dtype(map_mixed16="float32")
    (dtype('float16'), dtype('float32'))
    """

    def __repr__(self) -> str:
        return "mixed16"

    def __reduce__(self) -> str:  # copies and pickles are the one that there is
        return "mixed16"


mixed16 = Mixed16()


def get_dtype(dtype: DTypeLike | Mixed16 = None, map_mixed16: DTypeLike = None) -> np.dtype[Any]:
    """``dtype``, or where it is None the setting ``config.dtype``.

    Args:
        map_mixed16: what ``mixed16`` means; None means float16.

    >>> get_dtype(), get_dtype("float64")
    (dtype('float32'), dtype('float64'))
    """
    dtype = thread.settings.dtype if dtype is None else dtype
    if isinstance(dtype, Mixed16):
        dtype = np.float16 if map_mixed16 is None else map_mixed16
    return np.dtype(dtype)


def retention(pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> AbstractContextManager[None]:
    """A context in which ``pack`` decides how what functions retain is kept, and ``unpack`` brings it back.

    ``pack(array)`` is called once for each array that a function retains; what it returns is stored in place of the
    array. ``unpack(packed)`` is called each time backward asks for it and must return an array of the same shape,
    dtype and device. Checkpointing, offloading and compression are made of this.

    >>> import chainette, numpy as np
    >>> x = chainette.Variable(np.array([3.0]))
    >>> with retention(pack=lambda a: a.tobytes(), unpack=lambda b: np.frombuffer(b)):
    ...     y = x * x
    >>> y.backward()
    >>> x.grad
    array([6.])
    """
    return override("_retention", (pack, unpack))


def interception(interceptor: Callable[[Function, tuple[Any, ...]], Any]) -> AbstractContextManager[None]:
    """A context in which ``interceptor(function, inputs)`` sees each application before its kernel runs.

    It returns the outputs (Variables) in the function's place, or ``NotImplemented`` to let the function run. It is
    not called for what it applies itself. Tracing, replay and batching are made of this.

    >>> import chainette, numpy as np
    >>> seen = []
    >>> def trace(function, inputs):
    ...     seen.append(function.name)
    ...     return NotImplemented
    >>> with interception(trace):
    ...     y = chainette.Variable(np.ones(2)) * 2 + 1
    >>> seen
    ['mul', 'add']
    """
    return override("_interceptor", interceptor)
