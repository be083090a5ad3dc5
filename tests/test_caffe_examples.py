"""The examples with Caffe's nets run as a user runs them, and do what they say."""

import os
import re
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

CaffeFunction = pytest.importorskip("chainette_caffe_import").CaffeFunction
Image = pytest.importorskip("PIL.Image", reason="the pictures are read with Pillow")

EXAMPLE = Path(__file__).parents[1] / "examples" / "caffe"
LENET = EXAMPLE / "lenet.prototxt"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def run(script, *arguments, cwd, status=0):
    process = subprocess.run(
        [sys.executable, str(EXAMPLE / script), *map(str, arguments)],
        cwd=cwd, env={**os.environ, **ONE_THREAD}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert process.returncode == status, process.stdout + process.stderr
    assert "Warning" not in process.stderr
    assert "Traceback" not in process.stderr
    return process.stdout if status == 0 else process.stderr


def field(number, payload):
    """A field of the binary format that has a length."""

    def varint(value):
        return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)

    return varint(number << 3 | 2) + varint(len(payload)) + payload


def write_model(path, layers):
    """A .caffemodel of nothing but the blobs of layers, by their names."""

    def blob(array):
        dims = b"".join(b"\x08" + struct.pack("BB", size & 127 | 128, size >> 7) for size in array.shape)
        return field(7, field(7, dims) + field(5, array.astype("<f4").tobytes()))

    path.write_bytes(
        b"".join(field(100, field(1, name.encode()) + b"".join(map(blob, blobs))) for name, blobs in layers.items())
    )
    return path


def write_lenet(path):
    rng = np.random.default_rng(0)
    shapes = {"conv1": (20, 1, 5, 5), "conv2": (50, 20, 5, 5), "ip1": (500, 800), "ip2": (10, 500)}
    layers = {
        name: [rng.standard_normal(shape) * np.prod(shape[1:]) ** -0.5, rng.standard_normal(shape[0]) * 0.1]
        for name, shape in shapes.items()
    }
    return write_model(path, layers)


# -- LeNet reads MNIST ------------------------------------------------------------------------------------------------


def idx(array):
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_lenet_counts_what_it_reads_right(tmp_path):
    rng = np.random.default_rng(1)
    images, labels = rng.integers(0, 256, (1200, 28, 28), np.uint8), rng.integers(0, 10, 1200).astype(np.uint8)
    for part in "train", "t10k":
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    model = write_lenet(tmp_path / "lenet.caffemodel")
    output = run("lenet.py", "--data", tmp_path, "--model", model, cwd=tmp_path)
    y = CaffeFunction(model, LENET)((images[:, np.newaxis] / 256).astype("f"))
    right = (y.array.argmax(1) == labels).sum()
    assert output == f"{right} of 1,200 test digits are read right: {right / 1200:.2%}.\n"


@pytest.mark.skipif(
    not {"MNIST_DIR", "LENET_CAFFEMODEL"} <= set(os.environ),
    reason="MNIST_DIR, the folder of MNIST's files, and LENET_CAFFEMODEL, the model of 2014, are not set",
)
def test_the_lenet_of_2014_reads_9904_of_the_real_test_digits(tmp_path):
    data, model = os.environ["MNIST_DIR"], os.environ["LENET_CAFFEMODEL"]
    output = run("lenet.py", "--data", data, "--model", model, cwd=tmp_path)
    right = re.match(r"([\d,]+) of 10,000 ", output)[1]
    assert int(right.replace(",", "")) >= 9904


@pytest.mark.parametrize(
    ("script", "arguments", "named"),
    [
        ("lenet.py", ("--data", ".", "--model", "none.caffemodel"), "train-images-idx3-ubyte"),
        ("classify.py", ("none.png", "--model", "none.caffemodel"), "none.png"),
        ("classify.py", ("none", "--model", "none.caffemodel"), "no file none"),
        ("fine_tune.py", ("--model", "none.caffemodel"), "none.caffemodel"),
        (
            "style_transfer.py",
            ("--prototxt", "none.prototxt", "--content-blob", "a", "--style-blobs", "b"),
            "none.prototxt",
        ),
    ],
)
def test_a_file_that_is_not_there_gets_one_clear_line(tmp_path, script, arguments, named):
    error = run(script, *arguments, cwd=tmp_path, status=1)
    assert error.startswith(f"{script}: ")
    assert named in error
    assert len(error.splitlines()) == 1


# -- classifying a picture --------------------------------------------------------------------------------------------

COLOURS = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 10 } } }
layer { name: "mean" type: "Pooling" bottom: "data" top: "mean" pooling_param { pool: AVE global_pooling: true } }
layer { name: "fc" type: "InnerProduct" bottom: "mean" top: "fc" inner_product_param { num_output: 3 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
"""


@pytest.fixture
def colours(tmp_path):
    """The options of a net that tells blue, green and red pictures apart."""
    (tmp_path / "net.prototxt").write_text(COLOURS, encoding="utf-8")
    write_model(tmp_path / "net.caffemodel", {"fc": [np.eye(3) / 50, np.zeros(3)]})
    (tmp_path / "names.txt").write_text("blue\ngreen\nred\n", encoding="utf-8")
    return "--model", "net.caffemodel", "--prototxt", "net.prototxt", "--labels", "names.txt"


@pytest.mark.parametrize("colour", ["red", "green", "blue"])
def test_a_picture_of_one_colour_is_classified_as_that(tmp_path, colours, colour):
    Image.new("RGB", (31, 17), colour if colour != "green" else "lime").save(tmp_path / "picture.png")
    output = run("classify.py", "picture.png", *colours, "--mean", 100, 100, 100, "--top", 2, cwd=tmp_path)
    first, second = output.splitlines()
    e = np.exp(np.array([155, -100, -100]) / 50)
    assert first == f"{e[0] / e.sum():7.2%}  {colour}"
    assert second.split()[0] == f"{e[1] / e.sum():.2%}"


def test_with_a_size_the_middle_is_cut_out(tmp_path, colours):
    pixels = np.zeros((40, 40, 3), np.uint8)
    pixels[...] = 255, 0, 0
    pixels[10:30, 10:30] = 0, 0, 255
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    for size, colour in ((10, "red"), (40, "blue")):
        output = run("classify.py", "picture.png", *colours, "--size", size, cwd=tmp_path)
        assert output.splitlines()[0].endswith(colour)


# -- fine-tuning ------------------------------------------------------------------------------------------------------


def test_fine_tuning_learns_the_digits_and_leaves_the_frozen_layers_alone(tmp_path):
    model = write_lenet(tmp_path / "lenet.caffemodel")
    output = run("fine_tune.py", "--model", model, "--epochs", 1, cwd=tmp_path)
    before, after = (float(share) for share in re.findall(r"reads? ([\d.]+)%", output))
    assert before < 30
    assert after > 85
    net = CaffeFunction(model, LENET)
    with np.load(tmp_path / "out" / "model.npz") as file:
        same = {name: (file[f"net/{name}/W"] == net[name].W.array).all() for name in ("conv1", "conv2", "ip1")}
        assert same == {"conv1": True, "conv2": True, "ip1": False}
        assert file["last/W"].shape == (10, 500)


def test_without_a_model_it_learns_anew(tmp_path):
    output = run("fine_tune.py", "--epochs", 1, cwd=tmp_path)
    assert float(re.search(r"reads ([\d.]+)%", output)[1]) > 85


# -- style transfer ---------------------------------------------------------------------------------------------------

FEATURES = """
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 8 dim: 8 } } }
layer {
  name: "conv1" type: "Convolution" bottom: "data" top: "conv1"
  convolution_param { num_output: 8 kernel_size: 3 pad: 1 weight_filler { type: "msra" } }
}
layer { name: "relu1" type: "ReLU" bottom: "conv1" top: "conv1" }
layer { name: "pool1" type: "Pooling" bottom: "conv1" top: "pool1" pooling_param { kernel_size: 2 stride: 2 } }
layer {
  name: "conv2" type: "Convolution" bottom: "pool1" top: "conv2"
  convolution_param { num_output: 16 kernel_size: 3 pad: 1 weight_filler { type: "msra" } }
}
layer { name: "relu2" type: "ReLU" bottom: "conv2" top: "conv2" }
"""
BLOBS = "--prototxt", "net.prototxt", "--content-blob", "conv2", "--style-blobs", "conv1", "conv2"


def losses(output, name):
    return [float(value) for value in re.findall(rf"{name} ([\d.]+)", output)]


def test_style_transfer_brings_a_picture_closer_to_the_style(tmp_path):
    (tmp_path / "net.prototxt").write_text(FEATURES, encoding="utf-8")
    rng = np.random.default_rng(0)
    x, y = np.meshgrid(np.arange(48), np.arange(32))
    content = np.stack([5 * x, 7 * y, 128 + 0 * x], 2).astype(np.uint8)
    Image.fromarray(content).save(tmp_path / "content.png")
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), np.uint8)).save(tmp_path / "style.png")
    pictures = "--content", "content.png", "--style", "style.png", "--size", 40
    output = run("style_transfer.py", *BLOBS, *pictures, "--steps", 60, cwd=tmp_path)
    style = losses(output, "style")
    assert style[-1] < style[0] / 2
    assert losses(output, "content")[0] < 1e-4  # it starts from the content image
    with Image.open(tmp_path / "painting.png") as painting, Image.open(tmp_path / "content.png") as image:
        assert painting.size == (40, 27)
        change = np.abs(np.asarray(painting, float) - np.asarray(image.resize(painting.size), float))
    assert 5 < change.mean() < 120


def test_style_transfer_takes_pictures_of_scikit_image(tmp_path):
    pytest.importorskip("skimage")
    (tmp_path / "net.prototxt").write_text(FEATURES, encoding="utf-8")
    output = run("style_transfer.py", *BLOBS, "--size", 32, "--steps", 2, cwd=tmp_path)
    assert "The picture is in painting.png" in output
