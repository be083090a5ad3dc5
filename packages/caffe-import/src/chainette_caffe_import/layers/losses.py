"""Losses, and the accuracy. Labels may be of floats, as Caffe has them, and are constants: no gradient flows there."""

from __future__ import annotations

import math
from typing import Any

import chainette.functions as F
from chainette import Variable
from chainette.checks import normalize_axis, require_range
from chainette.errors import ShapeError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError, CaffeUnsupportedError
from chainette_caffe_import.layer import Layer

FLT_MIN = 2.0**-126
LEAST_PROBABILITY = 1e-20


class Loss(Layer):
    """What the losses have in common. Caffe allows a loss without a top, whose value is only shown."""

    bottoms = (2, 2)
    tops = (0, 1)


class LossOverLabels(Loss):
    """A loss that may ignore a label, and chooses what the sum is divided by."""

    normalization = "VALID"

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("loss_param")
        self.ignore_label = parameters.get("ignore_label")
        normalize = parameters.get("normalize")  # of before there was normalization, which wins
        if normalize is not None:
            self.normalization = "VALID" if normalize else "BATCH_SIZE"
        self.normalization = parameters.get("normalization", self.normalization)
        if self.normalization not in ("FULL", "VALID", "BATCH_SIZE", "NONE"):
            raise CaffeNetError(f"normalization is {self.normalization} (expected FULL, VALID, BATCH_SIZE or NONE)")

    def normalized(self, loss: Variable, kept: Any, batch_size: int) -> Variable:
        """The sum of the losses at each position, divided; ``kept`` says where the label is not ignored."""
        if self.normalization == "VALID":
            with loss.device.use():
                divisor = int(kept.sum())
        else:
            divisor = {"FULL": kept.size, "BATCH_SIZE": batch_size, "NONE": 1}[self.normalization]
        return F.sum(loss) / max(divisor, 1)


class SoftmaxWithLoss(LossOverLabels):
    """-log softmax(x)[label] with the softmax along ``axis``. The second top, if wanted, is the softmax."""

    tops = (0, 2)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("softmax_param")
        self.axis = int(parameters.get("axis", 1))
        parameters.ignore("engine")
        self.has_softmax_top = len(definition.tops) > 1

    def forward(self, x: Variable, t: Variable) -> Variable | tuple[Variable, Variable]:
        axis = normalize_axis(type(self).__name__, self.axis, x.ndim)
        scores = _around(x, axis)
        labels, kept = _labels("SoftmaxWithLoss", t, scores, self.ignore_label)
        ignore = -1 if self.ignore_label is None else self.ignore_label
        loss = F.softmax_cross_entropy(scores, labels, ignore_label=ignore, reduce="no")
        loss = self.normalized(-_at_least(-loss, math.log(FLT_MIN)), kept, len(scores))
        return (loss, F.softmax(x, axis)) if self.has_softmax_top else loss


class InfogainLoss(LossOverLabels):
    """-sum_j H[label, j] log softmax(x)[j]. Bottoms: x, labels, and the matrix H. The second top is the softmax."""

    bottoms = (2, 3)
    tops = (0, 2)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("infogain_loss_param")
        source = parameters.get("source")
        if len(definition.bottoms) < 3:
            if source is None:
                raise CaffeNetError("there is no infogain matrix (expected a third bottom)")
            raise CaffeUnsupportedError(f"the infogain matrix is in the file {source!r}, which is not read")
        self.axis = int(parameters.get("axis", 1))
        definition.parameters("softmax_param").ignore("engine", "axis")
        self.has_softmax_top = len(definition.tops) > 1

    def forward(self, x: Variable, t: Variable, H: Variable) -> Variable | tuple[Variable, Variable]:
        axis = normalize_axis(type(self).__name__, self.axis, x.ndim)
        scores = _around(x, axis)
        n_classes = scores.shape[1]
        if H.size != n_classes**2:
            raise ShapeError(
                f"InfogainLoss: H has shape {H.shape} (expected {n_classes} x {n_classes} values for x of {x.shape})."
            )
        labels, kept = _labels("InfogainLoss", t, scores, self.ignore_label)
        with x.device.use():
            rows = H.array.reshape(n_classes, n_classes)[x.xp.where(kept, labels, 0)] * kept[..., None]
            weights = x.xp.moveaxis(rows, -1, 1).astype(x.dtype)
        log_softmax = _at_least(F.log_softmax(scores, axis=1), math.log(LEAST_PROBABILITY))
        loss = self.normalized(-log_softmax * weights, kept, len(scores))
        return (loss, F.softmax(x, axis)) if self.has_softmax_top else loss


class SigmoidCrossEntropyLoss(LossOverLabels):
    """-(t log p + (1 - t) log(1 - p)) with p = sigmoid(x); t may be any number from 0 to 1."""

    normalization = "BATCH_SIZE"

    def forward(self, x: Variable, t: Variable) -> Variable:
        x = _as_rows("SigmoidCrossEntropyLoss", x)
        _require_size("SigmoidCrossEntropyLoss", t, x.size, x)
        with x.device.use():
            target = t.array.reshape(x.shape)
            # What is ignored is looked for among whole numbers, as Caffe does: 0.7 is 0.
            kept = x.xp.ones(x.shape, "?") if self.ignore_label is None else target.astype("i") != self.ignore_label
            target = target.astype(x.dtype)
        loss = F.where(kept, F.softplus(x) - x * target, 0.0)
        return self.normalized(loss, kept, len(x))


class MultinomialLogisticLoss(Loss):
    """-log p[label], averaged over the batch, of probabilities that a softmax has computed before."""

    def forward(self, p: Variable, t: Variable) -> Variable:
        rows = _as_rows("MultinomialLogisticLoss", p)
        labels, _ = _labels("MultinomialLogisticLoss", t, rows, None)
        picked = _at_least(F.select_item(rows, labels), LEAST_PROBABILITY)
        return -F.sum(F.log(picked)) / max(len(rows), 1)


class HingeLoss(Loss):
    """max(0, 1 - x) of the label and max(0, 1 + x) of the others, or the squares, averaged over the batch."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.norm = definition.parameters("hinge_loss_param").get("norm", "L1")
        if self.norm not in ("L1", "L2"):
            raise CaffeNetError(f"norm is {self.norm} (expected L1 or L2)")

    def forward(self, x: Variable, t: Variable) -> Variable:
        rows = _as_rows("HingeLoss", x)
        labels, _ = _labels("HingeLoss", t, rows, None)
        return F.hinge(rows, labels, self.norm)


class EuclideanLoss(Loss):
    """The sum of (a - b)^2 over twice the batch size."""

    def forward(self, a: Variable, b: Variable) -> Variable:
        a = _as_rows("EuclideanLoss", a)
        _require_size("EuclideanLoss", b, a.size, a)
        difference = a - F.reshape(F.cast(b, a.dtype), a.shape)
        return F.sum(difference * difference) / (2 * max(len(a), 1))


class ContrastiveLoss(Loss):
    """d^2 for pairs that are alike, max(margin - d, 0)^2 for others, over twice the batch size.

    Bottoms: two batches of vectors, and whether each pair is alike. ``legacy_version`` has max(margin - d^2, 0).
    """

    bottoms = (3, 3)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("contrastive_loss_param")
        self.margin = float(parameters.get("margin", 1.0))
        self.is_legacy = bool(parameters.get("legacy_version", False))

    def forward(self, a: Variable, b: Variable, t: Variable) -> Variable:
        a, b = _as_rows("ContrastiveLoss", a), _as_rows("ContrastiveLoss", b)
        if a.shape != b.shape:
            raise ShapeError(f"ContrastiveLoss: the vectors have shapes {a.shape} and {b.shape} (expected the same).")
        _require_size("ContrastiveLoss", t, len(a), a)
        with a.device.use():
            are_alike = t.array.reshape(len(a)).astype("i") != 0
        difference = a - b
        squared = F.sum(difference * difference, axis=1)
        if self.is_legacy:
            apart = F.relu(self.margin - squared)
        else:
            short = F.relu(self.margin - _distance(squared))
            apart = short * short
        return F.sum(F.where(are_alike, squared, apart)) / (2 * max(len(a), 1))


class Accuracy(Layer):
    """The share of labels that are among the ``top_k`` best; the second top has it for each class.

    What ties with the label counts as better, as in Caffe: scores that are all equal are all wrong.
    """

    bottoms = (2, 2)
    tops = (1, 2)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("accuracy_param")
        self.axis = int(parameters.get("axis", 1))
        self.top_k = int(parameters.get("top_k", 1))
        self.ignore_label = parameters.get("ignore_label")
        if self.top_k < 1:
            raise CaffeNetError(f"top_k is {self.top_k} (expected at least 1)")
        self.has_class_top = len(definition.tops) > 1

    def forward(self, x: Variable, t: Variable) -> Variable | tuple[Variable, Variable]:
        scores = _around(x, normalize_axis(type(self).__name__, self.axis, x.ndim))
        n_classes = scores.shape[1]
        if self.top_k > n_classes:
            raise ShapeError(
                f"Accuracy: top_k is {self.top_k} for x of shape {x.shape} (expected {n_classes} at most)."
            )
        labels, kept = _labels("Accuracy", t, scores, self.ignore_label)
        with x.device.use():
            xp = x.xp
            picked = xp.where(kept, labels, 0)[:, None]
            of_true = xp.take_along_axis(scores.array, picked, 1)
            n_better = (scores.array >= of_true).sum(1) - 1  # the true class itself does not count
            is_right = kept & (n_better < self.top_k)
            accuracy = Variable(_ratio(xp, is_right.sum(), kept.sum(), x.dtype), requires_grad=False)
            if not self.has_class_top:
                return accuracy
            is_class = (picked == xp.arange(n_classes)[:, None]) & kept[:, None]
            n_right = (is_class & is_right[:, None]).sum((0, 2))
            per_class = _ratio(xp, n_right, is_class.sum((0, 2)), x.dtype)
        return accuracy, Variable(per_class, requires_grad=False)


def _around(x: Variable, axis: int) -> Variable:
    """(what is before the axis, the axis, what is behind it)."""
    shape = x.shape
    return F.reshape(x, (math.prod(shape[:axis]), shape[axis], math.prod(shape[axis + 1 :])))


def _as_rows(name: str, x: Variable) -> Variable:
    if x.ndim == 0:
        raise ShapeError(f"{name}: a bottom is a single number (expected a batch).")
    return F.reshape(x, (len(x), math.prod(x.shape[1:])))


def _require_size(name: str, t: Variable, size: int, x: Variable) -> None:
    if t.size != size:
        raise ShapeError(f"{name}: the last bottom has shape {t.shape} (expected {size} values for x of {x.shape}).")


def _labels(name: str, t: Variable, scores: Variable, ignore_label: int | None) -> tuple[Any, Any]:
    """A class for each position of the scores, and whether it is not ignored."""
    shape = scores.shape[:1] + scores.shape[2:]
    _require_size(name, t, math.prod(shape), scores)
    with t.device.use():
        labels = t.array.reshape(shape).astype("i")
        require_range(name, "t", labels, 0, scores.shape[1], ignore_label)
        return labels, t.xp.ones(shape, "?") if ignore_label is None else labels != ignore_label


def _at_least(x: Variable, least: float) -> Variable:
    """x, or the bound where x is less; the gradient takes no notice of the bound, as in Caffe."""
    with x.device.use():
        return F.where(x.array < least, x - x.array + least, x)


def _distance(squared: Variable) -> Variable:
    """The root, whose gradient Caffe multiplies by d / (d + 1e-4), so that there is one at 0."""
    with squared.device.use():
        distance = squared.xp.sqrt(squared.array)
        factor = distance / (distance + 1e-4)
        root = F.sqrt(F.where(distance > 0, squared, 1.0))
        scaled: Variable = (root - root.array) * factor + distance  # the value is the root itself
        return scaled


def _ratio(xp: Any, found: Any, total: Any, dtype: Any) -> Any:
    """found / total, 0 where there is nothing."""
    return xp.asarray(found / xp.maximum(total, 1)).astype(dtype)
