"""Concat, Crop, Flatten, Permute, Reshape, Silence, Slice, Split and Tile beside loops over every element."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import chainette
from chainette import Variable
from chainette.errors import ShapeError
from chainette.testing import check_backward, check_double_backward, fake_backend, isolated_plugins
from chainette_caffe_import import CaffeNetError

from .building import make_layer

SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=5)


def layer(type: str, text: str = "", bottoms: int = 1, tops: int = 1) -> Any:
    names = "".join(f'bottom: "x{i}" ' for i in range(bottoms)) + "".join(f'top: "y{i}" ' for i in range(tops))
    return make_layer(f'type: "{type}" {names} {text}')


def numbered(*shape: int, start: int = 0) -> Any:
    """An array in which every value is another one."""
    return np.arange(start, start + math.prod(shape), dtype=np.float32).reshape(shape)


def from_places(shape: Any, place: Any, x: Any) -> Any:
    """The array whose element at each index is that of x at ``place(index)``."""
    y = np.empty(shape, np.float32)
    for index in np.ndindex(*shape):
        y[index] = x[place(index)]
    return y


def same(got: Any, want: Any) -> None:
    np.testing.assert_array_equal(got.array, want, strict=True)


# -- Concat and Slice ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "axis"),
    [
        ("", 1), ("concat_param { axis: 0 }", 0), ("concat_param { axis: -1 }", 2), ("concat_param { axis: -3 }", 0),
        ("concat_param { concat_dim: 2 }", 2), ("concat_param { concat_dim: 0 }", 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("sizes", [(2,), (1, 3), (2, 0, 1, 4)])
def test_concat_puts_the_bottoms_behind_one_another(text: str, axis: int, sizes: tuple[int, ...]) -> None:
    xs = [numbered(*(size if i == axis else 3 for i in range(3)), start=100 * size) for size in sizes]
    shape = [sum(sizes) if i == axis else 3 for i in range(3)]
    owner = [(i, j) for i, size in enumerate(sizes) for j in range(size)]
    want = np.empty(shape, np.float32)
    for index in np.ndindex(*shape):
        i, j = owner[index[axis]]
        want[index] = xs[i][(*index[:axis], j, *index[axis + 1 :])]
    same(layer("Concat", text, len(sizes))(*map(Variable, xs)), want)


@pytest.mark.parametrize(
    ("text", "axis", "cuts"),
    [
        ("", 1, (0, 2, 4, 6)), ("slice_param { axis: 0 }", 0, (0, 2, 4, 6)),
        ("slice_param { axis: -1 }", 2, (0, 2, 4, 6)), ("slice_param { slice_dim: 2 }", 2, (0, 2, 4, 6)),
        ("slice_param { slice_point: 1 slice_point: 4 }", 1, (0, 1, 4, 6)),
        ("slice_param { slice_point: [5, 6] axis: 2 }", 2, (0, 5, 6, 6)),
    ],
)  # fmt: skip
def test_slice_cuts_at_the_points_or_in_equal_parts(text: str, axis: int, cuts: tuple[int, ...]) -> None:
    x = numbered(6, 6, 6)
    tops = layer("Slice", text, tops=3)(Variable(x))
    for top, (start, stop) in zip(tops, itertools.pairwise(cuts), strict=True):
        shape = [stop - start if i == axis else 6 for i in range(3)]
        same(
            top,
            from_places(shape, lambda i, at=start: (*i[:axis], i[axis] + at, *i[axis + 1 :]), x),  # type: ignore[misc]
        )


def test_a_slice_with_one_top_is_the_bottom() -> None:
    (top,) = layer("Slice", "slice_param { axis: 0 }")(Variable(numbered(5, 2)))
    same(top, numbered(5, 2))


@given(SHAPES, st.data())
def test_concat_undoes_slice(shape: list[int], data: Any) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    points = sorted(data.draw(st.sets(st.integers(1, max(shape[axis] - 1, 1)), max_size=shape[axis] - 1)))
    text = "".join(f"slice_point: {point} " for point in points)
    x = Variable(numbered(*shape))
    pieces = layer("Slice", f"slice_param {{ axis: {axis} {text} }}", tops=len(points) + 1)(x)
    assert [piece.shape[axis] for piece in pieces] == list(np.diff([0, *points, shape[axis]]))
    same(layer("Concat", f"concat_param {{ axis: {axis} }}", len(pieces))(*pieces), x.array)


# -- Crop ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "like", "shape", "offset"),
    [
        ("", (9, 9, 2, 3), (4, 5, 2, 3), (0, 0, 0, 0)),
        ("offset: 3", (1, 1, 2, 3), (4, 5, 2, 3), (0, 0, 3, 3)),
        ("offset: [4, 1]", (4, 5, 2, 3), (4, 5, 2, 3), (0, 0, 4, 1)),
        ("axis: 1 offset: [2, 0, 1]", (4, 3, 2, 3), (4, 3, 2, 3), (0, 2, 0, 1)),
        ("axis: 1 offset: 2", (4, 1, 2, 3), (4, 1, 2, 3), (0, 2, 2, 2)),
        ("axis: -1 offset: 4", (4, 1, 2, 3), (4, 5, 6, 3), (0, 0, 0, 4)),
        ("axis: 3 offset: 4", (4, 1, 9, 3), (4, 5, 6, 3), (0, 0, 0, 4)),
        ("axis: 0", (4, 5, 6, 7), (4, 5, 6, 7), (0, 0, 0, 0)),
    ],
)
def test_crop_takes_a_window_of_the_second_bottoms_size(text: str, like: Any, shape: Any, offset: Any) -> None:
    x = numbered(4, 5, 6, 7)
    want = from_places(shape, lambda index: tuple(i + o for i, o in zip(index, offset, strict=True)), x)
    same(layer("Crop", f"crop_param {{ {text} }}", 2)(Variable(x), Variable(numbered(*like))), want)


@pytest.mark.parametrize(
    ("text", "like"),
    [
        ("", (4, 5, 7, 7)), ("offset: 1", (4, 5, 6, 6)), ("offset: [0, 5]", (4, 5, 6, 3)), ("offset: 9", (4, 5, 1, 1)),
        ("offset: [1, 1, 1]", (4, 5, 2, 2)), ("axis: 0 offset: [1, 1]", (1, 1, 1, 1)), ("axis: 4", (4, 5, 6, 7)),
        ("", (4, 5, 6)),
    ],
)  # fmt: skip
def test_a_crop_that_does_not_lie_within_is_refused(text: str, like: Any) -> None:
    with pytest.raises(ShapeError, match="Crop: "):
        layer("Crop", f"crop_param {{ {text} }}", 2)(Variable(numbered(4, 5, 6, 7)), Variable(numbered(*like)))


# -- Flatten and Reshape ------------------------------------------------------------------------------------------


@given(SHAPES, st.data())
def test_flatten_makes_one_axis_of_several(shape: list[int], data: Any) -> None:
    start = data.draw(st.integers(0, len(shape) - 1))
    stop = data.draw(st.integers(max(start - 1, 0), len(shape) - 1))
    signs = data.draw(st.tuples(st.booleans(), st.booleans()))
    axis, end_axis = (i - len(shape) * sign for i, sign in zip((start, stop), signs, strict=True))
    size = 1
    for i in range(start, stop + 1):
        size *= shape[i]
    want = numbered(*shape[:start], size, *shape[stop + 1 :])
    same(
        layer("Flatten", f"flatten_param {{ axis: {axis} end_axis: {end_axis} }}")(Variable(numbered(*shape))),
        want,
    )


def test_flatten_keeps_the_items_by_itself() -> None:
    same(layer("Flatten")(Variable(numbered(2, 3, 4, 5))), numbered(2, 60))


@pytest.mark.parametrize("text", ["axis: 2 end_axis: 0", "axis: 3", "end_axis: 3", "axis: -4"])
def test_flatten_refuses_axes_that_are_not_there(text: str) -> None:
    with pytest.raises(ShapeError, match="Flatten: "):
        layer("Flatten", f"flatten_param {{ {text} }}")(Variable(numbered(2, 3, 4)))


@pytest.mark.parametrize(
    ("text", "dims", "shape"),
    [
        ("", [0, -1], (2, 60)), ("", [0, 0, 20], (2, 3, 20)), ("", [-1, 5], (24, 5)), ("", [0, 6, -1], (2, 6, 10)),
        ("", [120], (120,)), ("", [-1, 0, 1, 1], (40, 3, 1, 1)), ("", [0, 0, 0, 0], (2, 3, 4, 5)),
        ("axis: 1", [-1], (2, 60)), ("axis: 1 num_axes: 2", [2, 6], (2, 2, 6, 5)), ("axis: 1", [0, -1], (2, 3, 20)),
        ("axis: 1 num_axes: 0", [1], (2, 1, 3, 4, 5)), ("axis: 0 num_axes: 0", [1, 1], (1, 1, 2, 3, 4, 5)),
        ("axis: -1", [1], (2, 3, 4, 5, 1)), ("axis: -1 num_axes: 0", [1, 1], (2, 3, 4, 5, 1, 1)),
        ("axis: -2", [5, 1], (2, 3, 4, 5, 1)), ("axis: -5", [-1], (120,)), ("axis: 4", [1], (2, 3, 4, 5, 1)),
        ("axis: -3 num_axes: 2", [10, 2], (2, 3, 10, 2)), ("axis: 1 num_axes: 1", [-1, 1], (2, 3, 1, 4, 5)),
        ("axis: 0 num_axes: 2", [1, 0, -1], (1, 3, 2, 4, 5)),
        ("axis: 1 num_axes: 2", [12, 0], None),  # axis 2 is copied: 12 * 4
    ],
)  # fmt: skip
def test_reshape(text: str, dims: list[int], shape: Any) -> None:
    made = layer("Reshape", f"reshape_param {{ shape {{ dim: {dims} }} {text} }}")
    if shape is None:
        with pytest.raises(ShapeError, match="Reshape: "):
            made(Variable(numbered(2, 3, 4, 5)))
    else:
        same(made(Variable(numbered(2, 3, 4, 5))), numbered(*shape))


@pytest.mark.parametrize(
    ("text", "dims"),
    [
        ("", [7, -1]), ("", [0, 0, 0, 0, 0]), ("axis: 5", [1]), ("axis: -6", [1]), ("num_axes: 5", [120]),
        ("axis: 3 num_axes: 2", [5]), ("", [119]), ("axis: 3", [5, 0]),
    ],
)  # fmt: skip
def test_reshape_refuses_what_does_not_fit(text: str, dims: list[int]) -> None:
    with pytest.raises(ShapeError, match="Reshape: "):
        layer("Reshape", f"reshape_param {{ shape {{ dim: {dims} }} {text} }}")(Variable(numbered(2, 3, 4, 5)))


@pytest.mark.parametrize(("dims", "shape"), [("[0, -1]", (0, 12)), ("[0, -1, 2]", (0, 6, 2)), ("[-1, 6]", None)])
def test_a_batch_of_nothing_is_reshaped_as_others_are(dims: str, shape: Any) -> None:
    made, x = layer("Reshape", f"reshape_param {{ shape {{ dim: {dims} }} }}"), Variable(np.zeros((0, 3, 4), "f"))
    assert made(x).shape == (shape or (0, 6))


def test_a_copied_axis_may_lie_behind_those_that_are_replaced() -> None:
    made = layer("Reshape", "reshape_param { shape { dim: [-1, 0] } num_axes: 1 }")
    same(made(Variable(numbered(6, 3))), numbered(2, 3, 3))


def test_a_shape_of_no_axes_is_a_scalar() -> None:
    assert layer("Reshape", "reshape_param { shape { } }")(Variable(numbered(1, 1))).shape == ()


# -- Permute, Tile, Split, Silence --------------------------------------------------------------------------------


@given(SHAPES, st.data())
def test_permute_appends_the_axes_that_it_does_not_name(shape: list[int], data: Any) -> None:
    order = data.draw(st.permutations(range(len(shape))))[: data.draw(st.integers(0, len(shape)))]
    x = numbered(*shape)
    whole = [*order, *(axis for axis in range(len(shape)) if axis not in order)]

    def place(index: Any) -> Any:
        found = [0] * len(shape)
        for i, axis in enumerate(whole):
            found[axis] = index[i]
        return tuple(found)

    want = from_places([shape[axis] for axis in whole], place, x)
    text = "".join(f"order: {axis} " for axis in order)
    same(layer("Permute", f"permute_param {{ {text} }}")(Variable(x)), want)


@pytest.mark.parametrize(("axis", "at"), [("", 1), ("axis: 0", 0), ("axis: 2", 2), ("axis: -1", 2), ("axis: -3", 0)])
@pytest.mark.parametrize("tiles", [1, 2, 5])
def test_tile_repeats_the_whole_axis(axis: str, at: int, tiles: int) -> None:
    x = numbered(2, 3, 4)
    shape = [n * tiles if i == at else n for i, n in enumerate(x.shape)]
    want = from_places(shape, lambda index: tuple(i % n for i, n in zip(index, x.shape, strict=True)), x)
    same(layer("Tile", f"tile_param {{ {axis} tiles: {tiles} }}")(Variable(x)), want)


@pytest.mark.parametrize("tops", [1, 2, 5])
def test_split_gives_the_bottom_itself_under_each_name(tops: int) -> None:
    x = Variable(numbered(2, 3))
    found = layer("Split", tops=tops)(x)
    assert len(found) == tops
    assert all(top is x for top in found)


@pytest.mark.parametrize("bottoms", [1, 3])
def test_silence_has_no_tops(bottoms: int) -> None:
    assert layer("Silence", bottoms=bottoms, tops=0)(*[Variable(numbered(2))] * bottoms) == ()


@pytest.mark.parametrize(
    ("type", "text"),
    [("Permute", "permute_param { order: [0, 3] }"), ("Tile", "tile_param { axis: 3 tiles: 2 }"),
     ("Tile", "tile_param { axis: -4 tiles: 2 }"), ("Concat", "concat_param { axis: 3 }"),
     ("Slice", "slice_param { axis: -4 }"), ("Slice", "slice_param { slice_dim: 3 }")],
)  # fmt: skip
def test_axes_that_are_not_there_are_refused(type: str, text: str) -> None:
    with pytest.raises(ShapeError, match=r"axis -?\d is out of range"):
        layer(type, text)(Variable(numbered(2, 3, 4)))


@pytest.mark.parametrize("text", ["", "slice_param { slice_point: 4 }"])
def test_a_slice_that_does_not_come_out_even_is_refused(text: str) -> None:
    with pytest.raises(ShapeError, match="split_axis: "):
        layer("Slice", text, tops=2)(Variable(numbered(2, 3)))


# -- what is refused, gradients, devices --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "text", "message"),
    [
        ("Concat", "concat_param { axis: 1 concat_dim: 1 }", "both axis and concat_dim"),
        ("Concat", "concat_param { concat_dim: -1 }", "concat_dim is -1"),
        ("Slice", "slice_param { axis: 1 slice_dim: 1 }", "both axis and slice_dim"),
        ("Slice", "slice_param { slice_dim: -2 }", "slice_dim is -2"),
        ("Slice", "slice_param { slice_point: 1 }", "1 slice_points \\(expected 0"),
        ("Crop", "", "1 bottoms \\(expected 2\\)"),
        ("Permute", "permute_param { order: [1, 1] }", "order is \\[1, 1\\]"),
        ("Permute", "permute_param { order: -1 }", "order is \\[-1\\]"),
        ("Reshape", "reshape_param { shape { dim: [-1, -1] } }", "at most one -1"),
        ("Reshape", "reshape_param { shape { dim: -2 } }", "shape is \\[-2\\]"),
        ("Reshape", "reshape_param { num_axes: -2 }", "num_axes is -2"),
        ("Tile", "", "tiles is 0"),
        ("Tile", "tile_param { tiles: -1 }", "tiles is -1"),
        ("Silence", "", "1 tops \\(expected 0\\)"),
    ],
)
def test_nonsense_is_refused_when_the_net_is_built(type: str, text: str, message: str) -> None:
    with pytest.raises(CaffeNetError, match=message):
        layer(type, text)


@pytest.mark.parametrize("points", ["[0, 1]", "[2, 2]", "[3, 1]", "[-1, 2]"])
def test_slice_points_rise(points: str) -> None:
    with pytest.raises(CaffeNetError, match="slice_point is"):
        layer("Slice", f"slice_param {{ slice_point: {points} }}", tops=3)


@pytest.mark.parametrize(
    ("type", "bottoms", "tops"),
    [
        ("Concat", 0, 1), ("Slice", 1, 0), ("Split", 1, 0), ("Crop", 3, 1), ("Silence", 0, 0), ("Split", 2, 1),
        ("Concat", 2, 2),
    ],
)  # fmt: skip
def test_the_numbers_of_bottoms_and_tops_are_checked(type: str, bottoms: int, tops: int) -> None:
    with pytest.raises(CaffeNetError, match=r"it has \d (bottoms|tops)"):
        layer(type, bottoms=bottoms, tops=tops)


def test_a_negative_offset_is_refused() -> None:
    with pytest.raises(CaffeNetError, match="offset is -1"):
        layer("Crop", "crop_param { offset: [1, -1] }", 2)


LINEAR = {
    "concat": ("Concat", "concat_param { axis: -1 }", 2, 1),
    "crop": ("Crop", "crop_param { axis: 0 offset: 0 }", 2, 1),
    "flatten": ("Flatten", "", 1, 1),
    "permute": ("Permute", "permute_param { order: [2, 0] }", 1, 1),
    "reshape": ("Reshape", "reshape_param { shape { dim: [0, 2, -1] } }", 1, 1),
    "slice": ("Slice", "slice_param { slice_point: 1 axis: 2 }", 1, 2),
    "split": ("Split", "", 1, 2),
    "tile": ("Tile", "tile_param { axis: 2 tiles: 3 }", 1, 1),
}


@pytest.mark.parametrize("name", LINEAR)
def test_gradients_equal_numerics(name: str) -> None:
    made, count = layer(*LINEAR[name]), LINEAR[name][2]
    rng = np.random.default_rng(0)
    xs = tuple(rng.standard_normal((2, 2, 3)) for _ in range(count))
    ys = made(*map(Variable, xs))
    weights = tuple(rng.standard_normal(y.shape) for y in (ys if isinstance(ys, tuple) else (ys,)))
    check_backward(made, xs, weights)
    check_double_backward(made, xs, weights, tuple(rng.standard_normal(x.shape) for x in xs))


def test_only_the_shape_of_what_crop_compares_with_matters() -> None:
    x, like = Variable(numbered(1, 1, 3, 3)), Variable(numbered(1, 1, 2, 2))
    chainette.functions.sum(layer("Crop", "crop_param { offset: 1 }", 2)(x, like)).backward()
    np.testing.assert_array_equal(x.grad[0, 0], [[0, 0, 0], [0, 1, 1], [0, 1, 1]])
    assert like.grad is None


@pytest.mark.parametrize("name", LINEAR)
def test_devices_agree(name: str) -> None:
    made, xs = layer(*LINEAR[name]), [numbered(2, 2, 3)] * LINEAR[name][2]
    on_cpu = made(*map(Variable, xs))
    with isolated_plugins(fake_backend.plugin, installed=True):
        found = made.to_device("fake:1")(*(Variable(chainette.to_device(x, "fake:1")) for x in xs))
        for got, want in zip(*(y if isinstance(y, tuple) else (y,) for y in (found, on_cpu)), strict=True):
            assert str(got.device) == "fake:1"
            np.testing.assert_array_equal(chainette.to_device(got.array, "cpu"), want.array)
