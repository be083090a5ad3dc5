"""Files appear whole or not at all; a damaged one is a LoadError and changes nothing."""

from __future__ import annotations

import io
import os
import random
import stat
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from chainette.errors import ArgumentError, LoadError
from chainette_serializers import load_hdf5, load_npz, save_npz


class Breaking:
    """Raises after its first value."""

    def serialize(self, serializer: Any) -> None:
        serializer("x", np.zeros(1000))
        raise RuntimeError("midway")


@pytest.mark.parametrize("present", [True, False])
def test_an_error_midway_leaves_what_was_there(fmt, tree, present):
    if present:
        fmt.save(fmt.file, tree(3))
    before = fmt.file.read_bytes() if present else None
    with pytest.raises(RuntimeError, match="midway"):
        fmt.save(fmt.file, Breaking())
    assert os.listdir(fmt.folder) == ([fmt.file.name] if present else [])
    assert not present or fmt.file.read_bytes() == before


@pytest.mark.parametrize("function", ["replace", "fsync"])
@pytest.mark.parametrize("error", [OSError("no"), KeyboardInterrupt()])
def test_an_error_of_the_disk_leaves_what_was_there(fmt, tree, monkeypatch, function, error):
    fmt.save(fmt.file, tree(3))
    before = fmt.file.read_bytes()

    def fail(*args: Any) -> None:
        assert len(os.listdir(fmt.folder)) == 2
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, function, fail)
        with pytest.raises(type(error)):
            fmt.save(fmt.file, tree(5))
    assert os.listdir(fmt.folder) == [fmt.file.name]
    assert fmt.file.read_bytes() == before


def test_the_file_is_flushed_to_the_disk_before_it_takes_its_place(fmt, tree, monkeypatch):
    calls = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append(("fsync", os.fstat(fd).st_size)), fsync(fd)))
    monkeypatch.setattr(os, "replace", lambda a, b: (calls.append(("replace", os.stat(a).st_size)), replace(a, b)))
    fmt.save(fmt.file, tree(3))
    size = fmt.file.stat().st_size
    assert calls == [("fsync", size), ("replace", size)]


@pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
def test_a_new_file_has_the_mode_of_the_umask_and_a_replaced_one_keeps_its_own(fmt, tree):
    old = os.umask(0o027)
    try:
        fmt.save(fmt.file, tree(3))
        assert stat.S_IMODE(fmt.file.stat().st_mode) == 0o640
        fmt.file.chmod(0o600)
        fmt.save(fmt.file, tree(5))
        assert stat.S_IMODE(fmt.file.stat().st_mode) == 0o600
    finally:
        os.umask(old)


@pytest.mark.skipif(os.name != "posix", reason="modes and links are POSIX's")
def test_a_symbolic_link_stays_one(fmt, tree):
    link = fmt.folder / "link"
    link.symlink_to(fmt.file)
    fmt.save(link, tree(3))
    assert link.is_symlink()
    other = tree()
    fmt.load(fmt.file, other)
    assert other.t == 3


def test_what_is_no_regular_file_is_not_replaced(fmt, tree):
    (fmt.folder / "sub").mkdir()
    for name in (fmt.folder / "sub", os.devnull):
        with pytest.raises(ArgumentError, match=f"save_{fmt.name}: .*no regular file"):
            fmt.save(name, tree(3))


def test_a_folder_that_is_not_there_is_named(fmt, tree):
    with pytest.raises(FileNotFoundError, match="absent'"):
        fmt.save(fmt.folder / "absent" / "file", tree(3))


def test_a_name_without_a_folder_and_a_name_as_a_str_will_do(fmt, tree, monkeypatch):
    monkeypatch.chdir(fmt.folder)
    fmt.save("plain", tree(3))
    assert os.listdir() == ["plain"]
    fmt.load("plain", tree())


def test_a_missing_file_is_a_file_not_found_error(fmt, tree):
    with pytest.raises(FileNotFoundError, match="model"):
        fmt.load(fmt.file, tree())


def load_damaged(fmt, obj: Any, data: bytes) -> LoadError | None:
    """Load these bytes; after a LoadError the object must be as it was."""
    fmt.file.write_bytes(data)
    before = obj.state()
    try:
        fmt.load(fmt.file, obj)
    except LoadError as error:
        assert obj.state() == before
        return error
    return None


@pytest.mark.parametrize("data", [b"", b"PK", b"no such format", b"\x89HDF\r\n\x1a\n", b"PK\x05\x06" + bytes(17)])
def test_a_file_of_another_format_is_named_with_the_reason(fmt, tree, data):
    error = load_damaged(fmt, tree(5), data)
    assert error is not None
    assert str(error).startswith(f"load_{fmt.name}: {fmt.file} cannot be read (")
    assert "restore it from a copy" in str(error)
    assert error.__cause__ is not None


def test_the_file_of_one_format_is_not_that_of_the_other(fmt, tree, tmp_path):
    np.save(tmp_path / "single.npy", np.zeros(3))
    assert load_damaged(fmt, tree(5), (tmp_path / "single.npy").read_bytes()) is not None


def test_a_truncated_file_never_loads(fmt, tree):
    fmt.save(fmt.file, tree(3))
    data = fmt.file.read_bytes()
    for length in [*range(0, len(data), max(1, len(data) // 60)), len(data) - 1]:
        assert load_damaged(fmt, tree(5), data[:length]) is not None


def test_damaged_bytes_raise_nothing_but_a_load_error(fmt, tree):
    fmt.save(fmt.file, tree(3))
    data = fmt.file.read_bytes()
    draw = random.Random(3)
    failed = 0
    for _ in range(250):
        damaged = bytearray(data)
        for _ in range(draw.choice([1, 1, 4, 16])):
            damaged[draw.randrange(len(data))] = draw.randrange(256)
        failed += load_damaged(fmt, tree(5), bytes(damaged)) is not None
    assert failed > 100


@pytest.mark.parametrize("compression", [True, False])
def test_a_damaged_array_is_found_and_named(fmt, tree, compression):
    obj = tree(3)
    obj.l2.W.array = noise = np.random.default_rng(0).normal(size=(20, 30)).astype(np.float32)
    target = tree(5)
    target.l2.W.array = np.zeros((20, 30), np.float32)
    fmt.save(fmt.file, obj, {"npz": compression, "hdf5": 4 if compression else None}[fmt.name])
    data = fmt.file.read_bytes()
    if not compression:
        at = data.index(noise.tobytes()[:64])
    elif fmt.name == "npz":
        at = data.index(b"l2/W.npy") + 500
    else:
        with h5py.File(fmt.file) as file:
            at = file["l2/W"].id.get_chunk_info(0).byte_offset + 100
    error = load_damaged(fmt, target, data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    assert error is not None
    assert "entry 'l2/W', cannot be read" in str(error)


NPZ = io.BytesIO()
save_npz(NPZ, type("One", (), {"serialize": lambda self, s: [s("W", np.arange(50.0)), s["l"]("t", 3)]})())


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_a_damaged_npz_file_loads_right_or_not_at_all(data):
    good = NPZ.getvalue()
    damaged = bytearray(good)
    for at in data.draw(st.lists(st.integers(0, len(good) - 1), min_size=1, max_size=8)):
        damaged[at] = data.draw(st.integers(0, 255))

    class Two:
        W, t = np.zeros(50), 0

        def serialize(self, serializer: Any) -> None:
            serializer("W", self.W)
            self.t = serializer["l"]("t", self.t)

    two = Two()
    two.W = np.zeros(50)
    try:
        load_npz(io.BytesIO(damaged), two)
    except LoadError:
        assert (two.t, two.W.any()) == (0, False)
    else:
        assert (two.t, two.W.tolist()) == (3, list(range(50)))


@pytest.mark.parametrize("kind", ["external", "virtual"])
def test_a_dataset_that_lies_in_another_file_is_refused(kind, tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"\0" * 16)
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        if kind == "external":
            file.create_dataset("x", (2,), "d", external=[(str(secret), 0, 16)])
        else:
            layout = h5py.VirtualLayout((2,), "d")
            layout[:] = h5py.VirtualSource(str(secret), "x", (2,))
            file.create_virtual_dataset("x", layout)

    class Reads:
        def __init__(self) -> None:
            self.x = np.ones(2)

        def serialize(self, serializer: Any) -> None:
            serializer("x", self.x)

    reads = Reads()
    with pytest.raises(LoadError, match="lies in another file"):
        load_hdf5(path, reads)
    assert reads.x.tolist() == [1, 1]
