"""Binary models: what is read, what is refused, and how much memory that takes."""

from __future__ import annotations

import gc
import struct
import tracemalloc
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from chainette_caffe_import import wire
from chainette_caffe_import.errors import CaffeFormatError
from chainette_caffe_import.fields import Field, enum_names, fields_by_name
from chainette_caffe_import.message import Blob, Message
from chainette_caffe_import.wire import read_caffemodel

from .writing import EIGHT, FOUR, GROUP, GROUP_END, LENGTH, VARINT, delimited, encode, tag, varint

CASES = Path(__file__).with_name("cases")
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def read(folder: Path) -> Any:
    """Reads bytes by way of a file, a new one each time: the last may still be mapped."""
    count = iter(range(1 << 30))

    def read(data: bytes) -> Message:
        path = folder / f"{next(count)}.caffemodel"
        path.write_bytes(data)
        try:
            return read_caffemodel(path)
        finally:
            path.unlink()

    return read


@pytest.fixture(scope="module")
def read_blob(read: Any) -> Any:
    """Reads what is in a blob."""
    return lambda content: read(delimited(100, delimited(7, content))).all("layer")[0].get("blobs")


def plain(message: Message) -> dict[str, Any]:
    """The values of a message in lists."""
    return {
        name: [plain(value) if isinstance(value, Message) else value for value in message.all(name)] for name in message
    }


@pytest.mark.parametrize("path", sorted(CASES.glob("*.caffemodel")), ids=lambda path: path.stem)
def test_the_blobs_of_the_cases_are_whole(path: Path) -> None:
    net = read_caffemodel(path)
    layers = net.all("layer") + net.all("layers")
    assert layers
    assert net.get("name") == path.stem
    for layer in layers:
        for blob in layer.all("blobs"):
            assert blob.array().shape == blob.shape
            assert blob.is_old == ("layers" in net)


def test_a_case_says_what_its_prototxt_says() -> None:
    conv = read_caffemodel(CASES / "v1_alexnet.caffemodel").all("layers")[4]
    assert (conv.get("name"), conv.get("type"), conv.all("bottom")) == ("conv2", "CONVOLUTION", ["norm1"])
    assert plain(conv.message("convolution_param")) == {
        "num_output": [12],
        "kernel_size": [5],
        "pad": [2],
        "group": [2],
    }
    weights, bias = conv.all("blobs")
    assert (weights.shape, bias.shape) == ((12, 4, 5, 5), (1, 1, 1, 12))


SCALARS = {
    "int": st.integers(-(1 << 63), (1 << 63) - 1),
    "bool": st.booleans(),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=5),
}


def one(field: Field) -> st.SearchStrategy[Any]:
    if field.type == "message":
        return messages(field.kind)
    if field.type == "enum":
        return st.sampled_from(enum_names(field.kind))
    return SCALARS[field.type]


def messages(kind: str) -> st.SearchStrategy[dict[str, list[Any]]]:
    """Any fields but blobs, which have tests of their own."""
    fields = [field for field in fields_by_name(kind).values() if field.number and field.kind != "BlobProto"]
    some = st.lists(st.sampled_from(fields), max_size=4, unique=True) if fields else st.just([])
    return some.flatmap(lambda chosen: st.fixed_dictionaries({f.name: st.lists(one(f), min_size=1) for f in chosen}))


@given(fields=messages("NetParameter"), packed=st.booleans())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_what_is_written_is_read(read: Any, fields: dict[str, Any], packed: bool) -> None:
    fields["name"] = ["a net"]
    assert plain(read(encode("NetParameter", fields, packed=packed))) == fields


@given(
    shape=st.lists(st.integers(0, 4), max_size=4).map(tuple),
    old=st.booleans(),
    dtype=st.sampled_from([np.float32, np.float64]),
)
@settings(deadline=None)
def test_an_array_that_is_written_is_read(read: Any, shape: tuple[int, ...], old: bool, dtype: Any) -> None:
    array = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    blob = read(encode("NetParameter", {"layer": [{"blobs": [array]}]}, old=old)).get("layer").get("blobs")
    assert isinstance(blob, Blob)
    assert blob.is_old == old
    assert blob.shape == ((1, 1, 1, 1, *shape)[-4:] if old else shape)
    np.testing.assert_array_equal(blob.array(), array.astype(np.float32).reshape(blob.shape), strict=True)


@given(
    values=st.lists(st.floats(width=32, allow_nan=False), max_size=20),
    cuts=st.lists(st.tuples(st.integers(0, 20), st.booleans(), st.booleans())),
)
@settings(deadline=None)
def test_values_may_come_in_pieces_packed_or_not(read_blob: Any, values: list[float], cuts: Any) -> None:
    content, rest = b"", list(values)
    for length, packed, is_interrupted in [*cuts, (20, False, False)]:
        piece, rest = rest[:length], rest[length:]
        content += encode("BlobProto", {"data": piece}, packed=packed)
        content += encode("BlobProto", {"diff": 45.0}) if is_interrupted else b""
    blob = read_blob(content)
    assert blob.shape == (len(values),)
    assert blob.array().tolist() == values


@pytest.mark.parametrize("count", [1, 2, 3, 1000, 200_000])
@pytest.mark.parametrize("name", ["data", "double_data"])
def test_many_values_with_a_tag_each_are_one_view(read_blob: Any, name: str, count: int) -> None:
    values = np.arange(count, dtype=np.float32)
    number, wire_type, dtype = (5, FOUR, "<f4") if name == "data" else (8, EIGHT, "<f8")
    records = np.zeros(count, [("tag", "u1"), ("value", dtype)])
    records["tag"], records["value"] = number * 8 + wire_type, values
    tracemalloc.start()
    blob = read_blob(records.tobytes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(blob._pieces) == 1
    assert peak < 5 * records.nbytes + MEGABYTE  # the test's own copies of the file among it
    np.testing.assert_array_equal(blob.array(), values, strict=True)


@pytest.mark.parametrize(
    ("raw_type", "dtype"), [(None, "<f8"), (0, "<f8"), (1, "<f4"), (2, "<f2"), (3, "<i4"), (4, "<u4")]
)
def test_raw_data_has_the_type_that_the_blob_says(read_blob: Any, raw_type: int | None, dtype: str) -> None:
    values = np.array([[1, 2.5, 3], [4, 5, 6]]).astype(dtype)
    content = encode("BlobProto", {"shape": {"dim": [2, 3]}, "raw_data": values.tobytes()})
    content += b"" if raw_type is None else encode("BlobProto", {"raw_data_type": raw_type})
    np.testing.assert_array_equal(read_blob(content).array(), values.astype(np.float32), strict=True)


def test_an_empty_shape_is_a_scalar_and_none_is_as_long_as_the_data(read_blob: Any) -> None:
    assert read_blob(encode("BlobProto", {"shape": {}, "data": [1.0]})).array().shape == ()
    assert read_blob(encode("BlobProto", {"data": [1.0, 2.0]}, packed=True)).array().shape == (2,)
    assert read_blob(b"").array().shape == (0,)
    assert read_blob(encode("BlobProto", {"data": []}, packed=True)).array().shape == (0,)


def test_a_shape_comes_before_an_old_one_and_may_come_in_pieces(read_blob: Any) -> None:
    fields = {"num": 7, "shape": [{"dim": [2]}, {"dim": [1]}], "data": [1.0, 2.0]}
    blob = read_blob(encode("BlobProto", fields))
    assert (blob.shape, blob.is_old) == ((2, 1), False)
    assert read_blob(encode("BlobProto", {"width": 3})).shape == (0, 0, 0, 3)


def test_unknown_fields_and_groups_are_passed_over(read: Any) -> None:
    unknown = tag(99, VARINT) + varint(5) + tag(98, EIGHT) + bytes(8) + tag(97, FOUR) + bytes(4)
    nested = unknown + delimited(96, b"anything")
    for number in range(50, 149):  # with the one around them, 100 levels
        nested = tag(number, GROUP) + nested + tag(number, GROUP_END)
    net = read(nested + delimited(1, b"net") + tag(9, GROUP) + nested + tag(9, GROUP_END))
    assert plain(net) == {"name": ["net"]}


def test_text_that_is_no_utf_8_and_numbers_without_a_name_are_kept(read: Any) -> None:
    pool = tag(1, VARINT) + varint(9)
    net = read(delimited(1, b"caf\xe9") + delimited(100, delimited(121, pool)))
    assert net.get("name") == "caf\ufffd"
    assert net.get("layer").message("pooling_param").get("pool") == 9


def layer(content: bytes) -> bytes:
    """In a net after its name: the content begins at byte 7 if it is short."""
    return delimited(1, b"ab") + delimited(100, content)


MALFORMED = {
    "a varint that ends early": (b"\x0a\x02ab" + b"\x28\x80", 5, "a whole varint"),
    "a tag that ends early": (b"\x0a\x02ab" + b"\xa2", 4, "a whole varint"),
    "a varint of eleven bytes": (b"\x28" + b"\x80" * 10 + b"\x01", 1, "at most 10 bytes"),
    "an endless varint": (b"\x28" + b"\xff" * 5000, 1, "at most 10 bytes"),
    "a length beyond the file": (b"\x0a\x03ab", 1, "a length of at most 2"),
    "a length beyond the message": (layer(b"\x0a\x09") + b"123456789", 8, "a length of at most 0"),
    "a length of 2 GB": (layer(b"\x3a" + varint(1 << 31)), 8, "(got 2,147,483,648)"),
    "a length of 2**63": (layer(b"\x3a" + varint(1 << 63)), 8, "a length of at most 0"),
    "field number 0": (layer(b"\x00\x01"), 7, "a field number from 1"),
    "a field number too large": (layer(varint(1 << 33) + b"\x01"), 7, "a field number from 1 to 536,870,911"),
    "a wire type that there is not": (layer(tag(99, 6)), 7, "a wire type from 0 to 5 (got 6)"),
    "a number for a name": (layer(b"\x08\x01"), 7, "LayerParameter.name to be string (got wire type 0)"),
    "a number for a message": (layer(tag(106, VARINT) + b"\x01"), 7, "convolution_param to be message"),
    "four bytes for an integer": (layer(tag(10, FOUR) + bytes(4)), 7, "LayerParameter.phase to be enum"),
    "eight bytes for a float": (layer(tag(5, EIGHT) + bytes(8)), 7, "LayerParameter.loss_weight to be float"),
    "a group for a message": (layer(tag(6, GROUP) + tag(6, GROUP_END)), 7, "LayerParameter.param to be message"),
    "a float that ends early": (layer(tag(5, FOUR) + bytes(3)), 8, "expected 4 bytes (got 3)"),
    "an unknown double that ends early": (layer(tag(99, EIGHT) + bytes(7)), 9, "expected 8 bytes (got 7)"),
    "a packed length that lies": (layer(delimited(5, bytes(7))), 8, "a multiple of 4 bytes (got 7)"),
    "a group that is not closed": (layer(tag(99, GROUP)), 9, "the end of group 99"),
    "a group that another closes": (layer(tag(99, GROUP) + tag(98, GROUP_END)), 9, "no end of group 98"),
    "the end of no group": (layer(tag(99, GROUP_END)), 7, "no end of group 99"),
    "groups in 10,000 levels": (b"\x0a\x00" + tag(99, GROUP) * 10_000, 202, "groups of at most 100 levels"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_is_malformed_is_refused_by_its_place(read: Any, what: str) -> None:
    data, at, message = MALFORMED[what]
    with pytest.raises(CaffeFormatError) as caught:
        read(data)
    assert f"caffemodel: byte {at:,}: " in str(caught.value)
    assert message in str(caught.value)


def blob_with(**fields: Any) -> bytes:
    return encode("BlobProto", fields)


ABSURD = {
    "negative": blob_with(shape={"dim": [2, -1]}),
    "too large": blob_with(shape={"dim": [1 << 31, 1 << 31]}),
    "too large beside a 0": blob_with(shape={"dim": [1 << 31, 0, 1 << 31]}),
    "too large in the old way": blob_with(num=1 << 40, height=1 << 40),
    "of 33 axes": blob_with(shape={"dim": [1] * 33}),
    "of a million axes": blob_with(shape={"dim": [1] * 1_000_000}),
    "of a raw type that there is not": blob_with(raw_data=b"1234", raw_data_type=9),
    "of half a raw value": blob_with(raw_data=b"1234567"),
}


@pytest.mark.parametrize("what", ABSURD)
def test_absurd_blobs_are_refused_by_their_place(read_blob: Any, what: str) -> None:
    with pytest.raises(CaffeFormatError, match=r"caffemodel: byte \d+: expected (a blob|a raw|raw)"):
        read_blob(ABSURD[what])


@pytest.mark.parametrize("dims", [[3], [2, 2], [1 << 59], [0], []])
def test_a_shape_that_disagrees_with_the_data_is_refused_without_making_it(read_blob: Any, dims: list[int]) -> None:
    blob = read_blob(encode("BlobProto", {"shape": {"dim": dims}, "data": [1.0, 2.0]}))
    with pytest.raises(CaffeFormatError, match=r"the blob at byte \d+ has shape .* \(got 2\)"):
        blob.array()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "HDF5"),
        (b'# LeNet\nname: "LeNet"\nlayer { name: "data" }\n', "this is text"),
        (b"<!DOCTYPE html>\n<html></html>", "this is text"),
        (tag(5, VARINT) + b"\x01", "no Caffe model"),
        (delimited(77, b"\x01" * 10), "no Caffe model"),
    ],
    ids=["empty", "HDF5", "prototxt", "page", "no layers", "other"],
)
def test_files_of_other_sorts_are_named(read: Any, data: bytes, message: str) -> None:
    with pytest.raises(CaffeFormatError, match=message):
        read(data)


def test_a_file_that_is_not_there_is_an_os_error(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_caffemodel(folder / "none.caffemodel")


def test_a_file_cut_anywhere_is_read_or_refused(read: Any) -> None:
    whole = (CASES / "v1_alexnet.caffemodel").read_bytes()
    # every place near the beginning, every boundary of a layer, and others at random
    places = {*range(400), *np.random.default_rng(0).integers(0, len(whole), 200).tolist()}
    at, boundaries = whole.index(b"\x12", 12), []
    while at < len(whole) and whole[at] == 0x12:
        size, shift, start = 0, 0, at + 1
        while True:
            size |= (whole[start] & 127) << shift
            start, shift = start + 1, shift + 7
            if whole[start - 1] < 128:
                break
        at = start + size
        boundaries += [at - 1, at, at + 1]
    assert len(boundaries) == 14 * 3
    for place in sorted(places | {b for b in boundaries if b < len(whole)}):
        try:
            net = read(whole[:place])
        except CaffeFormatError:
            assert place not in boundaries[1::3]
        else:
            assert "name" in net
    for count, place in enumerate(boundaries[1::3]):
        assert len(read(whole[:place]).all("layers")) == count + 1


@given(data=st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(read: Any, data: bytes) -> None:
    with suppress(CaffeFormatError):
        read(b"\x0a\x01n" + data)


@given(place=st.integers(0, 674), value=st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_any_byte_changed_is_read_or_refused(read: Any, place: int, value: int) -> None:
    data = bytearray((CASES / "prototxt_quirks.caffemodel").read_bytes())
    data[place] = value
    with suppress(CaffeFormatError):
        for each in read(bytes(data)).all("layer"):
            for blob in each.all("blobs"):
                blob.array()


def test_a_large_file_is_not_copied(folder: Path) -> None:
    path, count = folder / "large.caffemodel", 60_000_000
    head = delimited(7, delimited(1, varint(count))) + tag(5, LENGTH) + varint(4 * count)
    blob = tag(7, LENGTH) + varint(len(head) + 4 * count) + head
    net = delimited(1, b"large") + tag(100, LENGTH) + varint(len(blob) + 4 * count) + blob
    with path.open("wb") as file:  # a file of holes
        file.write(net)
        file.truncate(len(net) + 4 * count)
        file.seek(-4, 2)
        file.write(struct.pack("<f", 7))
    tracemalloc.start()
    found = read_caffemodel(path).get("layer").get("blobs")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.size == count
    assert found._pieces[0][-1] == 7
    assert peak < MEGABYTE // 4


@pytest.mark.parametrize(
    "piece", [delimited(100, b""), tag(4, VARINT) + b"\x01", delimited(3, b""), delimited(100, delimited(7, b""))]
)
def test_a_file_of_nothing_but_small_things_does_not_fill_the_memory(
    read: Any, piece: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "MAX_VALUES", 1 << 17)  # an eighth of the real one
    tracemalloc.start()
    try:
        with pytest.raises(CaffeFormatError, match="at most 131,072 values"):
            read(piece * (2 * wire.MAX_VALUES))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * MEGABYTE


def test_the_file_is_let_go_of_with_its_last_blob(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    maps = []

    class Map(wire.mmap.mmap):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            maps.append(weakref.ref(self))

    monkeypatch.setattr(wire.mmap, "mmap", Map)
    values = np.arange(4, dtype=np.float32)
    blob = read(encode("NetParameter", {"layer": [{"blobs": [values]}]})).get("layer").get("blobs")
    gc.collect()
    assert maps[0]() is not None
    array = blob.array()
    del blob
    gc.collect()
    assert maps[0]() is None
    np.testing.assert_array_equal(array, values, strict=True)
