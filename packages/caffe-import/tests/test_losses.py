"""The losses and the accuracy beside loops over Caffe's formulas, with Caffe's gradients."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from chainette import Variable
from chainette.errors import ArgumentError, ShapeError
from chainette.testing import check_backward
from chainette_caffe_import import CaffeNetError, CaffeUnsupportedError

from .building import make_layer

ENDS = 'bottom: "x" bottom: "t" top: "y"'
NORMALIZATIONS = ["FULL", "VALID", "BATCH_SIZE", "NONE"]
FLT_MIN = float(np.finfo(np.float32).tiny)
rng = np.random.default_rng(0)


def assert_near(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape
    off = np.abs(got - want) - (2e-5 * max(1.0, np.abs(want).max(initial=0)) + 1e-4 * np.abs(want))
    assert off.max(initial=-1) <= 0


def scores(*shape: int) -> Any:
    return rng.normal(size=shape).astype(np.float32) * 2


def classes(n: int, *shape: int) -> Any:
    return rng.integers(n, size=shape).astype(np.float32)


def softmax(x: Any) -> Any:
    e = np.exp(x.astype("d") - x.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def divisor(normalization: str, batch: int, positions: int, kept: int) -> int:
    return max({"FULL": positions, "VALID": kept, "BATCH_SIZE": batch, "NONE": 1}[normalization], 1)


def over_labels(x: Any, t: Any, ignore: int | None, normalization: str, H: Any, least: float) -> tuple[Any, Any]:
    """The loss and its gradient, of scores with the classes along axis 1; H is a row of weights for each label."""
    p, gx, total, kept = softmax(x), np.zeros(x.shape), 0.0, 0
    t = t.reshape(len(x), *x.shape[2:])
    for n, *place in np.ndindex(*t.shape):
        label = int(t[n, *place])
        if label != ignore:
            kept += 1
            here = p[n, :, *place]
            for j in range(x.shape[1]):
                total -= H[label, j] * math.log(max(here[j], least))
                gx[n, j, *place] = here[j] * H[label].sum() - H[label, j]
    by = divisor(normalization, len(x), t.size, kept)
    return total / by, gx / by


def value_and_gradient(layer: Any, x: Any, *others: Any) -> tuple[Any, Any]:
    variable = Variable(x)
    loss = layer(variable, *map(Variable, others))
    loss = loss[0] if isinstance(loss, tuple) else loss
    assert loss.shape == ()
    (loss * 3).backward()  # a gradient other than 1 arrives
    return loss.array, variable.grad / 3


@pytest.mark.parametrize("ignore", [None, 2, 255])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_softmax_with_loss_is_caffes(normalization: str, ignore: int | None) -> None:
    x, t = scores(3, 4, 2, 5), classes(4, 3, 1, 2, 5)
    t[0, 0, 0] = 2 if ignore is None else ignore
    more = "" if ignore is None else f"ignore_label: {ignore}"
    layer = make_layer(f'type: "SoftmaxWithLoss" {ENDS} loss_param {{ normalization: {normalization} {more} }}')
    want, gx = over_labels(x, t, ignore, normalization, np.eye(4), FLT_MIN)
    got, found = value_and_gradient(layer, x, t)
    assert_near(got, want)
    assert_near(found, gx)


@pytest.mark.parametrize("shape", [(6,), (6, 1), (6, 1, 1, 1)])
@pytest.mark.parametrize("dtype", ["f", "i", "l"])
def test_labels_may_be_floats_or_integers_with_or_without_axes_of_one(shape: tuple[int, ...], dtype: str) -> None:
    x, t = scores(6, 3), classes(3, 6)
    layer = make_layer(f'type: "SoftmaxWithLoss" {ENDS}')
    got, _ = value_and_gradient(layer, x, t.reshape(shape).astype(dtype))
    assert_near(got, over_labels(x, t, None, "VALID", np.eye(3), FLT_MIN)[0])


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "SigmoidCrossEntropyLoss", "InfogainLoss"])
@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", None),
        ("normalize: true", "VALID"),
        ("normalize: false", "BATCH_SIZE"),
        ("normalize: false normalization: FULL", "FULL"),
    ],
)
def test_normalize_of_old_counts_where_normalization_is_not_given(kind: str, text: str, wanted: str | None) -> None:
    third = 'bottom: "H"' if kind == "InfogainLoss" else ""
    layer = make_layer(f'type: "{kind}" {ENDS} {third} loss_param {{ {text} }}')
    assert layer.normalization == (wanted or ("BATCH_SIZE" if kind == "SigmoidCrossEntropyLoss" else "VALID"))


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_the_classes_lie_along_any_axis_and_the_second_top_is_the_softmax(axis: int) -> None:
    x = scores(4, 3, 5)
    n_classes = x.shape[axis]
    t = classes(n_classes, *np.delete(x.shape, axis))
    layer = make_layer(
        f'type: "SoftmaxWithLoss" {ENDS} top: "p" softmax_param {{ axis: {axis} }} loss_param {{ normalization: FULL }}'
    )
    moved = np.moveaxis(x, axis, -1).reshape(-1, n_classes)
    want, _ = over_labels(moved, t.ravel(), None, "FULL", np.eye(n_classes), FLT_MIN)
    loss, p = layer(Variable(x), Variable(t))
    assert_near(loss.array, want)
    assert_near(p.array, np.moveaxis(softmax(moved).reshape(np.moveaxis(x, axis, -1).shape), -1, axis))


def test_a_probability_is_at_least_the_smallest_float_and_the_gradient_goes_on() -> None:
    x, t = np.array([[0.0, 200.0], [0.0, 1.0]], np.float32), np.array([0, 1], np.float32)
    got, gx = value_and_gradient(make_layer(f'type: "SoftmaxWithLoss" {ENDS}'), x, t)
    want, wanted_gx = over_labels(x, t, None, "VALID", np.eye(2), FLT_MIN)
    assert_near(got, want)
    assert_near(gx, wanted_gx)
    assert gx[0, 0] == -0.5


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "SigmoidCrossEntropyLoss"])
def test_where_all_labels_are_ignored_the_loss_is_0(kind: str) -> None:
    layer = make_layer(f'type: "{kind}" {ENDS} loss_param {{ ignore_label: -1 normalization: VALID }}')
    t = np.full((2, 3) if kind == "SigmoidCrossEntropyLoss" else 2, -1, np.float32)
    got, gx = value_and_gradient(layer, scores(2, 3), t)
    assert got == 0
    assert not gx.any()


@pytest.mark.parametrize("ignore", [None, 1, -1])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_infogain_loss_is_caffes(normalization: str, ignore: int | None) -> None:
    x, t, H = scores(3, 4, 2), classes(4, 3, 2), rng.random((1, 1, 4, 4)).astype(np.float32)
    x[0, 0] = -90  # beyond the least probability
    t[1, 0] = 1 if ignore is None else ignore
    more = "" if ignore is None else f"ignore_label: {ignore}"
    layer = make_layer(
        f'type: "InfogainLoss" {ENDS} top: "p" bottom: "H" loss_param {{ normalization: {normalization} {more} }}'
    )
    want, gx = over_labels(x, t, ignore, normalization, H[0, 0].astype("d"), 1e-20)
    got, found = value_and_gradient(layer, x, t, H)
    assert_near(got, want)
    assert_near(found, gx)
    assert_near(layer(Variable(x), Variable(t), Variable(H))[1].array, softmax(x))


def test_infogain_loss_needs_its_matrix_as_a_bottom() -> None:
    with pytest.raises(CaffeUnsupportedError, match=r"the file 'H\.binaryproto'"):
        make_layer(f'type: "InfogainLoss" {ENDS} infogain_loss_param {{ source: "H.binaryproto" }}')
    with pytest.raises(CaffeNetError, match="no infogain matrix"):
        make_layer(f'type: "InfogainLoss" {ENDS}')
    layer = make_layer(f'type: "InfogainLoss" {ENDS} bottom: "H" infogain_loss_param {{ axis: -1 }}')
    with pytest.raises(ShapeError, match="expected 3 x 3 values"):
        layer(Variable(scores(2, 3)), Variable(classes(3, 2)), Variable(scores(3, 2)))


@pytest.mark.parametrize("ignore", [None, 0, 255])
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_sigmoid_cross_entropy_loss_is_caffes(normalization: str, ignore: int | None) -> None:
    x, t = scores(3, 4, 2), rng.random((3, 4, 2)).astype(np.float32)
    x[0, 0], t[0, :2] = [-200, 200], 1 if ignore is None else ignore
    t[1, :2] = 1
    more = "" if ignore is None else f"ignore_label: {ignore}"
    layer = make_layer(f'type: "SigmoidCrossEntropyLoss" {ENDS} loss_param {{ normalization: {normalization} {more} }}')
    total, gx, kept = 0.0, np.zeros(x.shape), 0
    for place in np.ndindex(*x.shape):
        score, target = float(x[place]), float(t[place])
        if int(target) != ignore:
            kept += 1
            total += max(score, 0) - score * target + math.log1p(math.exp(-abs(score)))
            gx[place] = 1 / (1 + math.exp(-score)) - target
    by = divisor(normalization, 3, 24, kept)
    got, found = value_and_gradient(layer, x, t)
    assert_near(got, total / by)
    assert_near(found, gx / by)


@pytest.mark.parametrize("shape", [(3, 4), (3, 2, 2, 1)])
def test_multinomial_logistic_loss_is_caffes(shape: tuple[int, ...]) -> None:
    p, t = softmax(scores(3, 4)).astype(np.float32), classes(4, 3)
    p[1, int(t[1])], p[2, int(t[2])] = 0, 1e-30
    gx = np.zeros((3, 4))
    for n, label in enumerate(t.astype(int)):
        gx[n, label] = -1 / max(p[n, label], 1e-20) / 3
    got, found = value_and_gradient(make_layer(f'type: "MultinomialLogisticLoss" {ENDS}'), p.reshape(shape), t)
    assert_near(got, -sum(math.log(max(p[n, int(t[n])], 1e-20)) for n in range(3)) / 3)
    np.testing.assert_allclose(found, gx.reshape(shape), rtol=1e-5)


@pytest.mark.parametrize("norm", ["L1", "L2"])
@pytest.mark.parametrize("shape", [(5, 6), (5, 3, 2, 1)])
def test_hinge_loss_is_caffes(norm: str, shape: tuple[int, ...]) -> None:
    x, t = scores(5, 6), classes(6, 5)
    total, gx = 0.0, np.zeros(x.shape)
    for n, j in np.ndindex(*x.shape):
        sign = -1 if j == t[n] else 1
        short = max(0.0, 1 + sign * float(x[n, j]))
        total += short if norm == "L1" else short**2
        gx[n, j] = sign * ((short > 0) if norm == "L1" else 2 * short) / 5
    layer = make_layer(f'type: "HingeLoss" {ENDS} hinge_loss_param {{ norm: {norm} }}')
    got, found = value_and_gradient(layer, x.reshape(shape), t)
    assert_near(got, total / 5)
    assert_near(found, gx.reshape(shape))


def test_euclidean_loss_is_caffes_whatever_axes_of_one_there_are() -> None:
    a, b = scores(4, 3), scores(4, 3)
    layer = make_layer(f'type: "EuclideanLoss" {ENDS}')
    got, ga = value_and_gradient(layer, a, b.reshape(4, 3, 1, 1))
    assert_near(got, sum(float(a[place] - b[place]) ** 2 for place in np.ndindex(4, 3)) / 8)
    assert_near(ga, (a - b) / 4)
    other = Variable(b)
    layer(Variable(a), other).backward()
    assert_near(other.grad, (b - a) / 4)
    whole = layer(Variable(a), Variable(b.astype("i")))
    assert_near(whole.array, ((a - b.astype("i")) ** 2).sum() / 8)
    assert whole.dtype == np.float32


@pytest.mark.parametrize("is_legacy", [False, True])
@pytest.mark.parametrize("margin", [1.0, 2.5])
def test_contrastive_loss_is_caffes(margin: float, is_legacy: bool) -> None:
    a, b, alike = scores(7, 3) / 2, scores(7, 3) / 2, np.array([1, 0, 0, 1, 0, 0, 0], np.float32)
    b[4], b[5] = a[4], a[5] + np.float32(0.001)  # no distance, and hardly any
    total, ga = 0.0, np.zeros(a.shape)
    for n in range(7):
        difference = a[n].astype("d") - b[n]
        d = math.sqrt((difference**2).sum())
        if alike[n]:
            total += d**2
            ga[n] = difference / 7
        elif is_legacy:
            total += max(margin - d**2, 0)
            ga[n] = -difference * (margin > d**2) / 7
        else:
            total += max(margin - d, 0) ** 2
            ga[n] = -max(margin - d, 0) / (d + 1e-4) * difference / 7
    layer = make_layer(
        f'type: "ContrastiveLoss" {ENDS} bottom: "s" '
        f"contrastive_loss_param {{ margin: {margin} legacy_version: {str(is_legacy).lower()} }}"
    )
    got, found = value_and_gradient(layer, a[:, :, None, None], b[:, :, None, None], alike)
    assert_near(got, total / 14)
    assert_near(found[:, :, 0, 0], ga)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ('type: "EuclideanLoss" bottom: "a" bottom: "b"', [(3, 2), (3, 2)]),
        ('type: "ContrastiveLoss" bottom: "a" bottom: "b" bottom: "t" contrastive_loss_param { legacy_version: true }',
         [(3, 2), (3, 2), "t"]),
        ('type: "SoftmaxWithLoss" bottom: "a" bottom: "t"', [(3, 4), "t"]),
        ('type: "SigmoidCrossEntropyLoss" bottom: "a" bottom: "t"', [(3, 1), "t"]),
        ('type: "HingeLoss" bottom: "a" bottom: "t" hinge_loss_param { norm: L2 }', [(3, 4), "t"]),
        ('type: "MultinomialLogisticLoss" bottom: "a" bottom: "t"', [(3, 4), "t"]),
    ],
)  # fmt: skip
def test_gradients_agree_with_differences_and_a_loss_needs_no_top(text: str, shapes: list[Any]) -> None:
    layer, t = make_layer(text), Variable(np.array([0, 1, 1], np.int32))
    xs = [rng.uniform(0.2, 0.8, shape) for shape in shapes if shape != "t"]
    rest = [t] if "t" in shapes else []
    check_backward(lambda *xs: layer(*xs, *rest), tuple(xs), rng.normal(size=()))


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_accuracy_counts_what_ties_as_better(data: st.DataObject) -> None:
    batch, n_classes, inner = (data.draw(st.integers(1, n)) for n in (4, 5, 3))
    top_k, ignore = data.draw(st.integers(1, n_classes)), data.draw(st.sampled_from([None, 0, 255]))
    draw = np.random.default_rng(data.draw(st.integers(0, 1000)))
    x = draw.integers(4, size=(batch, n_classes, inner)).astype(np.float32)  # with ties
    t = draw.integers(n_classes, size=(batch, inner)).astype(np.float32)
    if ignore == 255:
        t[draw.random(t.shape) < 0.3] = ignore
    right, seen = np.zeros(n_classes), np.zeros(n_classes)
    for n, i in itertools.product(range(batch), range(inner)):
        label = int(t[n, i])
        if label != ignore:
            n_better = sum(x[n, j, i] >= x[n, label, i] for j in range(n_classes) if j != label)
            seen[label] += 1
            right[label] += n_better < top_k
    more = "" if ignore is None else f"ignore_label: {ignore}"
    layer = make_layer(f'type: "Accuracy" {ENDS} top: "each" accuracy_param {{ top_k: {top_k} {more} }}')
    accuracy, each = layer(Variable(x), Variable(t[:, None]))
    assert_near(accuracy.array, right.sum() / max(seen.sum(), 1))
    assert_near(each.array, right / np.maximum(seen, 1))
    assert accuracy.dtype == each.dtype == np.float32
    assert not accuracy.requires_grad


def test_accuracy_has_an_axis_and_one_top_or_two() -> None:
    x = scores(6, 3).astype(np.float32)
    layer = make_layer(f'type: "Accuracy" {ENDS} accuracy_param {{ axis: 0 }}')
    t = x.argmax(0).astype(np.float32)
    t[0] = (t[0] + 1) % 6
    assert_near(layer(Variable(x), Variable(t)).array, 2 / 3)


@pytest.mark.parametrize("kind", ["SoftmaxWithLoss", "HingeLoss", "MultinomialLogisticLoss", "Accuracy"])
def test_labels_that_do_not_fit_are_refused(kind: str) -> None:
    layer, x = make_layer(f'type: "{kind}" {ENDS}'), Variable(scores(2, 3))
    with pytest.raises(ArgumentError, match=rf"{kind}: t holds 3 \(expected 0 to 2\)"):
        layer(x, Variable(np.array([0, 3], np.float32)))
    with pytest.raises(ArgumentError, match="-1"):
        layer(x, Variable(np.array([0, -1], np.float32)))
    with pytest.raises(ShapeError, match=rf"{kind}: the last bottom has shape \(3,\) \(expected 2 values"):
        layer(x, Variable(np.zeros(3, np.float32)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f'type: "SoftmaxWithLoss" {ENDS} loss_param {{ normalization: 9 }}', "normalization is 9"),
        (f'type: "HingeLoss" {ENDS} hinge_loss_param {{ norm: 3 }}', "norm is 3"),
        (f'type: "Accuracy" {ENDS} accuracy_param {{ top_k: 0 }}', "top_k is 0"),
        ('type: "EuclideanLoss" bottom: "x" top: "y"', "it has 1 bottoms"),
        (f'type: "HingeLoss" {ENDS} top: "z"', "it has 2 tops"),
    ],
)
def test_nonsense_is_refused(text: str, message: str) -> None:
    with pytest.raises(CaffeNetError, match=message):
        make_layer(text)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        (f'type: "EuclideanLoss" {ENDS}', [(), ()]),
        (f'type: "ContrastiveLoss" {ENDS} bottom: "s"', [(2, 3), (3, 2), (2,)]),
        (f'type: "Accuracy" {ENDS} accuracy_param {{ top_k: 4 }}', [(2, 3), (2,)]),
    ],
)
def test_shapes_that_do_not_fit_are_refused(text: str, shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ShapeError):
        make_layer(text)(*(Variable(np.zeros(shape, np.float32)) for shape in shapes))
