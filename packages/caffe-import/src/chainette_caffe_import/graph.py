"""In which order a net is computed, and what for: blobs that layers change in place get a version for each change."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from chainette_caffe_import.definition import DATA_TYPES, LayerDefinition
from chainette_caffe_import.layer import find_layer

Version: TypeAlias = tuple[str, int]
"""A blob's name, and how many layers have changed it in place before."""


@dataclass(frozen=True)
class Step:
    """A layer with the versions of the blobs that it reads and writes."""

    layer: LayerDefinition
    reads: tuple[Version, ...]
    writes: tuple[Version, ...]


class Graph:
    """The steps of a net.

    Args:
        definitions: the layers in order.
        open_inputs: whether blobs that no layer writes are inputs; else they are faults.

    Attributes:
        steps: the layers that compute, in order.
        inputs: names of blobs that are fed.
        outputs: names of blobs that no layer reads.
        last: the last version of each blob.
        faults: what is wrong with how the layers are connected, in words.
    """

    def __init__(self, definitions: Iterable[LayerDefinition], open_inputs: bool) -> None:
        self.definitions = list(definitions)
        self.steps: list[Step] = []
        self.inputs: list[str] = []
        self.last: dict[str, Version] = {}
        self.faults: list[str] = []
        self._read: dict[Version, str] = {}
        for layer in self.definitions:
            if _is_fed(layer):
                self._feed(layer)
            else:
                self._connect(layer, open_inputs)
        self.outputs = [name for name, version in self.last.items() if version not in self._read]

    def _feed(self, layer: LayerDefinition) -> None:
        for top in layer.tops:
            if top in self.last:
                self._fault(layer, f"the top {top!r} is written by an earlier layer too")
            else:
                self.inputs.append(top)
                self.last[top] = top, 0

    def _connect(self, layer: LayerDefinition, open_inputs: bool) -> None:
        for bottom in layer.bottoms:
            if bottom in self.last:
                continue
            if not open_inputs:
                self._fault(layer, f"no layer before it writes the bottom {bottom!r}")
            self.inputs.append(bottom)
            self.last[bottom] = bottom, 0
        reads = tuple(self.last[bottom] for bottom in layer.bottoms)
        writes = []
        for top in layer.tops:
            version: Version = (top, 0)
            if top in self.last:
                before = self.last[top]
                version = (top, before[1] + 1)
                if top not in layer.bottoms or before in writes:
                    self._fault(layer, f"the top {top!r} is written by an earlier layer too")
                elif before in self._read:
                    other = self._read[before]
                    self._fault(layer, f"it changes {top!r} in place, which layer {other!r} has read before")
            writes.append(version)
            self.last[top] = version
        for version in reads:
            self._read.setdefault(version, layer.name)
        self.steps.append(Step(layer, reads, tuple(writes)))

    def _fault(self, layer: LayerDefinition, what: str) -> None:
        self.faults.append(f"layer {layer.name!r} ({layer.type}): {what}")

    def without(self, names: Collection[str]) -> Graph:
        """The graph that is left without some layers: what those in place would change stays as it is."""
        return Graph([layer for layer in self.definitions if layer.name not in names], open_inputs=True)

    def computable(self, fed: Collection[str]) -> set[Version]:
        """The versions that can be computed from the blobs that are fed."""
        there: set[Version] = {(name, 0) for name in fed}
        for step in self.steps:
            if there.issuperset(step.reads):
                there.update(step.writes)
        return there

    def needed(self, wanted: Iterable[Version], fed: Collection[str]) -> list[Step]:
        """The steps that lead from the blobs that are fed to the wanted versions."""
        given: set[Version] = {(name, 0) for name in fed}
        missing, chosen = set(wanted) - given, []
        for step in reversed(self.steps):
            if not missing.isdisjoint(step.writes):
                chosen.append(step)
                missing.update(version for version in step.reads if version not in given)
        return chosen[::-1]


def _is_fed(layer: LayerDefinition) -> bool:
    """Whether a layer only brings data; Python layers often do."""
    brings = layer.type in DATA_TYPES or (layer.type == "Python" and find_layer("Python") is None)
    return brings and not layer.bottoms
