"""What is saved comes back, under Chainer's key names."""

from __future__ import annotations

import doctest
import importlib
import io
import os
import pkgutil
import subprocess
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import h5py
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

import chainette
import chainette_serializers
from chainette.backend import Backend, Device, by_type
from chainette_serializers import (
    AbstractSerializer,
    Deserializer,
    DictionarySerializer,
    HDF5Deserializer,
    HDF5Serializer,
    NpzDeserializer,
    Serializer,
    load_npz,
    save_hdf5,
    save_npz,
)

KEYS = ["l1/N", "l1/W", "l1/b", "l2/N", "l2/W", "l2/b", "lr", "nothing", "t", "text"]


def test_a_tree_comes_back_as_it_was_saved(fmt, tree):
    fmt.save(fmt.file, tree(3))
    other = tree()
    fmt.load(fmt.file, other)
    assert other.state() == tree(3).state()


def test_arrays_are_filled_in_place(fmt, tree):
    fmt.save(fmt.file, tree(3))
    other = tree(5)
    array = other.l1.W.array
    fmt.load(fmt.file, other)
    assert other.l1.W.array is array


def test_a_parameter_of_open_shape_stays_open_where_the_saved_one_was(fmt, tree):
    fmt.save(fmt.file, tree())
    other = tree()
    fmt.load(fmt.file, other)
    assert not other.l1.b.is_initialized


@pytest.mark.parametrize("compression", [True, False])
def test_compression_of_npz_changes_the_size_only(compression, tmp_path, values):
    save_npz(tmp_path / "file", values(x=np.zeros(10_000)), compression)
    assert ((tmp_path / "file").stat().st_size < 5_000) == compression
    loaded = values(x=np.ones(10_000))
    load_npz(tmp_path / "file", loaded)
    assert not loaded.values["x"].any()


@pytest.mark.parametrize("compression", [None, 0, 4, 9])
def test_compression_of_hdf5_is_that_of_all_datasets_of_more_than_one_element(compression, tmp_path, tree):
    save_hdf5(tmp_path / "file", tree(3), compression)
    with h5py.File(tmp_path / "file") as file:
        assert file["l1/W"].compression_opts == compression
        assert file["l1/W"].fletcher32
        assert file["l1/N"].compression is None
    other = tree()
    chainette_serializers.load_hdf5(tmp_path / "file", other)
    assert other.state() == tree(3).state()


ARRAYS = hnp.arrays(
    dtype=st.sampled_from(["?", "i1", "i8", "u2", "u8", "f2", "f4", "f8", "c8", "c16", ">f4", ">i2"]),
    shape=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
)
NUMBERS = st.one_of(st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False), st.complex_numbers())
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)


@pytest.mark.filterwarnings("ignore:invalid value encountered")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(array=ARRAYS, number=NUMBERS, text=TEXTS, order=st.sampled_from("CF"))
def test_arrays_numbers_and_texts_come_back_exactly(fmt, values, array, number, text, order):
    saved = values(array=np.asarray(array, order=order), number=number, text=text)
    target = np.zeros_like(array)
    loaded = values(array=target, number=type(number)(0), text="", asked=None)
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "file")
        fmt.save(name, saved)
        fmt.load(name, loaded, strict=False)
        asked = values(array=None, number=None, text=None)
        fmt.load(name, asked)
    assert loaded.values["array"] is target
    assert target.tobytes() == array.tobytes()
    assert asked.values["array"].shape == array.shape
    assert asked.values["array"].dtype == array.dtype.newbyteorder("=")
    assert asked.values["array"].flags.writeable
    assert type(loaded.values["number"]) is type(number)
    assert repr(loaded.values["number"]) == repr(number) or loaded.values["number"] == number
    assert loaded.values["text"] == text
    assert asked.values["text"].item() == text


@pytest.mark.parametrize("scalar", [np.float16(0.5), np.float32(1.5), np.int8(-3), np.bool_(True), np.str_("x")])
def test_numpy_scalars_come_back_in_their_type(fmt, values, scalar):
    fmt.save(fmt.file, values(x=scalar))
    loaded = values(x=type(scalar)())
    fmt.load(fmt.file, loaded)
    assert loaded.values["x"] == scalar
    assert type(loaded.values["x"]) is type(scalar)


def test_none_takes_the_place_of_a_number_and_is_never_filled_into_an_array(fmt, values):
    fmt.save(fmt.file, values(x=None))
    loaded = values(x=3)
    fmt.load(fmt.file, loaded)
    assert loaded.values["x"] is None


def test_keys_are_those_of_chainer(tmp_path, tree):
    save_npz(tmp_path / "file.npz", tree(3))
    save_hdf5(tmp_path / "file.h5", tree(3))
    with np.load(tmp_path / "file.npz", allow_pickle=False) as npz:
        assert sorted(npz.files) == KEYS
        assert npz["l1/W"].tolist() == [[3, 3, 3], [3, 3, 3]]
        assert npz["nothing"].dtype == "V1"
    with h5py.File(tmp_path / "file.h5") as file:
        assert sorted(key for key in KEYS if key in file) == KEYS
        assert file["l1/W"][()].tolist() == [[3, 3, 3], [3, 3, 3]]
        assert file["nothing"].shape is None


def test_names_that_numpy_takes_for_arguments_are_keys_like_others(fmt, values):
    fmt.save(fmt.file, values(file=1, allow_pickle=2, args=3))
    loaded = values(file=0, allow_pickle=0, args=0)
    fmt.load(fmt.file, loaded)
    assert loaded.values == {"file": 1, "allow_pickle": 2, "args": 3}


def test_a_file_that_chainer_wrote_loads(tmp_path, values):
    arrays = {"l1/W": np.ones((2, 3)), "t": np.asarray(7), "l1/W/m": np.ones(2), "open/b": np.asarray(None)}
    np.savez_compressed(tmp_path / "chainer.npz", **arrays)
    loaded = values(t=0, **{"l1/W": np.zeros((2, 3), np.float32), "l1/W/m": np.zeros(2), "open/b": None})
    load_npz(tmp_path / "chainer.npz", loaded)
    assert loaded.values["t"] == 7
    assert loaded.values["l1/W"].sum() == 6
    assert loaded.values["l1/W/m"].sum() == 2
    assert loaded.values["open/b"] is None


def test_a_file_object_is_written_and_read_directly(tree):
    stream = io.BytesIO()
    save_npz(stream, tree(3))
    stream.seek(0)
    other = tree()
    load_npz(stream, other)
    assert other.state() == tree(3).state()


def test_serializers_work_on_open_files_and_dictionaries(tmp_path, tree):
    target: dict[str, Any] = {}
    DictionarySerializer(target, "model").save(tree(3))
    assert sorted(target) == [f"model/{key}" for key in KEYS]
    np.savez(tmp_path / "file.npz", **target)
    from_dictionary, from_npz, from_group = tree(), tree(), tree()
    NpzDeserializer(target, "model/").load(from_dictionary)
    with np.load(tmp_path / "file.npz") as npz:
        NpzDeserializer(npz, "/model").load(from_npz)
    with pytest.raises(chainette.errors.ArgumentError, match="closed"):
        NpzDeserializer(npz)
    with h5py.File(tmp_path / "file.h5", "w") as file:
        HDF5Serializer(file.create_group("model")).save(tree(3))
        HDF5Serializer(file)["other"].save(tree(5))
        HDF5Deserializer(file["model"]).load(from_group)
    assert from_dictionary.state() == from_npz.state() == from_group.state() == tree(3).state()


def test_the_names_are_shown_through_the_facade():
    for name in chainette_serializers.__all__:
        assert getattr(chainette.serializers, name) is getattr(chainette_serializers, name)


def test_a_serializer_says_whether_it_saves_or_loads():
    assert issubclass(DictionarySerializer, Serializer)
    assert issubclass(HDF5Deserializer, Deserializer)
    assert issubclass(Deserializer, AbstractSerializer)
    assert DictionarySerializer.is_writer
    assert HDF5Serializer.is_writer
    assert not NpzDeserializer.is_writer
    assert not HDF5Deserializer.is_writer


class FakeArray:
    """An array of another device; what it holds is reachable through its backend only."""

    def __init__(self, array: Any) -> None:
        self.held, self.shape, self.dtype = array, array.shape, array.dtype

    def __setitem__(self, index: Any, value: Any) -> None:
        assert type(value) is FakeArray
        self.held[index] = value.held


def test_arrays_of_other_devices_are_saved_and_stay_where_they_are(fmt, values, monkeypatch):
    fake = Backend(
        name="fake",
        array_types=(FakeArray,),
        xp=np,
        is_accelerator=True,
        get_device=lambda index: Device(fake, 0),
        to_host=lambda array: array.held,
        from_host=lambda array, device: FakeArray(array),
        device_of=lambda array: Device(fake, 0),
        device_scope=lambda device: nullcontext(),
        generator=lambda device, seed: None,
    )
    monkeypatch.setitem(by_type, FakeArray, fake)
    fmt.save(fmt.file, values(x=FakeArray(np.arange(3.0))))
    target = FakeArray(np.zeros(3, np.float32))
    loaded = values(x=target)
    fmt.load(fmt.file, loaded)
    assert loaded.values["x"] is target
    assert target.held.tolist() == [0, 1, 2]
    assert target.held.dtype == np.float32


def test_the_examples_in_the_documentation_run():
    run = 0
    for module in pkgutil.walk_packages(chainette_serializers.__path__, "chainette_serializers."):
        found = importlib.import_module(module.name)
        result = doctest.testmod(found, globs={"np": np, "chainette": chainette})
        assert result.failed == 0
        run += result.attempted
    assert run > 30


def test_h5py_is_imported_at_first_use_only():
    code = "import sys, chainette_serializers; sys.exit('h5py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent).returncode == 0
