"""Eltwise, Exp, Log and Power beside formulas that are worked out value by value."""

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
from chainette_caffe_import import CaffeNetError, CaffeUnsupportedError, Layer

from .building import make_layer

rng = np.random.default_rng(0)


def make(type: str, text: str = "", n_bottoms: int = 1) -> Layer:
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(n_bottoms))
    field = f"{type.lower()}_param {{ {text} }}" if text else ""
    return make_layer(f'type: "{type}" {bottoms} top: "y" {field}')


def assert_near(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape
    assert (np.abs(got - want) <= 2e-5 * max(1.0, np.abs(want).max()) + 1e-4 * np.abs(want)).all()


# Eltwise


def combined(operation: str, values: list[float], coefficients: list[float]) -> float:
    if operation == "PROD":
        return math.prod(values)
    return max(values) if operation == "MAX" else sum(c * x for c, x in zip(coefficients, values, strict=True))


@given(
    shape=st.lists(st.integers(1, 3), max_size=5),
    operation=st.sampled_from(["PROD", "SUM", "MAX", ""]),
    coefficients=st.lists(st.sampled_from([1.0, -1.0, 0.5, 0.0, 3.0]), min_size=1, max_size=5),
    has_coefficients=st.booleans(),
)
def test_eltwise_of_any_number_of_bottoms(
    shape: list[int], operation: str, coefficients: list[float], has_coefficients: bool
) -> None:
    text = f"operation: {operation}" if operation else ""
    if has_coefficients and operation != "PROD":
        text += f" coeff: {coefficients}"
    else:
        coefficients = [1.0] * len(coefficients)
    xs = [rng.standard_normal(shape).astype("f") for _ in coefficients]
    y = make("Eltwise", text, len(xs))(*map(Variable, xs))
    wanted = np.zeros(shape)
    for place in np.ndindex(*shape):
        wanted[place] = combined(operation, [float(x[place]) for x in xs], coefficients)
    assert y.dtype == np.float32
    assert_near(y.array, wanted)


@pytest.mark.parametrize("n_bottoms", [1, 2, 3])
@pytest.mark.parametrize("text", ["operation: PROD", "operation: PROD stable_prod_grad: false", "", "operation: MAX"])
def test_gradients_of_eltwise_equal_numerics(text: str, n_bottoms: int) -> None:
    xs = tuple(rng.permutation(np.linspace(-2, 2, 24)).reshape(4, 2, 3)[:n_bottoms])  # no two are near each other
    layer, gy = make("Eltwise", text, n_bottoms), rng.standard_normal((2, 3))
    check_backward(layer, xs, gy)
    check_double_backward(layer, xs, gy)


def test_the_gradient_of_a_weighted_sum_is_the_coefficients() -> None:
    xs = [Variable(np.ones((2, 2), "f")) for _ in range(3)]
    chainette.functions.sum(make("Eltwise", "coeff: [2, 1, -0.5]", 3)(*xs)).backward()
    assert [x.grad.tolist() for x in xs] == [[[c, c]] * 2 for c in (2.0, 1.0, -0.5)]


def test_the_gradient_of_a_product_is_that_of_the_others_also_at_0() -> None:
    xs = [Variable(np.array([value], "f")) for value in (0, 3, 5)]
    make("Eltwise", "operation: PROD", 3)(*xs).backward()
    assert [x.grad.item() for x in xs] == [15, 0, 0]


@pytest.mark.parametrize("values", list(itertools.product([1, 2], repeat=4)))
def test_the_gradient_of_a_maximum_goes_where_caffe_sends_it(values: tuple[int, ...]) -> None:
    best, place = (values[0], 0) if values[0] > values[1] else (values[1], 1)
    for i, value in enumerate(values[2:], 2):
        if value > best:
            best, place = value, i
    xs = [Variable(np.array([value], "f")) for value in values]
    make("Eltwise", "operation: MAX", 4)(*xs).backward()
    assert [0.0 if x.grad is None else x.grad.item() for x in xs] == [float(i == place) for i in range(4)]


def test_bottoms_of_eltwise_are_not_broadcast() -> None:
    with pytest.raises(ShapeError, match=r"Eltwise: bottom0 and bottom1 must have one shape"):
        make("Eltwise", "", 2)(Variable(np.ones((2, 3), "f")), Variable(np.ones((1, 3), "f")))


# Exp, Log


@pytest.mark.parametrize("base", [-1, 2, 0.5, 1, 10])
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.5, 2), (-2, -1.5), (0, 3)])
def test_exp_raises_the_base(base: float, scale: float, shift: float) -> None:
    x = rng.uniform(-2, 2, (2, 3))
    layer = make("Exp", f"base: {base} scale: {scale} shift: {shift}")
    number = math.e if base == -1 else base
    wanted = [[number ** (shift + scale * value) for value in row] for row in x.tolist()]
    assert_near(layer(Variable(x.astype("f"))).array, wanted)
    check_backward(layer, x)
    check_double_backward(layer, x)


@pytest.mark.parametrize("base", [-1, 2, 0.5, 10])
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.5, 2), (-2, 10), (0, 3)])
def test_log_is_the_logarithm_to_the_base(base: float, scale: float, shift: float) -> None:
    x = rng.uniform(0.5, 3, (2, 3))
    layer = make("Log", f"base: {base} scale: {scale} shift: {shift}")
    number = math.e if base == -1 else base
    wanted = [[math.log(shift + scale * value, number) for value in row] for row in x.tolist()]
    assert_near(layer(Variable(x.astype("f"))).array, wanted)
    check_backward(layer, x)
    check_double_backward(layer, x)


@pytest.mark.parametrize(("type", "wanted"), [("Exp", math.e**1.5), ("Log", math.log(1.5)), ("Power", 1.5)])
def test_what_holds_where_nothing_is_said(type: str, wanted: float) -> None:
    assert_near(make(type)(Variable(np.array([1.5], "f"))).array, [wanted])


@pytest.mark.parametrize(("base", "shift"), [(-1, 100), (10, 60)])
def test_a_shift_that_overflows_by_itself_does_no_harm(base: float, shift: float) -> None:
    y = make("Exp", f"base: {base} shift: {shift}")(Variable(np.array([-shift], "f")))
    assert_near(y.array, [1.0])


# Power

POWERS = [0, 1, 2, 3, -1, -2, 0.5, 1.7]


@pytest.mark.parametrize("power", POWERS)
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (0.5, 2), (0, 1.5), (3, 0), (1, 0.25)])
def test_power_raises_to_it(power: float, scale: float, shift: float) -> None:
    x = rng.uniform(0.5, 2, (2, 3))
    layer = make("Power", f"power: {power} scale: {scale} shift: {shift}")
    wanted = [[(shift + scale * value) ** power for value in row] for row in x.tolist()]
    y = layer(Variable(x.astype("f")))
    assert y.dtype == np.float32
    assert_near(y.array, wanted)
    check_backward(layer, x)
    check_double_backward(layer, x)


@pytest.mark.parametrize("power", [0, 1, 2, 3])
@pytest.mark.parametrize(("scale", "shift"), [(1, 0), (-2, 0), (2, -1)])
def test_gradients_of_powers_are_right_at_0_and_below(power: int, scale: float, shift: float) -> None:
    x = np.array([-2, -0.5, 0, 0.5, 3])
    layer = make("Power", f"power: {power} scale: {scale} shift: {shift}")
    assert_near(layer(Variable(x.astype("f"))).array, [float((shift + scale * value) ** power) for value in x.tolist()])
    check_backward(layer, x)
    check_double_backward(layer, x)
    bottom = Variable(x.astype("f"))
    chainette.functions.sum(layer(bottom)).backward()
    slopes = [power * scale * (shift + scale * value) ** (power - 1) if power else 0 for value in x.tolist()]
    assert_near(bottom.grad, slopes)


def test_a_power_of_1_is_exact() -> None:
    x = rng.standard_normal((50, 50)).astype("f") * np.float32(1e6)
    assert (make("Power")(Variable(x)).array == x).all()
    y = make("Power", "power: 1 scale: 0.00390625 shift: -3")(Variable(x)).array
    assert (y == x * np.float32(0.00390625) - np.float32(3)).all()


@pytest.mark.parametrize("text", ["power: 0", "power: 0 scale: 0", "scale: 0 shift: 1 power: 2.5"])
def test_a_constant_is_one_whatever_x_is(text: str) -> None:
    x = Variable(np.array([np.nan, np.inf, -np.inf, 0, -3], "f"))
    y = make("Power", text)(x)
    chainette.functions.sum(y).backward()
    assert y.array.tolist() == [1.0] * 5
    assert x.grad.tolist() == [0.0] * 5


@pytest.mark.parametrize(
    ("type", "text"),
    [
        ("Eltwise", "coeff: [1, 2]"),
        ("Eltwise", "operation: PROD"),
        ("Eltwise", "operation: MAX"),
        ("Exp", "base: 2 shift: 1"),
        ("Log", "base: 2 shift: 1"),
        ("Power", "power: 0"),
        ("Power", "power: 2 shift: 1"),
        ("Power", "power: 1.5"),
    ],
)
def test_each_works_on_every_device(type: str, text: str) -> None:
    arrays = rng.uniform(0.5, 2, (2 if type == "Eltwise" else 1, 2, 3)).astype("f")
    with isolated_plugins(fake_backend.plugin, installed=True):
        layer, xs = make(type, text, len(arrays)), [Variable(chainette.to_device(x, "fake:1")) for x in arrays]
        y = layer(*xs)
        assert (chainette.to_device(y.array, "cpu") == layer(*map(Variable, arrays)).array).all()
        chainette.functions.sum(y).backward()
        assert [str(x.grad_var.device) for x in xs] == ["fake:1"] * len(xs)


@pytest.mark.parametrize(
    ("type", "text", "n_bottoms", "what"),
    [
        ("Eltwise", "", 0, "0 bottoms"),
        ("Eltwise", "coeff: [1, 2]", 3, "coeff has 2 values .expected one for each of 3 bottoms"),
        ("Eltwise", "operation: PROD coeff: [1, 2]", 2, "coeff is given for PROD"),
        ("Exp", "base: 0", 1, "base is 0"),
        ("Exp", "base: -2", 1, "base is -2"),
        ("Log", "base: 0", 1, "base is 0"),
        ("Log", "base: 1", 1, "base is 1"),
        ("Power", "", 2, "2 bottoms"),
    ],
)
def test_what_makes_no_sense_is_refused(type: str, text: str, n_bottoms: int, what: str) -> None:
    with pytest.raises(CaffeNetError, match=what):
        make(type, text, n_bottoms)


def test_an_operation_that_is_not_known_is_refused() -> None:
    with pytest.raises(CaffeUnsupportedError, match="operation is 7"):
        make("Eltwise", "operation: 7", 2)
