"""Backends: whose arrays these are, which module computes with them, and on which device they lie.

NumPy's backend is here; accelerators bring theirs through the hook ``chainette_backends``.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainette.errors import ArrayTypeError, BackendMismatchError, DeviceError
from chainette.plugins import host, lock
from chainette.typing import SCALAR_TYPES, Array


@dataclass(frozen=True)
class Device:
    """One place where arrays live: ``cpu``, or an accelerator's ``name:index``.

    >>> device = get_device("cpu")
    >>> device, device.xp.__name__
    (<Device cpu>, 'numpy')
    """

    backend: Backend
    index: int | None = None

    @property
    def name(self) -> str:
        """``cpu``, ``cuda:1``: what ``chainette.get_device`` takes."""
        return self.backend.name if self.index is None else f"{self.backend.name}:{self.index}"

    @property
    def xp(self) -> Any:
        """The array module of this device."""
        return self.backend.xp

    def send(self, array: Array) -> Array:
        """The array on this device: itself where it is there already, else a copy."""
        return to_device(array, self)

    def use(self) -> AbstractContextManager[Any]:
        """A context in which new arrays of the backend are made on this device."""
        return self.backend.device_scope(self)

    def synchronize(self) -> None:
        """Wait until the device has done what it was asked to do."""
        self.backend.synchronize(self)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<Device {self.name}>"

    def __deepcopy__(self, memo: Any) -> Device:
        return self

    def __reduce__(self) -> Any:
        return get_device, (self.name,)


@dataclass(frozen=True, eq=False)
class Backend:
    """What chainette needs to know of an array library. A plugin makes one and returns it from ``chainette_backends``.

    Args:
        name: the word in device names: ``cuda`` in ``cuda:1``.
        array_types: the array classes; their subclasses belong to the backend too.
        xp: the module with NumPy's interface, or a function that imports and returns it (called at first use).
        is_accelerator: whether arrays live on devices of their own, between which they are moved.
        get_device: ``get_device(index or None) -> Device``; raises DeviceError for one that does not exist.
        to_host: array to a NumPy array.
        from_host: ``from_host(numpy array, device) -> array``.
        device_of: the Device on which an array lies.
        device_scope: a context in which new arrays are made on the given Device.
        generator: ``generator(device, seed)`` makes a source of random numbers with the methods of
            ``numpy.random.Generator``; seed None means one from the operating system.
        synchronize: waits for the given Device.
    """

    name: str
    array_types: tuple[type, ...]
    xp: Any
    is_accelerator: bool
    get_device: Callable[[int | None], Device]
    to_host: Callable[[Any], Array]
    from_host: Callable[[Array, Device], Any]
    device_of: Callable[[Any], Device]
    device_scope: Callable[[Device], AbstractContextManager[Any]]
    generator: Callable[[Device, int | None], Any]
    synchronize: Callable[[Device], None] = lambda device: None

    def __repr__(self) -> str:
        return f"<Backend {self.name}>"


def _cpu(index: int | None = None) -> Device:
    if index is not None:
        raise DeviceError(f"get_device: the CPU has no devices by number (got 'cpu:{index}'). Write 'cpu'.")
    return CPU


NUMPY = Backend(
    name="cpu",
    array_types=(np.ndarray,),
    xp=np,
    is_accelerator=False,
    get_device=_cpu,
    to_host=lambda array: array,
    from_host=lambda array, device: array,
    device_of=lambda array: CPU,
    device_scope=lambda device: nullcontext(),
    generator=lambda device, seed: np.random.default_rng(seed),
)
CPU: Device = Device(NUMPY)

# What a step frees, the next one allocates again. In between glibc gives it back to the system, and clearing the new
# pages takes a third of a small network's time. It keeps up to twice the size of the largest block that was ever freed,
# if that is below 32 MiB: so one of nearly that size is made, which is freed untouched.
np.empty((32 << 20) - 8192, np.uint8)


class _BackendsByType(dict[type, Backend]):
    """Array class -> backend, filled when a class is first met; nearest class in its ancestry wins."""

    def __missing__(self, kind: type) -> Backend:
        known = {array_type: backend for backend in backends().values() for array_type in backend.array_types}
        for ancestor in kind.__mro__:
            if ancestor in known:
                self[kind] = known[ancestor]
                return known[ancestor]
        raise ArrayTypeError(
            f"no backend has arrays of type {kind.__module__}.{kind.__qualname__} "
            f"(backends: {', '.join(sorted(backends()))}). Convert it, e.g. with numpy.array."
        )


_backends: dict[str, Backend] | None = None
by_type = _BackendsByType({np.ndarray: NUMPY})  # known without asking any plugin


def backends() -> dict[str, Backend]:
    """All backends by name: NumPy's, and those that plugins bring."""
    global _backends
    if _backends is None:
        with lock:
            if _backends is None:
                found = {NUMPY.name: NUMPY}
                for plugin, contributed in host.collect("chainette_backends", list):
                    for backend in contributed:
                        if not isinstance(backend, Backend):
                            host.complain(plugin, f"chainette_backends returned {backend!r}, which is not a Backend")
                        else:
                            found.setdefault(backend.name, backend)
                _backends = found
    return _backends


def forget_backends() -> None:
    """Ask the plugins anew at next use (after the set of plugins changed)."""
    global _backends
    with lock:
        _backends = None
        by_type.clear()
        by_type[np.ndarray] = NUMPY


def backend_of(array: Any) -> Backend:
    """The backend whose array this is.

    Raises:
        ArrayTypeError: it is no array of any backend.
    """
    return by_type[type(array)]


def is_array(value: Any) -> bool:
    """Whether some backend knows ``value`` as its array."""
    try:
        backend_of(value)
    except ArrayTypeError:
        return False
    return True


def device_of(array: Any) -> Device:
    """The device on which an array lies."""
    return backend_of(array).device_of(array)


def get_device(spec: str | Device) -> Device:
    """The device of that name: ``"cpu"``, ``"cuda"`` (its current or first one), ``"cuda:1"``.

    Raises:
        DeviceError: no such backend is installed, or it has no such device.

    >>> get_device("cpu")
    <Device cpu>
    """
    if isinstance(spec, Device):
        return spec
    name, _, index = str(spec).partition(":")
    if name not in backends():
        hint = " pip install 'chainette[cuda12]'" if name == "cuda" else ""
        raise DeviceError(f"get_device: no backend {name!r} (installed: {', '.join(sorted(backends()))}).{hint}")
    if index and not index.isdecimal():
        raise DeviceError(f"get_device: {spec!r} is not a device name (expected e.g. 'cpu' or '{name}:0').")
    return backends()[name].get_device(int(index) if index else None)


def to_device(array: Any, device: str | Device) -> Any:
    """``array`` on ``device``: itself where it lies there already, else a copy (through the host between backends)."""
    target = get_device(device)
    if target is CPU and type(array) is np.ndarray:
        return array
    source = backend_of(array)
    if source.device_of(array) == target:
        return array
    return target.backend.from_host(source.to_host(array), target)


def get_array_module(*args: Any) -> Any:
    """The array module (``xp``) of the arguments, which may be arrays, Variables or anything else: the first
    accelerator's among them, else NumPy.

    >>> get_array_module(np.ones(2)).__name__
    'numpy'
    """
    for value in args:
        array = getattr(value, "array", value)
        if type(array) is np.ndarray or not is_array(array):
            continue
        backend = backend_of(array)
        if backend is not NUMPY:
            return backend.xp
    return np


def as_operand(function: str, position: int, value: Any) -> Any:
    """What a function computes with in place of an argument that is no Variable: an array or a Python number as it
    is, a NumPy scalar as a Python number, so that it widens no dtype."""
    if type(value) is np.ndarray or type(value) in SCALAR_TYPES:
        return value
    if isinstance(value, np.generic):
        return value.item()
    if is_array(value):
        return value
    raise ArrayTypeError(
        f"{function}: argument {position} is a {type(value).__name__} (expected a Variable, an array or a number)."
        + (" Write numpy.array(...)." if isinstance(value, (list, tuple)) else "")
    )


def explain_mixture(function: str, arrays: list[Any]) -> BackendMismatchError | None:
    """The error for arrays of several backends or devices in one call; None if they agree."""
    devices = {device_of(array): None for array in arrays if type(array) not in SCALAR_TYPES and is_array(array)}
    if len(devices) < 2:
        return None
    where = " and ".join(map(str, devices))
    return BackendMismatchError(
        f"{function}: the arguments lie on {where} (expected one device). "
        f"Move them with to_device, e.g. x.to_device('{next(iter(devices))}')."
    )
