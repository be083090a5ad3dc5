"""The operators of a Variable: the kit's tests, one row each, and what Python's syntax means for them."""

import operator

import numpy as np
import pytest

from chainette import Variable, as_variable, operators
from chainette.errors import ArgumentError, ArrayTypeError, ComparisonError, ShapeError
from chainette.testing import Case, FunctionTests, arrays

X = arrays.normal((3, 4))
P = arrays.positive((3, 4))

CASES = [
    Case(operators.add, [X, X], np.add, elementwise=True),
    Case(operators.add, [X, arrays.normal((4,))], np.add, name="add broadcast", batched=(True, False)),
    Case(operators.add, [X, arrays.normal((3, 1))], np.add, name="add column"),
    Case(operators.sub, [X, X], np.subtract, elementwise=True),
    Case(operators.sub, [arrays.normal((1, 4)), X], np.subtract, name="sub broadcast", batched=(False, True)),
    Case(operators.mul, [X, X], np.multiply, elementwise=True),
    Case(operators.mul, [X, arrays.normal(())], np.multiply, name="mul by 0-d", batched=(True, False)),
    Case(operators.div, [X, P], np.divide, elementwise=True),
    Case(operators.div, [arrays.normal((4,)), P], np.divide, name="div broadcast", batched=(False, True)),
    Case(operators.floor_div, [X, P], np.floor_divide, gradient=False),
    Case(operators.pow, [P, X], np.power, elementwise=True),
    Case(operators.pow, [X], lambda x: x**3, call=lambda x: operators.pow(x, 3), name="pow of 3"),
    Case(operators.pow, [X], lambda x: x**2, call=lambda x: operators.pow(x, 2.0), name="pow of 2.0"),
    Case(operators.pow, [P], lambda x: x**-0.5, call=lambda x: operators.pow(x, -0.5), name="pow of -0.5"),
    Case(operators.pow, [X], lambda x: 2.0**x, call=lambda x: operators.pow(2.0, x), name="pow of a number"),
    Case(operators.neg, [X], np.negative, elementwise=True),
    Case(operators.absolute, [arrays.away_from_zero((3, 4))], np.abs, elementwise=True),
    Case(operators.log, [P], np.log, elementwise=True),
    Case(operators.add, [X], lambda x: 1 + x * 2 - 3, call=lambda x: 1 + as_variable(x) * 2 - 3, name="numbers"),
    Case(operators.div, [P], lambda x: 1 / x, call=lambda x: operators.div(1, x), name="number divided"),
]  # fmt: skip


class TestOperators(FunctionTests):
    cases = CASES


NUMPY_TWINS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.pow]


@pytest.mark.parametrize("function", NUMPY_TWINS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("other", [2, 2.0, np.float64(2), np.full(3, 2, "f"), np.array(2, "f")], ids=repr)
def test_numbers_and_arrays_may_stand_on_either_side(function, other):
    x = Variable(np.array([1, 2, 3], "f"))
    for y, expected in ((function(x, other), function(x.array, other)), (function(other, x), function(other, x.array))):
        assert isinstance(y, Variable)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y.array, expected, rtol=1e-6)


def test_matrix_product_takes_an_ndarray_on_either_side():
    x = Variable(np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal((x @ np.ones((3, 2))).array, x.array @ np.ones((3, 2)))
    np.testing.assert_array_equal((np.ones((3, 2)) @ x).array, np.ones((3, 2)) @ x.array)


def test_an_integer_array_with_a_fraction_becomes_floating_and_nothing_is_cut_off():
    assert (Variable(np.array([1, 2])) + 1.5).array.tolist() == [2.5, 3.5]


def test_mixed_precision_promotes_and_gradients_come_back_in_each_input_s_dtype():
    x, y = Variable(np.ones(2, "f")), Variable(np.ones(2, "d"))
    z = (x * y).sum()
    assert z.dtype == np.float64
    z.backward()
    assert (x.grad.dtype, y.grad.dtype) == (np.float32, np.float64)


@pytest.mark.parametrize("exponent", [0, 0.0, 1, 2])
def test_the_gradient_of_a_power_is_finite_where_the_true_one_is(exponent):
    x = Variable(np.array([0.0, 2.0]))
    (x**exponent).sum().backward()
    assert x.grad.tolist() == [float(exponent == 1), exponent * 2.0 ** (exponent - 1)]
    base, power = Variable(np.array([0.0, 2.0])), Variable(np.array([2.0, 0.0]))
    (base**power).sum().backward()
    assert np.isfinite(base.grad).all()
    assert np.isfinite(power.grad).all()


@pytest.mark.parametrize("compare", [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge])
def test_comparison_explains_itself(compare):
    x = Variable(np.ones(2))
    with pytest.raises(ComparisonError, match=r"x\.array == y\.array"):
        compare(x, 1)


def test_truth_explains_itself_and_identity_is_the_hash():
    x = Variable(np.ones(()))
    with pytest.raises(ComparisonError, match="no truth value"):
        bool(x)
    assert x in {x: 1}


@pytest.mark.parametrize(
    "mistake", [lambda x: np.sin(x), lambda x: np.asarray(x), lambda x: np.add.reduce(x), lambda x: x + [1.0, 2.0]]
)
def test_numpy_and_lists_do_not_swallow_a_variable(mistake):
    with pytest.raises(ArrayTypeError):
        mistake(Variable(np.ones(2)))


def test_adding_a_variable_into_an_array_in_place_is_refused_with_a_hint():
    array = np.ones(2)
    with pytest.raises(ArrayTypeError, match=r"array \+ x"):
        array += Variable(np.ones(2))


def test_in_place_addition_of_a_variable_makes_a_new_one():
    x = total = Variable(np.ones(2))
    total += x
    assert total is not x
    total.sum().backward()
    assert x.grad.tolist() == [2, 2]


INDICES = [0, -1, slice(1, None), (slice(None), 1), (Ellipsis, None), None, [0, 0, 2], np.array([True, False, True]),
           (slice(None), [3, 3]), (np.array([0, 2]), np.array([1, 1])), ([[0], [2]], [1, 3])]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=repr)
def test_indexing_is_that_of_numpy_and_repeated_elements_add_up(index):
    x = Variable(np.arange(12.0).reshape(3, 4))
    y = x[index]
    np.testing.assert_array_equal(y.array, x.array[index])
    y.sum().backward()
    expected = np.zeros((3, 4))
    np.add.at(expected, index, 1)
    np.testing.assert_array_equal(x.grad, expected)


def test_a_variable_as_index_is_refused():
    with pytest.raises(ArgumentError, match=r"x\[i\.array\]"):
        Variable(np.ones(3))[Variable(np.array([0]))]


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        (lambda x: x.reshape(5), "12 elements"),
        (lambda x: x.reshape(-1, -1), "do not fit"),
        (lambda x: x.transpose(0, 0), "no permutation"),
        (lambda x: x.sum(2), "axis 2 is out of range"),
        (lambda x: x.sum((0, 0)), "twice"),
        (lambda x: x @ np.ones(3), "inner sizes differ"),
        (lambda x: x @ np.ones(()), "0-d"),
        (lambda x: operators.broadcast_to(x, (3, 5)), "does not broadcast"),
        (lambda x: operators.sum_to(x, (2, 4)), "does not broadcast"),
        (lambda x: x[:0].max(0), "no elements"),
    ],
)
def test_shapes_that_do_not_fit_are_told(mistake, says):
    with pytest.raises(ShapeError, match=says):
        mistake(Variable(np.ones((3, 4))))


def test_methods_do_what_the_functions_do():
    x = Variable(np.arange(6.0).reshape(2, 3))
    assert x.T.shape == x.transpose().shape == x.transpose(1, 0).shape == x.transpose((1, 0)).shape == (3, 2)
    assert x.reshape(3, 2).shape == x.reshape((3, -1)).shape == (3, 2)
    assert (x.sum().item(), x.mean(axis=1).array.tolist()) == (15.0, [1.0, 4.0])
    assert (x.max().item(), x.min(axis=0).array.tolist()) == (5.0, [0.0, 1.0, 2.0])
    assert x.astype("f").dtype == np.float32
    assert (abs(-x).array == x.array).all()
    assert (+x) is x
