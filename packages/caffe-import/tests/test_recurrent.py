"""LSTM and RNN beside loops over every single number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
from chainette import Variable
from chainette.errors import ShapeError
from chainette.testing import check_backward, check_double_backward, fake_backend, isolated_plugins
from chainette_caffe_import import CaffeNetError, Layer

from .building import make_layer

STATES = {"LSTM": 2, "RNN": 1}
GATES = {"LSTM": 4, "RNN": 1}
rng = np.random.default_rng(0)


def make(type: str, size: int, blobs: Any = (), is_static: bool = False, is_exposed: bool = False) -> Layer:
    n_exposed = STATES[type] if is_exposed else 0
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(2 + is_static + n_exposed))
    tops = " ".join(f'top: "y{i}"' for i in range(1 + n_exposed))
    exposed = "expose_hidden: true debug_info: false" if is_exposed else ""
    return make_layer(f'type: "{type}" {bottoms} {tops} recurrent_param {{ num_output: {size} {exposed} }}', *blobs)


def draw_blobs(type: str, inputs: int, size: int, static: int = 0) -> list[Any]:
    """In Caffe's order."""
    rows = GATES[type] * size
    shapes: list[tuple[int, ...]] = [(rows, inputs), (rows,), *([(rows, static)] if static else []), (rows, size)]
    if type == "RNN":
        shapes += [(size, size), (size,)]
    return [rng.standard_normal(shape).astype("f") for shape in shapes]


def assert_near(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape
    assert (np.abs(got - want) <= 2e-5 * max(1.0, np.abs(want).max(initial=0)) + 1e-4 * np.abs(want)).all()


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def dot(row: Any, values: Any) -> float:
    return sum(float(w) * float(x) for w, x in zip(row, values, strict=True))


def reference(type: str, blobs: Any, x: Any, cont: Any, static: Any = None, states: Any = None) -> tuple[Any, ...]:
    """The top, and the states at the end."""
    W_x, b, *rest = blobs
    W_static = rest.pop(0) if static is not None else None
    W_h, *rest = rest
    size = W_h.shape[1]
    time, batch = x.shape[:2]
    top = np.zeros((time, batch, size))
    h, c = np.zeros((2, batch, size))
    if states is not None:
        h, c = states[0][0].copy(), states[-1][0].copy()  # an RNN has no c
    for t, n in np.ndindex(time, batch):
        before = [cont[t, n] * value for value in h[n]]
        sums = [dot(W_x[k], x[t, n].ravel()) + b[k] + dot(W_h[k], before) for k in range(len(b))]
        if static is not None:
            sums = [value + dot(W_static[k], static[n].ravel()) for k, value in enumerate(sums)]
        if type == "RNN":
            h[n] = [math.tanh(value) for value in sums]
            top[t, n] = [math.tanh(dot(rest[0][k], h[n]) + rest[1][k]) for k in range(size)]
            continue
        for k in range(size):
            i, f, o, g = (sums[gate * size + k] for gate in range(4))
            c[n, k] = cont[t, n] * sigmoid(f) * c[n, k] + sigmoid(i) * math.tanh(g)
            h[n, k] = sigmoid(o) * math.tanh(c[n, k])
        top[t, n] = h[n]
    return top, *[state[None] for state in (h, c)[: STATES[type]]]


@settings(max_examples=40)
@given(
    type=st.sampled_from(["LSTM", "RNN"]),
    time=st.integers(1, 4),
    batch=st.integers(1, 3),
    inputs=st.lists(st.integers(1, 3), min_size=1, max_size=3),
    size=st.integers(1, 3),
    static=st.lists(st.integers(1, 3), max_size=2),
    is_exposed=st.booleans(),
)
def test_every_number_is_that_of_the_loop(
    type: str, time: int, batch: int, inputs: list[int], size: int, static: list[int], is_exposed: bool
) -> None:
    blobs = draw_blobs(type, math.prod(inputs), size, math.prod(static) if static else 0)
    x = rng.standard_normal((time, batch, *inputs)).astype("f")
    cont = rng.integers(0, 2, (time, batch)).astype("f")
    xs = [x, cont, *([rng.standard_normal((batch, *static)).astype("f")] if static else [])]
    states = [rng.standard_normal((1, batch, size)).astype("f") for _ in range(STATES[type])] if is_exposed else None
    layer = make(type, size, blobs, bool(static), is_exposed)
    found = layer(*map(Variable, [*xs, *(states or [])]))
    wanted = reference(type, blobs, x, cont, xs[2] if static else None, states)
    for got, want in zip(found if is_exposed else (found,), wanted if is_exposed else wanted[:1], strict=True):
        assert got.dtype == np.float32
        assert_near(got.array, want)


@pytest.mark.parametrize("is_exposed", [False, True])
@pytest.mark.parametrize("is_static", [False, True])
@pytest.mark.parametrize("type", ["LSTM", "RNN"])
def test_gradients_equal_numerics(type: str, is_static: bool, is_exposed: bool) -> None:
    layer = make(type, 2, [0.5 * blob for blob in draw_blobs(type, 2, 2, 2 if is_static else 0)], is_static, is_exposed)
    xs = [rng.standard_normal((3, 2, 2)), *([rng.standard_normal((2, 2))] if is_static else [])]
    xs += [rng.standard_normal((1, 2, 2)) for _ in range(STATES[type] if is_exposed else 0)]
    cont = np.array([[is_exposed, 0], [1, 1], [0, 1]], "d")

    def run(x: Variable, *others: Variable) -> Any:
        return layer(x, Variable(cont, requires_grad=False), *others)

    check_backward(run, tuple(xs), params=list(layer.params()))
    check_double_backward(run, tuple(xs), params=list(layer.params()))


@pytest.mark.parametrize("dtype", ["int32", "bool", "float32"])
def test_indicators_may_have_any_dtype(dtype: str) -> None:
    blobs = draw_blobs("LSTM", 2, 3)
    x, cont = rng.standard_normal((3, 2, 2)).astype("f"), np.array([[0, 0], [1, 0], [1, 1]], dtype)
    assert_near(make("LSTM", 3, blobs)(Variable(x), Variable(cont)).array, reference("LSTM", blobs, x, cont)[0])


# What is remembered


@pytest.mark.parametrize("type", ["LSTM", "RNN"])
def test_a_sequence_may_come_in_pieces(type: str) -> None:
    blobs, x = draw_blobs(type, 3, 2), rng.standard_normal((5, 2, 3)).astype("f")
    cont = np.array([[0, 0], [1, 1], [1, 0], [1, 1], [0, 1]], "f")
    layer = make(type, 2, blobs)
    pieces = [
        layer(Variable(x[piece]), Variable(cont[piece])).array for piece in (slice(0, 2), slice(2, 3), slice(3, 5))
    ]
    assert_near(np.concatenate(pieces), reference(type, blobs, x, cont)[0])


@pytest.mark.parametrize("type", ["LSTM", "RNN"])
def test_a_first_a_reset_and_another_batch_begin_with_zeros(type: str) -> None:
    blobs, goes_on = draw_blobs(type, 3, 2), np.ones((2, 3), "f")
    layer, x = make(type, 2, blobs), rng.standard_normal((2, 3, 3)).astype("f")
    wanted = reference(type, blobs, x, goes_on)[0]
    assert_near(layer(Variable(x), Variable(goes_on)).array, wanted)
    assert np.abs(layer(Variable(x), Variable(goes_on)).array - wanted).max() > 1e-3
    layer.reset_state()
    assert_near(layer(Variable(x), Variable(goes_on)).array, wanted)
    assert_near(layer(Variable(x[:, :1]), Variable(goes_on[:, :1])).array, wanted[:, :1])


def test_no_gradient_flows_into_the_call_before() -> None:
    layer, goes_on = make("LSTM", 2, draw_blobs("LSTM", 3, 2)), Variable(np.ones((1, 1), "f"))
    first, second = (Variable(rng.standard_normal((1, 1, 3)).astype("f")) for _ in range(2))
    layer(first, goes_on)
    chainette.functions.sum(layer(second, goes_on)).backward()
    assert first.grad is None
    assert second.grad is not None


def test_exposed_states_are_not_remembered() -> None:
    layer = make("RNN", 2, draw_blobs("RNN", 3, 2), is_exposed=True)
    bottoms = [Variable(rng.standard_normal(shape).astype("f")) for shape in ((2, 1, 3), (2, 1), (1, 1, 2))]
    assert (layer(*bottoms)[0].array == layer(*bottoms)[0].array).all()


@pytest.mark.parametrize("type", ["LSTM", "RNN"])
def test_a_sequence_goes_on_where_the_net_is_moved_to(type: str) -> None:
    blobs, x = draw_blobs(type, 3, 2), rng.standard_normal((4, 2, 3)).astype("f")
    goes_on = np.ones((4, 2), "f")
    with isolated_plugins(fake_backend.plugin, installed=True):
        layer = make(type, 2, blobs)
        layer(Variable(x[:2]), Variable(goes_on[:2]))
        layer.to_device("fake:1")
        bottom, cont = (Variable(chainette.to_device(each[2:], "fake:1")) for each in (x, goes_on))
        top = layer(bottom, cont)
        assert_near(chainette.to_device(top.array, "cpu"), reference(type, blobs, x, goes_on)[0][2:])
        chainette.functions.sum(top).backward()
        assert str(bottom.grad_var.device) == "fake:1"


# Parameters


@pytest.mark.parametrize(
    ("type", "is_static", "names"),
    [
        ("LSTM", False, ["W_x", "b", "W_h"]),
        ("LSTM", True, ["W_x", "b", "W_static", "W_h"]),
        ("RNN", False, ["W_x", "b", "W_h", "W_o", "b_o"]),
        ("RNN", True, ["W_x", "b", "W_static", "W_h", "W_o", "b_o"]),
    ],
)
def test_the_parameters_are_in_caffes_order(type: str, is_static: bool, names: list[str]) -> None:
    blobs = draw_blobs(type, 3, 2, 5 if is_static else 0)
    layer = make(type, 2, blobs, is_static)
    assert [name for name, _ in layer.namedparams()] == [f"/{name}" for name in names]
    for parameter, blob in zip(layer.params(), blobs, strict=True):
        assert (parameter.array == blob).all()


@pytest.mark.parametrize("type", ["LSTM", "RNN"])
def test_without_a_model_the_fillers_count_and_the_first_inputs_give_the_sizes(type: str) -> None:
    fillers = 'weight_filler { type: "uniform" min: 2 max: 3 } bias_filler { value: -1 }'
    layer = make_layer(
        f'type: "{type}" bottom: "x" bottom: "c" bottom: "s" top: "y" recurrent_param {{ num_output: 3 {fillers} }}'
    )
    layer(*[Variable(np.ones(shape, "f")) for shape in ((2, 4, 5, 2), (2, 4), (4, 7))])
    rows = 3 * GATES[type]
    shapes = {name.strip("/"): parameter.shape for name, parameter in layer.namedparams()}
    expected = {"W_x": (rows, 10), "b": (rows,), "W_static": (rows, 7), "W_h": (rows, 3)}
    assert shapes == expected | ({"W_o": (3, 3), "b_o": (3,)} if type == "RNN" else {})
    for name, parameter in layer.namedparams():
        low, high = (2, 3) if "W" in name else (-1, -1)
        assert low <= parameter.array.min() <= parameter.array.max() <= high


def test_products_are_counted() -> None:
    bottoms = [Variable(np.ones(shape, "f")) for shape in ((3, 4, 5), (3, 4), (4, 7))]
    steps, batch = 3 * 4, 4
    for type, wanted in [
        ("LSTM", steps * 24 * (5 + 6) + batch * 24 * 7),
        ("RNN", steps * 6 * (5 + 6 + 6) + batch * 6 * 7),
    ]:
        layer = make(type, 6, draw_blobs(type, 5, 6, 7), is_static=True)
        assert layer.multiply_adds(bottoms, [layer(*bottoms)]) == wanted


# What does not fit


@pytest.mark.parametrize(
    ("ends", "text", "blobs", "what"),
    [
        ('bottom: "x" bottom: "c" top: "y"', "", [], "num_output is 0"),
        ('bottom: "x" top: "y"', "num_output: 2", [], "1 bottoms"),
        ('bottom: "x" bottom: "c" bottom: "s" bottom: "h" top: "y"', "num_output: 2", [], "4 bottoms and 1 tops"),
        ('bottom: "x" bottom: "c" top: "y" top: "h"', "num_output: 2", [], "2 bottoms and 2 tops"),
        (
            'bottom: "x" bottom: "c" top: "y"',
            "num_output: 2 expose_hidden: true",
            [],
            "expected 4 or 5 bottoms, and 3 t",
        ),
        ('bottom: "x" bottom: "c" top: "y"', "num_output: 2", [(8, 3), (8,)], "one more, for W_h"),
        ('bottom: "x" bottom: "c" top: "y"', "num_output: 2", [(8, 3), (8,), (8, 3)], r"W_h, has shape \(8, 3\)"),
        ('bottom: "x" bottom: "c" top: "y"', "num_output: 2", [(8, 3), (8,), (8, 3), (8, 2)], "W_h, has shape"),
    ],
)
def test_what_makes_no_sense_is_refused(ends: str, text: str, blobs: list[Any], what: str) -> None:
    with pytest.raises(CaffeNetError, match=what):
        make_layer(f'type: "LSTM" {ends} recurrent_param {{ {text} }}', *[np.zeros(shape) for shape in blobs])


@pytest.mark.parametrize(
    ("shapes", "what"),
    [
        (((2, 3), (2, 3), (3, 2), (1, 3, 2)), r"RNN: x has shape \(2, 3\)"),
        (((2, 3, 4), (3, 2), (3, 2), (1, 3, 2)), r"indicators have shape \(3, 2\) \(expected \(2, 3\)"),
        (((2, 3, 4), (2, 3), (3,), (1, 3, 2)), r"static input has shape \(3,\)"),
        (((2, 3, 4), (2, 3), (2, 5), (1, 3, 2)), r"static input has 2 rows \(expected 3"),
        (((2, 3, 4), (2, 3), (1, 5), (1, 3, 2)), r"static input has 1 rows \(expected 3"),
        (((2, 3, 4), (2, 3), (3, 5), (3, 2)), r"state h has shape \(3, 2\) \(expected \(1, 3, 2\)"),
    ],
)
def test_inputs_that_do_not_fit_are_named(shapes: Any, what: str) -> None:
    layer = make("RNN", 2, is_static=True, is_exposed=True)
    with pytest.raises(ShapeError, match=what):
        layer(*[Variable(np.ones(shape, "f")) for shape in shapes])
