"""Which layers a net consists of: rules, inputs, blobs by name, and the formats of 2013 and 2014."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainette_caffe_import import CaffeFormatError, CaffeNetError, LayerDefinition, Message
from chainette_caffe_import._plugin import LAYERS
from chainette_caffe_import.definition import DATA_TYPES, input_shapes
from chainette_caffe_import.fields import enum_names
from chainette_caffe_import.legacy import V0_TYPES

from .nets import defined, read, relu

W, B = np.arange(6, dtype="f").reshape(2, 3), np.array([7, 8], "f")
LAYERS_KNOWN = set(" ".join(LAYERS.values()).split())


def names(definitions: list[LayerDefinition]) -> list[str]:
    return [each.name for each in definitions]


# -- rules --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rules", "options", "is_in"),
    [
        ("", {}, True),
        ("include { phase: TEST }", {}, True),
        ("include { phase: TRAIN }", {}, False),
        ("include { phase: TRAIN }", {"phase": "TRAIN"}, True),
        ("include { phase: TRAIN } include { phase: TEST }", {}, True),
        ("exclude { phase: TEST }", {}, False),
        ("exclude { phase: TRAIN }", {}, True),
        ("exclude { phase: TRAIN } exclude { stage: 'a' }", {"stages": "a"}, False),
        ("include { }", {}, True),
        ("exclude { }", {}, False),
        ("include { min_level: 1 }", {}, False),
        ("include { min_level: 1 }", {"level": 1}, True),
        ("include { min_level: -2 max_level: -1 }", {"level": -1}, True),
        ("include { max_level: 1 }", {"level": 2}, False),
        ("include { min_level: 0 max_level: 0 }", {}, True),
        ("include { stage: 'a' }", {}, False),
        ("include { stage: 'a' }", {"stages": "a b"}, True),
        ("include { stage: 'a' stage: 'b' }", {"stages": "a"}, False),
        ("include { stage: 'a' stage: 'b' }", {"stages": "b a"}, True),
        ("include { stage: 'a' } include { stage: 'b' }", {"stages": "b"}, True),
        ("include { not_stage: 'a' }", {}, True),
        ("include { not_stage: 'a' }", {"stages": "a"}, False),
        ("include { stage: 'a' not_stage: 'b' }", {"stages": "a b"}, False),
        ("include { phase: TEST stage: 'a' }", {"stages": "a", "phase": "TRAIN"}, False),
        ("include { phase: TEST min_level: 1 stage: 'a' }", {"stages": "a", "level": 1}, True),
    ],
)
def test_rules_choose_the_layers(rules: str, options: dict[str, Any], is_in: bool) -> None:
    assert (names(defined(relu("it", "x", "y", rules), **options)) == ["it"]) == is_in


def test_stages_that_the_net_itself_names_count_too() -> None:
    text = "state { stage: 'a' }" + relu("it", "x", "y", "include { stage: 'a' stage: 'b' }")
    assert names(defined(text, stages="b")) == ["it"]
    assert names(defined(text)) == []


def test_rules_let_two_layers_have_one_name() -> None:
    data = "layer {{ name: 'data' type: 'Data' top: 'data' include {{ phase: {} }} }}"
    text = data.format("TRAIN") + data.format("TEST")
    assert names(defined(text)) == ["data"]


# -- a model alone ------------------------------------------------------------------------------------------------


def snapshot(*more: dict[str, Any]) -> dict[str, Any]:
    """A net of 2014 as training writes it."""
    return {
        "layers": [
            {"name": "mnist", "type": "DATA", "top": ["data", "label"], "include": [{"phase": "TRAIN"}]},
            *more,
            {"name": "ip", "type": "INNER_PRODUCT", "bottom": "data", "top": "ip", "blobs": [W, B], "blobs_lr": [1, 2],
             "weight_decay": [1, 0], "inner_product_param": {"num_output": 2}},
            {"name": "loss", "type": "SOFTMAX_LOSS", "bottom": ["ip", "label"], "top": "loss", "loss_weight": 1.0},
        ]
    }  # fmt: skip


@pytest.mark.parametrize("phase", ["TEST", "TRAIN"])
def test_what_training_has_written_is_taken_with_its_layers_for_training(tmp_path: Path, phase: str) -> None:
    definitions = defined(None, read(tmp_path, snapshot()), phase)
    assert [(each.name, each.type) for each in definitions] == [
        ("mnist", "Data"), ("ip", "InnerProduct"), ("loss", "SoftmaxWithLoss"),
    ]  # fmt: skip
    mnist, ip, _ = definitions
    assert (mnist.tops, ip.bottoms, ip.tops) == (["data", "label"], ["data"], ["ip"])
    assert ip.blobs is not None
    np.testing.assert_array_equal(ip.blobs[0].array(), W, strict=True)
    assert ip.parameters("inner_product_param").get("num_output") == 2
    assert [name for name in ip.message if name in ("blobs_lr", "weight_decay")] == []


def test_a_model_with_the_layers_of_both_phases_is_filtered(tmp_path: Path) -> None:
    other = {"name": "mnist test", "type": "DATA", "top": ["data", "label"], "include": [{"phase": "TEST"}]}
    model = read(tmp_path, snapshot(other))
    assert names(defined(None, model)) == ["mnist test", "ip", "loss"]
    assert names(defined(None, model, "TRAIN")) == ["mnist", "ip", "loss"]


def test_layers_without_a_name_keep_their_own_blobs(tmp_path: Path) -> None:
    layers = [
        {"type": "Data", "top": "data", "include": [{"phase": "TRAIN"}]},
        {"type": "Data", "top": "data", "include": [{"phase": "TEST"}]},
        {"type": "InnerProduct", "bottom": "data", "top": "a", "blobs": [W]},
        {"type": "InnerProduct", "bottom": "data", "top": "b", "blobs": [B]},
    ]
    _, a, b = defined(None, read(tmp_path, {"layer": layers}))
    assert [len(each.blobs[0].shape) for each in (a, b) if each.blobs] == [2, 1]


# -- a prototxt and a model ---------------------------------------------------------------------------------------


def test_layers_are_matched_by_name(tmp_path: Path) -> None:
    layers = [
        {"name": "gone", "type": "InnerProduct", "blobs": [W, B]},
        {"name": "kept", "type": "InnerProduct", "blobs": [W, B]},
        {"name": "bare", "type": "InnerProduct"},
    ]
    text = relu("kept", "x", "y") + relu("new", "y", "z") + relu("bare", "z", "u")
    kept, new, bare = defined(text, read(tmp_path, {"layer": layers}))
    assert len(kept.blobs or []) == 2
    assert new.blobs is None  # it starts anew
    assert bare.blobs == []


def test_a_model_of_2014_goes_with_a_prototxt_of_today(tmp_path: Path) -> None:
    (ip,) = defined(relu("ip", "data", "ip", type="InnerProduct"), read(tmp_path, snapshot(), old=True))
    assert ip.blobs is not None
    assert [(blob.shape, blob.is_old) for blob in ip.blobs] == [((1, 1, 2, 3), True), ((1, 1, 1, 2), True)]


@pytest.mark.parametrize("text", [relu("it", "x", "y") * 2, relu("it", "x", "y") + relu("it", "y", "z")])
def test_layers_of_one_name_are_refused(text: str) -> None:
    with pytest.raises(CaffeNetError, match="more than one layer is called 'it'"):
        defined(text)


# -- inputs -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("input: 'a'", {}),
        ("input: 'a' input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 9", {"a": (1, 3, 8, 9)}),
        ("input: 'a' input: 'b' input_dim: [1, 2, 3, 4, 5, 6, 7, 8]", {"a": (1, 2, 3, 4), "b": (5, 6, 7, 8)}),
        ("input: 'a' input_shape { dim: 1 dim: 3 }", {"a": (1, 3)}),
        ("input: 'a' input: 'b' input_shape { dim: 1 } input_shape { dim: [2, 3] }", {"a": (1,), "b": (2, 3)}),
        ("layer { name: 'i' type: 'Input' top: 'a' input_param { shape { dim: [4, 5] } } }", {"a": (4, 5)}),
        ("layer { name: 'i' type: 'Input' top: ['a', 'b'] input_param { shape { dim: 4 } } }", {"a": (4,), "b": (4,)}),
        ("layer { name: 'i' type: 'Input' top: ['a', 'b'] input_param { shape { dim: 4 } shape { dim: 5 } } }",
         {"a": (4,), "b": (5,)}),
        ("layer { name: 'i' type: 'Input' top: 'a' }", {}),
    ],
)  # fmt: skip
def test_shapes_of_inputs(text: str, shapes: dict[str, tuple[int, ...]]) -> None:
    definitions = defined(text)
    assert {each.type for each in definitions} == {"Input"}
    assert {name: shape for each in definitions for name, shape in input_shapes(each).items()} == shapes


def test_inputs_of_the_net_itself_come_first_and_may_be_called_as_layers_are() -> None:
    first, layer = defined(relu("data", "data", "y") + "input: 'data'")
    assert (first.type, first.tops, first.bottoms) == ("Input", ["data"], [])
    assert layer.name == "data"


# -- 2014 ---------------------------------------------------------------------------------------------------------


def test_every_type_of_2014_has_its_name_of_today() -> None:
    types = {
        word: defined(f"layers {{ name: 'it' type: {word} }}")[0].type
        for word in enum_names("V1Type")
        if word != "NONE"
    }
    assert len(set(types.values())) == 39
    assert set(types.values()) - LAYERS_KNOWN - DATA_TYPES == {"HDF5Output"}
    for word, name in types.items():
        assert name.upper() in (word.replace("_", ""), "SOFTMAXWITHLOSS")


def test_shared_parameters_of_2014_have_names() -> None:
    (it,) = defined("layers { name: 'it' type: CONVOLUTION param: 'w' param: '' blobs_lr: 1 }")
    assert [it.shared_name(index) for index in range(3)] == ["w", None, None]


def test_shared_parameters_of_today_have_names() -> None:
    (it,) = defined(relu("it", "x", "y", "param { lr_mult: 1 } param { name: 'b' }"))
    assert [it.shared_name(index) for index in range(3)] == [None, "b", None]


# -- 2013 ---------------------------------------------------------------------------------------------------------


def of_2013(**padding: Any) -> dict[str, Any]:
    return {
        "layers": [
            {"layer": {"name": "data", "type": "data", "source": "train-db"}, "top": ["data", "label"]},
            {"layer": {"name": "pad1", "type": "padding", "pad": 2}, "bottom": "data", "top": "pad1"},
            {"layer": {"name": "conv1", "type": "conv", "num_output": 2, "kernelsize": 3, "stride": 2, "group": 1,
                       "biasterm": True, "blobs": [W, B], "blobs_lr": [1, 2], "weight_decay": [1, 0], **padding},
             "bottom": "pad1", "top": "conv1"},
            {"layer": {"name": "relu1", "type": "relu"}, "bottom": "conv1", "top": "conv1"},
            {"layer": {"name": "pad2", "type": "padding", "pad": 1}, "bottom": "conv1", "top": "pad2"},
            {"layer": {"name": "pool1", "type": "pool", "pool": "AVE", "kernelsize": 3}, "bottom": "pad2", "top": "p"},
            {"layer": {"name": "norm1", "type": "lrn", "local_size": 5, "alpha": 0.5, "beta": 0.25, "k": 2.0},
             "bottom": "p", "top": "norm1"},
            {"layer": {"name": "drop", "type": "dropout", "dropout_ratio": 0.25}, "bottom": "norm1", "top": "norm1"},
            {"layer": {"name": "cat", "type": "concat", "concat_dim": 0}, "bottom": ["norm1", "p"], "top": "cat"},
            {"layer": {"name": "loss", "type": "softmax_loss"}, "bottom": ["cat", "label"]},
        ]
    }  # fmt: skip


def content(message: Message) -> dict[str, Any]:
    return {name: message.all(name) for name in message}


@pytest.mark.parametrize("padding", [{}, {"pad": 0}, {"pad": 3}])
def test_a_net_of_2013_is_read_and_its_padding_becomes_part_of_the_next_layer(tmp_path: Path, padding: Any) -> None:
    found = {each.name: each for each in defined(None, read(tmp_path, of_2013(**padding), old=True))}
    assert [(each.type, each.bottoms, each.tops) for each in found.values()] == [
        ("Data", [], ["data", "label"]), ("Convolution", ["data"], ["conv1"]), ("ReLU", ["conv1"], ["conv1"]),
        ("Pooling", ["conv1"], ["p"]), ("LRN", ["p"], ["norm1"]), ("Dropout", ["norm1"], ["norm1"]),
        ("Concat", ["norm1", "p"], ["cat"]), ("SoftmaxWithLoss", ["cat", "label"], []),
    ]  # fmt: skip
    assert content(found["conv1"].parameters("convolution_param")) == {
        "num_output": [2], "bias_term": [True], "pad": [2], "kernel_size": [3], "group": [1], "stride": [2],
    }  # fmt: skip
    assert content(found["pool1"].parameters("pooling_param")) == {"kernel_size": [3], "pool": ["AVE"], "pad": [1]}
    assert content(found["norm1"].parameters("lrn_param")) == {
        "local_size": [5], "alpha": [0.5], "beta": [0.25], "k": [2.0],
    }  # fmt: skip
    assert found["drop"].parameters("dropout_param").get("dropout_ratio") == 0.25
    assert found["cat"].parameters("concat_param").get("concat_dim") == 0
    blobs = found["conv1"].blobs
    assert blobs is not None
    assert [blob.shape for blob in blobs] == [(1, 1, 2, 3), (1, 1, 1, 2)]
    np.testing.assert_array_equal(blobs[0].array().ravel(), W.ravel(), strict=True)


def test_a_prototxt_of_2013_is_read() -> None:
    text = """
        layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
        layers { layer { name: "conv" type: "conv" num_output: 4 kernelsize: 3 weight_filler { type: "xavier" } }
                 bottom: "pad" top: "conv" }
    """
    (conv,) = defined("input: 'data' input_dim: [1, 3, 8, 8]" + text)[1:]
    assert (conv.name, conv.bottoms) == ("conv", ["data"])
    assert content(conv.parameters("convolution_param")) == {"num_output": [4], "kernel_size": [3], "pad": [1]}


def test_padding_before_another_layer_is_refused() -> None:
    text = """
        layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
        layers { layer { name: "act" type: "relu" } bottom: "pad" top: "act" }
    """
    with pytest.raises(CaffeFormatError, match=r"layer 'act' \(ReLU\) reads a padding layer"):
        defined(text)


def test_a_type_that_2013_had_not_is_refused() -> None:
    with pytest.raises(CaffeFormatError, match="has type 'prelu'"):
        defined("layers { layer { name: 'it' type: 'prelu' } }")


def test_every_type_of_2013_has_its_name_of_today() -> None:
    assert set(V0_TYPES.values()) - LAYERS_KNOWN - DATA_TYPES == {"Padding", "HDF5Output"}
    for word in V0_TYPES:
        found = defined(f"layers {{ layer {{ name: 'it' type: '{word}' }} top: 'y' }}")
        assert [each.type for each in found] == ([] if word == "padding" else [V0_TYPES[word]])
