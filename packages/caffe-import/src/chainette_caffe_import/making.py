"""From what the files say to layers with parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeFormatError, CaffeNetError, CaffeUnsupportedError
from chainette_caffe_import.graph import Graph
from chainette_caffe_import.layer import Layer, find_layer

ALWAYS_IGNORED = (
    "name", "type", "bottom", "top", "phase", "include", "exclude", "param", "blobs", "loss_weight", "propagate_down",
    "transform_param",
)  # fmt: skip
"""Fields of a layer that say nothing about what it computes."""


def make_layer(definition: LayerDefinition) -> tuple[Layer, list[str]]:
    """The layer, and the parameters of it that nobody has read.

    Raises:
        CaffeUnsupportedError: the type is not known, or does what is not done here.
        CaffeFormatError: what the files say makes no sense.
    """
    kind = find_layer(definition.type)
    if kind is None:
        raise CaffeUnsupportedError("the type is not known")
    layer = kind(definition)
    layer.require_all_taken(definition)
    return layer, [name for name in definition.message.unread() if name not in ALWAYS_IGNORED]


def make_layers(graph: Graph) -> tuple[dict[str, Layer], list[str], list[str]]:
    """The layers of a net by name; what is wrong with it, and what is not supported, in words."""
    layers, wrong, unsupported = {}, list(graph.faults), []
    for step in graph.steps:
        where = f"layer {step.layer.name!r} ({step.layer.type})"
        try:
            layers[step.layer.name], unread = make_layer(step.layer)
            if unread:
                unsupported.append(f"{where}: parameters that are not known here: {', '.join(unread)}")
        except CaffeUnsupportedError as error:
            unsupported.append(f"{where}: {error}")
        except CaffeFormatError as error:
            wrong.append(f"{where}: {error}")
    return layers, wrong, unsupported


def share_parameters(graph: Graph, layers: Mapping[str, Layer]) -> None:
    """Let blobs of one name be one parameter."""
    owners: dict[str, tuple[str, Any]] = {}
    for step in graph.steps:
        layer = layers[step.layer.name]
        for index, name in enumerate(list(layer._params)):
            shared = step.layer.shared_name(index)
            if shared is None:
                continue
            mine = getattr(layer, name)
            owner, theirs = owners.setdefault(shared, (step.layer.name, mine))
            if theirs is mine:
                continue
            if mine.is_initialized and theirs.is_initialized and mine.shape != theirs.shape:
                raise CaffeNetError(
                    f"CaffeFunction: layers {owner!r} and {step.layer.name!r} share a parameter {shared!r}, but "
                    f"their shapes are {theirs.shape} and {mine.shape}."
                )
            is_from_model = mine.initializer is None
            if mine.is_initialized and (is_from_model or not theirs.is_initialized):
                theirs.copydata(mine)
            with layer.init_scope():
                setattr(layer, name, theirs)
