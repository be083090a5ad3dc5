"""What is imported when: each part at its first use, and no other part with it."""

import subprocess
import sys

import pytest

NAMES = ("functions", "links", "optimizers", "serializers", "training", "caffe_import")
PARTS = {f"chainette_{name}" for name in NAMES}


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import chainette", set()),
        ("import chainette.functions as F; F.relu", {"chainette_functions"}),
        ("import chainette.links as L; L.Linear", {"chainette_functions", "chainette_links"}),
        ("from chainette import optimizers; optimizers.SGD", {"chainette_optimizers"}),
        ("from chainette import datasets; datasets.TupleDataset", {"chainette_training"}),
        ("from chainette import serializers; serializers.save_npz", {"chainette_serializers"}),
        (
            "from chainette.links.caffe import CaffeFunction",
            {"chainette_caffe_import", "chainette_functions", "chainette_links"},
        ),
    ],
)
def test_only_the_parts_that_are_used_are_imported(code, expected):
    code += "; import sys; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = set(
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    )
    assert loaded & PARTS == expected
    assert not loaded & {"scipy", "h5py", "matplotlib"}
