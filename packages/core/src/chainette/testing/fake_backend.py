"""A second backend for tests: NumPy in disguise, as strict as an accelerator.

Its arrays refuse to meet plain NumPy arrays, arrays of its other device, and work outside their device's scope. So
code that runs on it keeps to ``xp`` and to one device, as it must on a GPU.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np

from chainette.backend import Backend, Device
from chainette.errors import DeviceError
from chainette.hooks import hookimpl
from chainette.typing import Array

DEVICE_COUNT = 2


class _Current(threading.local):
    index = 0


_current = _Current()


class FakeArray(np.ndarray):
    """An array of the fake backend."""

    index: int

    def __array_finalize__(self, source: Any) -> None:
        self.index = getattr(source, "index", _current.index)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        _check(ufunc.__name__, [*inputs, *options.get("out", ())])
        out = options.get("out")
        options = {key: tuple(map(_plain, value)) if key == "out" else _plain(value) for key, value in options.items()}
        result = getattr(ufunc, method)(*map(_plain, inputs), **options)
        return out[0] if out else _fake(result)  # of what is computed in place, the array itself

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        _check(func.__name__, [*args, *kwargs.values()])
        return _fake(func(*map(_plain, args), **{key: _plain(value) for key, value in kwargs.items()}))

    def __getitem__(self, index: Any) -> Any:
        _check("getitem", [self, index])
        return _fake(np.ndarray.__getitem__(_plain(self), _plain(index)))

    def __setitem__(self, index: Any, value: Any) -> None:
        _check("setitem", [self, index, value])
        np.ndarray.__setitem__(_plain(self), _plain(index), _plain(value))

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("argmax", *args, **kwargs)

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("argmin", *args, **kwargs)

    def dot(self, *args: Any, **kwargs: Any) -> Any:
        return self._call("dot", *args, **kwargs)

    def _call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """A method that NumPy computes without asking the hooks above."""
        _check(method, [self, *args, *kwargs.values()])
        return _fake(getattr(_plain(self), method)(*map(_plain, args), **kwargs))

    def __reduce__(self) -> Any:
        return _restore, (_plain(self), self.index)


def _restore(array: Array, index: int) -> FakeArray:
    fake: FakeArray = array.view(FakeArray)
    fake.index = index
    return fake


def _plain(value: Any) -> Any:
    if isinstance(value, FakeArray):
        return value.view(np.ndarray)
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(each) for each in value)
    return value


def _fake(value: Any) -> Any:
    """Results as an accelerator gives them: never NumPy's scalars, but 0-d arrays."""
    if isinstance(value, np.ndarray):
        return value.view(FakeArray)
    if isinstance(value, np.generic):
        return np.asarray(value).view(FakeArray)
    if isinstance(value, (tuple, list)):
        made = map(_fake, value)
        return type(value)(*made) if hasattr(value, "_fields") else type(value)(made)
    return value


def _check(name: str, values: Any) -> None:
    for value in values:
        if isinstance(value, (tuple, list)):
            _check(name, value)
        elif isinstance(value, FakeArray):
            if value.index != _current.index:
                raise TypeError(f"{name}: an array of fake:{value.index} is used under fake:{_current.index}")
        elif isinstance(value, np.ndarray):
            raise TypeError(f"{name}: a NumPy array of shape {value.shape} meets an array of the fake backend")


class _Module:
    """NumPy's functions, whose results are arrays of the current fake device."""

    __name__ = "fake"

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(np, name)
        if isinstance(attribute, (np.ufunc, type)) or not callable(attribute):
            return _Ufunc(attribute) if isinstance(attribute, np.ufunc) else attribute

        def call(*args: Any, **kwargs: Any) -> Any:
            if name not in ("asarray", "array"):
                _check(name, [*args, *kwargs.values()])
            return _fake(attribute(*map(_plain, args), **{key: _plain(value) for key, value in kwargs.items()}))

        return call


class _Ufunc:
    """A ufunc that gives arrays also for numbers."""

    def __init__(self, ufunc: Any) -> None:
        self.ufunc = ufunc

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        _check(self.ufunc.__name__, [*args, *kwargs.values()])
        return _fake(self.ufunc(*args, **kwargs))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ufunc, name)


class _Generator:
    """NumPy's random numbers, as arrays of the device."""

    def __init__(self, device: Device, seed: int | None) -> None:
        self.device = device
        self.source = np.random.default_rng(seed)

    def __getattr__(self, name: str) -> Any:
        def draw(*args: Any, **kwargs: Any) -> Any:
            return _from_host(getattr(self.source, name)(*args, **kwargs), self.device)

        return draw


def _get_device(index: int | None) -> Device:
    index = _current.index if index is None else index
    if not 0 <= index < DEVICE_COUNT:
        raise DeviceError(f"get_device: there is no fake:{index} (there are fake:0 and fake:1).")
    return Device(BACKEND, index)


def _from_host(array: Array, device: Device) -> FakeArray:
    fake: FakeArray = np.array(array).view(FakeArray)
    fake.index = device.index or 0
    return fake


@contextmanager
def _device_scope(device: Device) -> Iterator[None]:
    before, _current.index = _current.index, device.index or 0
    try:
        yield
    finally:
        _current.index = before


BACKEND: Backend = Backend(
    name="fake",
    array_types=(FakeArray,),
    xp=_Module(),
    is_accelerator=True,
    get_device=_get_device,
    to_host=lambda array: np.array(_plain(array)),
    from_host=_from_host,
    device_of=lambda array: Device(BACKEND, array.index),
    device_scope=_device_scope,
    generator=_Generator,
)


@hookimpl
def _backends() -> list[Backend]:
    return [BACKEND]


plugin = SimpleNamespace(chainette_api=1, chainette_backends=_backends)
"""For ``isolated_plugins``: the plugin that brings the fake backend."""
