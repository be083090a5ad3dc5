"""Drawing the same random numbers again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainette import Device, Variable, random
from chainette.backend import CPU, device_of, is_array
from chainette.errors import DeviceError
from chainette.typing import Array


class RandomStates:
    """The states that the sources of random numbers had at each step of a run, so that it can be repeated.

    A step is the application of a function. The state at the start would not do: parameters of open shape draw their
    values in the first run only.

    Args:
        arrays: what the run is given; the sources of other devices are met when an array of theirs is.
    """

    def __init__(self, arrays: Iterable[Array]) -> None:
        self._devices = {CPU, *map(device_of, arrays)}
        self._changes: dict[int, dict[Device, Any]] = {}  # the states by step, where they are not those of the last one
        self._latest: dict[Device, Any] = {}
        self._refused: dict[Device, Any] = {}
        self._step = 0

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """The first run, in which ``note`` is called before each step."""
        try:
            for device in self._devices:
                self._meet(device)
            self._changes[0] = self._latest = self._states()
            yield
        finally:
            random._generators.update(self._refused)
            self._refused = {}

    def note(self, inputs: tuple[Any, ...]) -> None:
        """Keep the states before a function is applied to ``inputs``."""
        for x in inputs:
            array = x.array if isinstance(x, Variable) else x
            if type(array) is not np.ndarray and is_array(array) and (device := device_of(array)) not in self._devices:
                self._devices.add(device)
                self._meet(device)
        self._step += 1
        states = self._states()
        if states != self._latest:
            self._changes[self._step] = self._latest = states

    @contextmanager
    def repeated(self) -> Iterator[None]:
        """A later run, in which ``repeat`` is called before each step; afterwards the sources go on from where they
        were before it."""
        before = self._states()
        _set(self._changes[0])
        self._step = 0
        try:
            yield
        finally:
            _set(before)

    def repeat(self) -> None:
        """Bring back the states that were noted before the same step."""
        self._step += 1
        _set(self._changes.get(self._step, {}))

    def _states(self) -> dict[Device, Any]:
        return {device: state for device in self._devices if (state := _state(device)) is not None}

    def _meet(self, device: Device) -> None:
        if _state(device) is None:
            self._refused[device] = random.generator(device)
            random._generators[device] = _Refusing(device, random.generator(device))


class _Refusing:
    """Stands for a generator that cannot repeat anything: a run that is to be repeated may not draw from it."""

    bit_generator = None

    def __init__(self, device: Device, generator: Any) -> None:
        self.device = device
        self.generator = generator
        self.thread = threading.get_ident()

    def __getattr__(self, name: str) -> Any:
        if threading.get_ident() != self.thread:
            return getattr(self.generator, name)
        raise DeviceError(
            f"checkpoint: the function draws random numbers on {self.device}, whose generator has no state to go back "
            "to (expected generator.bit_generator.state, a dict to be read and set, as NumPy's have). Draw them "
            "outside, and give them to the function."
        )


def _state(device: Device) -> dict[str, Any] | None:
    """The state of the device's source; None where it shows none."""
    state = getattr(getattr(random.generator(device), "bit_generator", None), "state", None)
    return state if isinstance(state, dict) else None


def _set(states: dict[Device, Any]) -> None:
    for device, state in states.items():
        random.generator(device).bit_generator.state = state
