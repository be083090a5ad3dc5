"""ArgMax, BatchReindex, Embed, Filter, Parameter, Reduction and Softmax beside loops."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import chainette
from chainette import Variable
from chainette.errors import ArgumentError, ShapeError
from chainette.testing import check_backward, check_double_backward, fake_backend, isolated_plugins
from chainette_caffe_import import CaffeNetError, CaffeUnsupportedError

from .building import make_layer

rng = np.random.default_rng(0)


def layer(type: str, text: str = "", *blobs: Any, bottoms: int = 1, tops: int = 1) -> Any:
    names = "".join(f'bottom: "x{i}" ' for i in range(bottoms)) + "".join(f'top: "y{i}" ' for i in range(tops))
    return make_layer(f'type: "{type}" {names} {text}', *blobs)


def normal(*shape: int) -> Any:
    return rng.standard_normal(shape).astype("f")


def assert_near(got: Any, want: Any) -> None:
    assert (got.shape, got.dtype) == (want.shape, np.float32)
    assert (np.abs(got.array - want) <= 2e-5 * max(1.0, np.abs(want).max()) + 1e-4 * np.abs(want)).all()


# -- ArgMax -------------------------------------------------------------------------------------------------------


def best(values: Any, k: int) -> list[tuple[float, int]]:
    """The k largest pairs of a value and its place, the largest first."""
    return sorted(((float(value), i) for i, value in enumerate(values)), reverse=True)[:k]


@given(
    shape=st.lists(st.integers(1, 3), min_size=1, max_size=5), k=st.integers(1, 9), values=st.booleans(), data=st.data()
)
def test_argmax_over_items(shape: list[int], k: int, values: bool, data: Any) -> None:
    size = math.prod(shape[1:])
    k = min(k, size)
    numbers = data.draw(st.lists(st.integers(-2, 2), min_size=shape[0] * size, max_size=shape[0] * size))
    x = np.array(numbers, np.float32).reshape(shape)  # with many that are equal
    want = np.empty((shape[0], 1 + values, k, *[1] * max(len(shape) - 3, 1)), np.float32)
    for n in range(shape[0]):
        for j, (value, place) in enumerate(best(x[n].ravel(), k)):
            want[n, 0, j] = place
            if values:
                want[n, 1, j] = value
    made = layer("ArgMax", f"argmax_param {{ top_k: {k} out_max_val: {str(values).lower()} }}")
    np.testing.assert_array_equal(made(Variable(x)).array, want, strict=True)


@pytest.mark.parametrize("values", ["", "out_max_val: true"])
@pytest.mark.parametrize(("axis", "at"), [(0, 0), (1, 1), (-1, 2), (-3, 0)])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_argmax_along_an_axis(values: str, axis: int, at: int, k: int) -> None:
    x = np.round(2 * normal(4, 3, 5))
    want = np.empty([k if i == at else n for i, n in enumerate(x.shape)], np.float32)
    for index in itertools.product(*(range(1 if i == at else n) for i, n in enumerate(x.shape))):
        line = [x[(*index[:at], i, *index[at + 1 :])] for i in range(x.shape[at])]
        for j, (value, place) in enumerate(best(line, k)):
            want[(*index[:at], j, *index[at + 1 :])] = value if values else place
    made = layer("ArgMax", f"argmax_param {{ axis: {axis} top_k: {k} {values} }}")
    np.testing.assert_array_equal(made(Variable(x)).array, want, strict=True)


def test_argmax_gives_floats_without_a_gradient() -> None:
    for x in (np.zeros((2, 3), "d"), np.zeros((2, 3), "e"), np.zeros((2, 3), "i4")):
        y = layer("ArgMax")(Variable(x))
        assert (y.dtype, y.requires_grad, y.shape) == (np.float32, False, (2, 1, 1, 1))
        assert y.array.ravel().tolist() == [2, 2]


@pytest.mark.parametrize(
    ("text", "shape"), [("top_k: 7", (2, 3, 2)), ("axis: 1 top_k: 4", (2, 3, 9)), ("axis: 3", (2, 3, 4)), ("", ())]
)
def test_argmax_refuses_more_than_there_is(text: str, shape: Any) -> None:
    with pytest.raises(ShapeError, match="ArgMax: "):
        layer("ArgMax", f"argmax_param {{ {text} }}")(Variable(np.zeros(shape, "f")))


# -- BatchReindex, Filter -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["f", "i4", "i8"])
@pytest.mark.parametrize("numbers", [[0], [2, 0, 2, 2, 1], []])
def test_batch_reindex_takes_items_by_number(dtype: str, numbers: list[int]) -> None:
    x = normal(3, 2, 2)
    got = layer("BatchReindex", bottoms=2)(Variable(x), Variable(np.array(numbers, dtype)))
    want = np.empty((len(numbers), 2, 2), "f")
    for i, number in enumerate(numbers):
        want[i] = x[number]
    np.testing.assert_array_equal(got.array, want, strict=True)


@pytest.mark.parametrize("number", [-1, 3])
def test_batch_reindex_refuses_numbers_of_no_item(number: int) -> None:
    with pytest.raises(ArgumentError, match=f"BatchReindex: indices holds {number}"):
        layer("BatchReindex", bottoms=2)(Variable(normal(3, 2)), Variable(np.array([0, number], "f")))


def test_batch_reindex_refuses_indices_of_several_axes() -> None:
    with pytest.raises(ShapeError, match="BatchReindex: "):
        layer("BatchReindex", bottoms=2)(Variable(normal(3, 2)), Variable(np.zeros((3, 1), "f")))


@pytest.mark.parametrize("selector", [[1, 0, 1, 1], [0, -0.5, 0, 0], [0, 0, 0, 0], [2, 3, 4, 5]])
@pytest.mark.parametrize("shape", [(4,), (4, 1), (4, 1, 1, 1)])
def test_filter_keeps_the_items_that_are_selected(selector: list[float], shape: Any) -> None:
    xs = [normal(4, 3), normal(4, 1, 2, 2), normal(4)]
    found = layer("Filter", bottoms=4, tops=3)(*map(Variable, xs), Variable(np.array(selector, "f").reshape(shape)))
    for x, got in zip(xs, found, strict=True):
        kept = [item for item, value in zip(x, selector, strict=True) if value != 0]
        want = np.array(kept, np.float32).reshape(len(kept), *x.shape[1:])
        np.testing.assert_array_equal(got.array, want, strict=True)


@pytest.mark.parametrize(("x", "selector"), [((4, 3), (4, 2)), ((4, 3), ()), ((4, 3), (3,)), ((), (1,))])
def test_filter_refuses_another_number_of_items(x: Any, selector: Any) -> None:
    with pytest.raises(ShapeError, match="Filter: "):
        layer("Filter", bottoms=2)(Variable(np.zeros(x, "f")), Variable(np.zeros(selector, "f")))


# -- Embed, Parameter ---------------------------------------------------------------------------------------------

W, B = normal(5, 3), normal(3)


@pytest.mark.parametrize("dtype", ["f", "i4", "u1", "i8"])
@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (2, 1, 2)])
@pytest.mark.parametrize("bias", [True, False])
def test_embed_takes_rows_by_number(dtype: str, shape: Any, bias: bool) -> None:
    x = rng.integers(0, 5, shape)
    want = np.empty((*shape, 3))
    for index in np.ndindex(*shape):
        for j in range(3):
            want[(*index, j)] = float(W[x[index], j]) + (float(B[j]) if bias else 0.0)
    text = f"embed_param {{ num_output: 3 input_dim: 5 {'' if bias else 'bias_term: false'} }}"
    got = layer("Embed", text, *([W, B] if bias else [W]))(Variable(np.asarray(x, dtype)))
    assert_near(got, want)


def test_a_fresh_embed_starts_from_its_fillers() -> None:
    text = "num_output: 3 input_dim: 5 weight_filler { value: 2 } bias_filler { value: 0.5 }"
    made = layer("Embed", f"embed_param {{ {text} }}")
    assert (made.W.shape, made.b.shape) == ((5, 3), (3,))
    np.testing.assert_array_equal(made(Variable(np.array([4.0, 0.0], "f"))).array, np.full((2, 3), 2.5, "f"))


def test_embed_refuses_numbers_beyond_its_table() -> None:
    with pytest.raises(ArgumentError, match="5"):
        layer("Embed", "embed_param { num_output: 3 input_dim: 5 }", W, B)(Variable(np.array([5.0], "f")))


def test_a_parameter_is_its_own_top() -> None:
    made = layer("Parameter", "parameter_param { shape { dim: [2, 3] } }", W[:2], bottoms=0)
    assert made() is made.W
    np.testing.assert_array_equal(made().array, W[:2], strict=True)


@pytest.mark.parametrize(
    ("text", "blobs", "shape"),
    [
        ("parameter_param { shape { dim: [2, 3] } }", (), (2, 3)),
        ("parameter_param { shape { } }", (), ()),
        ("", (), ()),
        ("", (W,), (5, 3)),
        ("", (np.float32(4),), ()),
    ],
)
def test_a_parameter_takes_its_shape_from_the_net_or_else_the_model(text: str, blobs: Any, shape: Any) -> None:
    got = layer("Parameter", text, *blobs, bottoms=0)().array
    np.testing.assert_array_equal(got, blobs[0] if blobs else np.zeros(shape, "f"), strict=True)


# -- Reduction, Softmax -------------------------------------------------------------------------------------------

TERMS = {"SUM": lambda v: v, "ASUM": abs, "SUMSQ": lambda v: v * v, "MEAN": lambda v: v}


@pytest.mark.parametrize(("axis", "kept"), [("", 0), ("axis: 0", 0), ("axis: 1", 1), ("axis: -1", 2), ("axis: 2", 2)])
@pytest.mark.parametrize("operation", ["", *TERMS])
@pytest.mark.parametrize("coeff", ["", "coeff: -2.5"])
def test_reduction(axis: str, kept: int, operation: str, coeff: str) -> None:
    x = normal(2, 3, 4)
    want = np.empty(x.shape[:kept])
    for index in np.ndindex(*x.shape[:kept]):
        values = [float(value) for value in x[index].ravel()]
        total = sum(map(TERMS[operation or "SUM"], values)) * (-2.5 if coeff else 1)
        want[index] = total / len(values) if operation == "MEAN" else total
    text = f"operation: {operation}" if operation else ""
    assert_near(layer("Reduction", f"reduction_param {{ {text} {axis} {coeff} }}")(Variable(x)), want)


@pytest.mark.parametrize(("text", "axis"), [("", 1), ("axis: 0", 0), ("axis: 2 engine: CUDNN", 2), ("axis: -3", 1)])
def test_softmax(text: str, axis: int) -> None:
    x = 5 * normal(2, 3, 4, 2)
    want = np.empty(x.shape)
    for index in np.ndindex(*x.shape):
        line = [math.exp(float(x[(*index[:axis], i, *index[axis + 1 :])])) for i in range(x.shape[axis])]
        want[index] = line[index[axis]] / sum(line)
    assert_near(layer("Softmax", f"softmax_param {{ {text} }}" if text else "")(Variable(x)), want)


@pytest.mark.parametrize(("type", "text"), [("Reduction", "reduction_param { axis: 3 }"),
                                            ("Softmax", "softmax_param { axis: -4 }")])  # fmt: skip
def test_axes_that_are_not_there_are_refused(type: str, text: str) -> None:
    with pytest.raises(ShapeError, match=r"axis -?\d is out of range"):
        layer(type, text)(Variable(normal(2, 3, 4)))


# -- what is refused, gradients, devices --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type", "text", "blobs", "bottoms", "message"),
    [
        ("ArgMax", "argmax_param { top_k: 0 }", (), 1, "top_k is 0"),
        ("Embed", "embed_param { num_output: 3 }", (), 1, "input_dim is 0"),
        ("Embed", "embed_param { input_dim: 3 }", (), 1, "num_output 0"),
        ("Embed", "embed_param { num_output: 3 input_dim: 5 }", (W,), 1, "1 blobs"),
        ("Embed", "embed_param { num_output: 3 input_dim: 5 }", (W.T, B), 1, r"blob 0, W, has shape \(3, 5\)"),
        ("Embed", "embed_param { num_output: 3 input_dim: 5 bias_term: false }", (W, B), 1, "2 blobs"),
        ("Filter", "", (), 3, r"1 tops \(expected 2\)"),
        ("Filter", "", (), 1, "1 bottoms"),
        ("BatchReindex", "", (), 1, "1 bottoms"),
        ("Parameter", "", (), 1, r"1 bottoms \(expected 0\)"),
        ("Parameter", "parameter_param { shape { dim: 2 } }", (W,), 0, "blob 0, W"),
    ],
)
def test_nonsense_is_refused_when_the_net_is_built(
    type: str, text: str, blobs: Any, bottoms: int, message: str
) -> None:
    with pytest.raises(CaffeNetError, match=message):
        layer(type, text, *blobs, bottoms=bottoms)


def test_a_reduction_that_is_not_known_is_unsupported() -> None:
    with pytest.raises(CaffeUnsupportedError, match="operation is 9"):
        layer("Reduction", "reduction_param { operation: 9 }")


DIFFERENTIABLE = {
    "reindex": (("BatchReindex", ""), {"bottoms": 2}, lambda x: (x, np.array([2, 0, 2, 2]))),
    "filter": (("Filter", ""), {"bottoms": 2}, lambda x: (x, np.array([1, 0, 1]))),
    "embed": (("Embed", "embed_param { num_output: 3 input_dim: 5 }", W, B), {}, lambda x: np.array([[4, 0], [4, 1]])),
    "parameter": (("Parameter", "", W), {"bottoms": 0}, lambda x: ()),
    "softmax": (("Softmax", "softmax_param { axis: -1 }"), {}, lambda x: x),
    **{
        operation: (("Reduction", f"reduction_param {{ operation: {operation} axis: 1 coeff: 3 }}"), {}, lambda x: x)
        for operation in TERMS
    },
}


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_gradients_equal_numerics(name: str) -> None:
    args, kwargs, inputs = DIFFERENTIABLE[name]
    made = layer(*args, **kwargs)
    arrays = inputs(rng.standard_normal((3, 2, 2)) + 3 * rng.choice([-1, 1], (3, 2, 2)))  # none near 0
    arrays = arrays if isinstance(arrays, tuple) else (arrays,)
    ys = made(*map(Variable, arrays))
    weights = tuple(rng.standard_normal(y.shape) for y in (ys if isinstance(ys, tuple) else (ys,)))
    params = list(made.params())
    check_backward(made, arrays, weights, params)
    if name != "parameter":
        floating = tuple(rng.standard_normal(x.shape) for x in arrays if x.dtype.kind == "f")
        check_double_backward(made, arrays, weights, floating, params)


def test_the_gradient_of_a_size_is_0_at_0() -> None:
    x = Variable(np.array([[-2.0, 0.0, 3.0]], "f"))
    layer("Reduction", "reduction_param { operation: ASUM }")(x).backward()
    assert x.grad.tolist() == [[-1, 0, 1]]


@pytest.mark.parametrize(
    ("type", "text", "blobs", "arrays"),
    [
        ("ArgMax", "argmax_param { top_k: 2 out_max_val: true }", (), [normal(2, 5)]),
        ("ArgMax", "argmax_param { axis: 1 }", (), [normal(2, 5)]),
        ("BatchReindex", "", (), [normal(3, 2), np.array([2.0, 0.0], "f")]),
        ("Filter", "", (), [normal(3, 2), np.array([2.0, 0.0, 1.0], "f")]),
        ("Embed", "embed_param { num_output: 3 input_dim: 5 }", (W, B), [np.array([4.0, 0.0], "f")]),
        ("Parameter", "", (W,), []),
        ("Reduction", "reduction_param { operation: ASUM coeff: 2 }", (), [normal(3, 2)]),
        ("Softmax", "", (), [normal(3, 2)]),
    ],
)
def test_devices_agree(type: str, text: str, blobs: Any, arrays: Any) -> None:
    made = layer(type, text, *blobs, bottoms=len(arrays))
    on_cpu = made(*map(Variable, arrays))
    want = (on_cpu[0] if isinstance(on_cpu, tuple) else on_cpu).array
    with isolated_plugins(fake_backend.plugin, installed=True):
        found = made.to_device("fake:1")(*(Variable(chainette.to_device(x, "fake:1")) for x in arrays))
        got = found[0] if isinstance(found, tuple) else found
        assert str(got.device) == "fake:1"
        np.testing.assert_array_equal(chainette.to_device(got.array, "cpu"), want)
