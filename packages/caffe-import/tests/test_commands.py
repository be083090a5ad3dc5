"""``python -m chainette caffe``."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from chainette.__main__ import main
from chainette_caffe_import import CaffeFunction
from chainette_serializers import load_hdf5, load_npz

from .writing import delimited, encode, tag, varint

CASES = Path(__file__).parent / "cases"
W, B = np.arange(12, dtype=np.float32).reshape(3, 4), np.ones(3, np.float32)
CONNECTION = {"bottom": "x", "top": "fc"}
FC = {"name": "fc", "type": "InnerProduct", **CONNECTION, "inner_product_param": {"num_output": 3}, "blobs": [W, B]}
FC_V1 = {**FC, "type": "INNER_PRODUCT"}
FC_V0 = {"layer": {"name": "fc", "type": "innerproduct", "num_output": 3, "blobs": [W, B]}, **CONNECTION}
FORMATS = {"V2": {"layer": [FC]}, "V1": {"layers": [FC_V1]}, "V0": {"layers": [FC_V0]}}
TEXT = """
name: "tiny" input: "x" input_shape { dim: [2, 4] }
layer { name: "fc" type: "InnerProduct" bottom: "x" top: "fc" inner_product_param { num_output: 3 } }
"""
UNKNOWN = 'layer { name: "odd" type: "Odd" bottom: "fc" top: "fc" }'
UNREAD = 'layer { name: "clip" type: "ReLU" bottom: "fc" top: "fc" pooling_param { kernel_size: 2 } }'
TWICE = 'layer { name: "fc" type: "ReLU" bottom: "fc" top: "fc" }'
LOST = 'layer { name: "lost" type: "ReLU" bottom: "nowhere" top: "lost" }'


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    """Run a command; what it prints, and what it complains of."""

    def call(*arguments: Any, status: int = 0) -> tuple[str, str]:
        assert main(["caffe", *map(str, arguments)]) == status
        return tuple(capsys.readouterr())

    return call


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return written(tmp_path, FORMATS["V2"])


def written(folder: Path, net: dict[str, Any]) -> Path:
    path = folder / "tiny.caffemodel"
    path.write_bytes(encode("NetParameter", {"name": "tiny", **net}))
    return path


def text(folder: Path, content: str) -> Path:
    path = folder / "tiny.prototxt"
    path.write_text(content, encoding="utf-8")
    return path


@pytest.mark.parametrize("format", FORMATS)
def test_info_shows_the_format_and_the_blobs_as_they_are(tmp_path: Path, run: Any, format: str) -> None:
    out, err = run("info", written(tmp_path, FORMATS[format]))
    assert f"format {format}" in out
    assert "net tiny: 1 layer, 15 numbers" in out
    assert "inputs: x (shape not said)\noutputs: fc" in out
    assert out.splitlines()[-1].split() == ["fc", "InnerProduct", "x", "fc", "(3,4)", "(3,)"]
    assert not err


def test_info_as_json_says_the_same(model: Path, run: Any) -> None:
    assert json.loads(run("info", model, "--json")[0]) == {
        "file": str(model),
        "bytes": model.stat().st_size,
        "format": "V2",
        "name": "tiny",
        "inputs": {"x": None},
        "outputs": ["fc"],
        "layers": [{"name": "fc", "type": "InnerProduct", "bottoms": ["x"], "tops": ["fc"], "blobs": [[3, 4], [3]]}],
        "numbers": 15,
        "wrong": [],
        "unsupported": [],
    }


def test_info_takes_a_prototxt_alone_or_with_a_model(tmp_path: Path, model: Path, run: Any) -> None:
    prototxt = text(tmp_path, TEXT)
    alone, both = (
        json.loads(run("info", *each, "--json")[0]) for each in ([prototxt], [model, "--prototxt", prototxt])
    )
    assert alone["inputs"] == both["inputs"] == {"x": [2, 4]}
    assert [layer["blobs"] for layer in alone["layers"]] == [[], []]
    assert [layer["blobs"] for layer in both["layers"]] == [[], [[3, 4], [3]]]


@pytest.mark.parametrize(
    ("more", "where", "what"),
    [
        (UNKNOWN, "unsupported", "layer 'odd' (Odd): the type is not known"),
        (UNREAD, "unsupported", "layer 'clip' (ReLU): parameters that are not known here: pooling_param"),
        (TWICE, "wrong", "more than one layer is called 'fc'"),
        (LOST, "wrong", "layer 'lost' (ReLU): no layer before it writes the bottom 'nowhere'"),
    ],
)
def test_info_shows_nets_that_cannot_be_built(tmp_path: Path, run: Any, more: str, where: str, what: str) -> None:
    prototxt = text(tmp_path, TEXT + more)
    found = json.loads(run("info", prototxt, "--json")[0])
    assert "fc" in [layer["name"] for layer in found["layers"]]
    assert what in found[where][0]
    assert what in run("info", prototxt)[0]


def test_info_shows_a_net_of_2013_with_a_type_that_nobody_knows(tmp_path: Path, run: Any) -> None:
    odd = {"layer": {"name": "odd", "type": "odd", "blobs": [W]}}
    found = json.loads(run("info", written(tmp_path, {"layers": [odd]}), "--json")[0])
    assert [(layer["name"], layer["type"], layer["blobs"]) for layer in found["layers"]] == [("odd", "odd", [[3, 4]])]
    assert "'odd'" in found["wrong"][0]


def test_info_says_which_blob_has_another_size_than_its_shape(tmp_path: Path, run: Any) -> None:
    lies = {"shape": {"dim": [3, 4]}, "data": [1.0, 2.0]}
    found = json.loads(run("info", written(tmp_path, {"layer": [{**FC, "blobs": [lies]}]}), "--json")[0])
    assert "needs 12 values (got 2)" in found["wrong"][0]


def test_info_copies_nothing(tmp_path: Path, run: Any) -> None:
    path, rows, columns = tmp_path / "large.caffemodel", 6000, 10_000
    count = rows * columns
    shape = delimited(7, encode("BlobShape", {"dim": [rows, columns]}))
    head = shape + tag(5, 2) + varint(4 * count)
    blob = tag(7, 2) + varint(len(head) + 4 * count) + head
    fields = {**FC, "inner_product_param": {"num_output": rows, "bias_term": False}}
    layer = encode("LayerParameter", {name: value for name, value in fields.items() if name != "blobs"}) + blob
    start = delimited(1, b"large") + tag(100, 2) + varint(len(layer) + 4 * count) + layer
    with path.open("wb") as file:  # a file of holes
        file.write(start)
        file.truncate(len(start) + 4 * count)
    tracemalloc.start()
    out, _ = run("info", path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "60,000,000 numbers" in out
    assert "wrong" not in out
    assert peak < 4 << 20


@pytest.mark.parametrize(("suffix", "loader"), [(".npz", load_npz), (".h5", load_hdf5), (".hdf5", load_hdf5)])
def test_convert_writes_what_loads_again(tmp_path: Path, model: Path, run: Any, suffix: str, loader: Any) -> None:
    if loader is load_hdf5:
        pytest.importorskip("h5py")
    target = tmp_path / f"tiny{suffix}"
    out, _ = run("convert", model, target)
    assert "fc/W  (3, 4)\nfc/b  (3,)\n" in out
    assert f"{target}: 2 arrays, 15 numbers learned, {target.stat().st_size:,} bytes" in out
    net = CaffeFunction(None, text(tmp_path, TEXT))
    loader(target, net)
    np.testing.assert_array_equal(net["fc"].W.array, W)
    np.testing.assert_array_equal(net["fc"].b.array, B)


def test_convert_skips_what_is_not_supported_if_told_to(tmp_path: Path, model: Path, run: Any) -> None:
    prototxt, target = text(tmp_path, TEXT + UNKNOWN), tmp_path / "tiny.npz"
    _, err = run("convert", model, target, "--prototxt", prototxt, status=1)
    assert "layer 'odd' (Odd): the type is not known" in err
    assert not target.exists()
    _, err = run("convert", model, target, "--prototxt", prototxt, "--unsupported", "skip")
    assert err.startswith("chainette: CaffeFunction: ")
    assert "passed over: layer 'odd'" in err
    assert target.exists()


def test_convert_refuses_what_it_cannot_write(tmp_path: Path, model: Path, run: Any) -> None:
    assert "none of .npz, .h5, .hdf5" in run("convert", model, tmp_path / "tiny.bin", status=1)[1]
    new = 'layer { name: "new" type: "InnerProduct" bottom: "fc" top: "y" inner_product_param { num_output: 3 } }'
    target = tmp_path / "tiny.npz"
    _, err = run("convert", model, target, "--prototxt", text(tmp_path, TEXT + new), status=1)
    assert "no values of /new/W" in err
    assert not target.exists()


def test_check_passes_what_belongs_together(tmp_path: Path, model: Path, run: Any) -> None:
    out, _ = run("check", model, "--prototxt", text(tmp_path, TEXT))
    assert out == "in both: 1 layer\n\nin the prototxt only:\n  x (Input)\n\nthe net can be built\n"


def test_check_lists_the_layers_of_one_of_the_two(tmp_path: Path, model: Path, run: Any) -> None:
    out, _ = run("check", model, "--prototxt", text(tmp_path, TEXT.replace('name: "fc"', 'name: "fc_new"')))
    assert "in both: 0 layers" in out
    assert "in the model only, left out:\n  fc (InnerProduct) with blobs (3, 4), (3,)\n" in out
    assert "in the prototxt only:\n  x (Input)\n  fc_new (InnerProduct): starts anew\n" in out
    assert "the net can be built" in out


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (TEXT.replace("num_output: 3", "num_output: 5"), "blob 0, W, has shape (3, 4) (expected (5, any))"),
        (TEXT.replace("num_output: 3", "num_output: 3 bias_term: false"), "the model has 2 blobs (expected 1)"),
        (TEXT + UNKNOWN, "not supported:\n  layer 'odd' (Odd): the type is not known"),
        (TEXT + UNREAD, "not supported:\n  layer 'clip' (ReLU)"),
        (TEXT + LOST, "no layer before it writes the bottom 'nowhere'"),
        (TEXT + TWICE, "more than one layer is called 'fc'"),
    ],
)
def test_check_fails_as_building_does(tmp_path: Path, model: Path, run: Any, content: str, what: str) -> None:
    prototxt = text(tmp_path, content)
    out, _ = run("check", model, "--prototxt", prototxt, status=1)
    assert what in out
    assert "can be built" not in out
    with pytest.raises(ValueError, match="CaffeFunction"):
        CaffeFunction(model, prototxt)


@pytest.mark.parametrize(("outputs", "status"), [(4, 0), (3, 1)])
def test_check_looks_at_parameters_that_are_shared(tmp_path: Path, run: Any, outputs: int, status: int) -> None:
    def fc(name: str, bottom: str, outputs: int) -> dict[str, Any]:
        fields = {"name": name, "type": "InnerProduct", "bottom": bottom, "top": name, "param": {"name": "w"}}
        parameters = {"num_output": outputs, "bias_term": False}
        return {**fields, "inner_product_param": parameters, "blobs": [np.ones((outputs, 4), np.float32)]}

    model = written(tmp_path, {"layer": [fc("one", "x", 4), fc("two", "one", outputs)]})
    content = f"""input: "x" input_shape {{ dim: [2, 4] }}
    layer {{ name: "one" type: "InnerProduct" bottom: "x" top: "one" param {{ name: "w" }}
            inner_product_param {{ num_output: 4 bias_term: false }} }}
    layer {{ name: "two" type: "InnerProduct" bottom: "one" top: "two" param {{ name: "w" }}
            inner_product_param {{ num_output: {outputs} bias_term: false }} }}"""
    out, _ = run("check", model, "--prototxt", text(tmp_path, content), status=status)
    assert ("layers 'one' and 'two' share a parameter 'w'" in out) == bool(status)


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.caffemodel")))
def test_check_passes_each_of_caffes_cases(run: Any, case: str) -> None:
    assert (
        "the net can be built"
        in run("check", CASES / f"{case}.caffemodel", "--prototxt", CASES / f"{case}.prototxt")[0]
    )


@pytest.mark.parametrize("command", [["info"], ["convert", "out.npz"], ["check", "--prototxt", "none"]])
def test_a_file_that_is_not_there_costs_a_line(tmp_path: Path, run: Any, command: list[str]) -> None:
    name, *more = command
    _, err = run(name, tmp_path / "none.caffemodel", *more, status=1)
    assert err.startswith(f"chainette: caffe {name}: ")
    assert err.count("\n") == 1


def test_a_damaged_file_costs_a_line(tmp_path: Path, run: Any) -> None:
    path = tmp_path / "bad.caffemodel"
    path.write_bytes(b"\x0a\x01n\xa2\x06" + struct.pack("<I", 0x7F7F7F7F))
    _, err = run("info", path, status=1)
    assert "bad.caffemodel: byte" in err
    assert err.count("\n") == 1


def test_what_is_not_known_in_a_prototxt_is_said_once(tmp_path: Path, model: Path, run: Any) -> None:
    prototxt = text(tmp_path, TEXT + "what_is_this: 3")
    _, err = run("check", model, "--prototxt", prototxt)
    assert err.startswith("chainette: tiny.prototxt")
    assert err.count("what_is_this") == 1


def test_the_help_of_everything_else_does_not_import_the_package() -> None:
    code = "import sys; from chainette.__main__ import main; main([]); print('chainette_caffe_import' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "Caffe's models" in done.stdout
    assert done.stdout.endswith("False\n")
