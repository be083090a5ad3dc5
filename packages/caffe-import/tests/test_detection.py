"""PriorBox and DetectionOutput beside loops over what SSD's Caffe does."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from chainette import Variable
from chainette.errors import ShapeError
from chainette_caffe_import import CaffeNetError, CaffeUnsupportedError

from .building import make_layer

PRIOR = 'type: "PriorBox" bottom: "x" bottom: "data" top: "y"'
OUTPUT = 'type: "DetectionOutput" bottom: "loc" bottom: "conf" bottom: "prior" top: "y"'
ONE = (0.1, 0.2, 0.3, 0.4)


def priors_of(text: str, features: tuple[int, int] = (2, 3), image: tuple[int, int] = (60, 90)) -> Any:
    layer = make_layer(f"{PRIOR} prior_box_param {{ {text} }}")
    y = layer(Variable(np.zeros((2, 5, *features), np.float32)), Variable(np.zeros((2, 3, *image), np.float32)))
    assert not y.requires_grad
    assert y.dtype == np.float32
    return y.array


def looped(sizes: list[Any], features: Any, image: Any, step: Any = None, offset: float = 0.5) -> Any:
    """The corners, from width and height of the boxes at each place."""
    (rows, columns), (height, width) = features, image
    step_h, step_w = step or (height / rows, width / columns)
    found = []
    for row, column, (w, h) in itertools.product(range(rows), range(columns), sizes):
        x, y = (column + offset) * step_w, (row + offset) * step_h
        found += [(x - w / 2) / width, (y - h / 2) / height, (x + w / 2) / width, (y + h / 2) / height]
    return found


def test_the_boxes_of_a_size_are_the_square_the_mean_square_and_each_ratio_both_ways() -> None:
    text = "min_size: 20 min_size: 40 max_size: 30 max_size: 50 aspect_ratio: 2 aspect_ratio: 1 aspect_ratio: 3 "
    root = math.sqrt
    sizes = []
    for low, high in ((20, 30), (40, 50)):
        sizes += [(low, low), (root(low * high),) * 2]
        sizes += [(low * root(r), low / root(r)) for r in (2, 1 / 2, 3, 1 / 3)]
    got = priors_of(text)
    assert got.shape == (1, 2, 2 * 3 * 12 * 4)
    np.testing.assert_allclose(got[0, 0], looped(sizes, (2, 3), (60, 90)), rtol=1e-5, atol=1e-6)
    assert (got[0, 1] == np.float32(0.1)).all()


@pytest.mark.parametrize(
    ("ratios", "flip", "kept"),
    [
        ([2, 2.0000005, 0.5], "true", [2, 0.5]),
        ([2, 3, 2], "false", [2, 3]),
        ([0.5, 2], "false", [0.5, 2]),
        ([1.0000001], "true", []),
    ],
)
def test_ratios_that_are_there_already_are_dropped(ratios: list[float], flip: str, kept: list[float]) -> None:
    got = priors_of(f"min_size: 9 aspect_ratio: {ratios} flip: {flip}")
    sizes = [(9, 9)] + [(9 * math.sqrt(r), 9 / math.sqrt(r)) for r in kept]
    np.testing.assert_allclose(got[0, 0], looped(sizes, (2, 3), (60, 90)), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("img_size: 300", {"image": (300, 300)}),
        ("img_h: 200 img_w: 100", {"image": (200, 100)}),
        ("step: 16", {"step": (16, 16)}),
        ("step_h: 8 step_w: 16 offset: 0.25", {"step": (8, 16), "offset": 0.25}),
        ("img_size: 300 step: 16 offset: 0", {"image": (300, 300), "step": (16, 16), "offset": 0}),
    ],
)
def test_the_size_of_the_image_and_the_steps_may_be_given(text: str, options: dict[str, Any]) -> None:
    wanted = looped([(12, 12)], (2, 3), **{"image": (60, 90), **options})
    np.testing.assert_allclose(priors_of(f"min_size: 12 {text}")[0, 0], wanted, rtol=1e-5, atol=1e-6)


def test_caffe_takes_the_whole_part_of_a_size() -> None:
    np.testing.assert_array_equal(
        priors_of("min_size: 12.9 max_size: 20.7"), priors_of("min_size: 12 max_size: 20")
    )  # fmt: skip


def test_clipped_boxes_stay_in_the_image() -> None:
    open_, clipped = (priors_of(f"min_size: 50 clip: {each}")[0, 0] for each in ("false", "true"))
    assert open_.min() < 0
    assert open_.max() > 1
    np.testing.assert_array_equal(clipped, open_.clip(0, 1))


@pytest.mark.parametrize("given_", [[0.25], [0.125, 0.25, 0.5, 1]])
def test_variances_are_one_for_all_or_one_for_each_side(given_: list[float]) -> None:
    got = priors_of(f"min_size: 9 variance: {given_}")[0, 1]
    np.testing.assert_array_equal(got.reshape(-1, 4), np.broadcast_to(np.float32(given_), (6, 4)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "min_size is"),
        ("min_size: 0", "min_size is"),
        ("min_size: nan", "min_size is"),
        ("min_size: 5 max_size: 5", "max_size is"),
        ("min_size: 5 max_size: 7 max_size: 8", "max_size is"),
        ("min_size: 5 aspect_ratio: 0", "aspect_ratio is 0"),
        ("min_size: 5 variance: [1, 2]", "variance is"),
        ("min_size: 5 variance: 0", "variance is"),
        ("min_size: 5 img_h: 5", "img_h is 5 and img_w None"),
        ("min_size: 5 img_size: 5 img_w: 5", "both img_size and img_h or img_w"),
        ("min_size: 5 step: 0", "step_h is 0"),
    ],
)
def test_priors_of_nonsense_are_refused(text: str, message: str) -> None:
    with pytest.raises(CaffeNetError, match=message):
        make_layer(f"{PRIOR} prior_box_param {{ {text} }}")


def test_priors_need_images() -> None:
    with pytest.raises(ShapeError, match="expected four axes"):
        priors_of("min_size: 5", image=(0, 3))
    with pytest.raises(ShapeError, match="expected four axes"):
        make_layer(f"{PRIOR} prior_box_param {{ min_size: 5 }}")(Variable(np.ones((2, 3))), Variable(np.ones((2, 3))))


# ---- DetectionOutput ----


def decoded(code: str, in_target: bool, prior: Any, variance: Any, place: Any) -> list[float]:
    x0, y0, x1, y1 = prior
    a, b, c, d = place if in_target else [p * v for p, v in zip(place, variance, strict=True)]
    w, h = x1 - x0, y1 - y0
    if code == "CORNER":
        return [x0 + a, y0 + b, x1 + c, y1 + d]
    if code == "CORNER_SIZE":
        return [x0 + a * w, y0 + b * h, x1 + c * w, y1 + d * h]
    cx, cy = a * w + (x0 + x1) / 2, b * h + (y0 + y1) / 2
    w, h = math.exp(c) * w, math.exp(d) * h
    return [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2]


def jaccard(p: Any, q: Any) -> float:
    w, h = min(p[2], q[2]) - max(p[0], q[0]), min(p[3], q[3]) - max(p[1], q[1])
    if w <= 0 or h <= 0:
        return 0.0
    areas = [0 if r[2] < r[0] or r[3] < r[1] else (r[2] - r[0]) * (r[3] - r[1]) for r in (p, q)]
    return w * h / (sum(areas) - w * h)


def suppressed(boxes: Any, scores: Any, options: dict[str, Any]) -> list[int]:
    order = sorted((i for i in range(len(scores)) if scores[i] > options["least"]), key=lambda i: -scores[i])
    if options["top_k"] > -1:
        order = order[: options["top_k"]]
    kept: list[int] = []
    threshold = options["overlap"]
    for i in order:
        if all(jaccard(boxes[i], boxes[k]) <= threshold for k in kept):
            kept.append(i)
            if options["eta"] < 1 and threshold > 0.5:
                threshold *= options["eta"]
    return kept


def detected(places: Any, scores: Any, priors: Any, options: dict[str, Any]) -> Any:
    """Rows as Caffe writes them, by loops. places: (N, priors, 1 or classes, 4), scores: (N, priors, classes)."""
    rows = []
    for image in range(len(places)):
        found = []
        for label in range(scores.shape[2]):
            if label == options["background"]:
                continue
            its = [
                decoded(options["code"], options["in_target"], *priors[:, k], row[label if len(row) > 1 else 0])
                for k, row in enumerate(places[image])
            ]
            kept = suppressed(its, scores[image, :, label], options)
            found += [[image, label, scores[image, k, label], *its[k]] for k in kept]
        if -1 < options["keep"] < len(found):
            found = sorted(found, key=lambda row: -row[2])[: options["keep"]]
        rows += sorted(found, key=lambda row: (row[1], -row[2]))
    return np.array(rows or [[-1] * 7])[None, None]


def text_of(options: dict[str, Any], n_classes: int, share: bool) -> str:
    return (
        f"{OUTPUT} detection_output_param {{ num_classes: {n_classes} share_location: {str(share).lower()} "
        f"background_label_id: {options['background']} code_type: {options['code']} keep_top_k: {options['keep']} "
        f"confidence_threshold: {options['least']} variance_encoded_in_target: {str(options['in_target']).lower()} "
        f"nms_param {{ nms_threshold: {options['overlap']} top_k: {options['top_k']} eta: {options['eta']} }} }}"
    )


@settings(deadline=None, max_examples=150)
@given(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["CORNER", "CENTER_SIZE", "CORNER_SIZE"]),
            "in_target": st.booleans(),
            "background": st.sampled_from([-1, 0, 2]),
            "overlap": st.sampled_from([0.0, 0.3, 0.6, 0.9]),
            "top_k": st.sampled_from([-1, 0, 3, 100]),
            "eta": st.sampled_from([1.0, 0.9, 0.5]),
            "keep": st.sampled_from([-1, 0, 2, 5, 100]),
            "least": st.sampled_from([0.0, 0.3, 1.0]),
        }
    ),
    st.booleans(),
    st.integers(0, 10_000),
)
def test_what_is_found_is_what_the_loops_find(options: dict[str, Any], share: bool, seed: int) -> None:
    draw = np.random.default_rng(seed)
    n_images, n_priors, n_classes = draw.integers(1, (3, 9, 4))
    priors = np.sort(draw.random((n_priors, 2, 2)), axis=1).reshape(n_priors, 4)
    priors = np.stack([priors, draw.random((n_priors, 4))])
    places = draw.normal(size=(n_images, n_priors, 1 if share else n_classes, 4))
    scores = draw.permutation(n_images * n_priors * n_classes).reshape(n_images, n_priors, n_classes)
    scores = (scores + 0.5) / scores.size  # no two are equal
    layer = make_layer(text_of(options, n_classes, share))
    got = layer(*map(Variable, (places.reshape(n_images, -1), scores.reshape(n_images, -1), priors.reshape(1, 2, -1))))
    np.testing.assert_allclose(got.array, detected(places, scores, priors, options), rtol=1e-5, atol=1e-6)
    assert not got.requires_grad


def found_in(text: str, scores: Any, boxes: Any) -> Any:
    """What is found of one class besides the background, in priors that need no shift."""
    n = len(boxes)
    priors = np.array([boxes, np.full((n, 4), 0.1)], np.float32).reshape(1, 2, -1)
    conf = np.stack([1 - np.float32(scores), np.float32(scores)], 1).reshape(1, -1)
    layer = make_layer(f"{OUTPUT} detection_output_param {{ num_classes: 2 {text} }}")
    y = layer(Variable(np.zeros((1, 4 * n), np.float32)), Variable(conf), Variable(priors)).array
    assert y.dtype == np.float32
    return y[0, 0]


def test_by_default_overlaps_above_three_tenths_are_dropped() -> None:
    boxes = [ONE, (0.1, 0.2, 0.3, 0.39), (0.1, 0.29, 0.3, 0.48), (0.1, 0.34, 0.3, 0.44), (0.6, 0.6, 0.9, 0.9)]
    got = found_in("", [0.5, 0.75, 0.375, 0.25, 0.125], boxes)  # the third shares 0.36 with the second, the fourth 0.2
    np.testing.assert_array_equal(got[:, 2], [0.75, 0.25, 0.125])
    np.testing.assert_allclose(got[0], [0, 1, 0.75, 0.1, 0.2, 0.3, 0.39], rtol=1e-6)


def test_scores_that_tie_keep_the_order_of_the_priors() -> None:
    boxes = [(float(i), 0.0, i + 0.5, 0.1) for i in range(40)]
    got = found_in("keep_top_k: 39", [0.5, 0.75, *[0.5, 0.25] * 19], boxes)
    np.testing.assert_array_equal(got[:, 3], [1, 0, *range(2, 40, 2), *range(3, 39, 2)])


def test_by_default_the_corners_are_shifted_by_shares_of_the_variances() -> None:
    layer = make_layer(f"{OUTPUT} detection_output_param {{ num_classes: 2 }}")
    priors = np.array([ONE, [0.5, 0.25, 0.5, 0.25]], np.float32)[None]
    got = layer(Variable(np.ones((1, 4), "f")), Variable(np.array([[0.25, 0.75]], "f")), Variable(priors)).array
    np.testing.assert_allclose(got[0, 0], [[0, 1, 0.75, 0.6, 0.45, 0.8, 0.65]], rtol=1e-6)


def test_the_threshold_falls_with_each_box_that_is_kept_while_it_is_above_a_half() -> None:
    starts = [0, 0.18, 10, 10.34, 20, 20.43]  # they share 0.69, 0.49 and 0.4 with the one before, or nothing
    boxes = [(start, 0.0, start + 1, 1.0) for start in starts]
    got = found_in("nms_param { nms_threshold: 0.8 eta: 0.75 }", [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], boxes)
    np.testing.assert_allclose(got[:, 3], [0, 10, 20, 20.43], rtol=1e-6)  # the thresholds are 0.8, 0.6, 0.45, 0.45


def test_a_score_must_exceed_the_threshold() -> None:
    assert len(found_in("confidence_threshold: 0.5", [0.5, 0.75], [ONE, (0.5, 0.5, 0.9, 0.9)])) == 1


def test_an_overlap_must_exceed_the_threshold() -> None:
    halves = [(0.0, 0.0, 1.0, 1.0), (0.0, 0.0, 1.0, 0.5)]
    assert len(found_in("nms_param { nms_threshold: 0.5 }", [0.5, 0.75], halves)) == 2
    assert len(found_in("nms_param { nms_threshold: 0.499 }", [0.5, 0.75], halves)) == 1


def test_where_nothing_is_found_there_is_one_row_of_minus_one() -> None:
    np.testing.assert_array_equal(found_in("confidence_threshold: 0.99", [0.5], [ONE]), [[-1] * 7])


def test_boxes_that_are_infinite_do_no_harm() -> None:
    layer = make_layer(f"{OUTPUT} detection_output_param {{ num_classes: 1 background_label_id: -1 code_type: 2 }}")
    places = np.array([[0, 0, 1e4, 1e4, 0, 0, 0, 0]], np.float32)
    priors = np.array([[*ONE, *ONE], [1] * 8], np.float32)[None]
    assert len(layer(*map(Variable, (places, np.ones((1, 2), "f"), priors))).array[0, 0]) >= 1


def test_what_only_shows_results_is_passed_over() -> None:
    assert len(found_in("save_output_param { output_directory: 'x' } visualize: true", [0.5], [ONE])) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "num_classes is 0"),
        ("num_classes: 2 code_type: 7", "code_type is 7"),
        ("num_classes: 2 nms_param { nms_threshold: -1 }", "nms_threshold is -1"),
        ("num_classes: 2 nms_param { eta: 0 }", "eta 0"),
    ],
)
def test_nonsense_is_refused(text: str, message: str) -> None:
    with pytest.raises(CaffeNetError, match=message):
        make_layer(f"{OUTPUT} detection_output_param {{ {text} }}")


def test_further_bottoms_are_not_supported() -> None:
    with pytest.raises(CaffeUnsupportedError, match="4 bottoms"):
        make_layer(f'{OUTPUT} bottom: "arm" detection_output_param {{ num_classes: 2 }}')


@pytest.mark.parametrize("sizes", [(4, 2, 16), (8, 4, 15), (8, 3, 16), (0, 0, 0)])
def test_bottoms_that_do_not_fit_are_refused(sizes: tuple[int, int, int]) -> None:
    layer = make_layer(f"{OUTPUT} detection_output_param {{ num_classes: 2 }}")
    with pytest.raises(ShapeError, match="DetectionOutput: the bottoms have shapes"):
        layer(*(Variable(np.zeros((1, size), np.float32)) for size in sizes))
