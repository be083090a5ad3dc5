"""What it takes to load a model that Caffe trained: an AlexNet of 240 MB, made here, with random weights.

    python benchmarks/caffe_load.py

Each time a new process loads it, from the system's cache of files. Seconds are those of ``CaffeFunction(model,
prototxt)``, in which all weights are copied into parameters. Memory is the peak of the resident size (``VmHWM``, on
Linux only), mapped pages of the file included, above that of the same process when everything has been imported. Both
are medians.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, BinaryIO

import numpy as np
from overhead import _environment, processor

GOALS = {"seconds": 1.0, "memory": 1.3}
MEGABYTE = 2**20

# name: outputs, inputs a group, and the side of the kernel and what else there is, or None
CONVOLUTIONS: dict[str, tuple[int, int, int, str]] = {
    "conv1": (96, 3, 11, "stride: 4"),
    "conv2": (256, 48, 5, "pad: 2 group: 2"),
    "conv3": (384, 256, 3, "pad: 1"),
    "conv4": (384, 192, 3, "pad: 1 group: 2"),
    "conv5": (256, 192, 3, "pad: 1 group: 2"),
}
LINEAR = {"fc6": (4096, 9216), "fc7": (4096, 4096), "fc8": (1000, 4096)}


def description(scale: int) -> str:
    """The prototxt; all widths are divided by the scale, except that of the image."""
    lines = ['input: "data" input_shape { dim: [1, 3, 227, 227] }']
    top = "data"

    def add(name: str, kind: str, parameters: str, in_place: bool = False) -> None:
        nonlocal top
        new = top if in_place else name
        lines.append(f'layer {{ name: "{name}" type: "{kind}" bottom: "{top}" top: "{new}" {parameters} }}')
        top = new

    for i, (name, (outputs, _, side, more)) in enumerate(CONVOLUTIONS.items(), 1):
        add(name, "Convolution", f"convolution_param {{ num_output: {outputs // scale} kernel_size: {side} {more} }}")
        add(f"relu{i}", "ReLU", "", in_place=True)
        if i < 3:
            add(f"norm{i}", "LRN", "lrn_param { local_size: 5 alpha: 0.0001 beta: 0.75 }")
        if i != 3 and i != 4:
            add(f"pool{i}", "Pooling", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    for i, (name, (outputs, _)) in enumerate(LINEAR.items(), 6):
        add(name, "InnerProduct", f"inner_product_param {{ num_output: {outputs // scale} }}")
        if i < 8:
            add(f"relu{i}", "ReLU", "", in_place=True)
            add(f"drop{i}", "Dropout", "dropout_param { dropout_ratio: 0.5 }", in_place=True)
    add("prob", "Softmax", "")
    return "\n".join(lines)


def shapes(scale: int) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, (outputs, inputs, side, _) in CONVOLUTIONS.items():
        yield name, (outputs // scale, inputs if name == "conv1" else inputs // scale, side, side)
    for name, (outputs, inputs) in LINEAR.items():
        yield name, (outputs // scale, inputs // scale)


def write_model(file: BinaryIO, scale: int) -> None:
    """The caffemodel: names and blobs."""
    draw = np.random.default_rng(0)
    for name, shape in shapes(scale):
        blobs: list[bytes] = []
        for sides in (shape, shape[:1]):
            values = draw.standard_normal(math.prod(sides), np.float32) * np.float32(0.01)
            dims = b"".join(_varint(side) for side in sides)
            content = [*_field(7, *_field(1, dims)), *_field(5, values.astype("<f4").tobytes())]
            blobs += _field(7, *content)
        file.writelines(_field(100, *_field(1, name.encode()), *blobs))


def _field(number: int, *content: bytes) -> list[bytes]:
    """A field with a length, in pieces."""
    return [_varint(number * 8 + 2) + _varint(sum(map(len, content))), *content]


def _varint(value: int) -> bytes:
    found = []
    while value >= 128:
        found.append(value % 128 + 128)
        value //= 128
    return bytes([*found, value])


def peak_memory() -> int:
    """The most bytes of memory that this process had at any time, pages of mapped files included."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("the system does not say how much memory a process had")


def load(folder: Path) -> dict[str, float]:
    """What a new process does: everything is imported by loading a small net of the same kind first."""
    from chainette.links.caffe import CaffeFunction

    CaffeFunction(folder / "small.caffemodel", folder / "small.prototxt")
    before, start = peak_memory(), perf_counter()
    net = CaffeFunction(folder / "large.caffemodel", folder / "large.prototxt")
    seconds = perf_counter() - start
    assert net["fc8"].W.shape == (1000, 4096)
    return {"seconds": seconds, "bytes": peak_memory() - before, "before": before}


def measure(repetitions: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size, scale in (("small", 8), ("large", 1)):
            (folder / f"{size}.prototxt").write_text(description(scale), encoding="utf-8")
            with (folder / f"{size}.caffemodel").open("wb") as file:
                write_model(file, scale)
        size = (folder / "large.caffemodel").stat().st_size
        command = [sys.executable, __file__, "--load", name]
        runs = []
        for _ in range(repetitions):
            done = subprocess.run(command, env=_environment(1, own=True), stdout=subprocess.PIPE, text=True, check=True)
            runs.append(json.loads(done.stdout))
    found = {what: median(run[what] for run in runs) for what in ("seconds", "bytes", "before")}
    return {"file": size, "repetitions": repetitions, **found, "ratio": found["bytes"] / size}


def report(facts: dict[str, Any]) -> None:
    print(f"processor: {facts['processor']}; one thread, {facts['repetitions']} repetitions\n")
    print(f"{'the file, MB':40}{facts['file'] / MEGABYTE:>8.1f}{'goal':>8}")
    print(f"{'load, s':40}{facts['seconds']:>8.2f}{GOALS['seconds']:>8.2f}")
    print(f"{'peak memory after imports, MB':40}{facts['before'] / MEGABYTE:>8.1f}")
    print(f"{'peak memory of loading above that, MB':40}{facts['bytes'] / MEGABYTE:>8.1f}")
    print(f"{'the same, divided by the file':40}{facts['ratio']:>8.2f}{GOALS['memory']:>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5, help="new processes that load it (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.load is not None:
        print(json.dumps(load(options.load)))
        return
    if options.repetitions < 1:
        parser.error("--repetitions must be at least 1")
    facts = {"processor": processor(), **measure(options.repetitions)}
    print(json.dumps(facts, indent=2)) if options.json else report(facts)


if __name__ == "__main__":
    main()
