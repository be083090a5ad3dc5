"""Random numbers: one source a device, all of them set by ``seed``."""

from __future__ import annotations

import operator
import os
from typing import Any

from chainette.backend import CPU, Device, get_device
from chainette.errors import ArgumentError
from chainette.plugins import lock


def _as_seed(what: str, value: Any) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if number < 0:
        raise ArgumentError(f"{what}: got {value} (expected a non-negative integer or None).")
    return number


def _seed_of_the_environment() -> int | None:
    value = os.environ.get("CHAINETTE_SEED")
    if not value:
        return None
    return _as_seed("CHAINETTE_SEED", int(value) if value.strip().isdecimal() else value)


_seed: int | None = _seed_of_the_environment()
_generators: dict[Device, Any] = {}


def seed(value: int | None) -> None:
    """Set every source of random numbers that chainette draws from, on all devices and in all threads.

    Args:
        value: a non-negative integer: the same one gives the same numbers. None: numbers nobody can repeat.

    Without a call, the environment switch ``CHAINETTE_SEED`` counts.

    >>> seed(0); a = generator().random()
    >>> seed(0); a == generator().random()
    True
    """
    global _seed
    number = None if value is None else _as_seed("seed", value)
    with lock:
        _seed = number
        _generators.clear()


def generator(device: str | Device = CPU) -> Any:
    """The device's source of random numbers; it has the methods of ``numpy.random.Generator``.

    >>> generator("cpu").integers(0, 10, size=3).shape
    (3,)
    """
    device = get_device(device)
    found = _generators.get(device)
    if found is None:
        with lock:
            found = _generators.get(device)
            if found is None:
                found = _generators[device] = device.backend.generator(device, _seed_of(device))
    return found


def _seed_of(device: Device) -> int | None:
    """A seed of its own for each device, so that two devices do not draw the same numbers."""
    return None if _seed is None else _seed + 1_000_003 * ((device.index or 0) + device.backend.is_accelerator)


def get_state() -> dict[str, Any]:
    """The states of the sources on the CPU, to be saved with a training run.

    >>> state = get_state(); a = generator().random(); set_state(state); a == generator().random()
    True
    """
    return {"cpu": generator().bit_generator.state}


def set_state(state: dict[str, Any]) -> None:
    """Continue from a state that ``get_state`` gave."""
    generator().bit_generator.state = state["cpu"]
