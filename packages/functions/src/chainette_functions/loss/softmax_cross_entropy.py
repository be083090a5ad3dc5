"""Cross entropy of one class among several."""

from typing import Any

import numpy.typing as npt

from chainette import Function, Variable, as_variable
from chainette.checks import (
    removed_arguments,
    require_floating,
    require_integers,
    require_one_of,
    require_range,
    require_same_shape,
    require_shape,
)
from chainette.errors import ArgumentError
from chainette.operators import log, sum
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.log_softmax import log_softmax
from chainette_functions.activation.softmax import exp_and_sum, softmax
from chainette_functions.array.where import where
from chainette_functions.loss.nll_loss import require_classes, weights_of_classes
from chainette_functions.loss.reduction import reduced, reduced_over_labels, widen


class SoftmaxCrossEntropy(Function):
    """log(sum(exp(x))) - x[t], weighted, and 0 at ignored positions."""

    def __init__(
        self, normalize: bool, cache_score: bool, ignore_label: int, reduce: str, weight: Array | None
    ) -> None:
        self.normalize = normalize
        self.cache_score = cache_score
        self.ignore_label = ignore_label
        self.reduce = reduce
        self.weight = weight

    def forward(self, x: Array, t: Array) -> Array:
        xp = self.xp
        kept = t != self.ignore_label
        picked = xp.where(kept, t, 0)[:, None]
        scores, total = exp_and_sum(xp, x, 1)
        loss = xp.log(total) - (xp.take_along_axis(x, picked, 1) - x.max(1, keepdims=True))
        factor = kept.astype(x.dtype) if self.weight is None else kept * self.weight[picked[:, 0]]
        loss = xp.where(kept, loss[:, 0], 0) * factor  # an ignored score may be infinite
        self.retain(x=x, t=t, scores=scores if self.cache_score else None, total=total if self.cache_score else None)
        if self.reduce == "no":
            self.retain(factor=factor)
            return loss.astype(x.dtype, copy=False)
        count = max(int(kept.sum()) if self.normalize else len(x), 1)
        self.retain(factor=factor * x.dtype.type(1 / count))  # the count itself may exceed float16
        return (loss.sum(dtype="f" if x.dtype == "e" else None) / count).astype(x.dtype)

    def backward(self, gy: Variable) -> tuple[Variable, None]:
        gradient = SoftmaxCrossEntropyGrad(self.retained("factor"), self.retained("scores"), self.retained("total"))
        return gradient.gradient_of(self).apply(self.retained("x"), self.retained("t"), gy), None


class SoftmaxCrossEntropyGrad(Function):
    """(softmax(x) - one_hot(t)) factor gy; differentiable by x and gy."""

    def __init__(self, factor: Array, scores: Array | None, total: Array | None) -> None:
        self.factor = factor
        self.scores = scores
        self.total = total

    def forward(self, x: Array, t: Array, gy: Array) -> Array:
        self.retain(x=x, t=t, gy=gy)
        scores, total = (self.scores, self.total) if self.scores is not None else exp_and_sum(self.xp, x, 1)
        gx = (scores / total).astype(x.dtype, copy=False)
        self.subtract_one_hot(gx, t)
        gx *= (self.factor * gy)[:, None]
        return gx

    def subtract_one_hot(self, p: Array, t: Array) -> None:
        picked = self.xp.where(self.factor != 0, t, 0)[:, None]  # what is ignored is multiplied by 0 later
        self.xp.put_along_axis(p, picked, self.xp.take_along_axis(p, picked, 1) - 1, 1)

    def backward(self, ggx: Variable) -> tuple[Variable, None, Variable]:
        x, t, gy = self.retained("x"), self.retained("t"), self.retained("gy")
        p = softmax(x)
        u = ggx * self.factor[:, None]
        minus_one_hot = self.xp.zeros_like(x.array)
        self.subtract_one_hot(minus_one_hot, t.array)
        weighted = u * (gy if gy.ndim == 0 else gy[:, None])
        gx = p * (weighted - sum(weighted * p, axis=1, keepdims=True))
        ggy = sum(u * (p + minus_one_hot), axis=1 if gy.ndim else None)
        return gx, None, ggy


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def softmax_cross_entropy(
    x: ArrayLike,
    t: ArrayLike,
    *,
    normalize: bool = True,
    cache_score: bool = True,
    class_weight: npt.NDArray[Any] | None = None,
    ignore_label: int = -1,
    reduce: str = "mean",
    enable_double_backprop: bool = True,
    soft_target_loss: str = "cross-entropy",
    label_smoothing: float = 0.0,
) -> Variable:
    """Cross entropy of softmax, ``log(sum_j exp(x_j)) - x_t``, for one true class among several.

    With ``label_smoothing=e`` the true class has the probability ``1 - e + e / classes``, and every other one
    ``e / classes``.

    Args:
        x: scores, ``(batch, classes, ...)``, a floating dtype. No value overflows.
        t: true classes, ``(batch, ...)``, an integer dtype; or probabilities of the shape of ``x``, floating.
        normalize: divide the sum by the number of positions that count (at least 1); False: by the batch size.
            Neither is weighted.
        cache_score: keep the scores for backward; False computes them again and saves their memory.
        class_weight: ``(classes,)``: each position's loss is multiplied by the weight of its true class. Where
            several classes have a probability, each one's term is multiplied by its own weight.
        ignore_label: positions with this class do not count. Not for probabilities.
        reduce: ``"mean"``, or ``"no"`` for the loss of each position (0 where ignored).
        enable_double_backprop: accepted for Chainer's sake: gradients can always be differentiated here.
        soft_target_loss: for probabilities: ``"cross-entropy"`` or ``"kl-divergence"``.
        label_smoothing: the share, 0 to 1, of each target that is spread evenly over all classes.

    Returns:
        A 0-d Variable, or one of shape ``(batch, ...)``, of x's dtype. 0 if every position is ignored.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: ``x`` is not floating.
        ArgumentError: a class is out of range, or ``reduce``, ``soft_target_loss`` or ``label_smoothing`` is none of
            the above.

    Source of smoothing: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016.

    >>> softmax_cross_entropy(np.array([[0.0, 0.0], [1000.0, 0.0]]), np.array([1, 0])).array
    array(0.34657359)
    """
    name = "softmax_cross_entropy"
    x, t = as_variable(x), as_variable(t)
    require_one_of(name, "reduce", reduce, ("mean", "no"))
    if not 0 <= label_smoothing <= 1:
        raise ArgumentError(f"{name}: label_smoothing={label_smoothing} is out of range (expected 0 to 1).")
    require_floating(name, x=x)
    require_classes(name, x)
    weight = weights_of_classes(name, class_weight, x, x.dtype)
    if t.dtype.kind == "f":
        require_one_of(name, "soft_target_loss", soft_target_loss, ("cross-entropy", "kl-divergence"))
        require_same_shape(name, x=x, t=t)
        if label_smoothing:
            t = widen(t) * (1 - label_smoothing) + label_smoothing / x.shape[1]
        loss = _of_probabilities(widen(x), t, weight, soft_target_loss == "kl-divergence")
        return reduced(loss, reduce, [x], loss.size if normalize else len(x))
    require_integers(name, t=t)
    require_shape(name, "t", t, (x.shape[0], *x.shape[2:]))
    require_range(name, "t", t.array, 0, x.shape[1], ignore_label)
    if label_smoothing:
        with x.device.use():
            kept = t.array != ignore_label
            wide = widen(x)
            target = _smoothed(wide, x.xp.where(kept, t.array, 0), label_smoothing)
        loss = where(kept, _of_probabilities(wide, target, weight), 0.0)
        return reduced_over_labels(loss, reduce, x, kept, normalize)
    return SoftmaxCrossEntropy(normalize, cache_score, ignore_label, reduce, weight).apply(x, t)


def _smoothed(x: Variable, t: Array, smoothing: float) -> Variable:
    """The probabilities that smoothed labels stand for."""
    everywhere = smoothing / x.shape[1]
    target = x.xp.full(x.shape, everywhere, x.dtype)
    x.xp.put_along_axis(target, t[:, None], 1 - smoothing + everywhere, 1)
    return as_variable(target)


def _of_probabilities(x: Variable, t: Variable, weight: Array | None, divergence: bool = False) -> Variable:
    """The loss of each position: the weighted cross entropy, less the entropy of t if the divergence is wanted."""
    weighted = t if weight is None else t * weight.reshape(x.shape[1:2] + (1,) * (x.ndim - 2))
    loss = -sum(weighted * log_softmax(x), axis=1)
    if divergence:
        with x.device.use():
            positive = t.array > 0
        loss = loss + sum(weighted * log(where(positive, t, 1.0)), axis=1)  # 0 log 0 counts as 0
    return loss
