"""Fields of a prototxt that no version of Caffe has: a layer of the user's own may read them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainette_caffe_import import CaffeFunction, CaffeWarning, Layer, LayerDefinition, register_layer
from chainette_caffe_import.layer import _registered

NET = """
input: "x"
layer { name: "s" type: "ShuffleChannel" bottom: "x" top: "y"
        shuffle_channel_param { group: 2 by: [1, 2.5] how: FAST } }
"""
V1 = """
input: "x"
layers { name: "s" type: POWER bottom: "x" top: "y" more_param: { group: 2 } }
"""


class Shuffle(Layer):
    """The channels of each group dealt out in turn."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("shuffle_channel_param")
        self.read: list[Any] = [parameters.get("group"), parameters.all("by"), parameters.get("how")]

    def forward(self, x: Any) -> Any:
        n, channels, *rest = x.shape
        groups = self.read[0]
        return x.reshape((n, groups, channels // groups, *rest)).transpose(0, 2, 1, 3, 4).reshape(x.shape)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    before = dict(_registered)
    register_layer("ShuffleChannel")(Shuffle)
    yield
    _registered.clear()
    _registered.update(before)


def net(folder: Path, text: str) -> CaffeFunction:
    (folder / "it.prototxt").write_text(text, encoding="utf-8")
    return CaffeFunction(None, folder / "it.prototxt")


def test_a_layer_of_ones_own_reads_parameters_that_caffe_does_not_have(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        shuffle = net(tmp_path, NET)
    assert shuffle["s"].read == [2, [1, 2.5], "FAST"]
    x = np.arange(4, dtype="f").reshape(1, 4, 1, 1)
    assert shuffle(x).array.ravel().tolist() == [0, 2, 1, 3]


def test_what_nobody_reads_is_warned_about_once(tmp_path: Path) -> None:
    more = NET.replace('top: "y"', "top: 'y' other_param { a: 1 } other_param { b { c: 'd' } }")
    with pytest.warns(CaffeWarning, match=r"it.prototxt, line 3: LayerParameter has no field other_param") as caught:
        net(tmp_path, more)
    assert len(caught) == 1


def test_the_format_of_2014_keeps_them_too(tmp_path: Path) -> None:
    with pytest.warns(CaffeWarning, match="V1LayerParameter has no field more_param") as caught:
        net(tmp_path, V1)
    assert len(caught) == 1
