"""Loading is all or nothing, and the error lists everything that does not fit."""

from __future__ import annotations

import os
import zipfile
from typing import Any

import h5py
import numpy as np
import pytest

import chainette
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError, LoadError
from chainette_serializers import DictionarySerializer, NpzDeserializer, load_hdf5, load_npz, save_npz


def failing(fmt, obj, **options) -> str:
    """Load what must not load; the message, after a look whether the object is unchanged."""
    before = obj.state() if hasattr(obj, "state") else repr(obj.values)
    with pytest.raises(LoadError) as caught:
        fmt.load(fmt.file, obj, **options)
    assert before == (obj.state() if hasattr(obj, "state") else repr(obj.values))
    return str(caught.value)


def test_all_misfits_of_all_kinds_are_listed_in_one_message(fmt, tree, values):
    saved = {f"l{i}/{name}": value for i in (1, 2) for name, value in {"W": np.ones((2, 3)), "b": None, "N": 1}.items()}
    del saved["l1/N"], saved["l2/b"]
    saved |= {"l1/W": np.ones((5, 3)), "l2/W": np.ones((2, 3), np.complex64), "t": 2.5, "lr": 1.0, "text": "", "x/y": 1}
    fmt.save(fmt.file, values(**saved))
    lines = failing(fmt, tree(4)).splitlines()
    assert lines[0] == f"load_{fmt.name}: {fmt.file} does not fit the Tree, which stays as it was:"
    assert lines[1] == "  missing in the file: l1/N, l2/b, nothing"
    assert lines[2] == "  extra in the file: x/y"
    assert lines[3] == (
        "  of another shape or kind: l1/W (expected float32 (2, 3), got float64 (5, 3)), "
        "l1/b (expected float32 (4,), got None), l2/W (expected float32 (2, 3), got complex64 (2, 3)), "
        "t (expected int, got float64 2.5)"
    )
    assert lines[4].startswith("Load it into an object made as the saved one was")


def test_an_open_parameter_stays_open_after_a_failed_load(fmt, tree, values):
    fmt.save(fmt.file, values(**{"l1/b": np.ones(4), "l2/b": np.ones(4)}))
    obj = tree()
    failing(fmt, obj)
    assert not obj.l1.b.is_initialized


def test_without_strict_missing_keys_keep_their_values_and_extra_ones_are_passed_over(fmt, tree, values):
    fmt.save(fmt.file, values(**{"t": 9, "l2/b": np.arange(4.0), "other": np.zeros(3)}))
    obj = tree(3)
    fmt.load(fmt.file, obj, strict=False)
    assert (obj.t, obj.lr, obj.l1.W.array[0, 0]) == (9, 3.0, 3.0)
    assert obj.l2.b.array.tolist() == [0, 1, 2, 3]


def test_without_strict_a_wrong_shape_is_still_an_error(fmt, tree, values):
    fmt.save(fmt.file, values(**{"t": 9, "l2/b": np.arange(5.0)}))
    message = failing(fmt, tree(3), strict=False)
    assert "l2/b (expected float32 (4,), got float64 (5,))" in message
    assert "missing in the file" not in message


@pytest.mark.parametrize("path", ["updater/model:main/", "updater/model:main", "/updater/model:main"])
def test_a_path_loads_a_part_and_other_keys_are_not_extra(fmt, tree, path):
    class Trainer:
        def __init__(self, model: Any) -> None:
            self.model = model

        def serialize(self, serializer: Any) -> None:
            serializer("iteration", 3)
            self.model.serialize(serializer["updater"]["model:main"])

    fmt.save(fmt.file, Trainer(tree(3)))
    obj = tree()
    fmt.load(fmt.file, obj, path=path)
    assert obj.state() == tree(3).state()
    assert "missing in the file: updater/model:min/l1/N" in failing(fmt, tree(), path="updater/model:min/")


@pytest.mark.parametrize(
    ("stored", "value", "fits"),
    [
        (np.ones(2), np.zeros(2, np.float16), True),
        (np.ones(2, int), np.zeros(2, np.float32), True),
        (np.ones(2, bool), np.zeros(2, np.uint8), True),
        (np.ones(2, np.float32), np.zeros(2, int), False),
        (np.ones(2, complex), np.zeros(2), False),
        (np.full(2, 1e300), np.zeros(2, np.float32), False),
        (np.full(2, np.inf), np.zeros(2, np.float32), True),
        (np.ones(1), np.zeros(()), False),
        (np.ones(()), np.zeros(1), False),
        (np.ones(1), 0.0, True),
        (np.ones(2), 0.0, False),
        (np.ones(()), 0, True),
        (np.asarray(2), True, False),
        (np.asarray(1.5), 0, False),
        (np.asarray(np.nan), 0, False),
        (np.asarray(np.nan), 0.0, True),
        (np.asarray(1 + 1j), 0.0, False),
        (np.asarray(300), np.int8(0), False),
        (np.asarray(1e300), np.float16(0), False),
        (1, "text", False),
        ("text", 1, False),
        ("text", np.zeros(()), False),
        (1, [0], False),
        (None, np.zeros(2), False),
        (None, 0, True),
    ],
    ids=repr,
)
def test_dtypes_convert_within_their_kind_or_to_a_wider_one(fmt, values, stored, value, fits):
    fmt.save(fmt.file, values(x=stored))
    if fits:
        fmt.load(fmt.file, values(x=value))
    else:
        assert "of another shape or kind: x (" in failing(fmt, values(x=value))


def test_a_read_only_array_is_reported_before_anything_is_copied(fmt, values):
    fmt.save(fmt.file, values(a=np.ones(2), b=np.ones(2)))
    assert "b (the object's array is read-only)" in failing(
        fmt, values(a=np.zeros(2), b=np.broadcast_to(np.float64(0), 2))
    )


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (object(), ArrayTypeError),
        ([1, 2], ArrayTypeError),
        (b"bytes", ArrayTypeError),
        (np.array([object()]), DtypeError),
        (np.array(["a", "b"]), DtypeError),
        (np.datetime64("2020-01-01"), DtypeError),
        (2**64, DtypeError),
        ("a\0b", ArgumentError),
        (chainette.Variable(np.zeros(2)), ArrayTypeError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_that_cannot_be_saved_is_named_and_no_file_is_left(fmt, values, value, error):
    with pytest.raises(error, match=r"save: .*'x'"):
        fmt.save(fmt.file, values(a=1, x=value))
    assert os.listdir(fmt.folder) == []


class Trap:
    """Unpickling makes a file."""

    def __init__(self, file: Any) -> None:
        self.file = str(file)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.file,)


@pytest.mark.parametrize("shape", [(), (1,), (2, 2)])
@pytest.mark.parametrize("value", [0, np.zeros(()), np.zeros((2, 2)), None])
@pytest.mark.parametrize("strict", [True, False])
def test_an_object_array_is_never_unpickled(tmp_path, values, shape, value, strict):
    trap = np.empty(shape, object)
    trap.fill(Trap(tmp_path / "sprung"))
    np.savez(tmp_path / "trap.npz", x=trap, y=np.ones(2))
    for x in (values(x=value, y=np.zeros(2)), values(y=np.zeros(2))):
        for opened in (False, True):
            try:
                if opened:
                    with np.load(tmp_path / "trap.npz", allow_pickle=True) as npz:
                        NpzDeserializer(npz, strict=strict).load(x)
                else:
                    load_npz(tmp_path / "trap.npz", x, strict=strict)
            except LoadError:
                pass
            assert not (tmp_path / "sprung").exists()


def test_an_object_array_is_a_misfit(tmp_path, values):
    np.savez(tmp_path / "objects.npz", x=np.array([None, 1]), y=np.asarray(None))
    with pytest.raises(LoadError, match=r"x \(expected float64 \(2,\), got an array of Python objects, which is never"):
        load_npz(tmp_path / "objects.npz", values(x=np.zeros(2), y=None))
    with pytest.raises(LoadError, match="Python objects"):
        load_npz(tmp_path / "objects.npz", values(x=None, y=None))
    with pytest.raises(LoadError, match="Python objects"):
        NpzDeserializer({"x": np.array([None, 1])}).load(values(x=None))


@pytest.mark.parametrize("array", [np.array(["a", "b"]), np.array("2020-01-01", "M8[D]"), np.zeros(2, "f4,i4")])
def test_an_array_of_no_numeric_dtype_is_a_misfit(tmp_path, values, array):
    np.savez(tmp_path / "odd.npz", x=array)
    for value in (None, np.zeros(2), 0):
        with pytest.raises(LoadError, match="which is never read"):
            load_npz(tmp_path / "odd.npz", values(x=value))


def test_hdf5_data_of_variable_length_is_a_misfit(tmp_path, values):
    with h5py.File(tmp_path / "odd.h5", "w") as file:
        file["x"] = "a str as h5py writes it"
    with pytest.raises(LoadError, match="which is never read"):
        load_hdf5(tmp_path / "odd.h5", values(x=""))


def test_a_deserializer_that_is_called_directly_complains_at_the_first_misfit():
    deserializer = NpzDeserializer({"l1/W": np.ones(2)})
    with pytest.raises(LoadError, match="has no 'l1/b'"):
        deserializer["l1"]("b", None)
    with pytest.raises(LoadError, match=r"l1/W \(expected float64 \(3,\), got float64 \(2,\)\)"):
        deserializer["l1"]("W", np.zeros(3))
    assert NpzDeserializer({}, strict=False)("b", 4) == 4


def test_an_error_of_the_object_itself_is_passed_on(tmp_path):
    class Broken:
        def serialize(self, serializer: Any) -> None:
            raise ZeroDivisionError

    save_npz(tmp_path / "file", type("Empty", (), {"serialize": lambda self, serializer: None})())
    assert zipfile.ZipFile(tmp_path / "file").namelist() == []
    with pytest.raises(ZeroDivisionError):
        load_npz(tmp_path / "file", Broken())
    with pytest.raises(ZeroDivisionError):
        DictionarySerializer().save(Broken())
