"""What the rows of the dense layers and small units cannot say: initial values, open sizes, wrong arguments."""

import pickle

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette_links import Chain, Sequential

X = np.arange(6, dtype="f").reshape(2, 3)


def test_what_scales_and_shifts_starts_as_the_identity():
    np.testing.assert_array_equal(L.Scale(1, (3,), bias_term=True)(X).array, X)
    np.testing.assert_array_equal(L.Bias(1, (3,))(X).array, X)


def test_a_bias_of_one_number_is_added_everywhere():
    layer = L.Bias(shape=())
    layer.b.array[...] = 1
    np.testing.assert_array_equal(layer(X).array, X + 1)


def test_only_a_bias_that_learns_is_a_parameter():
    assert list(L.Bias().params()) == list(L.Scale().params()) == []
    assert [path for path, _ in L.Scale(1, bias_term=True, bias_shape=(3,)).namedparams()] == ["/bias/b"]


def test_the_bias_of_a_scale_has_the_shape_of_its_factors():
    assert L.Scale(1, (3,), True, (2,)).bias.b.shape == (3,)


def test_the_factor_of_prelu_starts_from_a_quarter_or_what_is_given():
    assert L.PReLU((2,)).W.array.tolist() == [0.25, 0.25]
    assert L.PReLU((2,), init=np.array([1, 2])).W.array.tolist() == [1, 2]


def test_swish_takes_the_shape_of_one_sample_where_it_is_left_open():
    layer = L.Swish(None, beta_init=2)
    with pytest.raises(DtypeError, match="Swish: x is int32"):
        layer(X.astype("i"))
    assert not layer.beta.is_initialized
    layer(X)
    assert layer.beta.array.tolist() == [2, 2, 2]


def test_bilinear_weights_start_from_what_is_given():
    layer = L.Bilinear(2, 3, 4, initialW=1, initial_bias=(2, np.full((3, 4), 3), chainette.initializers.Constant(4)))
    assert {path: set(p.array.ravel().tolist()) for path, p in layer.namedparams()} == {
        "/W": {1}, "/V1": {2}, "/V2": {3}, "/b": {4},
    }  # fmt: skip


def test_bilinear_weights_start_random_and_its_biases_from_zero():
    chainette.seed(0)
    layer = L.Bilinear(30, 40, 50)
    assert abs(layer.W.array.std() * np.sqrt(40 * 50) - 1) < 0.02
    assert abs(layer.V1.array.std() * np.sqrt(50) - 1) < 0.1
    assert abs(layer.V2.array.std() * np.sqrt(50) - 1) < 0.1
    assert not layer.b.array.any()


def test_maxout_takes_initial_values_by_output_and_pool():
    W, b = np.arange(12.0).reshape(3, 2, 2), np.arange(6.0).reshape(3, 2)
    layer = L.Maxout(2, 3, 2, initialW=W, initial_bias=b)
    x = np.array([[1.0, -2.0]], "f")
    np.testing.assert_allclose(layer(x).array, (np.einsum("opi,ni->nop", W, x) + b).max(2))
    assert L.Maxout(2, 3, 2, initialW=2, initial_bias=1).linear.W.array.tolist() == [[2, 2]] * 6
    assert L.Maxout(2, 3, 2).linear.b.array.tolist() == [0] * 6


def test_a_highway_starts_with_gates_that_let_inputs_through():
    layer = L.Highway(3)
    assert layer.transform.b.array.tolist() == [-1, -1, -1]
    assert layer.plain.b.array.tolist() == [0, 0, 0]
    assert [path for path, _ in layer.namedparams()] == ["/plain/W", "/plain/b", "/transform/W", "/transform/b"]


def test_a_highway_takes_initial_values_for_each_of_its_layers():
    layer = L.Highway(2, False, F.tanh, 1, 2, 3, 4)
    first = {path: parameter.array.ravel()[0] for path, parameter in layer.namedparams()}
    assert first == {"/plain/W": 1, "/plain/b": 3, "/transform/W": 2, "/transform/b": 4}


def test_dropconnect_repeats_its_choice_for_a_seed_and_starts_as_a_linear_layer():
    layer = L.SimplifiedDropconnect(3, 4, initialW=1, initial_bias=2)
    found = []
    for seed in (1, 1, 2):
        chainette.seed(seed)
        found.append(layer(X).array.tolist())
    assert found[0] == found[1] != found[2]
    np.testing.assert_array_equal(layer(X, train=False).array, L.Linear(3, 4, initialW=1, initial_bias=2)(X).array)


@pytest.mark.parametrize(("x", "error"), [(np.array(1.0), ShapeError), (X.astype("i"), DtypeError)], ids=["0-d", "int"])
def test_an_input_that_does_not_fit_leaves_dropconnect_open(x, error):
    layer = L.SimplifiedDropconnect(None, 4)
    with pytest.raises(error, match="SimplifiedDropconnect: x"):
        layer(x)
    assert (layer.W.is_initialized, layer.in_size) == (False, None)


def test_a_lambda_calls_its_function_with_whatever_comes():
    assert L.Lambda(lambda a, b, c=0: (a, b, c))(1, 2, c=3) == (1, 2, 3)


def test_a_lambda_stands_as_a_child_and_shows_its_function():
    model = Chain(l1=L.Linear(3, 2), relu=L.Lambda(F.relu))
    assert "\n  relu: Lambda  relu" in repr(model)
    assert [path for path, _ in model.namedparams()] == ["/l1/W", "/l1/b"]
    assert repr(L.Lambda(np.sin)) == "Lambda  sin"
    nested = Sequential(L.Linear(3, 2), L.Lambda(F.relu))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(nested))(X).array, nested(X).array)


WRONG = [
    ("bias of nothing", lambda: L.Bias(1, (3,))(), TypeError, "Bias: called with 0 arguments .expected one"),
    ("bias of two", lambda: L.Bias(1, (3,))(X, X), TypeError, "Bias: called with 2 .* .expected one, .*with shape"),
    ("bias of one", lambda: L.Bias()(X), TypeError, "Bias: called with 1 arguments .expected two, .*without shape"),
    ("bias shape", lambda: L.Bias(1, (2,))(X), ShapeError, r"bias: y of shape \(2,\) does not fit x \(2, 3\)"),
    ("scale of one", lambda: L.Scale()(X), TypeError, "Scale: called with 1 .* .expected two, .*without W_sh"),
    ("scale of two", lambda: L.Scale(1, (3,))(X, X), TypeError, "Scale: called with 2 arguments .expected one"),
    ("scale bias", lambda: L.Scale(bias_term=True), ArgumentError, "Scale: bias_term=True, .*Give bias_shape="),
    ("bilinear biases", lambda: L.Bilinear(2, 2, 2, initial_bias=1), ArgumentError, "initial_bias=1 .expected a tuple"),
    ("bilinear two", lambda: L.Bilinear(2, 2, 2, initial_bias=(1, 2)), ArgumentError, r"initial_bias=\(1, 2\)"),
    ("prelu shape", lambda: L.PReLU((2,))(X), ShapeError, r"prelu: W has shape \(2,\)"),
    ("swish shape", lambda: L.Swish((2,))(X), ShapeError, r"swish: beta has shape \(2,\) .*\(3,\), one sample"),
    ("swish axes", lambda: L.Swish((3, 1))(X), ShapeError, r"swish: beta has shape \(3, 1\)"),
    ("maxout W", lambda: L.Maxout(2, 3, 2, initialW=np.ones((6, 2))), ShapeError,
     r"Maxout: initialW has shape \(6, 2\) \(expected \(out_size, pool_size, in_size\), that is \(3, 2\) first\)"),
    ("maxout b", lambda: L.Maxout(2, 3, 2, initial_bias=np.ones((2, 3))), ShapeError, "initial_bias has shape"),
    ("maxout wscale", lambda: L.Maxout(2, 3, 2, wscale=2), TypeError, "Maxout: the argument wscale= is gone"),
    ("highway size", lambda: L.Highway(2)(X), ShapeError, r"Highway: x has shape \(2, 3\) \(expected \(batch, 2\)\)"),
    ("highway axes", lambda: L.Highway(3)(X[..., None]), ShapeError, r"Highway: x has shape \(2, 3, 1\)"),
    ("dropconnect", lambda: L.SimplifiedDropconnect(2, 4)(X), ShapeError, "simplified_dropconnect: W has shape"),
    ("lambda number", lambda: L.Lambda(3), ArgumentError, "Lambda: got a int .expected a function"),
    ("lambda link", lambda: L.Lambda(L.Linear(2, 2)), ArgumentError, "Lambda: got a Linear .*a Link needs no Lambda"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
