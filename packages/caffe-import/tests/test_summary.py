"""CaffeFunction.summary: what a net consists of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainette_caffe_import import CaffeFunction, CaffeInputError, Layer, register_layer
from chainette_caffe_import.summary import summary

CASES = Path(__file__).parent / "cases"
NET = """
layer { name: "data" type: "Data" top: "x" top: "label" }
layer { name: "conv" type: "Convolution" bottom: "x" top: "conv"
        convolution_param { num_output: 6 kernel_size: 3 stride: 2 group: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "cut" type: "Slice" bottom: "conv" top: "a" top: "b" slice_param { axis: 1 slice_point: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "b" top: "fc" inner_product_param { num_output: 10 } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
"""


@pytest.fixture
def net(tmp_path: Path) -> CaffeFunction:
    return build(tmp_path, NET)


def build(folder: Path, text: str) -> CaffeFunction:
    path = folder / "net.prototxt"
    path.write_text(text, encoding="utf-8")
    return CaffeFunction(None, path)


def text_of(net: CaffeFunction, **shapes: tuple[int, ...]) -> str:
    return summary(net, shapes)


def test_the_net_prints_it(net: CaffeFunction, capsys: pytest.CaptureFixture[str]) -> None:
    net.summary(x=(2, 4, 9, 11), label=(2,))
    assert capsys.readouterr().out == text_of(net, x=(2, 4, 9, 11), label=(2,)) + "\n"


def rows(text: str) -> dict[str, list[str]]:
    """The cells of each row, by the layer's name; cells are two spaces apart."""
    found = {}
    for line in text.splitlines()[1:]:
        name, *cells = [cell.strip() for cell in line.split("  ") if cell.strip()]
        found[name] = cells
    return found


def test_each_layer_has_a_row_with_its_shapes_parameters_and_products(net: CaffeFunction) -> None:
    found = rows(text_of(net, x=(2, 4, 9, 11), label=(2,)))
    products = 0
    for _image, _output, _row, _column in np.ndindex(2, 6, 4, 5):
        products += 2 * 3 * 3  # half of the channels, and the window
    assert found == {
        "data": ["Data", "(2, 4, 9, 11), (2,)", "0", "0"],
        "conv": ["Convolution", "(2, 6, 4, 5)", str(6 * 2 * 9 + 6), f"{products:,}"],
        "relu": ["ReLU", "(2, 6, 4, 5)", "0", "0"],
        "cut": ["Slice", "(2, 2, 4, 5), (2, 4, 4, 5)", "0", "0"],
        "fc": ["InnerProduct", "(2, 10)", str(80 * 10 + 10), f"{2 * 80 * 10:,}"],
        "loss": ["SoftmaxWithLoss", "()", "0", "0"],
        "total": [str(114 + 810), f"{products + 1600:,}"],
    }


def test_numbers_stand_below_each_other(net: CaffeFunction) -> None:
    head, *lines = text_of(net, x=(2, 4, 9, 11), label=(2,)).splitlines()
    assert head.split() == ["layer", "type", "shape", "parameters", "multiply-adds"]
    assert {len(line) for line in lines} == {len(head)}


def test_what_lacks_an_input_has_a_dash_and_the_last_line_says_why(net: CaffeFunction) -> None:
    text = text_of(net, x=(2, 4, 9, 11))
    found = rows(text)
    assert found["loss"] == ["SoftmaxWithLoss", "-", "0", "-"]
    assert found["data"] == ["Data", "(2, 4, 9, 11), -", "0", "0"]
    assert found["fc"][1] == "(2, 10)"
    assert text.endswith("-: not computed; shapes that are not known: label")


def test_a_blob_within_the_net_can_be_given_instead(net: CaffeFunction) -> None:
    found = rows(text_of(net, b=(3, 7)))
    assert found["fc"] == ["InnerProduct", "(3, 10)", "80", "210"]
    assert found["conv"] == ["Convolution", "-", "-", "-"]
    assert found["total"] == ["80", "210"]


def test_without_any_shape_it_says_how_to_give_one(net: CaffeFunction) -> None:
    with pytest.raises(CaffeInputError, match=r"x, label\)\. Say them: summary\(x=\(1, 3, 224, 224\)\)"):
        text_of(net)


@pytest.mark.parametrize(
    ("shapes", "what"),
    [({"y": (1, 2)}, "no blob 'y'"), ({"x": (1, -2)}, r"shape of 'x' is \(1, -2\)")],
)
def test_shapes_that_make_no_sense_are_refused(net: CaffeFunction, shapes: dict[str, Any], what: str) -> None:
    with pytest.raises(CaffeInputError, match=what):
        text_of(net, **shapes)


def test_the_files_shape_holds_unless_another_is_given() -> None:
    net = CaffeFunction(CASES / "conv_kinds.caffemodel", CASES / "conv_kinds.prototxt")
    assert rows(text_of(net))["same"][1] == "(2, 6, 11, 13)"
    assert rows(text_of(net, data=(1, 4, 20, 20)))["same"][1] == "(1, 6, 20, 20)"


def test_open_parameters_stay_open_and_none_gets_a_gradient(net: CaffeFunction) -> None:
    text_of(net, x=(2, 4, 9, 11), label=(2,))
    assert not net["fc"].W.is_initialized
    assert not net["conv"].W.is_initialized
    assert net(inputs={"x": np.ones((1, 2, 5, 5), "f")}, outputs=["fc"])[0].shape == (1, 10)


def test_it_is_computed_in_test_mode_without_a_graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import chainette
    from chainette_caffe_import import layer

    monkeypatch.setattr(layer, "_registered", {})
    seen = []

    @register_layer("Look")
    class Look(Layer):
        def forward(self, x: Any) -> Any:
            seen.append((chainette.config.train, chainette.config.enable_backprop))
            return x * 1

        def multiply_adds(self, bottoms: list[Any], tops: list[Any]) -> int:
            return int(bottoms[0].size + tops[0].size)

    net = build(tmp_path, 'input: "x" input_dim: [1, 2, 3, 4] layer { name: "a" type: "Look" bottom: "x" top: "y" }')
    assert rows(text_of(net))["a"] == ["Look", "(1, 2, 3, 4)", "0", "48"]
    assert seen == [(False, False)]


def test_a_shared_parameter_counts_once_in_the_sum(tmp_path: Path) -> None:
    layers = "".join(
        f'layer {{ name: "{name}" type: "InnerProduct" bottom: "{bottom}" top: "{name}" param {{ name: "w" }} '
        "inner_product_param { num_output: 4 bias_term: false } }"
        for name, bottom in (("one", "x"), ("two", "one"))
    )
    found = rows(text_of(build(tmp_path, f'input: "x" input_shape {{ dim: [3, 4] }} {layers}')))
    assert [found[name][-2:] for name in ("one", "two", "total")] == [["16", "48"], ["16", "48"], ["16", "96"]]


def test_a_net_that_was_skipped_in_part_has_a_summary_too(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_text(
        'input: "x" input_dim: [1, 2, 3, 4] layer { name: "odd" type: "Odd" bottom: "x" top: "odd" }'
        'layer { name: "relu" type: "ReLU" bottom: "odd" top: "y" }'
    )
    with pytest.warns(UserWarning, match="passed over"):
        net = CaffeFunction(None, path, unsupported="skip")
    with pytest.raises(CaffeInputError, match=r"summary\(odd="):
        text_of(net)
    assert rows(text_of(net, odd=(5,)))["relu"] == ["ReLU", "(5,)", "0", "0"]


def test_what_a_recurrent_layer_remembers_stays_as_it_is(tmp_path: Path) -> None:
    net = build(
        tmp_path,
        'input: "x" input: "cont" input_shape { dim: [5, 3, 4] } input_shape { dim: [5, 3] }'
        'layer { name: "rnn" type: "RNN" bottom: "x" bottom: "cont" top: "y" recurrent_param { num_output: 2 } }',
    )
    net(inputs={"x": np.ones((1, 7, 4), "f"), "cont": np.ones((1, 7), "f")})
    before = net["rnn"].h
    assert rows(text_of(net))["rnn"][1] == "(5, 3, 2)"
    assert net["rnn"].h is before
