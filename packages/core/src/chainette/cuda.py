"""NVIDIA GPUs, in the words that Chainer's users know. Works with the core alone: then there are no GPUs, and what
needs one says what to install."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from chainette.backend import Device, backend_of, backends, device_of, get_array_module, get_device, to_device
from chainette.errors import ArrayTypeError, DeviceError

_MISSING = "no GPU support is installed: pip install 'chainette[cuda12]'"


def _available() -> bool:
    if "cuda" not in backends():
        return False
    try:
        get_device("cuda")
    except DeviceError:
        return False
    return True


def __getattr__(name: str) -> Any:
    if name == "available":  # asked when used: looking for plugins at import would cost every program
        return _available()
    raise AttributeError(f"module 'chainette.cuda' has no attribute {name!r}")


def check_cuda_available() -> None:
    """Raise DeviceError, saying what is missing, unless there is a GPU to use."""
    if "cuda" not in backends():
        raise DeviceError(_MISSING)
    get_device("cuda")


def gpu(index: int | None = None) -> Device:
    """The GPU of that number; by default the current one.

    Raises:
        DeviceError: there is none, or no GPU support is installed.
    """
    if "cuda" not in backends():
        raise DeviceError(_MISSING)
    return get_device("cuda" if index is None else f"cuda:{index}")


def to_gpu(array: Any, device: int | None = None) -> Any:
    """The array on a GPU; itself where it lies there already.

    Raises:
        DeviceError: there is no such GPU, or no GPU support is installed.
    """
    return to_device(array, gpu(device))


def to_cpu(array: Any) -> npt.NDArray[Any]:
    """The array as a NumPy array; itself where it is one already.

    >>> to_cpu(np.ones(2))
    array([1., 1.])
    """
    host: npt.NDArray[Any] = to_device(array, "cpu")
    return host


def get_device_from_id(device_id: int | None) -> Device:
    """The GPU of that number; the CPU for None or a negative number, as in ``--gpu -1``.

    >>> get_device_from_id(-1)
    <Device cpu>
    """
    return get_device("cpu") if device_id is None or device_id < 0 else gpu(device_id)


def get_device_from_array(*arrays: Any) -> Device:
    """The device of the first accelerator array among the arguments; the CPU if there is none.

    >>> get_device_from_array(np.ones(2))
    <Device cpu>
    """
    for x in arrays:
        try:
            if backend_of(getattr(x, "array", x)).is_accelerator:
                return device_of(getattr(x, "array", x))
        except ArrayTypeError:
            continue
    return get_device("cpu")


__all__ = [
    "check_cuda_available",
    "get_array_module",
    "get_device_from_array",
    "get_device_from_id",
    "gpu",
    "to_cpu",
    "to_gpu",
]
