"""Kernels: a backend's own implementation of a function, tried before the generic ``forward``.

A plugin returns them from ``chainette_kernels(backend)``. Each Function class has its own table, never inherited, so
a subclass that overrides ``forward`` runs its own code.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chainette.backend import Backend, by_type, explain_mixture
from chainette.errors import ArgumentError, ArrayTypeError, UninitializedParameterError
from chainette.plugins import host, lock
from chainette.typing import SCALAR_TYPES

Run = Callable[..., Any]


@dataclass(frozen=True)
class Kernel:
    """One implementation of one function for one backend.

    Args:
        function: the function's name, ``relu``; for a class outside the ``chainette`` packages its top-level package
            comes first, ``my_plugin:snake``, so that two classes that happen to share a name do not share kernels.
        backend: the backend's name, ``cpu`` or ``cuda``.
        name: what reports call this kernel.
        forward: ``forward(function, *arrays)``, like the method it stands for. It may return ``NotImplemented``
            before it has retained anything, to decline; the next kernel, in the end the generic code, takes over.
        priority: higher ones are tried first; ties go by name.
    """

    function: str
    backend: str
    name: str
    forward: Run
    priority: int = 0


_tables: weakref.WeakSet[KernelTable] = weakref.WeakSet()
_tables_lock = threading.Lock()  # not the host's: a class may be defined while another thread asks the plugins
_registered: dict[str, dict[str, list[Kernel]]] = {}  # backend -> function -> kernels, best first


class KernelTable(dict[type, Run]):
    """Array class -> what ``apply`` calls, ``run(function, *arrays)``. Filled when an array class is first met."""

    def __init__(self, owner: type, method: str = "forward") -> None:
        self.owner = owner
        self.method = method
        self.key = kernel_key(owner)
        with _tables_lock:
            _tables.add(self)

    __hash__ = object.__hash__  # type: ignore[assignment]  # tables are told apart by identity in the set above

    def __eq__(self, other: object) -> bool:
        return self is other

    def __missing__(self, kind: type) -> Run:
        _ = host.plugins  # imports them, which must not happen under the lock
        with lock:
            self[kind] = run = self._choose(kind)
        return run

    def _choose(self, kind: type) -> Run:
        if kind in SCALAR_TYPES:
            return self._run_by_first_array
        if kind is type(None):
            raise UninitializedParameterError(
                f"{self.owner.__name__}: an argument is a Parameter whose shape is not known yet. "
                "Call the link with data first, or give it its sizes."
            )
        backend = by_type[kind]
        generic: Run = getattr(self.owner, self.method)
        candidates = [kernel.forward for kernel in kernels_for(self.key, backend)]
        run = _first_to_accept(candidates, generic) if candidates else generic
        return _on_its_device(run, backend) if backend.is_accelerator else run

    def _run_by_first_array(self, function: Any, *arrays: Any) -> Any:
        for array in arrays:
            if type(array) not in SCALAR_TYPES:
                return self[type(array)](function, *arrays)
        raise ArrayTypeError(f"{function.name}: only Python numbers were given (expected a Variable or an array).")


def kernel_key(owner: type) -> str:
    """What a Kernel's ``function`` must say to be meant for this class."""
    package = owner.__module__.partition(".")[0]
    name: str = getattr(owner, "name", owner.__name__)
    return name if package == "chainette" or package.startswith("chainette_") else f"{package}:{name}"


def _first_to_accept(candidates: list[Run], generic: Run) -> Run:
    def run(function: Any, *arrays: Any) -> Any:
        for forward in candidates:
            outputs = forward(function, *arrays)
            if outputs is not NotImplemented:
                return outputs
        return generic(function, *arrays)

    return run


def _on_its_device(run: Run, backend: Backend) -> Run:
    def run_on_device(function: Any, *arrays: Any) -> Any:
        mixture = explain_mixture(function.name, list(arrays))
        if mixture is not None:
            raise mixture
        first = next(array for array in arrays if type(array) not in SCALAR_TYPES)
        function.xp, function.ran_on = backend.xp, backend.device_of(first)
        with backend.device_scope(function.ran_on):
            return run(function, *arrays)

    return run_on_device


def kernels_for(key: str, backend: Backend) -> list[Kernel]:
    """The kernels that stand for the function of that key on a backend, in the order in which they are tried."""
    if os.environ.get("CHAINETTE_KERNELS", "") == "generic":
        return []
    return registered_kernels(backend).get(key, [])


def registered_kernels(backend: Backend) -> dict[str, list[Kernel]]:
    """All kernels that plugins bring for a backend, by function."""
    with lock:
        if backend.name not in _registered:
            table: dict[str, list[Kernel]] = {}
            for plugin, contributed in host.collect("chainette_kernels", list, backend=backend.name):
                for kernel in contributed:
                    if not isinstance(kernel, Kernel) or kernel.backend != backend.name:
                        host.complain(plugin, f"chainette_kernels({backend.name!r}) returned {kernel!r}")
                    else:
                        table.setdefault(kernel.function, []).append(kernel)
            for kernels in table.values():
                kernels.sort(key=lambda kernel: (-kernel.priority, kernel.name))
            _registered[backend.name] = table
        return _registered[backend.name]


def forget_kernels() -> None:
    """Ask the plugins anew at next use (after the set of plugins, or CHAINETTE_KERNELS, changed)."""
    with _tables_lock:
        tables = list(_tables)
    with lock:
        _registered.clear()
        for table in tables:
            table.clear()


def which_kernel(function: Any, *inputs: Any) -> str:
    """The name of the kernel that runs ``function`` (a Function instance) on these inputs; ``"generic"`` for none.

    The kernels are called to find out, since each one decides by looking at the arrays.

    >>> import numpy as np
    >>> from chainette.operators import Add
    >>> which_kernel(Add(), np.ones(3), np.ones(3))
    'generic'
    """
    arrays = [getattr(x, "array", x) for x in inputs]
    first = next((array for array in arrays if type(array) not in SCALAR_TYPES), None)
    if first is None:
        raise ArgumentError(f"which_kernel: no array among the inputs of {function.name}. Give at least one.")
    backend = by_type[type(first)]
    function.xp = backend.xp
    with backend.device_scope(backend.device_of(first)):
        for kernel in kernels_for(type(function).kernels.key, backend):
            if kernel.forward(function, *arrays) is not NotImplemented:
                return kernel.name
    return "generic"
