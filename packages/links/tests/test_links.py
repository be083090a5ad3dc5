"""Each link by itself: Linear, EmbedID, Classifier, Parameter; and the examples in the docstrings."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette import Variable, initializers
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.testing import check_backward, check_plugin, run_doctests
from chainette_links import Chain


def test_the_examples_in_the_docstrings_hold():
    assert run_doctests(L) > 0


def test_the_plugin_is_sound():
    check_plugin("links")


def test_every_public_link_is_documented_with_an_example():
    assert [name for name in L.__all__ if ">>>" not in (getattr(L, name).__doc__ or "")] == []


# Linear


def test_linear_is_x_times_w_transposed_plus_b():
    layer = L.Linear(3, 2, initial_bias=1)
    x = np.arange(6, dtype="f").reshape(2, 3)
    np.testing.assert_allclose(layer(x).array, x @ layer.W.array.T + 1, rtol=1e-6)
    assert (layer.W.shape, layer.b.shape) == ((2, 3), (2,))


def test_linear_gradients_equal_numerics():
    layer = L.Linear(3, 2)
    check_backward(layer, np.random.default_rng(0).standard_normal((4, 3)), params=list(layer.params()))


@pytest.mark.parametrize("make", [lambda: L.Linear(None, 2), lambda: L.Linear(2)], ids=["Linear(None, 2)", "Linear(2)"])
def test_an_open_size_is_taken_from_the_first_input(make):
    layer = make()
    assert not layer.W.is_initialized
    assert layer.in_size is None
    assert layer(np.ones((5, 2, 4), "f")).shape == (5, 2)
    assert (layer.W.shape, layer.in_size) == ((2, 8), 8)
    with pytest.raises(ShapeError, match=r"W has shape \(2, 8\)"):
        layer(np.ones((5, 7), "f"))


@pytest.mark.parametrize(
    ("x", "n_batch_axes"), [(np.ones((2, 3)), 2), (np.ones((2, 3)), 0), (np.ones(()), 1)], ids=["2", "0", "0-d"]
)
def test_an_input_that_does_not_fit_leaves_the_size_open(x, n_batch_axes):
    layer = L.Linear(None, 2)
    with pytest.raises(ShapeError, match="n_batch_axes"):
        layer(x, n_batch_axes=n_batch_axes)
    with pytest.raises(chainette.errors.ArrayTypeError, match="list"):
        layer([1.0, 2.0])
    assert not layer.W.is_initialized
    assert layer.in_size is None


def test_the_other_batch_axes_are_kept():
    layer = L.Linear(4, 3)
    assert layer(np.ones((2, 5, 4), "f"), n_batch_axes=2).shape == (2, 5, 3)
    assert L.Linear(None, 3)(np.ones((2, 5, 4), "f"), n_batch_axes=2).shape == (2, 5, 3)


def test_without_bias_there_is_none():
    layer = L.Linear(3, 2, nobias=True)
    assert layer.b is None
    assert [name for name, _ in layer.namedparams()] == ["/W"]
    assert layer(np.zeros((1, 3), "f")).array.tolist() == [[0, 0]]


@pytest.mark.parametrize(
    ("initial", "expected"),
    [
        (2, np.full((2, 3), 2)),
        (np.arange(6.0).reshape(2, 3), np.arange(6).reshape(2, 3)),
        (initializers.One(), np.ones((2, 3))),
        (np.arange(3.0), np.broadcast_to(np.arange(3), (2, 3))),
    ],
    ids=["number", "array", "Initializer", "array to broadcast"],
)
def test_weights_start_from_a_number_an_array_or_an_initializer(initial, expected):
    for layer in (L.Linear(3, 2, initialW=initial), L.Linear(None, 2, initialW=initial)):
        layer(np.ones((1, 3), "f"))
        np.testing.assert_array_equal(layer.W.array, expected)
        assert layer.W.dtype == np.float32


def test_an_array_of_initial_values_is_copied():
    values = np.zeros((2, 3), "f")
    layer = L.Linear(3, 2, initialW=values)
    layer.W.array[...] = 7
    assert not values.any()


def test_biases_start_from_zero_or_from_what_is_given():
    assert L.Linear(1, 2).b.array.tolist() == [0, 0]
    assert L.Linear(1, 2, initial_bias=np.array([1.0, 2.0])).b.array.tolist() == [1, 2]


def test_the_deviation_of_the_weights_is_one_over_the_root_of_the_inputs():
    chainette.seed(0)
    W = L.Linear(400, 300).W.array
    assert abs(W.std() * 20 - 1) < 4 / np.sqrt(2 * W.size)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"wscale": 2}, "Linear: the argument wscale= is gone: .*LeCunNormal"),
        ({"bias": 1}, "Linear: the argument bias= is gone: give initial_bias="),
        ({"nobais": True}, "nobais"),
    ],
)
def test_removed_and_misspelt_arguments_are_told(arguments, says):
    with pytest.raises(TypeError, match=says):
        L.Linear(3, 2, **arguments)


def test_a_missing_size_is_told():
    with pytest.raises(TypeError, match="out_size is missing"):
        L.Linear(None)


def test_weights_follow_config_dtype():
    with chainette.using_config("dtype", "float64"):
        layer = L.Linear(3, 2)
    assert (layer.W.dtype, layer.b.dtype) == (np.float64, np.float64)


# EmbedID


def test_embed_id_looks_rows_up_and_repeated_ones_add_up():
    layer = L.EmbedID(4, 2)
    y = layer(np.array([[1, 1], [3, 0]]))
    np.testing.assert_array_equal(y.array, layer.W.array[[[1, 1], [3, 0]]])
    F.sum(y).backward()
    assert layer.W.grad.tolist() == [[1, 1], [2, 2], [0, 0], [1, 1]]


def test_embed_id_gives_zeros_for_the_ignored_label():
    layer = L.EmbedID(4, 2, ignore_label=-1)
    assert layer(np.array([-1])).array.tolist() == [[0, 0]]
    with pytest.raises(ArgumentError, match=r"x holds -2 \(expected 0 to 3, or -1 to ignore\)"):
        layer(np.array([-2]))


def test_embed_id_starts_from_a_standard_normal_or_what_is_given():
    chainette.seed(0)
    W = L.EmbedID(300, 200).W.array
    assert abs(W.std() - 1) < 4 / np.sqrt(2 * W.size)
    assert L.EmbedID(3, 2, initialW=0.5).W.array.tolist() == [[0.5, 0.5]] * 3
    with pytest.raises(DtypeError, match="embed_id: x is float64"):
        L.EmbedID(3, 2)(np.ones(2))


# Parameter


def test_a_parameter_link_gives_the_array_it_was_given_and_learns():
    array = np.ones(2)
    link = L.Parameter(array)
    assert link() is link.W
    assert link.W.array is array
    (link() * 3).sum().backward()
    assert link.W.grad.tolist() == [3, 3]
    assert [name for name, _ in link.namedparams()] == ["/W"]


# Classifier


class TwoInputs(Chain):
    def forward(self, a, b=0):
        return Variable(np.array([[1.0, 0.0], [0.0, 1.0]])) * (a + b)


X, T = 2.0, np.array([0, 0])


def test_a_classifier_keeps_what_came_up():
    model = L.Classifier(L.Linear(3, 2))
    x, t = np.ones((4, 3), "f"), np.array([0, 1, 0, 1])
    loss = model(x, t)
    assert loss is model.loss
    np.testing.assert_array_equal(loss.array, F.softmax_cross_entropy(model.y, t).array)
    assert model.accuracy.item() == 0.5
    assert [name for name, _ in model.namedparams()] == ["/predictor/W", "/predictor/b"]
    loss.backward()
    assert model.predictor.W.grad is not None


@pytest.mark.parametrize(
    ("label_key", "args", "kwargs"),
    [
        (-1, (X, T), {}),
        (1, (X, T), {}),
        (0, (T, X), {}),
        (-2, (X, T, 1.0), {}),
        ("t", (X,), {"t": T}),
        ("t", (), {"t": T, "a": X}),
        (-1, (X, T), {"b": 1.0}),
    ],
)
def test_the_label_is_found_by_position_or_by_name(label_key, args, kwargs):
    model = L.Classifier(TwoInputs(), label_key=label_key)
    model(*args, **kwargs)
    assert model.accuracy.item() == 0.5


@pytest.mark.parametrize(
    ("label_key", "kwargs", "says"),
    [
        (2, {}, r"no argument 2 to be the label \(2 came\)"),
        (-3, {}, "no argument -3"),
        ("t", {"target": T}, "the label t= is missing"),
    ],
)
def test_a_label_that_is_not_there_is_told(label_key, kwargs, says):
    with pytest.raises(ArgumentError, match=says):
        L.Classifier(TwoInputs(), label_key=label_key)(X, T, **kwargs)


def test_the_accuracy_can_be_left_out():
    model = L.Classifier(TwoInputs())
    model(X, T)
    model.compute_accuracy = False
    model(X, T)
    assert model.accuracy is None
    assert model.loss is not None


def test_loss_and_accuracy_are_the_functions_given():
    model = L.Classifier(L.Linear(1, 1, initialW=1), lossfun=F.mean_squared_error, accfun=lambda y, t: "accuracy")
    assert model(np.ones((1, 1), "f"), np.full((1, 1), 3, "f")).item() == 4
    assert model.accuracy == "accuracy"


def test_after_an_error_no_old_result_is_left():
    model = L.Classifier(L.Linear(3, 2))
    model(np.ones((1, 3), "f"), np.array([0]))
    with pytest.raises(ArgumentError, match="t holds 2"):
        model(np.ones((1, 3), "f"), np.array([2]))
    assert (model.loss, model.accuracy) == (None, None)


def test_a_classifier_takes_any_callable_as_predictor():
    model = L.Classifier(lambda x: x)
    model(np.array([[1.0, 0.0]]), np.array([0]))
    assert model.accuracy.item() == 1
    assert list(model.params()) == []
