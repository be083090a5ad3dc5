"""Wrong arguments of losses and measures are told before any work, by the function's name and the argument's."""

import numpy as np
import pytest

import chainette_functions as F
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError, ShapeError

A = np.ones((2, 3))
I = A.astype("i")
T = np.array([0, 2])
FRAMES = np.ones((4, 2, 3))
LABELS = np.array([[1, 2], [2, 1]])


def ctc(*args, **options):
    return F.connectionist_temporal_classification(*args, **options)


def sampled(values=None, *, x=A, t=T, W=A.T @ A, size=2, **options):
    return F.negative_sampling(
        x, t, W, lambda shape: np.zeros(shape, "i") if values is None else values, size, **options
    )


WRONG = [
    (lambda: F.binary_accuracy(I, I), DtypeError, "binary_accuracy: y is int32"),
    (lambda: F.binary_accuracy(A, A), DtypeError, "binary_accuracy: t is float64"),
    (lambda: F.binary_accuracy(A, I[0]), ShapeError, "binary_accuracy: y and t must have one shape"),
    (lambda: F.binary_accuracy(A, 2 * I), ArgumentError, r"binary_accuracy: t holds 2 \(expected 0 to 1, or -1"),
    (lambda: F.hinge(A, T, "L3"), ArgumentError, "hinge: norm='L3'"),
    (lambda: F.hinge(A, T, reduce="sum"), ArgumentError, "hinge: reduce='sum'"),
    (lambda: F.hinge(I, T), DtypeError, "hinge: x is int32"),
    (lambda: F.hinge(A, A[:, 0]), DtypeError, "hinge: t is float64"),
    (lambda: F.hinge(A[0], T), ShapeError, r"hinge: x has shape \(3,\)"),
    (lambda: F.hinge(A, T[:1]), ShapeError, r"hinge: t has shape \(1,\)"),
    (lambda: F.hinge(A, T + 1), ArgumentError, "hinge: t holds 3"),
    (lambda: F.hinge(A, T - 1), ArgumentError, "hinge: t holds -1"),
    (lambda: F.contrastive(A, A, T, reduce="sum"), ArgumentError, "contrastive: reduce='sum'"),
    (lambda: F.contrastive(A, A, T, margin=0), ArgumentError, "contrastive: margin=0"),
    (lambda: F.contrastive(A, I, T), DtypeError, "contrastive: x1 is int32"),
    (lambda: F.contrastive(A, A, A[:, 0]), DtypeError, "contrastive: y is float64"),
    (lambda: F.contrastive(A[0], A[0], T), ShapeError, r"contrastive: x0 has shape \(3,\)"),
    (lambda: F.contrastive(A, A[:1], T), ShapeError, "contrastive: x0 and x1"),
    (lambda: F.contrastive(A, A, T[:1]), ShapeError, r"contrastive: y has shape \(1,\)"),
    (lambda: F.contrastive(A, A, T), ArgumentError, r"contrastive: y holds 2 \(expected 0 to 1\)"),
    (lambda: F.cross_covariance(A, A, "sum"), ArgumentError, "cross_covariance: reduce='sum'"),
    (lambda: F.cross_covariance(I, A), DtypeError, "cross_covariance: y is int32"),
    (lambda: F.cross_covariance(A, A[0]), ShapeError, r"cross_covariance: y \(2, 3\) and z \(3,\)"),
    (lambda: F.cross_covariance(A[0], A), ShapeError, r"cross_covariance: y \(3,\) and z"),
    (lambda: F.cross_covariance(A, A[:1]), ShapeError, "of one batch size"),
    (lambda: F.bernoulli_nll(A, A, "max"), ArgumentError, "bernoulli_nll: reduce='max'"),
    (lambda: F.bernoulli_nll(I, A), DtypeError, "bernoulli_nll: x is int32"),
    (lambda: F.bernoulli_nll(A, A[0]), ShapeError, "bernoulli_nll: x and y"),
    (lambda: F.gaussian_nll(A, A, A, "max"), ArgumentError, "gaussian_nll: reduce='max'"),
    (lambda: F.gaussian_nll(A, A, I), DtypeError, "gaussian_nll: ln_var is int32"),
    (lambda: F.gaussian_nll(A, A, A[0]), ShapeError, "gaussian_nll: x and mean and ln_var"),
    (lambda: F.gaussian_kl_divergence(A, A, "max"), ArgumentError, "gaussian_kl_divergence: reduce='max'"),
    (lambda: F.gaussian_kl_divergence(I, A), DtypeError, "gaussian_kl_divergence: mean is int32"),
    (lambda: F.gaussian_kl_divergence(A, A[0]), ShapeError, "gaussian_kl_divergence: mean and ln_var"),
    (lambda: F.huber_loss(A, A, 0), ArgumentError, "huber_loss: delta=0"),
    (lambda: F.huber_loss(A, A, 1, "mean"), ArgumentError, "huber_loss: reduce='mean'"),
    (lambda: F.huber_loss(A, I, 1), DtypeError, "huber_loss: t is int32"),
    (lambda: F.huber_loss(A, A.T, 1), ShapeError, "huber_loss: x and t"),
    (lambda: F.huber_loss(A[0], A[0], 1), ShapeError, r"huber_loss: x has shape \(3,\) .* second axis"),
    (lambda: F.smooth_l1_loss(A, A, beta=-1), ArgumentError, "smooth_l1_loss: beta=-1"),
    (lambda: F.smooth_l1_loss(A, A, 1.0), TypeError, "positional"),
    (lambda: F.smooth_l1_loss(A, A, reduce="none"), ArgumentError, "smooth_l1_loss: reduce='none'"),
    (lambda: F.smooth_l1_loss(I, A), DtypeError, "smooth_l1_loss: x is int32"),
    (lambda: F.smooth_l1_loss(A, A[0]), ShapeError, "smooth_l1_loss: x and t"),
    (lambda: F.nll_loss(A, T, reduce="sum"), ArgumentError, "nll_loss: reduce='sum'"),
    (lambda: F.nll_loss(I, T), DtypeError, "nll_loss: x is int32"),
    (lambda: F.nll_loss(A[0], T), ShapeError, r"nll_loss: x has shape \(3,\)"),
    (lambda: F.nll_loss(A[:, :0], T), ShapeError, r"nll_loss: x has shape \(2, 0\) .* a class or more"),
    (lambda: F.softmax_cross_entropy(A[:, :0], T), ShapeError, r"softmax_cross_entropy: x has shape \(2, 0\)"),
    (lambda: F.nll_loss(A, A), DtypeError, "nll_loss: t is float64"),
    (lambda: F.nll_loss(A, I), ShapeError, r"nll_loss: t has shape \(2, 3\)"),
    (lambda: F.nll_loss(A, T + 1), ArgumentError, r"nll_loss: t holds 3 \(expected 0 to 2, or -1 to ignore"),
    (lambda: F.nll_loss(A, T, class_weight=T), ShapeError, "nll_loss: class_weight has shape"),
    (lambda: F.nll_loss(A, T, class_weight=[1, 2, 3]), ArrayTypeError, "got a list"),
    (
        lambda: F.softmax_cross_entropy(A, T, label_smoothing=1.1),
        ArgumentError,
        r"label_smoothing=1\.1 is out of range",
    ),
    (lambda: F.softmax_cross_entropy(A, T, label_smoothing=-0.1), ArgumentError, r"label_smoothing=-0\.1"),
    (lambda: F.softmax_cross_entropy(A, A, label_smoothing=np.nan), ArgumentError, "label_smoothing=nan"),
    (lambda: F.softmax_cross_entropy(A, T + 1, label_smoothing=0.1), ArgumentError, "softmax_cross_entropy: t holds 3"),
    (lambda: F.softmax_cross_entropy(A, A, class_weight=A[:, 0]), ShapeError, "class_weight has shape"),
    (lambda: ctc([], LABELS, 0), ArgumentError, "classification: x is empty"),
    (lambda: ctc(FRAMES[:0], LABELS, 0), ShapeError, r"classification: x has shape \(0, 2, 3\)"),
    (lambda: ctc([A, A[:1]], LABELS, 0), ShapeError, r"classification: x\[1\] has shape \(1, 3\)"),
    (lambda: ctc([A[0]], LABELS, 0), ShapeError, r"classification: x has shape \(1, 3\)"),
    (lambda: ctc([I], LABELS, 0), DtypeError, "classification: x is int32"),
    (lambda: ctc([[1.0]], LABELS, 0), ArrayTypeError, "got a list"),
    (lambda: ctc(FRAMES, A, 0), DtypeError, "classification: t is float64"),
    (lambda: ctc(FRAMES, T, 0), ShapeError, r"classification: t has shape \(2,\) \(expected \(2, labels\)"),
    (lambda: ctc(FRAMES, LABELS[:1], 0), ShapeError, r"classification: t has shape \(1, 2\)"),
    (lambda: ctc(FRAMES, LABELS, 3), ArgumentError, "classification: blank_symbol=3"),
    (lambda: ctc(FRAMES, LABELS, -1), ArgumentError, "classification: blank_symbol=-1"),
    (lambda: ctc(FRAMES, LABELS, 0.5), ArgumentError, r"classification: blank_symbol=0\.5"),
    (lambda: ctc(FRAMES, LABELS + 1, 0), ArgumentError, "classification: t holds 3"),
    (lambda: ctc(FRAMES, LABELS - 2, 2), ArgumentError, "classification: t holds -1"),
    (lambda: ctc(FRAMES, LABELS, 2), ArgumentError, "classification: t holds the blank 2"),
    (lambda: ctc(FRAMES, LABELS, 0, T[:1]), ShapeError, r"classification: input_length has shape \(1,\)"),
    (lambda: ctc(FRAMES, LABELS, 0, T + 0.5), DtypeError, "classification: input_length is float64"),
    (lambda: ctc(FRAMES, LABELS, 0, T + 3), ArgumentError, r"input_length holds 5 \(expected 0 to 4"),
    (lambda: ctc(FRAMES, LABELS, 0, None, T + 1), ArgumentError, r"label_length holds 3 \(expected 0 to 2"),
    (lambda: ctc(FRAMES, LABELS, 0, None, -T), ArgumentError, "label_length holds -2"),
    (lambda: ctc(FRAMES, LABELS, 0, reduce="sum"), ArgumentError, "classification: reduce='sum'"),
    (lambda: sampled(reduce="mean"), ArgumentError, "negative_sampling: reduce='mean'"),
    (lambda: sampled(x=I), DtypeError, "negative_sampling: x is int32"),
    (lambda: sampled(W=I), DtypeError, "negative_sampling: W is int32"),
    (lambda: sampled(t=A[:, 0]), DtypeError, "negative_sampling: t is float64"),
    (lambda: sampled(x=A[0]), ShapeError, r"negative_sampling: x \(3,\) and W \(3, 3\)"),
    (lambda: sampled(W=A[0]), ShapeError, r"negative_sampling: x \(2, 3\) and W \(3,\)"),
    (lambda: sampled(W=A.T), ShapeError, r"and W \(3, 2\) must be"),
    (lambda: sampled(t=T[:1]), ShapeError, r"negative_sampling: t has shape \(1,\)"),
    (lambda: sampled(t=T + 1), ArgumentError, "negative_sampling: t holds 3"),
    (lambda: sampled(t=T - 2), ArgumentError, "negative_sampling: t holds -2"),
    (lambda: sampled(size=-1), ArgumentError, "negative_sampling: sample_size=-1"),
    (lambda: sampled(size=0.5), ArgumentError, r"negative_sampling: sample_size=0\.5"),
    (lambda: sampled(A), DtypeError, "negative_sampling: what sampler gave is float64"),
    (lambda: sampled(I[:, :2]), ShapeError, r"what sampler gave has shape \(2, 2\) \(expected \(2, 3\)\)"),
    (lambda: sampled(3 * I), ArgumentError, "what sampler gave holds 3"),
    (lambda: sampled(-I), ArgumentError, "what sampler gave holds -1"),
    (lambda: sampled([[0]]), ArrayTypeError, "got a list"),
]


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
