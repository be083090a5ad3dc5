"""PriorBox and DetectionOutput: the boxes that an SSD net starts from, and those that it finds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

import chainette
from chainette import Variable
from chainette.errors import ShapeError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError, CaffeUnsupportedError
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.message import Message

Floats = npt.NDArray[np.floating[Any]]


class PriorBox(Layer):
    """Boxes around each place of a feature map, as shares of the image. Bottoms: the feature map, and the image.

    The top has shape (1, 2, 4 boxes): the corners of all boxes, and the variances by which DetectionOutput scales.
    """

    bottoms = (2, 2)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("prior_box_param")
        self.sizes = _box_sizes(parameters)
        self.clip = bool(parameters.get("clip", False))
        self.variance = [float(each) for each in parameters.all("variance")] or [0.1]
        if len(self.variance) not in (1, 4) or not all(each > 0 for each in self.variance):
            raise CaffeNetError(f"variance is {self.variance} (expected one or four numbers above 0)")
        self.image = _height_and_width(parameters, "img", "img_size")
        self.step = _height_and_width(parameters, "step", "step")
        self.offset = float(parameters.get("offset", 0.5))

    def forward(self, x: Variable, image: Variable) -> Variable:
        if x.ndim != 4 or image.ndim != 4 or 0 in image.shape[2:]:
            raise ShapeError(
                f"PriorBox: the bottoms have shapes {x.shape} and {image.shape} (expected four axes, and an image)."
            )
        height, width = self.image or image.shape[2:]
        rows, columns = x.shape[2:]
        step_h, step_w = self.step or (height / max(rows, 1), width / max(columns, 1))
        center_y, center_x = np.meshgrid(
            (np.arange(rows) + self.offset) * step_h, (np.arange(columns) + self.offset) * step_w, indexing="ij"
        )
        center = np.stack([center_x, center_y], -1)[:, :, None]
        half = np.array(self.sizes) / 2
        boxes = np.concatenate([center - half, center + half], -1) / [width, height, width, height]
        if self.clip:
            boxes = boxes.clip(0, 1)
        variances = np.broadcast_to(self.variance, boxes.shape)
        priors = np.stack([boxes.ravel(), variances.ravel()])[None].astype(x.dtype)
        return Variable(x.device.send(priors), requires_grad=False)


class DetectionOutput(Layer):
    """The boxes that are left when those that overlap better ones of their class are dropped.

    Bottoms: where the boxes are in terms of the priors, (N, priors x 4); the scores, (N, priors x classes); the priors.
    The top has shape (1, 1, boxes, 7): image, class, score, left, top, right and bottom, by image, class and score. If
    nothing is found it is one row of -1.
    """

    bottoms = (3, None)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        if len(definition.bottoms) > 3:
            raise CaffeUnsupportedError(f"it has {len(definition.bottoms)} bottoms, of which three are known")
        parameters = definition.parameters("detection_output_param")
        self.n_classes = int(parameters.get("num_classes", 0))
        if self.n_classes < 1:
            raise CaffeNetError(f"num_classes is {self.n_classes} (expected at least 1)")
        self.share_location = bool(parameters.get("share_location", True))
        self.background = int(parameters.get("background_label_id", 0))
        self.code = parameters.get("code_type", "CORNER")
        if self.code not in ("CORNER", "CENTER_SIZE", "CORNER_SIZE"):
            raise CaffeNetError(f"code_type is {self.code} (expected CORNER, CENTER_SIZE or CORNER_SIZE)")
        self.has_variance_in_target = bool(parameters.get("variance_encoded_in_target", False))
        self.keep_top_k = int(parameters.get("keep_top_k", -1))
        self.least_score = float(parameters.get("confidence_threshold", -np.inf))
        suppression = parameters.message("nms_param")
        self.overlap = float(suppression.get("nms_threshold", 0.3))
        self.top_k = int(suppression.get("top_k", -1))
        self.eta = float(suppression.get("eta", 1.0))
        if not (self.overlap >= 0 and 0 < self.eta <= 1):
            raise CaffeNetError(
                f"nms_threshold is {self.overlap} and eta {self.eta} (expected at least 0, and a number up to 1)"
            )

    def forward(self, location: Variable, score: Variable, prior: Variable) -> Variable:
        places, scores, priors = (chainette.to_device(each.array, "cpu") for each in (location, score, prior))
        n_priors, n_places = priors.size // 8, 1 if self.share_location else self.n_classes
        n_images = places.shape[0] if places.ndim else 0
        wanted = (n_images * n_priors * n_places * 4, n_images * n_priors * self.n_classes, n_priors * 8)
        if 0 in wanted or (places.size, scores.size, priors.size) != wanted:
            raise ShapeError(
                f"DetectionOutput: the bottoms have shapes {places.shape}, {scores.shape} and {priors.shape} (expected "
                f"{wanted[0]}, {wanted[1]} and {wanted[2]} values for {n_images} images, {n_priors} priors and "
                f"{self.n_classes} classes)."
            )
        places = places.reshape(n_images, n_priors, n_places, 4)
        scores = scores.reshape(n_images, n_priors, self.n_classes)
        prior_boxes, variances = priors.reshape(2, n_priors, 1, 4)
        with np.errstate(all="ignore"):  # sizes are exponentials, which may be infinite
            boxes = _decoded(places, prior_boxes, None if self.has_variance_in_target else variances, self.code)
            rows = [row for i in range(n_images) for row in self._of_image(i, boxes[i], scores[i])]
        found = np.array(rows or [[-1.0] * 7], places.dtype).reshape(1, 1, -1, 7)
        return Variable(location.device.send(found), requires_grad=False)

    def _of_image(self, image: int, boxes: Floats, scores: Floats) -> list[list[float]]:
        found: list[tuple[float, int, Floats]] = []
        for label in range(self.n_classes):
            if label != self.background:
                its_boxes, its_scores = boxes[:, 0 if self.share_location else label], scores[:, label]
                found += [(its_scores[k], label, its_boxes[k]) for k in self._suppressed(its_boxes, its_scores)]
        if -1 < self.keep_top_k < len(found):
            best = sorted(found, key=lambda each: -each[0])[: self.keep_top_k]
            found = sorted(best, key=lambda each: each[1])
        return [[image, label, score, *box] for score, label, box in found]

    def _suppressed(self, boxes: Floats, scores: Floats) -> list[int]:
        """The boxes of one class that are kept, the best first."""
        candidates = np.flatnonzero(scores > self.least_score)
        candidates = candidates[np.argsort(-scores[candidates], kind="stable")]
        if self.top_k > -1:
            candidates = candidates[: self.top_k]
        boxes, threshold = boxes[candidates], self.overlap
        most = np.zeros(len(candidates), boxes.dtype)  # of what each candidate shares with those that are kept
        kept = []
        for i, candidate in enumerate(candidates):
            if most[i] <= threshold:
                kept.append(int(candidate))
                most[i + 1 :] = np.maximum(most[i + 1 :], _overlaps(boxes[i], boxes[i + 1 :]))
                if self.eta < 1 and threshold > 0.5:
                    threshold *= self.eta
        return kept


def _box_sizes(parameters: Message) -> list[tuple[float, float]]:
    """Width and height of the boxes at each place."""
    smallest = [float(each) for each in parameters.all("min_size")]
    largest = [float(each) for each in parameters.all("max_size")]
    if not smallest or not all(0 < each < math.inf for each in smallest):
        raise CaffeNetError(f"min_size is {smallest} (expected numbers above 0)")
    pairs = list(zip(smallest, largest, strict=False))
    if largest and not (len(largest) == len(smallest) and all(low < high < math.inf for low, high in pairs)):
        raise CaffeNetError(f"max_size is {largest} (expected one for each min_size, {smallest}, and above it)")
    ratios = [1.0]
    flip = parameters.get("flip", True)
    for ratio in map(float, parameters.all("aspect_ratio")):
        if not 0 < ratio < math.inf:
            raise CaffeNetError(f"aspect_ratio is {ratio} (expected a number above 0)")
        if all(abs(ratio - other) >= 1e-6 for other in ratios):
            ratios += [ratio, 1 / ratio] if flip else [ratio]
    sizes = []
    for i, size in enumerate(map(math.floor, smallest)):  # Caffe keeps the sizes as whole numbers
        sizes.append((float(size), float(size)))
        if largest:
            sizes.append((math.sqrt(size * math.floor(largest[i])),) * 2)
        roots = [math.sqrt(ratio) for ratio in ratios if abs(ratio - 1) >= 1e-6]
        sizes += [(size * root, size / root) for root in roots]
    return sizes


def _height_and_width(parameters: Message, stem: str, both: str) -> tuple[float, float] | None:
    """What is given as two numbers, or as one for both; None where nothing is."""
    height, width, side = parameters.get(f"{stem}_h"), parameters.get(f"{stem}_w"), parameters.get(both)
    if height is None and width is None:
        if side is None:
            return None
        height = width = side
    elif side is not None:
        raise CaffeNetError(f"both {both} and {stem}_h or {stem}_w are given (expected either)")
    if height is None or width is None or not (0 < height < math.inf and 0 < width < math.inf):
        raise CaffeNetError(f"{stem}_h is {height} and {stem}_w {width} (expected numbers above 0)")
    return float(height), float(width)


def _decoded(places: Floats, priors: Floats, variances: Floats | None, code: str) -> Floats:
    """The corners of the boxes that are meant by what the net says of each prior."""
    if variances is not None:
        places = places * variances
    size = priors[..., 2:] - priors[..., :2]
    if code != "CENTER_SIZE":
        boxes: Floats = priors + (places if code == "CORNER" else places * np.concatenate([size, size], -1))
        return boxes
    center = places[..., :2] * size + (priors[..., :2] + priors[..., 2:]) / 2
    half = np.exp(places[..., 2:]) * size / 2
    return np.concatenate([center - half, center + half], -1)


def _overlaps(box: Floats, others: Floats) -> Floats:
    """Intersection over union of a box with each of the others."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = sides[:, 0] * sides[:, 1]
    union = _area(box) + _area(others) - shared
    overlaps: Floats = np.where((sides > 0).all(1), shared / union, 0)
    return overlaps


def _area(boxes: Floats) -> Any:
    return np.prod(boxes[..., 2:] - boxes[..., :2], -1)
