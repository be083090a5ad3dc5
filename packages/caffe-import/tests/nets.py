"""Whole nets for the tests: from a prototxt's text, and from what a model should contain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainette_caffe_import import CaffeFunction, LayerDefinition, Message, read_caffemodel
from chainette_caffe_import.definition import State, define
from chainette_caffe_import.prototxt import parse_prototxt

from .writing import encode

INPUT = "input: 'x'\n"


def build(
    folder: Path, text: str | None = None, model: dict[str, Any] | None = None, *, old: bool = False, **options: Any
) -> CaffeFunction:
    """A net from files that are written for it; ``model`` holds the fields of a NetParameter, ``old`` is for shapes of
    its blobs as num, channels, height and width."""
    model_path, text_path = folder / "it.caffemodel", folder / "it.prototxt"
    if model is not None:
        model_path.write_bytes(encode("NetParameter", {"name": "it", **model}, old=old))
    if text is not None:
        text_path.write_text(text, encoding="utf-8")
    return CaffeFunction(None if model is None else model_path, None if text is None else text_path, **options)


def read(folder: Path, model: dict[str, Any], old: bool = False) -> Message:
    """What is read of a model with these fields."""
    path = folder / "read.caffemodel"
    path.write_bytes(encode("NetParameter", {"name": "it", **model}, old=old))
    return read_caffemodel(path)


def defined(
    text: str | None = None, model: Message | None = None, phase: str = "TEST", level: int = 0, stages: str = ""
) -> list[LayerDefinition]:
    """The layers of a net."""
    state = State(phase, level, frozenset(stages.split()))
    return define(None if text is None else parse_prototxt(text), model, state)


def relu(name: str, bottom: str, top: str, more: str = "", type: str = "ReLU") -> str:
    """A layer with one bottom and one top as text."""
    return f"layer {{ name: '{name}' type: '{type}' bottom: '{bottom}' top: '{top}' {more} }}\n"


def product(name: str, bottom: str, top: str, more: str = "", n: int = 2) -> str:
    """An InnerProduct as text."""
    return relu(name, bottom, top, f"inner_product_param {{ num_output: {n} }} {more}", "InnerProduct")


def blobs(**layers: list[Any]) -> dict[str, Any]:
    """A model with these blobs by layer."""
    return {"layer": [{"name": name, "type": "InnerProduct", "blobs": found} for name, found in layers.items()]}
