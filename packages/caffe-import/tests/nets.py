"""Whole nets for the tests: from a prototxt's text, and from what a model should contain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainette_caffe_import import CaffeFunction, LayerDefinition, Message, read_caffemodel
from chainette_caffe_import.definition import State, define
from chainette_caffe_import.prototxt import parse_prototxt

from .writing import encode


def build(folder: Path, text: str | None = None, model: dict[str, Any] | None = None, **options: Any) -> CaffeFunction:
    """A net from files that are written for it; ``model`` holds the fields of a NetParameter."""
    model_path, text_path = folder / "it.caffemodel", folder / "it.prototxt"
    if model is not None:
        model_path.write_bytes(encode("NetParameter", {"name": "it", **model}, packed=False))
    if text is not None:
        text_path.write_text(text, encoding="utf-8")
    return CaffeFunction(
        None if model is None else model_path, None if text is None else text_path, unsupported="error", **options
    )


def read(folder: Path, model: dict[str, Any], old: bool = False) -> Message:
    """What is read of a model with these fields; ``old`` writes shapes as num, channels, height and width."""
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
