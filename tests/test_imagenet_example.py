"""The six networks of ImageNet learn from a folder of images."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rich")
pytest.importorskip("PIL", reason="the images are read with Pillow")

EXAMPLE = Path(__file__).parents[1] / "examples" / "imagenet"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run(script, *arguments, status=0):
    process = subprocess.run(
        [sys.executable, str(EXAMPLE / script), *map(str, arguments)],
        env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert process.returncode == status, process.stdout + process.stderr
    assert "Warning" not in process.stderr
    return process.stdout if status == 0 else process.stderr


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imagenet") / "images"
    run("make_images.py", folder, "--classes", 2, "--images", 4, "--size", 64)
    return folder


SIZES = {"alex": 39, "googlenet": 79, "googlenetbn": 71, "nin": 39, "resnet50": 32, "vgg": 32}


@pytest.mark.full
@pytest.mark.parametrize("arch", SIZES)
def test_each_network_trains_and_is_saved(images, tmp_path, arch):
    output = run(
        "train_imagenet.py", images, "--arch", arch, "--insize", SIZES[arch], "--epochs", 1, "--batch-size", 4,
        "--out", tmp_path,
    )  # fmt: skip
    assert "it predicts exactly the same" in output
    with np.load(tmp_path / "model.npz") as model:
        assert all(np.isfinite(model[key]).all() for key in model)


def test_an_interrupted_training_goes_on(images, tmp_path):
    options = ("--arch", "nin", "--insize", 67, "--batch-size", 4, "--out", tmp_path)
    run("train_imagenet.py", images, *options, "--epochs", 1)
    output = run("train_imagenet.py", images, *options, "--epochs", 2, "--resume")
    assert [line.split()[0] for line in output.splitlines() if line.strip()[:1].isdigit()] == ["2"]


def test_a_file_that_is_no_image_is_named(images, tmp_path):
    stray = next((images / "train").iterdir()) / "zzz.jpg"
    stray.write_bytes(b"no image")
    try:
        error = run(
            "train_imagenet.py", images, "--arch", "vgg", "--insize", 32, "--epochs", 1, "--out", tmp_path, status=1
        )
    finally:
        stray.unlink()
    assert str(stray) in error
    assert len(error.splitlines()) == 1
