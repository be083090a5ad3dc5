"""Nets in text form: what is read, what is skipped with a warning, what is refused, and that it takes one pass."""

from __future__ import annotations

import math
import struct
import tracemalloc
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from chainette_caffe_import import prototxt
from chainette_caffe_import.errors import CaffeFormatError, CaffeWarning
from chainette_caffe_import.fields import _ENUMS, _MESSAGES, _lines, enum_name, fields_by_name, fields_by_number
from chainette_caffe_import.message import Message
from chainette_caffe_import.prototxt import parse_prototxt, read_prototxt
from chainette_caffe_import.wire import read_caffemodel

CASES = Path(__file__).with_name("cases")
MEGABYTE = 1 << 20


def plain(message: Message) -> dict[str, Any]:
    """The values of a message in lists, without blobs: of the two formats only the binary has them."""
    return {
        name: [plain(value) if isinstance(value, Message) else value for value in message.all(name)]
        for name in message
        if name not in ("blobs", "phase")  # a training run writes the phase
    }


def layer(text: str) -> Message:
    """The only layer of a net."""
    (found,) = parse_prototxt(f"layer {{ {text} }}").all("layer")
    return found


def values(parameter: str, field: str, text: str) -> list[Any]:
    """What a field of a layer's parameters is read as."""
    return layer(f"{parameter} {{ {text} }}").message(parameter).all(field)


SAME = sorted(path for path in CASES.glob("*.prototxt") if path.stem not in ("prototxt_quirks", "v1_train_snapshot"))


@pytest.mark.parametrize("path", SAME, ids=lambda path: path.stem)
def test_both_formats_say_the_same(path: Path) -> None:
    assert plain(read_prototxt(path)) == plain(read_caffemodel(path.with_suffix(".caffemodel")))


def test_the_liberties_of_the_text_format_do_not_change_what_it_says() -> None:
    net, model = (
        read_prototxt(CASES / "prototxt_quirks.prototxt"),
        read_caffemodel(CASES / "prototxt_quirks.caffemodel"),
    )
    assert (net.all("input"), plain(net.message("input_shape"))) == (["data"], {"dim": [1, 3, 8, 8]})
    found = plain(net)["layer"]
    convolution, pooling = (found[i].pop(name)[0] for i, name in ((0, "convolution_param"), (2, "pooling_param")))
    expected = plain(model)["layer"][1:]  # the model has a layer for the input
    assert found[0].pop("param") == [{"lr_mult": [1]}, {"lr_mult": [2], "decay_mult": [0]}]
    for each in expected:
        each.pop("convolution_param", None), each.pop("pooling_param", None)
    assert found == expected
    assert pooling == {"pool": ["AVE"], "kernel_size": [2], "stride": [1]}
    assert convolution["kernel_size"] == [3, 3]
    assert convolution["stride"] == [2]
    assert convolution["bias_filler"] == [{"type": ["constant"], "value": [0.5]}]


def test_a_net_of_2014_and_what_was_trained_with_it_name_the_same_layers() -> None:
    def names(net: Message, field: str) -> list[str]:
        return [each.get("name") for each in net.all(field)]

    net = read_prototxt(CASES / "v1_train_snapshot.prototxt")
    model = read_caffemodel(CASES / "v1_train_snapshot.caffemodel")
    assert [*names(net, "layer"), "loss"] == names(model, "layers")
    assert model.all("layers")[0].get("type") == "DATA"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("16", 16), ("0x1F", 31), ("0X1f", 31), ("017", 15), ("0", 0), ("-3", -3), ("- 3", -3), ("-0x10", -16),
        ("-9223372036854775808", -(1 << 63)), ("9223372036854775807", (1 << 63) - 1),
    ],
)  # fmt: skip
def test_integers(text: str, expected: int) -> None:
    assert values("convolution_param", "pad", f"pad: {text}") == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1.0), (".5", 0.5), ("2.", 2.0), ("25e-2", 0.25), ("5E-1", 0.5), ("1.5f", 1.5), ("2F", 2.0),
        ("-.25", -0.25),
        ("inf", math.inf), ("-inf", -math.inf), ("Infinity", math.inf), ("- inf", -math.inf), ("1e39", math.inf),
        ("1e999", math.inf), ("0x10", 16.0), ("0.1", struct.unpack("f", struct.pack("f", 0.1))[0]),
    ],
)  # fmt: skip
def test_floats(text: str, expected: float) -> None:
    assert values("power_param", "scale", f"scale: {text}") == [expected]
    assert math.isnan(values("power_param", "scale", "scale: nan")[0])


@pytest.mark.parametrize("text", ["true", "True", "t", "1", "false", "False", "f", "0"])
def test_booleans(text: str) -> None:
    assert values("convolution_param", "bias_term", f"bias_term: {text}") == [text in ("true", "True", "t", "1")]


@pytest.mark.parametrize(("text", "expected"), [("AVE", "AVE"), ("1", "AVE"), ("0x1", "AVE"), ("9", 9)])
def test_enumerations_come_by_name_or_number(text: str, expected: str | int) -> None:
    assert values("pooling_param", "pool", f"pool: {text}") == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"a\n\t\\\"\'\?"', "a\n\t\\\"'?"), (r"'\x41\101\0'", "AA\0"), (r'"\303\251\xc3\xa9"', "éé"), ('"é"', "é"),
        ("\"it's\"", "it's"), ("'say \"so\"'", 'say "so"'), ("\"a\" 'b'\n# and\n\"c\"", "abc"), ('""', ""),
        (r'"\xff"', "\ufffd"), ('"# no comment"', "# no comment"),
    ],
)  # fmt: skip
def test_strings(text: str, expected: str) -> None:
    assert parse_prototxt(f"name: {text}").get("name") == expected


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_through_in_octal_escapes(text: str) -> None:
    escaped = "".join(f"\\{byte:03o}" for byte in text.encode())
    assert parse_prototxt(f"name: '{escaped}'").get("name") == text


@pytest.mark.parametrize(
    "text",
    [
        "pad: 1 pad: 2", "pad: [1, 2]", "pad:[1]pad:[]pad:[2]", "pad:1,pad:2;", "pad : 1\n#\npad : 2# end\n",
    ],
)  # fmt: skip
def test_ways_to_say_two_values(text: str) -> None:
    assert values("convolution_param", "pad", text) == [1, 2]


@pytest.mark.parametrize(
    "text", ["param { name: 'a' } param { }", "param: < name: 'a' > param <>", "param [{name: 'a'}, {}]"]
)
def test_ways_to_say_messages(text: str) -> None:
    assert [plain(each) for each in layer(text).all("param")] == [{"name": ["a"]}, {}]


def test_the_last_of_several_values_wins() -> None:
    assert parse_prototxt("name: 'a' name: 'b'").get("name") == "b"


def test_blobs_may_be_written_as_text() -> None:
    new, old, empty, half = layer(
        """
        blobs { shape { dim: 2 dim: 1 } data: 1 data: [-2.5f] diff: 3 }
        blobs { num: 1 channels: 1 height: 1 width: 2 double_data: [3, 4] }
        blobs { }
        blobs { raw_data_type: FLOAT16 raw_data: '\\000\\x3c' }
        """
    ).all("blobs")
    np.testing.assert_array_equal(new.array(), np.array([[1], [-2.5]], np.float32), strict=True)
    np.testing.assert_array_equal(old.array(), np.array([[[[3, 4]]]], np.float32), strict=True)
    assert (new.is_old, old.is_old) == (False, True)
    assert (empty.shape, half.array().tolist()) == ((0,), [1.0])


def test_blobs_in_text_are_refused_by_their_line() -> None:
    with pytest.raises(CaffeFormatError, match=r"blob at line 2 has shape \(3,\), which needs 3 values \(got 1\)"):
        layer("\nblobs { shape { dim: 3 } data: 1 }").get("blobs").array()
    with pytest.raises(CaffeFormatError, match="line 1, column 15: expected a blob"):
        layer("blobs { shape { dim: -1 } }")


def test_what_is_not_known_is_kept_with_one_warning_for_each() -> None:
    text = """name: "net"
      layer { batch_norm_param { scale_filler { value: 1 } eps: 1 scale_filler: < x [ { y: "]" "}" }, 3 ] > } }
      other: "a" 'b' other: -inf, another { a { b: 2; c: [] } }
      layer { batch_norm_param { scale_filler {} } scale_filler: 1 }
    """
    with pytest.warns(CaffeWarning) as caught:
        net = parse_prototxt(text, "net.prototxt")
    assert sorted(str(warning.message).partition(" that is known")[0] for warning in caught) == [
        "net.prototxt, line 2: BatchNormParameter has no field scale_filler",
        "net.prototxt, line 3: NetParameter has no field another",
        "net.prototxt, line 3: NetParameter has no field other",
        "net.prototxt, line 4: LayerParameter has no field scale_filler",
    ]
    assert net.all("layer")[0].message("batch_norm_param").get("eps") == 1
    assert net.all("other") == ["ab", -math.inf]
    (a,) = net.message("another").all("a")
    assert plain(a) == {"b": [2]}
    assert net.all("layer")[0].unread() == []


def test_what_does_not_matter_is_skipped_without_a_warning() -> None:
    text = "relu_param { engine: CUDNN } data_param { source: 's' prefetch: 4 } image_data_param { any { of: it } }"
    assert plain(layer(text)) == {"relu_param": [{}], "data_param": [{"source": ["s"]}], "image_data_param": [{}]}
    assert values("pooling_param", "ceil_mode", "ceil_mode: false") == [False]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("layer {\n  name: 'a'", 1, 7, "a } that closes this one (got the end of the text)"),
        ("layer <\n  name: 'a'\n}", 3, 1, "name of a field of LayerParameter (got })"),
        ("}", 1, 1, "name of a field of NetParameter (got })"),
        ("name 'a'", 1, 6, "a colon after name (got 'a')"),
        ("name { }", 1, 6, "a colon after name (got {)"),
        ("name:", 1, 6, "name to be a string in quotes (got the end of the text)"),
        ("name: a", 1, 7, "name to be a string in quotes (got a)"),
        ("\nname: 'a", 2, 7, "a string that ends on its line"),
        ("name: 'a\n'", 1, 7, "a string that ends on its line"),
        ("name: '\\q'", 1, 7, "an escape that is known (got \\q)"),
        ("name: '\\xg'", 1, 7, "an escape that is known (got \\x)"),
        ("name: 'a' @", 1, 11, "a name or a value (got '@')"),
        ("input_dim: 3x", 1, 12, "a name or a value (got '3')"),
        ("input_dim: 3.5", 1, 12, "input_dim to be int (got 3.5)"),
        ("input_dim: 08", 1, 12, "input_dim to be int (got 08)"),
        ("input_dim: many", 1, 12, "input_dim to be int (got many)"),
        ("input_dim: 9223372036854775808", 1, 12, "input_dim to be int"),
        ("input_dim: [1 2]", 1, 15, "a comma or ] (got 2)"),
        ("input_dim: [1,]", 1, 15, "a value after the comma"),
        ("input_dim: [1", 1, 14, "a comma or ] (got the end of the text)"),
        ("input_dim: {}", 1, 12, "input_dim to be int (got {)"),
        ("layer: 1", 1, 8, "{ after layer (got 1)"),
        ("-layer: 1", 1, 1, "name of a field"),
        ("force_backward: 2", 1, 17, "force_backward to be bool (got 2)"),
        ("layer { loss_weight: ten }", 1, 22, "loss_weight to be float (got ten)"),
        ("layer { phase: train }", 1, 16, "phase to be one of TRAIN, TEST (got train)"),
        ("layer { phase: 1.5 }", 1, 16, "phase to be enum (got 1.5)"),
        ("other { a: {\n", 1, 12, "a } that closes this one"),
        ("other { a: [ }", 1, 14, "a value (got })"),
        ("other: ", 1, 8, "a value (got the end of the text)"),
        ("other: }", 1, 8, "a value (got })"),
        ("other 1", 1, 7, "a colon after other (got 1)"),
        ("name: 'a',, name: 'b'", 1, 11, "name of a field"),
    ],
)
def test_what_is_malformed_is_refused_by_its_place(text: str, line: int, column: int, message: str) -> None:
    with pytest.raises(CaffeFormatError) as caught:
        parse_prototxt(text, "deploy.prototxt")
    assert str(caught.value).startswith(f"deploy.prototxt, line {line}, column {column}: expected ")
    assert message in str(caught.value)


@pytest.mark.parametrize("opening", ["a{", "a<", "layer{a:{", "a:[", "layer{"])
def test_10_000_levels_are_refused(opening: str) -> None:
    with pytest.raises(CaffeFormatError, match=r"line 1, column \d+: "):
        parse_prototxt(opening * 10_000)


LONG = {
    "a name": "n" * MEGABYTE,
    "an open string": "name: '" + "a" * MEGABYTE,
    "an open string of escapes": "name: '" + "\\n" * MEGABYTE,
    "a number": "input_dim: " + "1" * MEGABYTE,
    "a number for a float": "layer { loss_weight: " + "1" * MEGABYTE,
    "a number that ends badly": "input_dim: " + "1" * MEGABYTE + "x",
    "a hexadecimal number": "input_dim: 0x" + "f" * MEGABYTE,
    "space": " " * MEGABYTE + "}",
    "a minus and space": "name: -" + " " * MEGABYTE,
    "a comment": "#" * MEGABYTE + "\n}",
    "comments": "#\n" * MEGABYTE + "}",
    "a name for an enumeration": "layer { phase: " + "A" * MEGABYTE,
    "a name that is not known": "layer { " + "n" * MEGABYTE + ": 1 }}",
    "open quotes": "name: " + "'\"" * 100_000 + "\n'",
    "many lines of fields": "input_dim: 1\n" * 20_000 + "}",
    "many values": "input_dim: [" + "1," * 50_000,
}


@pytest.mark.parametrize("what", LONG)
def test_a_token_of_a_megabyte_takes_one_pass(what: str) -> None:
    # Time that grew with the square would be hours here, and backtracking would keep every step.
    tracemalloc.start()
    try:
        with pytest.raises(CaffeFormatError) as caught:
            parse_prototxt(LONG[what])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) < 200
    assert peak < 20 * MEGABYTE


def test_a_string_of_a_megabyte_is_read() -> None:
    assert len(parse_prototxt(f"name: '{'a' * MEGABYTE}'").get("name")) == MEGABYTE
    assert parse_prototxt("name: " + "'a' " * 1000).get("name") == "a" * 1000


def test_a_text_of_nothing_but_layers_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prototxt, "MAX_VALUES", 1 << 15)
    with pytest.raises(CaffeFormatError, match="at most 32,768 values"):
        parse_prototxt("layer{}" * (1 << 13))


def test_a_file_may_begin_with_a_mark_and_hold_odd_bytes_in_comments(tmp_path: Path) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes(b"\xef\xbb\xbfname: 'net' # caf\xe9\r\n")
    assert plain(read_prototxt(path)) == {"name": ["net"]}


@pytest.mark.parametrize("data", [(CASES / "v1_alexnet.caffemodel").read_bytes(), b"\x89HDF\r\n\x1a\n"])
def test_a_binary_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "net.prototxt"
    path.write_bytes(data)
    with pytest.raises(CaffeFormatError, match="this is binary"):
        read_prototxt(path)


QUIRKS = (CASES / "prototxt_quirks.prototxt").read_text()


@given(
    place=st.integers(0, len(QUIRKS)), length=st.integers(0, 5), text=st.text("{}<>[]:,;'\"-.0x1e f#\\n\n", max_size=3)
)
@settings(max_examples=500, deadline=None)
def test_any_text_changed_is_read_or_refused(place: int, length: int, text: str) -> None:
    with suppress(CaffeFormatError), warnings.catch_warnings():
        warnings.simplefilter("ignore", CaffeWarning)
        parse_prototxt(QUIRKS[:place] + text + QUIRKS[place + length :])


def test_the_tables_hold_together() -> None:
    for kind in _lines(_MESSAGES):
        fields = [field for field in fields_by_name(kind).values() if field.number]
        assert len(fields) == len(fields_by_number(kind))
        for field in fields:
            assert field.type != "message" or field.kind in _lines(_MESSAGES)
            assert field.type != "enum" or isinstance(enum_name(field.kind, 1), str)
    assert len(_lines(_ENUMS)) == 15
