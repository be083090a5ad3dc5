"""``python -m chainette caffe``: what a model of Caffe contains, whether it can be built, and its parameters as npz."""

from __future__ import annotations

import argparse
import json
import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from chainette.errors import ArgumentError
from chainette_caffe_import.caffe_function import CaffeFunction
from chainette_caffe_import.definition import LayerDefinition, State, define, input_shapes
from chainette_caffe_import.errors import CaffeFormatError, CaffeNetError
from chainette_caffe_import.graph import Graph
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.legacy import layers_of
from chainette_caffe_import.making import make_layers, share_parameters
from chainette_caffe_import.message import Blob, Message
from chainette_caffe_import.prototxt import read_prototxt
from chainette_caffe_import.wire import read_caffemodel

FORMATS = {"V0": "V0 (2013)", "V1": "V1 (2014)", "V2": "V2 (today's)"}


def run(name: str, chosen: argparse.Namespace) -> int:
    """Do what the command of that name does; the exit status."""
    command = {"info": info, "convert": convert, "check": check}[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            return command(chosen)
        except OSError as error:
            raise ArgumentError(f"caffe {name}: {error}") from None
        finally:
            for each in dict.fromkeys(str(each.message) for each in caught):
                print(f"chainette: {each}", file=sys.stderr)


@dataclass
class Contents:
    """What is in the files of a net, without its arrays.

    Attributes:
        format: ``"V0"``, ``"V1"`` or ``"V2"``.
        layers: the layers; those that are in the net for testing where it can be told.
        inputs, outputs: the blobs that are fed, by their shapes (None where none is said), and those no layer reads.
        made: the layers that can be made, by name.
        wrong: why the net cannot be built, in words.
        unsupported: which layers and parameters are not supported, in words.
    """

    format: str
    name: str
    layers: list[LayerDefinition]
    inputs: dict[str, tuple[int, ...] | None] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    made: dict[str, Layer] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)


def contents(model: Message | None, text: Message | None) -> Contents:
    """Look at a net as CaffeFunction does, but copy no array, and go on after what is wrong.

    Args:
        model: what a caffemodel says.
        text: what a prototxt says. One of the two may be None.
    """
    source = model or text
    assert source is not None
    found = Contents(_format(source), source.get("name", ""), [])
    try:
        found.layers = define(text, model, State())
    except CaffeFormatError as error:
        found.wrong.append(str(error))
        found.layers = list(_raw_layers(source))
        return found
    for each in found.layers:
        if each.blobs is not None:
            each.blobs = [Outline(blob.shape, blob.is_old, blob._pieces, blob.where) for blob in each.blobs]
    graph = Graph(found.layers, open_inputs=text is None)
    shapes = {name: shape for each in found.layers for name, shape in input_shapes(each).items()}
    found.inputs, found.outputs = {name: shapes.get(name) for name in graph.inputs}, graph.outputs
    found.made, found.wrong, found.unsupported = make_layers(graph)
    if len(found.made) == len(graph.steps):
        try:
            share_parameters(graph, found.made)
        except CaffeNetError as error:
            found.wrong.append(str(error).removeprefix("CaffeFunction: "))
    return found


class Outline(Blob):
    """A blob that is known by its shape only."""

    def array(self) -> npt.NDArray[np.float32]:
        if self.size != math.prod(self.shape):
            return super().array()  # which says what is wrong
        # One number for all: it takes no memory, and may be written to where parameters are shared.
        return np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), self.shape, (0,) * len(self.shape))


def _format(net: Message) -> str:
    if "layer" in net or "layers" not in net:
        return "V2"
    return "V0" if any("layer" in each for each in net.all("layers")) else "V1"


def _raw_layers(net: Message) -> Iterator[LayerDefinition]:
    """The layers as they stand there, of a net that cannot be understood as a whole."""
    try:
        layers = layers_of(net)
    except CaffeFormatError:
        layers = [each.message("layer") if "layer" in each else each for each in net.all("layers")]
    for each in layers:
        texts = str(each.get("name", "")), str(each.get("type", ""))
        yield LayerDefinition(*texts, each.all("bottom"), each.all("top"), each, each.all("blobs"))


def _read(path: str) -> tuple[Message | None, Message | None]:
    """A model, or a text: whichever the file is."""
    with open(path, "rb") as file:
        head = file.read(512)
    is_binary = b"\0" in head or any(byte < 32 and byte not in b"\t\n\f\r" for byte in head)
    return (read_caffemodel(path), None) if is_binary or not head else (None, read_prototxt(path))


def info(chosen: argparse.Namespace) -> int:
    """``caffe info``."""
    model, text = _read(chosen.file)
    if chosen.prototxt is not None:
        text = read_prototxt(chosen.prototxt)
    found = contents(model, text)
    blobs = {each.name: [list(blob.shape) for blob in each.blobs or []] for each in found.layers}
    numbers = sum(blob.size for each in found.layers for blob in each.blobs or [])
    if chosen.json:
        layers = [
            {
                "name": each.name,
                "type": each.type,
                "bottoms": each.bottoms,
                "tops": each.tops,
                "blobs": blobs[each.name],
            }
            for each in found.layers
        ]
        facts = {
            "file": chosen.file,
            "bytes": Path(chosen.file).stat().st_size,
            "format": found.format,
            "name": found.name,
            "inputs": found.inputs,
            "outputs": found.outputs,
            "layers": layers,
            "numbers": numbers,
            "wrong": found.wrong,
            "unsupported": found.unsupported,
        }
        print(json.dumps(facts, indent=2))
        return 0
    print(f"{chosen.file}: {'a model' if model else 'a prototxt'}, format {FORMATS[found.format]}")
    print(f"net {found.name or '(without a name)'}: {_count(len(found.layers), 'layer')}, {_count(numbers, 'number')}")
    given = ", ".join(f"{name} {shape or '(shape not said)'}" for name, shape in found.inputs.items())
    print(f"inputs: {given or 'none'}\noutputs: {', '.join(found.outputs) or 'none'}\n")
    rows = [("layer", "type", "reads", "writes", "blobs")]
    for each in found.layers:
        shapes = " ".join(str(tuple(shape)).replace(" ", "") for shape in blobs[each.name])
        rows.append((each.name, each.type, ", ".join(each.bottoms), ", ".join(each.tops), shapes))
    print(_table(rows))
    _print_faults(found)
    return 0


def convert(chosen: argparse.Namespace) -> int:
    """``caffe convert``."""
    from chainette_serializers import save_hdf5, save_npz

    writers = {".npz": save_npz, ".h5": save_hdf5, ".hdf5": save_hdf5}
    writer = writers.get(Path(chosen.out).suffix)
    if writer is None:
        raise ArgumentError(f"caffe convert: {chosen.out} ends with none of {', '.join(writers)}. Name it so.")
    net = CaffeFunction(chosen.file, chosen.prototxt, unsupported=chosen.unsupported)
    open_ones = [path for path, parameter in net.namedparams() if not parameter.is_initialized]
    if open_ones:
        raise ArgumentError(
            f"caffe convert: the model has no values of {', '.join(open_ones)}. Give the prototxt that belongs to it."
        )
    writer(chosen.out, net)
    rows = [
        (f"{path[1:]}/{name}", str(np.shape(getattr(link, name))))
        for path, link in net.namedlinks()
        for name in (*link._params, *link._persistent)
    ]
    print(_table([*rows, ("", "")]))
    size = Path(chosen.out).stat().st_size
    print(f"{chosen.out}: {_count(len(rows), 'array')}, {_count(net.count_params(), 'number')} learned, {size:,} bytes")
    return 0


def check(chosen: argparse.Namespace) -> int:
    """``caffe check``."""
    model, text = read_caffemodel(chosen.file), read_prototxt(chosen.prototxt)
    theirs = {each.name: each for each in contents(model, None).layers}
    found = contents(model, text)
    names = {each.name for each in found.layers}
    both = [name for name in theirs if name in names]
    print(f"in both: {_count(len(both), 'layer')}")
    _print_list(
        "in the model only, left out",
        [_described(each, each.blobs) for name, each in theirs.items() if name not in names],
    )
    new = [each for each in found.layers if each.name not in theirs]
    with_parameters = {name for name, layer in found.made.items() if any(True for _ in layer.params())}
    _print_list(
        "in the prototxt only",
        [_described(each) + (": starts anew" if each.name in with_parameters else "") for each in new],
    )
    _print_faults(found)
    if found.wrong or found.unsupported:
        return 1
    print("\nthe net can be built")
    return 0


def _described(layer: LayerDefinition, blobs: list[Blob] | None = None) -> str:
    shapes = ", ".join(str(blob.shape) for blob in blobs or [])
    return f"{layer.name} ({layer.type})" + (f" with blobs {shapes}" if shapes else "")


def _print_faults(found: Contents) -> None:
    _print_list("wrong", found.wrong)
    _print_list("not supported", found.unsupported)


def _print_list(heading: str, lines: list[str]) -> None:
    if lines:
        print(f"\n{heading}:", *lines, sep="\n  ")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
