"""What several tests need: a model that is not a Link, serializers in memory, and a device that is not the CPU."""

from __future__ import annotations

import types
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest

import chainette
from chainette.backend import NUMPY, Backend, Device, by_type


class Model:
    """Named parameters, and nothing more than an optimizer asks for."""

    def __init__(self, **named: chainette.Parameter) -> None:
        self.named = named

    def params(self):
        return iter(self.named.values())

    def namedparams(self):
        return ((f"/{name.replace('__', '/')}", param) for name, param in self.named.items())

    def cleargrads(self):
        for param in self.params():
            param.cleargrad()


class Saver:
    is_writer = True

    def __init__(self, entries: dict[str, Any], path: str = "") -> None:
        self.entries, self.path = entries, path

    def __getitem__(self, key: str) -> Saver:
        return type(self)(self.entries, f"{self.path}{key}/")

    def __call__(self, key: str, value: Any) -> Any:
        self.entries[self.path + key] = None if value is None else np.array(value)
        return value


class Loader(Saver):
    """Fills arrays in place, gives numbers in the type of the present one, and for None what is there."""

    is_writer = False

    def __call__(self, key: str, value: Any) -> Any:
        stored = self.entries[self.path + key]
        if isinstance(value, np.ndarray):
            value[...] = stored
            return value
        return stored if value is None else type(value)(stored)


class LenientLoader(Loader):
    """Answers what it is given where the entry is missing."""

    def __call__(self, key: str, value: Any) -> Any:
        return super().__call__(key, value) if self.path + key in self.entries else value


@pytest.fixture
def model_class():
    return Model


@pytest.fixture
def save():
    def save(optimizer: Any) -> dict[str, Any]:
        entries: dict[str, Any] = {}
        optimizer.serialize(Saver(entries))
        return entries

    return save


@pytest.fixture
def load():
    def load(entries: dict[str, Any], optimizer: Any, strict: bool = True) -> None:
        optimizer.serialize((Loader if strict else LenientLoader)(entries))

    return load


@pytest.fixture
def far(monkeypatch):
    """A device beside the CPU, whose arrays are of a class of their own: kernel tables remember classes."""

    class FarArray(np.ndarray):
        pass

    module = types.SimpleNamespace(
        **{name: getattr(np, name) for name in ("add", "clip", "divide", "einsum", "maximum", "minimum", "multiply")},
        **{name: getattr(np, name) for name in ("sign", "sqrt", "subtract")},
        zeros=lambda shape, dtype: np.zeros(shape, dtype).view(FarArray),
        empty=lambda shape, dtype: np.empty(shape, dtype).view(FarArray),
    )
    backend = Backend(
        name="far",
        array_types=(FarArray,),
        xp=module,
        is_accelerator=True,
        get_device=lambda index: device,
        to_host=lambda array: np.array(array),
        from_host=lambda array, device: array.copy().view(FarArray),
        device_of=lambda array: device,
        device_scope=lambda device: nullcontext(),
        generator=NUMPY.generator,
    )
    device = Device(backend)
    monkeypatch.setitem(by_type, FarArray, backend)
    return device
