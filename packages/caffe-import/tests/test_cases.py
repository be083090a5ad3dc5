"""Caffe's own numbers on small nets: outputs, and gradients with respect to inputs and blobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainette
from chainette import Variable
from chainette_caffe_import import CaffeFunction

CASES = Path(__file__).parent / "cases"
ABOUT = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(CASES.glob("*.json"))}
EACH = [(name, mode) for name, about in ABOUT.items() for mode in about["modes"]]


def load(name: str, mode: str) -> CaffeFunction:
    return CaffeFunction(CASES / f"{name}.caffemodel", CASES / f"{name}.prototxt" if mode == "proto" else None)


def numbers(name: str, kind: str) -> dict[str, np.ndarray[Any, Any]]:
    with np.load(CASES / f"{name}.npz") as file:
        return {key.removeprefix(f"{kind}/"): file[key] for key in file.files if key.startswith(f"{kind}/")}


def assert_exact(got: Any, want: np.ndarray[Any, Any], what: str) -> None:
    got = chainette.to_device(got, "cpu")
    assert got.shape == want.shape, what
    off = np.abs(got - want) - (2e-5 * max(1.0, np.abs(want).max(initial=0)) + 1e-4 * np.abs(want))
    assert off.max(initial=-1) <= 0, f"{what} is off by {off.max():.2e} more than it may be"


def test_all_eleven_are_here() -> None:
    assert len(ABOUT) == 11


@pytest.mark.parametrize(("name", "mode"), EACH)
def test_the_outputs_are_caffes(name: str, mode: str) -> None:
    outputs = ABOUT[name]["outputs"]
    found = load(name, mode)(inputs=numbers(name, "in"), outputs=outputs, train=False)
    for output, got in zip(outputs, found, strict=True):
        assert_exact(got.array, numbers(name, "out")[output], output)


@pytest.mark.parametrize(("name", "mode"), [(name, mode) for name, mode in EACH if ABOUT[name]["grads"]])
def test_the_gradients_are_caffes(name: str, mode: str) -> None:
    net = load(name, mode)
    inputs = {key: Variable(value) for key, value in numbers(name, "in").items()}
    weights = numbers(name, "gy")
    found = net(inputs=inputs, outputs=list(weights), train=False)
    total = sum(chainette.functions.sum(y * gy) for y, gy in zip(found, weights.values(), strict=True))
    total.backward()
    for key, want in numbers(name, "gx").items():
        grad = inputs[key].grad
        assert_exact(np.zeros_like(want) if grad is None else grad, want, key)  # Crop reads a shape alone
    wanted = numbers(name, "gp")
    assert wanted or name in ("lrn_kinds", "pool_clipping", "reshape_kinds")
    for key, want in wanted.items():
        layer, _, index = key.rpartition("/")
        parameter = list(net[layer].params())[int(index)]
        assert_exact(parameter.grad, want, key)
