"""Blobs: how their values leave the file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chainette_caffe_import import message, read_caffemodel

from .writing import encode

VALUES = np.random.default_rng(0).standard_normal((7, 11)).astype(np.float32)
FORMS = {
    "packed": VALUES,
    "doubles": VALUES.astype(np.float64),
    "one by one": {"shape": {"dim": [7, 11]}, "data": VALUES.ravel().tolist()},
}
PEAK = """
import sys
from chainette_caffe_import import read_caffemodel

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:")) * 1024

before = peak()
blobs = read_caffemodel(sys.argv[1]).get("layer").all("blobs")
arrays = [blob.array() for blob in blobs]
print(peak() - before)
"""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("at_once", [1, 10, 76, 77, 78, 1 << 20])
def test_values_are_whole_however_many_are_copied_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, at_once: int
) -> None:
    monkeypatch.setattr(message, "AT_ONCE", at_once)
    path = tmp_path / "a.caffemodel"
    path.write_bytes(encode("NetParameter", {"layer": [{"blobs": [FORMS[form]]}, {"blobs": [VALUES[0]]}]}))
    first, second = (layer.get("blobs") for layer in read_caffemodel(path).all("layer"))
    for _ in range(2):  # what has been given back is read anew
        np.testing.assert_array_equal(first.array(), VALUES, strict=True)
        np.testing.assert_array_equal(second.array(), VALUES[0], strict=True)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says how much memory a process had")
def test_loading_takes_the_memory_of_the_arrays_once(tmp_path: Path) -> None:
    path = tmp_path / "a.caffemodel"
    blobs = [np.ones((2048, 4096), np.float32), np.ones((1024, 4096), np.float32)]
    path.write_bytes(encode("NetParameter", {"layer": [{"blobs": blobs}]}))
    done = subprocess.run([sys.executable, "-c", PEAK, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1.3 * path.stat().st_size
