"""Arrays that a link computes with and that never change: tables, which are neither learnt nor saved."""

from __future__ import annotations

from typing import Any, Self

from chainette import Device, to_device
from chainette.backend import CPU
from chainette.typing import Array


class Constants:
    """Arrays on every device that asks for them, each of which gets its copy once.

    Args:
        arrays: NumPy arrays.

    Copies of a link share them, and only those of the CPU are pickled.

    >>> table = Constants(np.arange(3))
    >>> table.on(chainette.get_device("cpu"))
    (array([0, 1, 2]),)
    """

    def __init__(self, *arrays: Array) -> None:
        self._by_device: dict[Device, tuple[Array, ...]] = {CPU: arrays}

    def on(self, device: Device) -> tuple[Array, ...]:
        """The arrays as they lie on a device."""
        if device not in self._by_device:
            self._by_device[device] = tuple(to_device(array, device) for array in self._by_device[CPU])
        return self._by_device[device]

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __reduce__(self) -> Any:
        return type(self), self._by_device[CPU]
