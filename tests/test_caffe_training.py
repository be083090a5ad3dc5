"""Nets of Caffe with optimizers, which the importer does not depend on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import chainette
import chainette.functions as F
from chainette import optimizers
from chainette.links.caffe import CaffeFunction

SHARED = """
input: "x"
layer { name: "a" type: "InnerProduct" bottom: "x" top: "a" param { name: "W" }
        inner_product_param { num_output: 3 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "b" type: "InnerProduct" bottom: "a" top: "b" param { name: "W" }
        inner_product_param { num_output: 3 bias_term: false weight_filler { type: "xavier" } } }
layer { name: "c" type: "InnerProduct" bottom: "b" top: "c" inner_product_param { num_output: 2 } }
"""


@pytest.fixture
def net(tmp_path: Path) -> CaffeFunction:
    chainette.seed(0)
    (tmp_path / "net.prototxt").write_text(SHARED, encoding="utf-8")
    net = CaffeFunction(None, tmp_path / "net.prototxt")
    net(np.ones((1, 3), "f"))
    return net


def test_a_shared_parameter_is_updated_once(net: CaffeFunction) -> None:
    before = net["a"].W.array.copy()
    optimizer = optimizers.SGD(lr=0.5).setup(net)
    net["c"].W.array[...] = 1
    net.cleargrads()
    F.sum(net(np.ones((4, 3), "f"))).backward()
    gradient = net["a"].W.grad.copy()
    assert np.abs(gradient).max() > 0
    optimizer.update()
    np.testing.assert_allclose(net["a"].W.array, before - 0.5 * gradient, rtol=1e-5)


def test_what_is_frozen_stays_and_the_rest_learns(net: CaffeFunction) -> None:
    frozen, learning = net["a"].W.array.copy(), net["c"].W.array.copy()
    optimizer = optimizers.Adam().setup(net)
    net["a"].disable_update()
    x, t = np.eye(3, dtype="f"), np.array([0, 1, 0])
    losses = []
    for _ in range(20):
        optimizer.update(lambda: losses.append(F.softmax_cross_entropy(net(x), t)) or losses[-1])
    np.testing.assert_array_equal(net["a"].W.array, frozen)
    assert np.abs(net["c"].W.array - learning).max() > 0
    assert losses[-1].item() < losses[0].item()
