"""Known nets at their full size: shapes and numbers of parameters are those of the papers, and gradients arrive."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainette
import chainette.functions as F
from chainette_caffe_import import CaffeFunction

from . import zoo

# The sizes of blobs for one image, by name: channels, height and width, or whatever a blob has.
SHAPES = {
    "alexnet": {
        "conv1": (96, 55, 55), "pool1": (96, 27, 27), "pool2": (256, 13, 13), "pool5": (256, 6, 6), "fc7": (4096,),
        "prob": (1000,),
    },
    "vgg16": {"pool1": (64, 112, 112), "pool4": (512, 14, 14), "pool5": (512, 7, 7), "prob": (1000,)},
    "googlenet": {
        "conv1/7x7_s2": (64, 112, 112), "pool1/3x3_s2": (64, 56, 56), "inception_3a/output": (256, 28, 28),
        "inception_3b/output": (480, 28, 28), "inception_4a/output": (512, 14, 14),
        "inception_4e/output": (832, 14, 14),
        "inception_5b/output": (1024, 7, 7), "pool5/7x7_s1": (1024, 1, 1), "prob": (1000,),
    },
    "resnet50": {
        "res_conv1": (64, 112, 112), "res2c": (256, 56, 56), "res3d": (512, 28, 28), "res4f": (1024, 14, 14),
        "res5c": (2048, 7, 7), "prob": (1000,),
    },
    "squeezenet": {
        "conv1": (64, 113, 113), "fire3/concat": (128, 56, 56), "fire5/concat": (256, 28, 28),
        "fire9/concat": (512, 14, 14), "prob": (1000, 1, 1),
    },
    "mobilenet": {
        "conv1": (32, 112, 112), "conv2/dw": (32, 112, 112), "conv6/sep": (256, 28, 28), "conv12/sep": (512, 14, 14),
        "conv14/sep": (1024, 7, 7), "prob": (1000, 1, 1),
    },
    "ssd300": {
        "conv4_3": (512, 38, 38), "fc7": (1024, 19, 19), "conv6_2": (512, 10, 10), "conv9_2": (256, 1, 1),
        "mbox_loc": (8732 * 4,), "mbox_priorbox": (2, 8732 * 4), "mbox_conf_flatten": (8732 * 21,),
    },
}  # fmt: skip

VGG_CONVOLUTIONS = 14_714_688
# Published numbers; those of FCN-8s add up here.
PARAMETERS = {
    "alexnet": 60_965_224,
    "vgg16": 138_357_544,
    "googlenet": 6_998_552,
    "resnet50": 25_557_032,
    "squeezenet": 1_235_496,
    "mobilenet": 4_231_976,
    "ssd300": 26_285_486,
    "fcn8s": VGG_CONVOLUTIONS
    + sum(
        outputs * (inputs + 1) for outputs, inputs in [(4096, 49 * 512), (4096, 4096), (21, 4096), (21, 512), (21, 256)]
    )
    + 21 * (4 * 4 + 4 * 4 + 16 * 16),
}


def build(text: str, folder: Path) -> CaffeFunction:
    path = folder / "net.prototxt"
    path.write_text(text, encoding="utf-8")
    chainette.seed(0)
    return CaffeFunction(None, path)


def run(net: CaffeFunction, outputs: list[str], **options: Any) -> dict[str, chainette.Variable]:
    image = np.random.default_rng(0).standard_normal(net.input_shapes["data"]).astype("f")
    return dict(zip(outputs, net(inputs={"data": image}, outputs=outputs, **options), strict=True))


def require_gradients(net: CaffeFunction, ys: list[chainette.Variable], parameters: int) -> None:
    """Of a sum with random weights, so that not even those of a softmax cancel each other."""
    assert sum(parameter.size for parameter in net.params()) == parameters
    rng = np.random.default_rng(1)
    net.cleargrads()
    sum(F.sum(y * rng.standard_normal(y.shape).astype("f")) for y in ys).backward()
    for name, parameter in net.namedparams():
        assert parameter.grad is not None, name
        assert np.isfinite(parameter.grad).all(), name
        assert parameter.grad.any(), name


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "ssd300"])
def test_a_classifier_has_its_papers_shapes_and_learns(name: str, tmp_path: Path) -> None:
    text: Callable[[], str] = getattr(zoo, name)
    net = build(text(), tmp_path)
    # Fresh statistics of BatchNorm are zero, so that it has to take those of the image: as in training.
    found = run(net, list(SHAPES[name]), train=True)
    assert {blob: y.shape for blob, y in found.items()} == {blob: (1, *size) for blob, size in SHAPES[name].items()}
    assert net.outputs == ["prob"]
    np.testing.assert_allclose(found["prob"].array.sum(), 1, atol=1e-5)
    require_gradients(net, [found["prob"]], PARAMETERS[name])


def test_ssd_300_finds_boxes_for_its_8732_places_and_learns(tmp_path: Path) -> None:
    net = build(zoo.ssd300(), tmp_path)
    found = run(net, [*SHAPES["ssd300"], "detection_out"])
    rows = found.pop("detection_out").array
    assert {blob: y.shape for blob, y in found.items()} == {blob: (1, *size) for blob, size in SHAPES["ssd300"].items()}
    assert net.outputs == ["detection_out"]
    assert rows.shape[:2] == (1, 1)
    assert rows.shape[3] == 7
    assert 1 <= rows.shape[2] <= 200
    assert set(rows[0, 0, :, 1]) <= set(range(1, 21))
    require_gradients(net, [found["mbox_loc"], found["mbox_conf_flatten"]], PARAMETERS["ssd300"])


@pytest.mark.parametrize("size", [(48, 64), pytest.param((500, 500), marks=pytest.mark.full)])
def test_fcn_8s_scores_every_pixel_of_an_image_of_any_size_and_learns(size: tuple[int, int], tmp_path: Path) -> None:
    net = build(zoo.fcn8s(*size), tmp_path)
    found = run(net, ["score"], train=True)
    assert net.outputs == ["score"]
    assert found["score"].shape == (1, 21, *size)
    require_gradients(net, [found["score"]], PARAMETERS["fcn8s"])
