"""CaffeFunction: what is fed, computed and left out; what cannot be built, names, and layers of others."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from chainette import Variable
from chainette.errors import ArgumentError
from chainette.hooks import hookimpl
from chainette.testing import isolated_plugins
from chainette_caffe_import import (
    CaffeFunction,
    CaffeInputError,
    CaffeNetError,
    CaffeWarning,
    Layer,
    LayerDefinition,
    known_layers,
    layer as layer_module,
    register_layer,
)

from .nets import INPUT, blobs, build, product, relu

W, B = np.array([[1, -2, 3], [0, 1, -1]], "f"), np.array([0.5, -4], "f")
X = np.array([[1, 2, 3], [-1, 0, 4]], "f")


def power(name: str, bottom: str, top: str, scale: float, shift: float) -> str:
    return relu(name, bottom, top, f"power_param {{ scale: {scale} shift: {shift} }}", "Power")


@pytest.fixture
def net(tmp_path: Path) -> CaffeFunction:
    """ip = xW + b, relu in place; two heads."""
    text = INPUT + product("ip", "x", "ip") + relu("relu", "ip", "ip") + product("a", "ip", "a") + relu("b", "ip", "b")
    return build(tmp_path, text, blobs(ip=[W, B], a=[W[:, :2], B]))


HIDDEN = np.maximum(X @ W.T + B, 0)


# -- feeding and asking -------------------------------------------------------------------------------------------


def test_all_outputs_are_computed(net: CaffeFunction) -> None:
    assert (net.inputs, net.outputs, net.blobs) == (["x"], ["a", "b"], ["x", "ip", "a", "b"])
    a, b = net({"x": X})
    np.testing.assert_allclose(a.array, HIDDEN @ W[:, :2].T + B, rtol=1e-6)
    np.testing.assert_array_equal(b.array, HIDDEN)
    assert isinstance(net(X), tuple)


def test_a_blob_that_changes_in_place_has_its_last_value(net: CaffeFunction) -> None:
    assert (HIDDEN == 0).any()
    (ip,) = net({"x": X}, outputs=["ip"])
    np.testing.assert_array_equal(ip.array, HIDDEN)


def test_layers_in_place_are_applied_in_their_order(tmp_path: Path) -> None:
    text = INPUT + power("p", "x", "y", 2, 0) + power("q", "y", "y", 1, 3) + power("r", "y", "y", 10, 0)
    net = build(tmp_path, text + relu("z", "y", "z"))
    np.testing.assert_array_equal(net({"x": X}, ["y", "z"])[0].array, 10 * (2 * X + 3))
    np.testing.assert_array_equal(net({"x": X}, ["y"], disable=["q"])[0].array, 20 * X)
    np.testing.assert_array_equal(net({"x": X}, ["y"], disable=["q", "r"])[0].array, 2 * X)
    np.testing.assert_array_equal(net({"y": X}, ["y"])[0].array, 10 * (X + 3))  # what is fed is the first version


def test_one_output_of_one_input_comes_alone(tmp_path: Path) -> None:
    net = build(tmp_path, INPUT + relu("r", "x", "y"))
    np.testing.assert_array_equal(net(X).array, np.maximum(X, 0))
    (y,) = net({"x": X})
    (z,) = net(X, ["y"])
    np.testing.assert_array_equal(y.array, z.array)


def test_any_blob_may_be_fed_and_what_leads_to_it_is_not_computed(net: CaffeFunction) -> None:
    seen: list[str] = []
    for name in ("ip", "relu", "a", "b"):
        layer = net[name]
        forward = layer.forward
        layer.forward = lambda *xs, f=forward, n=name: (seen.append(n), f(*xs))[1]  # type: ignore[method-assign]
    net({"ip": X[:, :2]}, outputs=["b"])
    assert seen == ["relu", "b"]


def test_what_is_not_there_is_refused(net: CaffeFunction, tmp_path: Path) -> None:
    with pytest.raises(CaffeInputError, match=r"no blob 'y' to feed \(its inputs are: x\)"):
        net({"y": X})
    with pytest.raises(CaffeInputError, match=r"no blob 'c' \(there are: x, ip, a, b\)"):
        net({"x": X}, ["a", "c"])
    with pytest.raises(CaffeInputError, match=r"from a 'b' cannot be computed \(inputs that were not fed: x\)"):
        net({"a": X}, ["b"])
    with pytest.raises(CaffeInputError, match="none of its outputs"):
        net({})
    two = build(tmp_path, "input: 'x' input: 't'" + relu("r", "x", "y") + relu("s", "t", "z"))
    with pytest.raises(CaffeInputError, match=r"the net has 2 inputs \(x, t\)"):
        two(X)
    assert len(two({"x": X})) == 1


def test_an_error_says_in_which_layer_it_arose(net: CaffeFunction) -> None:
    with pytest.raises(ValueError, match="shape") as caught:
        net(X[:, :2])
    assert caught.value.__notes__ == ["CaffeFunction: this arose in layer 'ip' (InnerProduct)."]


def test_a_layer_that_is_left_out_must_be_fed_or_not_needed(net: CaffeFunction) -> None:
    with pytest.raises(CaffeInputError, match="inputs that were not fed: ip"):
        net({"x": X}, ["a"], disable=["ip"])
    (b,) = net({"x": X}, disable=["a"])
    np.testing.assert_array_equal(b.array, HIDDEN)


def test_train_is_for_this_call(tmp_path: Path) -> None:
    net = build(tmp_path, INPUT + relu("d", "x", "x", type="Dropout"))
    ones = np.ones((9, 99), "f")
    np.testing.assert_array_equal(net(ones, train=False).array, ones)
    assert set(np.unique(net(ones, train=True).array)) == {0, 2}


@pytest.mark.parametrize("options", [{"phase": "TEST"}, {"unsupported": "ignore"}])
def test_options_that_make_no_sense_are_refused(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(ArgumentError, match="CaffeFunction: phase="):
        CaffeFunction(None, tmp_path / "none", **options)
    with pytest.raises(ArgumentError, match="neither a model nor a prototxt"):
        CaffeFunction(None)


# -- what cannot be built -------------------------------------------------------------------------------------------


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = INPUT + relu("a", "x", "a", type="Nothing") + relu("b", "z", "b") + relu("c", "x", "a")
    text += product("d", "x", "d", n=0) + relu("e", "x", "e", "pooling_param { }")
    with pytest.raises(CaffeNetError) as caught:
        build(tmp_path, text)
    for line in (
        "layer 'a' (Nothing): the type is not known", "layer 'b' (ReLU): no layer before it writes the bottom 'z'",
        "layer 'c' (ReLU): the top 'a' is written by an earlier layer too", "layer 'd' (InnerProduct): num_output is 0",
        "layer 'e' (ReLU): parameters that are not known here: pooling_param",
    ):  # fmt: skip
        assert f"\n  {line}" in str(caught.value)


def test_what_is_not_known_can_be_passed_over(tmp_path: Path) -> None:
    text = INPUT + relu("a", "x", "x", type="Nothing") + relu("b", "x", "y", type="Nothing") + relu("c", "x", "z")
    (tmp_path / "it.prototxt").write_text(text + relu("d", "y", "u"), encoding="utf-8")
    with pytest.warns(CaffeWarning, match=r"passed over: layer 'a' \(Nothing\): .*; layer 'b'"):
        net = CaffeFunction(None, tmp_path / "it.prototxt", unsupported="skip")
    assert net.inputs == ["x", "y"]
    np.testing.assert_array_equal(net({"x": X})[0].array, np.maximum(X, 0))
    np.testing.assert_array_equal(net({"y": X}, ["u"])[0].array, np.maximum(X, 0))


# -- names --------------------------------------------------------------------------------------------------------

NAMES = [
    "device",
    "forward",
    "name",
    "copy",
    "copy_",
    "inputs",
    "_graph",
    "a/b",
    "a",
    "a.b",
    "1x1",
    "ünï",
    "with space",
]


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1]])
def test_layers_may_have_any_name(tmp_path: Path, names: list[str]) -> None:
    text = INPUT + "".join(product(name, "x", f"y{i}") for i, name in enumerate(names))
    net = build(tmp_path, text, blobs(**{name: [W + i, B] for i, name in enumerate(names)}))
    for i, (name, y) in enumerate(zip(names, net({"x": X}), strict=True)):
        np.testing.assert_array_equal(net[name].W.array, W + i)
        np.testing.assert_allclose(y.array, X @ (W + i).T + B, rtol=1e-6)
    assert len(list(net.params())) == 2 * len(names)
    assert str(net.device) == "cpu"
    with pytest.raises(KeyError):
        net["b"]


# -- layers of others ---------------------------------------------------------------------------------------------


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, type]:
    """An empty register, for this test alone."""
    register: dict[str, type] = {}
    monkeypatch.setattr(layer_module, "_registered", register)
    return register


class Scaled(Layer):
    """The bottom times what ``param_str`` says."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.factor = float(definition.parameters("python_param").get("param_str"))
        definition.parameters("python_param").ignore("module", "layer")

    def forward(self, x: Variable) -> Variable:
        return self.factor * x


PYTHON = relu("it", "x", "y", "python_param { module: 'm' layer: 'l' param_str: '2.5' }", "Python")


def test_layers_can_be_registered(tmp_path: Path, registered: dict[str, type]) -> None:
    with pytest.raises(CaffeNetError, match=r"layer 'it' \(Python\): the type is not known"):
        build(tmp_path, INPUT + PYTHON)
    assert register_layer("Python")(Scaled) is Scaled
    assert "Python" in known_layers()
    np.testing.assert_array_equal(build(tmp_path, INPUT + PYTHON)(X).array, 2.5 * X)


def test_a_registered_layer_comes_before_one_of_ours(tmp_path: Path, registered: dict[str, type]) -> None:
    @register_layer("ReLU")
    class Negative(Layer):
        def forward(self, x: Variable) -> Variable:
            return -x

    assert isinstance(build(tmp_path, INPUT + relu("it", "x", "y"))["it"], Negative)
    registered.clear()
    assert not isinstance(build(tmp_path, INPUT + relu("it", "x", "y"))["it"], Negative)


def test_only_layers_can_be_registered(registered: dict[str, type]) -> None:
    with pytest.raises(ArgumentError, match="register_layer: dict is no Layer"):
        register_layer("Python")(dict)
    assert registered == {}


def test_plugins_bring_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = SimpleNamespace(Scaled=Scaled)
    monkeypatch.setitem(sys.modules, "their_layers", module)

    @hookimpl
    def chainette_names() -> dict[str, Any]:
        return {"caffe_layers": {"Python": "their_layers:Scaled"}}

    plugin = SimpleNamespace(__name__="theirs", chainette_api=1, chainette_names=chainette_names)
    with isolated_plugins(plugin, installed=True):
        assert {"Python", "ReLU"} <= set(known_layers())
        np.testing.assert_array_equal(build(tmp_path, INPUT + PYTHON)(X).array, 2.5 * X)
    assert "Python" not in known_layers()


def test_a_python_layer_that_only_brings_data_is_fed_by_name(tmp_path: Path) -> None:
    net = build(tmp_path, "layer { name: 'd' type: 'Python' top: 'x' top: 'label' }" + relu("r", "x", "y"))
    assert net.inputs == ["x", "label"]
    (y,) = net(inputs={"x": np.array([[-1, 2]], "f")})
    assert y.array.tolist() == [[0, 2]]
