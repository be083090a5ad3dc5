"""What a net consists of, as the files say it: layers in their order, with the blobs that belong to them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.legacy import layers_of
from chainette_caffe_import.message import Blob, Message

DATA_TYPES = {
    "AnnotatedData", "Data", "DummyData", "HDF5Data", "ImageData", "Input", "MemoryData", "WindowData",
}  # fmt: skip
"""Layers that have no bottoms: what they would read is fed by the name of the blob."""


@dataclass
class LayerDefinition:
    """A layer as the files describe it.

    Attributes:
        name, type: as in the file.
        bottoms, tops: the names of the blobs that it reads and writes.
        message: all that the file says of it, in today's format.
        blobs: its arrays; None where the model has no layer of that name, so that it starts anew.

    >>> definition = LayerDefinition("relu1", "ReLU", ["conv1"], ["conv1"])
    >>> definition.parameters("relu_param").get("negative_slope", 0.0)
    0.0
    """

    name: str
    type: str
    bottoms: list[str]
    tops: list[str]
    message: Message = field(default_factory=lambda: Message("LayerParameter"))
    blobs: list[Blob] | None = None

    def parameters(self, name: str) -> Message:
        """Its message of that name, such as ``"convolution_param"``; an empty one where there is none."""
        return self.message.message(name)

    def forget(self) -> None:
        """Let go of the file: the layer has taken what it needs."""
        self.message, self.blobs = Message("LayerParameter"), None

    def shared_name(self, index: int) -> str | None:
        """The name under which blob number ``index`` is shared with other layers."""
        specs = self.message.all("param")
        name = specs[index].get("name") if index < len(specs) else None
        return name or None


@dataclass(frozen=True)
class State:
    """What a net is built for, which rules of its layers look at."""

    phase: str = "TEST"
    level: int = 0
    stages: frozenset[str] = frozenset()

    def meets(self, rule: Message) -> bool:
        """Whether a NetStateRule holds."""
        return (
            rule.get("phase", self.phase) == self.phase
            and rule.get("min_level", self.level) <= self.level <= rule.get("max_level", self.level)
            and self.stages.issuperset(rule.all("stage"))
            and self.stages.isdisjoint(rule.all("not_stage"))
        )

    def includes(self, layer: Message) -> bool:
        """Whether a layer is in the net: where it has include rules any must hold, else no exclude rule may."""
        rules, excluding = layer.all("include"), layer.all("exclude")
        if rules:
            return any(map(self.meets, rules))
        return not any(map(self.meets, excluding))


def define(text: Message | None, model: Message | None, state: State) -> list[LayerDefinition]:
    """The layers of a net, the inputs first.

    Args:
        text: what a prototxt says; None takes the layers from the model.
        model: what a caffemodel says; None leaves every layer to start anew.
        state: what the net is built for.
    """
    source = text or model
    assert source is not None
    layers = _by_name(source)
    # The net may name stages itself.
    state = replace(state, stages=state.stages.union(source.message("state").all("stage")))
    in_training = replace(state, phase="TRAIN")
    # A model that training wrote has the layers of that phase only, but each still with its rules.
    if text is not None or not all(in_training.includes(layer) for _, layer in layers):
        layers = [(name, layer) for name, layer in layers if state.includes(layer)]
    blobs = {} if model is None else {name: layer.all("blobs") for name, layer in _by_name(model)}
    definitions = [
        LayerDefinition(
            name, layer.get("type", ""), [*layer.all("bottom")], [*layer.all("top")], layer, blobs.get(name)
        )
        for name, layer in layers
    ]
    _require_distinct_names(definitions)
    return _net_inputs(source) + definitions


def _by_name(net: Message) -> list[tuple[str, Message]]:
    """The layers with their names; one without a name has its number instead."""
    return [(layer.get("name", "") or f"layer{i}", layer) for i, layer in enumerate(layers_of(net))]


def _net_inputs(source: Message) -> list[LayerDefinition]:
    """The fields ``input`` of the net itself, each as a layer of type Input."""
    dims, shapes = source.all("input_dim"), source.all("input_shape")
    found = []
    for i, name in enumerate(source.all("input")):
        layer = Message("LayerParameter")
        shape = list(shapes[i].all("dim")) if i < len(shapes) else dims[4 * i : 4 * i + 4]
        if shape:
            layer.add("input_param", input_param := Message("InputParameter"))
            input_param.add("shape", blob_shape := Message("BlobShape"))
            for length in shape:
                blob_shape.add("dim", length)
        found.append(LayerDefinition(name, "Input", [], [name], layer))
    return found


def input_shapes(definition: LayerDefinition) -> dict[str, tuple[int, ...]]:
    """The shapes that an Input layer gives to its tops, where it says so."""
    shapes: list[Any] = definition.parameters("input_param").all("shape")
    if len(shapes) == 1:
        shapes = shapes * len(definition.tops)
    return {top: tuple(shape.all("dim")) for top, shape in zip(definition.tops, shapes, strict=False)}


def _require_distinct_names(definitions: list[LayerDefinition]) -> None:
    counts = Counter(definition.name for definition in definitions)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise CaffeNetError(
            f"CaffeFunction: more than one layer is called {', '.join(map(repr, twice))} (expected names of their "
            "own). Give them other names, or choose the phase, level and stages that leave one."
        )
