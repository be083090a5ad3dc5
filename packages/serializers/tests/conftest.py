"""A small tree of parameters to save and load, and the two formats to do it with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainette
from chainette_serializers import load_hdf5, load_npz, save_hdf5, save_npz


class Layer:
    """A parameter of known shape, one of open shape, and a persistent number."""

    def __init__(self, seed: float) -> None:
        self.W = chainette.Parameter(np.full((2, 3), seed, np.float32))
        self.b = chainette.Parameter(0.0)
        self.N = int(seed)
        if seed:
            self.b.initialize((4,))
            self.b.array[...] = seed + 0.5

    def serialize(self, serializer: Any) -> None:
        serializer("W", self.W.array)
        array = serializer("b", self.b.array)
        if self.b.array is None and array is not None:
            self.b.initialize(array.shape)
            self.b.array[...] = array
        self.N = serializer("N", self.N)


class Tree:
    """Two layers, a number, a text, and a value that is None."""

    def __init__(self, seed: float = 0) -> None:
        self.l1, self.l2 = Layer(seed), Layer(2 * seed)
        self.t = int(seed)
        self.lr = float(seed)
        self.text = f"seed {seed}"
        self.nothing: Any = None

    def serialize(self, serializer: Any) -> None:
        self.l1.serialize(serializer["l1"])
        self.l2.serialize(serializer["/l2"])
        for name in ("t", "lr", "text", "nothing"):
            setattr(self, name, serializer(name, getattr(self, name)))

    def state(self) -> list[Any]:
        """All there is, as bytes where it is an array."""
        arrays = [parameter.array for layer in (self.l1, self.l2) for parameter in (layer.W, layer.b)]
        return [
            *(None if array is None else (array.shape, array.dtype, array.tobytes()) for array in arrays),
            *(self.l1.N, self.l2.N, self.t, self.lr, self.text, self.nothing),
        ]


class Values:
    """Whatever values it is given, under their names; arrays of its own to load into."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def serialize(self, serializer: Any) -> None:
        for name, value in self.values.items():
            self.values[name] = serializer(name, value)


@dataclass(frozen=True)
class Format:
    """One format's functions and a folder of its own."""

    name: str
    save: Callable[..., None]
    load: Callable[..., None]
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / f"model.{self.name}"


@pytest.fixture(params=["npz", "hdf5"])
def fmt(request: pytest.FixtureRequest, tmp_path: Path) -> Format:
    save, load = {"npz": (save_npz, load_npz), "hdf5": (save_hdf5, load_hdf5)}[request.param]
    return Format(request.param, save, load, tmp_path)


@pytest.fixture
def tree() -> type[Tree]:
    return Tree


@pytest.fixture
def values() -> type[Values]:
    return Values
