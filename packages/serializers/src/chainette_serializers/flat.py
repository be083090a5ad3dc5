"""Loading from a flat mapping of keys to arrays: what every format's reader becomes.

A key is the path of names from the root, joined by slashes: ``l1/W``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any, Self

from chainette.errors import LoadError
from chainette_serializers.files import reading
from chainette_serializers.serializer import Deserializer, Serializable
from chainette_serializers.values import Misfit, Stored, put, restore


def prefix(name: str) -> str:
    """A name as the beginning of its children's keys: ``/l1`` gives ``l1/``, the root nothing."""
    name = name.strip("/")
    return f"{name}/" if name else ""


class Placed:
    """A serializer's place in the tree of names; children share everything else."""

    path: str

    def __getitem__(self, key: str) -> Self:
        child = copy(self)
        child.path = self.path + prefix(key)
        return child

    def key(self, name: str) -> str:
        """The key of a value of that name."""
        return self.path + name.lstrip("/")


class Entries(Mapping[str, Stored]):
    """The stored values of a file by key, each read when it is asked for.

    Args:
        names: the name by which ``read`` knows each key's value.
        title: the function and the file, as messages begin.
    """

    def __init__(self, names: Mapping[str, str], title: str) -> None:
        self.names, self.title = names, title

    @abstractmethod
    def read(self, name: str) -> Stored:
        """Read one value; whatever this raises becomes LoadError."""

    def __getitem__(self, key: str) -> Stored:
        name = self.names[key]
        with reading(f"{self.title}, entry {key!r},"):
            return self.read(name)

    def __contains__(self, key: object) -> bool:  # Mapping's own would read it
        return key in self.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


class FlatDeserializer(Placed, Deserializer):
    """Loads from a mapping of keys to stored values, all or nothing.

    Args:
        arrays: the stored values by key; reading one may raise LoadError.
        path: where in the file the object lies.
        strict: whether missing and extra keys are errors.
        title: the function and the file, as messages begin.
    """

    def __init__(self, arrays: Mapping[str, Stored], path: str, strict: bool, title: str) -> None:
        self.arrays, self.path, self.strict, self.title = arrays, prefix(path), strict, title

    def __call__(self, key: str, value: Any) -> Any:
        key = self.key(key)
        if key not in self.arrays:
            if self.strict:
                raise LoadError(f"{self.title} has no {key!r}. Give strict=False to keep the present value.")
            return value
        try:
            return put(value, restore(value, self.arrays[key]))
        except Misfit as misfit:
            raise LoadError(f"{self.title} does not fit: {key} ({misfit}).") from None

    def load(self, obj: Serializable) -> None:
        """Load ``obj``, or leave it as it is.

        Raises:
            LoadError: something does not fit, or cannot be read; the message names every key concerned.
        """
        check = _Check(self.arrays, self.path)
        obj.serialize(check)
        check.conclude(f"{self.title} does not fit the {type(obj).__name__}, which stays as it was", self.strict)
        loader = copy(self)
        loader.arrays = check.found  # read once: nothing can fail to be read from here on
        obj.serialize(loader)


class _Check(Placed, Deserializer):
    """Is asked what a loader will be asked, reads it, and changes nothing."""

    def __init__(self, arrays: Mapping[str, Stored], path: str) -> None:
        self.arrays, self.path = arrays, path
        self.found: dict[str, Stored] = {}
        self.missing: list[str] = []
        self.misfits: list[str] = []

    def __call__(self, key: str, value: Any) -> Any:
        key = self.key(key)
        if key not in self.arrays:
            self.missing.append(key)
            return value
        self.found[key] = self.arrays[key]
        try:
            restore(value, self.found[key])
        except Misfit as misfit:
            self.misfits.append(f"{key} ({misfit})")
        return value

    def conclude(self, complaint: str, strict: bool) -> None:
        """Raise LoadError if anything does not fit."""
        extra = [key for key in self.arrays if key.startswith(self.path) and key not in self.found]
        kinds = {
            "missing in the file": self.missing if strict else [],
            "extra in the file": extra if strict else [],
            "of another shape or kind": self.misfits,
        }
        lines = [f"  {kind}: {', '.join(sorted(keys))}" for kind, keys in kinds.items() if keys]
        if lines:
            advice = (
                "Load it into an object made as the saved one was; strict=False passes over missing and extra keys."
            )
            raise LoadError("\n".join([f"{complaint}:", *lines, advice]))
