"""Damaged models and prototxts: whatever they hold, they are read, or refused by an error of ours, soon and in little
memory.
"""

from __future__ import annotations

import math
import os
import random
import re
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest

from chainette import Variable
from chainette.errors import ChainetteError, ShapeError
from chainette_caffe_import import CaffeFunction
from chainette_caffe_import._plugin import LAYERS

from .building import make_layer

CASES = Path(__file__).parent / "cases"
NAMES = sorted(path.stem for path in CASES.glob("*.json"))
MUTANTS = int(os.environ.get("FUZZ_MUTANTS", "2000"))  # nox -s soak takes more
BATCH = 200
BATCHES = [pytest.param(first, marks=[pytest.mark.full] if first else []) for first in range(0, MUTANTS, BATCH)]
SECONDS, BYTES = 2.0, 64 << 20
NUMBERS = ["0", "1", "-1", "2", "3", "7", "40", "2147483647", "-2147483648", "9223372036854775807", "0.5", "1e38"]
WORDS = [*NUMBERS, "nan", "-inf", "1e-45", "true", "MAX", "''", "x", "{", "}", "[", "]", ":"]
TYPES = [f'"{each}"' for each in " ".join(LAYERS.values()).split()]
TOKEN = re.compile(r"\"[^\"]*\"|'[^']*'|[\w.+-]+|\S")
T = TypeVar("T", bytes, list[str])


def spliced(draw: random.Random, whole: T, other: T) -> T:
    """With a piece of another instead of one of its own, which may be empty: also insertions and deletions."""
    start, length = draw.randrange(len(whole) + 1), draw.choice((0, 0, 1, 4, 30))
    begin, size = draw.randrange(len(other) + 1), draw.choice((0, 1, 4, 30))
    return whole[:start] + other[begin : begin + size] + whole[start + length :]


def cut(draw: random.Random, whole: T, other: T) -> T:
    return whole[: draw.randrange(len(whole) + 1)]


def flipped(draw: random.Random, whole: bytes, other: bytes) -> bytes:
    """Bits, most of them near the start, where the structure is denser than the weights."""
    changed = bytearray(whole)
    for _ in range(draw.randint(1, 8)):
        changed[int(len(changed) * draw.random() ** draw.choice((1, 4)))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def overwritten(draw: random.Random, whole: bytes, other: bytes) -> bytes:
    changed = bytearray(whole)
    for _ in range(draw.randint(1, 8)):
        changed[int(len(changed) * draw.random() ** draw.choice((1, 4)))] = draw.choice(
            (0, 1, 127, 128, 255, draw.randrange(256))
        )
    return bytes(changed)


def swapped(draw: random.Random, tokens: list[str], other: list[str]) -> list[str]:
    changed = list(tokens)
    for _ in range(draw.randint(1, 3)):
        i, j = draw.randrange(len(changed)), draw.randrange(len(changed))
        changed[i], changed[j] = changed[j], changed[i]
    return changed


def replaced(draw: random.Random, tokens: list[str], other: list[str]) -> list[str]:
    """With other numbers where there are numbers, other types where there are types, or anything anywhere."""
    changed = list(tokens)
    places, values = draw.choice(
        (
            ([i for i, token in enumerate(changed) if token[0].isdigit()], NUMBERS),
            ([i for i, token in enumerate(changed[2:], 2) if changed[i - 2] == "type"], TYPES),
            (range(len(changed)), WORDS + other),
        )
    )
    for _ in range(draw.randint(1, 3)):
        changed[draw.choice(places)] = draw.choice(values)
    return changed


def mutant(seed: int) -> tuple[str, bytes, str]:
    """The name of a case, and its model or prototxt or both, damaged."""
    draw = random.Random(seed)
    name, other = draw.choice(NAMES), draw.choice(NAMES)
    model = (CASES / f"{name}.caffemodel").read_bytes()
    text = (CASES / f"{name}.prototxt").read_text(encoding="utf-8")
    which = draw.choice(("model", "text", "both"))
    if which != "text":
        how: Any = draw.choice((flipped, overwritten, spliced, cut))
        model = how(draw, model, (CASES / f"{other}.caffemodel").read_bytes())
    if which != "model":
        how = draw.choice((swapped, replaced, replaced, replaced, spliced, cut))
        text = " ".join(how(draw, TOKEN.findall(text), TOKEN.findall((CASES / f"{other}.prototxt").read_text("utf-8"))))
    return name, model, text


def measured(what: str, action: Callable[[], Any]) -> Any:
    """What the action returns; None where it refuses."""
    tracemalloc.reset_peak()
    before, start = tracemalloc.get_traced_memory()[0], time.process_time()
    try:
        return action()
    except ChainetteError:
        return None
    except Exception as error:
        raise AssertionError(f"{what}: {type(error).__name__}: {error}") from error
    finally:
        assert time.process_time() - start < SECONDS, what
        assert tracemalloc.get_traced_memory()[1] - before < BYTES, what


def inputs_of(net: CaffeFunction, name: str) -> dict[str, Any] | None:
    """Arrays of the shapes that the file says, or those of the case; None where that is too much."""
    with np.load(CASES / f"{name}.npz") as file:
        fed = {each: file[f"in/{each}"] for each in net.inputs if f"in/{each}" in file.files}
    shapes = {each: shape for each, shape in net.input_shapes.items() if each in net.inputs}
    if any(min(shape, default=1) < 0 or math.prod(side or 1 for side in shape) >= 1e6 for shape in shapes.values()):
        return None
    return fed | {each: np.ones(shape, np.float32) for each, shape in shapes.items()}


@pytest.mark.parametrize("first", BATCHES)
def test_a_damaged_file_is_read_or_refused(first: int, tmp_path: Path) -> None:
    n_run = 0
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for seed in range(first, first + BATCH):
                name, model, text = mutant(seed)
                paths = tmp_path / f"{seed}.caffemodel", tmp_path / f"{seed}.prototxt"
                paths[0].write_bytes(model)
                paths[1].write_text(text, encoding="utf-8")
                skip = "skip" if seed % 2 else "error"
                for given in (paths[:1], paths):
                    what = f"mutant {seed} of {name}, from {len(given)} files"
                    net = measured(what, lambda given=given, skip=skip: CaffeFunction(*given, unsupported=skip))
                    inputs = net and inputs_of(net, name)
                    if inputs:
                        n_run += 1
                        measured(f"{what}, running", lambda net=net, inputs=inputs: net(inputs=inputs, train=False))
    finally:
        tracemalloc.stop()
    assert n_run > BATCH / 4  # not all damage is noticed at once


@pytest.mark.parametrize(
    "text",
    [
        'type: "Convolution" convolution_param { num_output: 1 kernel_size: 1 pad: 2147483647 }',
        'type: "Convolution" convolution_param { num_output: 1 kernel_size: 2147483647 }',
        'type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 1 stride: 2147483647 }',
        'type: "Deconvolution" convolution_param { num_output: 1 kernel_size: 2 dilation: 2147483647 }',
        'type: "Pooling" pooling_param { pool: AVE kernel_size: 3 stride: 2147483647 }',
    ],
)
def test_arrays_that_would_be_larger_than_any_blob_are_not_made(text: str) -> None:
    layer = make_layer(f'{text} bottom: "x" top: "y"')
    with pytest.raises(ShapeError, match="expected at most 2,147,483,647 values"):
        layer(Variable(np.ones((1, 1, 4, 4), np.float32)))


@pytest.mark.parametrize("ndim", [0, 1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["Convolution", "Deconvolution"])
def test_a_convolution_refuses_another_number_of_axes(kind: str, ndim: int) -> None:
    layer = make_layer(f'type: "{kind}" bottom: "x" top: "y" convolution_param {{ num_output: 1 kernel_size: 1 }}')
    with pytest.raises(ShapeError, match=rf"{kind}: x has shape .* \(expected \(batch, channels\) and 2 axes"):
        layer(Variable(np.ones((1,) * ndim, np.float32)))
