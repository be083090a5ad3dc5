"""Where functions go wrong: extreme values, ties, missing gradients, wrong arguments."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as hnp

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.errors import ArgumentError, ArrayTypeError, DeviceError, DtypeError, ShapeError
from chainette.testing import check_plugin, fake_backend, isolated_plugins, run_doctests

FLOATS = ["float16", "float32", "float64"]
TINY = {"float16": 1e-3, "float32": 1e-6, "float64": 1e-14}
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def gradient(function, *inputs, gy=None):
    """The output's array and the first input's gradient."""
    x = Variable(inputs[0])
    y = function(x, *inputs[1:])
    y.grad = np.ones(y.shape, y.dtype) if gy is None else gy
    y.backward()
    return y.array, x.grad


def test_the_examples_in_the_docstrings_hold():
    assert run_doctests(F) > 0


def test_the_plugin_is_sound():
    check_plugin("functions")


# Extreme values. What overflows or divides by zero on the way would warn, and a warning fails these tests.


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("function", "points", "values", "slopes"),
    [
        (F.sigmoid, [-1000, -30000, 0, 30000, 1000], [0, 0, 0.5, 1, 1], [0, 0, 0.25, 0, 0]),
        (F.tanh, [-1000, -30000, 0, 30000, 1000], [-1, -1, 0, 1, 1], [0, 0, 1, 0, 0]),
        (F.relu, [-1000, -30000, 0, 30000, 1000], [0, 0, 0, 30000, 1000], [0, 0, 0, 1, 1]),
        (F.sigmoid, [-65504, 65504], [0, 1], [0, 0]),
        (F.tanh, [-65504, 65504], [-1, 1], [0, 0]),
    ],
)
def test_elementwise_functions_saturate(function, points, values, slopes, dtype):
    y, gx = gradient(function, np.array(points, dtype))
    assert y.tolist() == values
    assert gx.tolist() == slopes
    assert y.dtype == gx.dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("function", [F.sigmoid, F.tanh, F.softmax, F.log_softmax])
def test_infinities_that_have_an_answer_get_it(function, dtype):
    x = np.array([[-np.inf, 0, 0]], dtype)
    expected = {F.sigmoid: [0, 0.5, 0.5], F.tanh: [-1, 0, 0], F.softmax: [0, 0.5, 0.5],
                F.log_softmax: [-np.inf, np.log(0.5), np.log(0.5)]}[function]  # fmt: skip
    y, gx = gradient(function, x, gy=np.array([[0, 1, 0]], dtype))
    np.testing.assert_allclose(y, [expected], rtol=TINY[dtype])
    assert np.isfinite(gx).all()
    assert gx[0, 0] == 0


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("scores", "chances"),
    [([1000, 1000, 0], [0.5, 0.5, 0]), ([-1000, -1000, -1000, -1000], [0.25] * 4), ([30000, -30000], [1, 0])],
)
def test_softmax_neither_over_nor_underflows(scores, chances, dtype):
    y, gx = gradient(F.softmax, np.array([scores], dtype), gy=np.eye(len(scores), dtype=dtype)[:1])
    assert y.tolist() == [chances]
    exact = [chances[0] * ((i == 0) - chance) for i, chance in enumerate(chances)]
    assert gx.tolist() == [exact]


@pytest.mark.parametrize("dtype", FLOATS)
def test_log_softmax_is_precise_where_softmax_underflows(dtype):
    y, gx = gradient(F.log_softmax, np.array([[1000, 0], [-1000, 1000]], dtype), gy=np.array([[0, 1], [1, 0]], dtype))
    assert y.tolist() == [[0, -1000], [-2000, 0]]
    assert gx.tolist() == [[-1, 1], [1, -1]]


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("cache_score", [True, False])
def test_softmax_cross_entropy_is_exact_where_softmax_underflows(dtype, cache_score):
    x, t = np.array([[1000, 0], [0, -1000], [-30000, 0]], dtype), np.array([1, 0, 0])

    def loss(x):
        return F.softmax_cross_entropy(x, t, reduce="no", cache_score=cache_score)

    y, gx = gradient(loss, x)
    assert y.tolist() == [1000, 0, 30000]
    assert gx.tolist() == [[1, -1], [0, 0], [-1, 1]]


@pytest.mark.parametrize("dtype", FLOATS)
def test_sigmoid_cross_entropy_is_exact_where_sigmoid_saturates(dtype):
    x, t = np.array([1000, 1000, -1000, -1000, 30000, 0], dtype), np.array([0, 1, 0, 1, 0, -1])
    y, gx = gradient(lambda x: F.sigmoid_cross_entropy(x, t, reduce="no"), x)
    assert y.tolist() == [1000, 0, 0, 1000, 30000, 0]
    assert gx.tolist() == [1, 0, 0, -1, 1, 0]


def test_precision_is_kept_close_to_zero_loss():
    y, gx = gradient(lambda x: F.softmax_cross_entropy(x, np.array([0])), np.array([[20.0, 0.0]]))
    np.testing.assert_allclose(y, np.log1p(np.exp(-20)), rtol=1e-6)
    np.testing.assert_allclose(gx[0, 1], 1 / (1 + np.exp(20)), rtol=1e-12)
    y, _ = gradient(lambda x: F.sigmoid_cross_entropy(x, np.array([1])), np.array([20.0]))
    np.testing.assert_allclose(y, np.log1p(np.exp(-20)), rtol=1e-12)


# float16: sums that would overflow, or lose everything, in float16

MANY = 70_000  # more than float16's largest number


def test_float16_sums_are_accumulated_in_float32():
    assert F.sum(np.full(4096, 0.5, "e")).item() == 2048
    assert F.sum(np.array([60000, 60000, -60000], "e")).item() == 60000
    assert F.sum_to(np.full((4096, 2), 0.5, "e"), (1, 2)).array.tolist() == [[2048, 2048]]
    assert F.mean(np.full(4, 60000, "e")).item() == 60000
    assert F.softmax(np.zeros((1, MANY), "e")).array[0, 0] == np.float16(1 / MANY)


def test_a_broadcast_bias_of_float16_gathers_its_gradient_in_float32():
    b = Variable(np.zeros(1, "e"))
    y = F.broadcast_to(b, (4096, 1))
    y.grad = np.full((4096, 1), 0.5, "e")
    y.backward()
    assert b.grad.tolist() == [2048]


@pytest.mark.parametrize(
    ("loss", "expected", "slope"),
    [
        (lambda x: F.softmax_cross_entropy(x, np.zeros(MANY, "i")), np.log(2), -0.5 / MANY),
        (lambda x: F.softmax_cross_entropy(x, np.full((MANY, 2), 0.5, "e")), np.log(2), 0),
        (lambda x: F.sigmoid_cross_entropy(x, np.zeros((MANY, 2), "i")), np.log(2), 0.25 / MANY),
        (lambda x: F.mean_squared_error(x, np.ones((MANY, 2), "e")), 1, -1 / MANY),
        (lambda x: F.mean(x), 0, 0.5 / MANY),
    ],
    ids=["softmax_cross_entropy", "of probabilities", "sigmoid_cross_entropy", "mean_squared_error", "mean"],
)
def test_means_over_more_elements_than_float16_can_count(loss, expected, slope):
    y, gx = gradient(loss, np.zeros((MANY, 2), "e"))
    np.testing.assert_allclose(y, expected, rtol=2e-3)
    np.testing.assert_allclose(gx[0, 0], slope, rtol=0.02)


def test_a_weighted_mean_of_float16_does_not_overflow():
    assert F.average(np.ones(MANY, "e"), weights=np.ones(MANY, "e")).item() == 1


def test_squared_errors_of_float16_do_not_overflow():
    y, gx = gradient(F.mean_squared_error, np.array([200, 300, 0, 0], "e"), np.zeros(4, "e"))
    assert y.item() == 32500 // 16 * 16
    assert gx.tolist() == [100, 150, 0, 0]


# Labels


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("x", [np.array([[0.0, 1.0, 2.0], [3.0, 1.0, 2.0]])])
def test_labels_are_of_any_integer_dtype(dtype, x):
    t = np.array([2, 1], dtype)
    exact = -np.log(np.exp(x) / np.exp(x).sum(1, keepdims=True))[[0, 1], [2, 1]]
    np.testing.assert_allclose(F.softmax_cross_entropy(x, t, reduce="no").array, exact)
    assert F.accuracy(x, t).item() == 0.5
    assert F.embed_id(t, x.T).array.tolist() == [[2, 2], [1, 1]]
    y, gx = gradient(F.softmax_cross_entropy, x, t)
    assert gx[0, 2] < 0 < gx[0, 0]
    ones = np.array([1, 0], dtype)
    np.testing.assert_allclose(F.sigmoid_cross_entropy(np.zeros(2), ones).array, np.log(2))
    big = t.astype(t.dtype.newbyteorder(">"))
    assert F.softmax_cross_entropy(x, big).item() == y


@pytest.mark.parametrize("reduce", ["mean", "no"])
@pytest.mark.parametrize("normalize", [True, False])
def test_when_all_labels_are_ignored_loss_and_gradient_are_zero(reduce, normalize):
    x, options = np.random.default_rng(0).standard_normal((3, 2)), {"reduce": reduce, "normalize": normalize}
    for loss, t in ((F.softmax_cross_entropy, np.full(3, -1)), (F.sigmoid_cross_entropy, np.full((3, 2), -1))):
        y, gx = gradient(lambda x: loss(x, t, **options), x)  # noqa: B023  (called at once)
        assert not y.any()
        assert not gx.any()
    assert F.accuracy(x, np.full(3, -1), ignore_label=-1).item() == 0


def test_any_label_may_be_the_ignored_one():
    x = np.array([[5.0, 0.0], [0.0, 5.0], [0.0, 0.0]])
    for ignored, t in ((1, [1, 1, 0]), (255, [255, 255, 0]), (-100, [-100, -100, 0])):
        y, gx = gradient(lambda x: F.softmax_cross_entropy(x, np.array(t), ignore_label=ignored), x)  # noqa: B023
        np.testing.assert_allclose(y, np.log(2))
        assert not gx[:2].any()


def test_a_class_weight_multiplies_the_loss_of_its_class():
    x, t = np.zeros((2, 2)), np.array([0, 1])
    loss = F.softmax_cross_entropy(x, t, class_weight=np.array([1.0, 3.0]), reduce="no")
    np.testing.assert_allclose(loss.array, [np.log(2), 3 * np.log(2)])


def test_probabilities_of_zero_count_as_nothing_in_the_divergence():
    t = np.array([[1.0, 0.0], [0.5, 0.5]])
    y, gx = gradient(
        lambda x: F.softmax_cross_entropy(x, t, soft_target_loss="kl-divergence", reduce="no"), np.zeros((2, 2))
    )
    np.testing.assert_allclose(y, [np.log(2), 0], atol=1e-15)
    np.testing.assert_allclose(gx, [[-0.5, 0.5], [0, 0]], atol=1e-15)


# Wrong arguments

A = np.ones((2, 3))
WRONG = [
    # what every function refuses
    *[(f"{f.__name__} of a list", partial(f, [1.0, 2.0]), ArrayTypeError, "got a list|is a list")
      for f in (F.absolute, F.copy, F.exp, F.log, F.relu, F.sigmoid, F.sqrt, F.tanh, F.softmax)],
    ("relu of nothing", lambda: F.relu(None), ArrayTypeError, "relu: argument 0 is a NoneType"),
    # activation
    ("softmax axis", lambda: F.softmax(A, axis=2), ShapeError, "softmax: axis 2 is out of range for an array of 2"),
    ("softmax of a vector", lambda: F.softmax(np.ones(3)), ShapeError, "softmax: axis 1 is out of range"),
    ("softmax of integers", lambda: F.softmax(A.astype("i")), DtypeError, r"softmax: x is int32 .*x\.astype"),
    ("log_softmax axis", lambda: F.log_softmax(A, axis=-3), ShapeError, "log_softmax: axis -3"),
    ("log_softmax of integers", lambda: F.log_softmax(A.astype("i")), DtypeError, "log_softmax: x is int32"),
    ("softmax use_cudnn", lambda: F.softmax(A, use_cudnn=True), TypeError, "softmax: the argument use_cudnn= is gone"),
    ("log_softmax use_cudnn", lambda: F.log_softmax(A, use_cudnn=False), TypeError, "use_cudnn= is gone: .* kernels"),
    # array
    ("broadcast_to", lambda: F.broadcast_to(A, (3, 3)), ShapeError, r"x of shape \(2, 3\) does not broadcast to"),
    ("broadcast_to fewer axes", lambda: F.broadcast_to(A, (3,)), ShapeError, "does not broadcast"),
    ("sum_to", lambda: F.sum_to(A, (2, 2)), ShapeError, r"sum_to: \(2, 2\) does not broadcast to x's shape \(2, 3\)"),
    ("cast", lambda: F.cast(A, "flaot32"), TypeError, "flaot32"),
    ("copy", lambda: F.copy(A, "tpu"), DeviceError, "no backend 'tpu'"),
    ("concat nothing", lambda: F.concat([]), ArgumentError, "concat: xs is empty"),
    ("concat shapes", lambda: F.concat([A, np.ones((3, 3))]), ShapeError, r"xs\[1\] is \(3, 3\), which does not fit"),
    ("concat ndim", lambda: F.concat([A, np.ones(2)]), ShapeError, r"xs\[1\] is \(2,\)"),
    ("concat axis", lambda: F.concat([A, A], axis=2), ShapeError, "concat: axis 2"),
    ("expand_dims", lambda: F.expand_dims(A, 3), ShapeError, "expand_dims: axis 3"),
    ("get_item variable", lambda: F.get_item(A, Variable(np.array(0))), ArgumentError, r"x\[i\.array\]"),
    ("get_item range", lambda: F.get_item(A, 2), IndexError, "out of bounds"),
    ("reshape", lambda: F.reshape(A, (4, 2)), ShapeError, r"x of shape \(2, 3\) has 6 elements.* \(4, 2\)"),
    ("reshape -1", lambda: F.reshape(A, (-1, -1)), ShapeError, "do not fit"),
    ("reshape 0", lambda: F.reshape(A, (0, -1)), ShapeError, "do not fit"),
    ("split_axis sections", lambda: F.split_axis(A, 2, 1), ShapeError, "does not split into 2 equal pieces"),
    ("split_axis no sections", lambda: F.split_axis(A, 0, 1), ShapeError, "into 0 equal pieces"),
    ("split_axis order", lambda: F.split_axis(A, [2, 1], 1), ShapeError, r"\[2, 1\] must be sorted"),
    ("split_axis outside", lambda: F.split_axis(A, [4], 1), ShapeError, r"within 0\.\.3"),
    ("split_axis axis", lambda: F.split_axis(A, 1, 2), ShapeError, "split_axis: axis 2"),
    ("transpose twice", lambda: F.transpose(A, (0, 0)), ShapeError, "no permutation"),
    ("transpose axis", lambda: F.transpose(A, (0, 2)), ShapeError, "transpose: axis 2"),
    ("transpose fewer", lambda: F.transpose(A, (0,)), ShapeError, "no permutation"),
    ("where float", lambda: F.where(A, A, A), DtypeError, "where: condition is float64 .*> 0"),
    ("where integers", lambda: F.where(np.array([0, 1]), A, A), DtypeError, "condition is int64"),
    # connection
    ("embed_id float", lambda: F.embed_id(np.ones(2), A), DtypeError, "embed_id: x is float64"),
    ("embed_id high", lambda: F.embed_id(np.array([2]), A), ArgumentError, r"x holds 2 \(expected 0 to 1\)"),
    ("embed_id low", lambda: F.embed_id(np.array([-1]), A), ArgumentError, "x holds -1"),
    ("embed_id vector", lambda: F.embed_id(np.array([0]), np.ones(2)), ShapeError, r"W has shape \(2,\)"),
    ("embed_id stack", lambda: F.embed_id(np.array([0]), np.ones((2, 2, 2))), ShapeError, r"W has shape \(2, 2, 2\)"),
    ("linear W", lambda: F.linear(A, np.ones((3, 2))), ShapeError, r"W has shape \(3, 2\) \(expected \(out_size, 3\)"),
    ("linear W ndim", lambda: F.linear(A, np.ones(3)), ShapeError, r"W has shape \(3,\)"),
    ("linear b", lambda: F.linear(A, np.ones((4, 3)), np.ones(3)), ShapeError, r"b has shape \(3,\) \(expected \(4,\)"),
    ("linear axes", lambda: F.linear(A, A, n_batch_axes=2), ShapeError, "n_batch_axes=2 does not fit"),
    ("linear no axes", lambda: F.linear(A, A, n_batch_axes=0), ShapeError, "n_batch_axes=0 does not fit"),
    ("linear 0-d", lambda: F.linear(np.ones(()), np.ones((1, 1))), ShapeError, r"x of shape \(\)"),
    # evaluation
    ("accuracy floats", lambda: F.accuracy(A, np.ones(2)), DtypeError, "accuracy: t is float64"),
    ("accuracy ndim", lambda: F.accuracy(np.ones(2), np.array([0, 1])), ShapeError, r"expected \(batch, classes"),
    ("accuracy shape", lambda: F.accuracy(A, np.array([0, 1, 1])), ShapeError, r"t has shape \(3,\) \(expected \(2,\)"),
    # loss
    ("mse shape", lambda: F.mean_squared_error(A, A[0]), ShapeError, r"x0 and x1 must have one shape \(x0: \(2, 3\)"),
    ("mse dtype", lambda: F.mean_squared_error(A, A.astype("i")), DtypeError, "mean_squared_error: x1 is int32"),
    ("sce high", lambda: F.softmax_cross_entropy(A, np.array([0, 3])), ArgumentError, r"t holds 3 \(expected 0 to 2"),
    ("sce low", lambda: F.softmax_cross_entropy(A, np.array([0, -2])), ArgumentError, "t holds -2"),
    ("sce shape", lambda: F.softmax_cross_entropy(A, np.array([0])), ShapeError, r"t has shape \(1,\) \(expected"),
    ("sce one-hot", lambda: F.softmax_cross_entropy(A, A.astype("i")), ShapeError, r"t has shape \(2, 3\)"),
    ("sce ndim", lambda: F.softmax_cross_entropy(A[0], np.array(0)), ShapeError, r"x has shape \(3,\)"),
    ("sce x dtype", lambda: F.softmax_cross_entropy(A.astype("i"), np.array([0, 1])), DtypeError, "x is int32"),
    ("sce t dtype", lambda: F.softmax_cross_entropy(A, np.array([True, False])), DtypeError, "t is bool"),
    ("sce reduce", lambda: F.softmax_cross_entropy(A, np.array([0, 1]), reduce="sum"), ArgumentError, "'mean' or 'no'"),
    ("sce weight", lambda: F.softmax_cross_entropy(A, np.array([0, 1]), class_weight=np.ones(2)), ShapeError,
     r"class_weight has shape \(2,\) \(expected \(3,\)\)"),
    ("sce chances", lambda: F.softmax_cross_entropy(A, A[:1]), ShapeError, "x and t must have one shape"),
    ("sce kind", lambda: F.softmax_cross_entropy(A, A, soft_target_loss="kl"), ArgumentError, "'kl-divergence'"),
    ("sce use_cudnn", lambda: F.softmax_cross_entropy(A, np.array([0, 1]), use_cudnn=True), TypeError, "use_cudnn="),
    ("sce positional", lambda: F.softmax_cross_entropy(A, np.array([0, 1]), True), TypeError, "positional"),
    ("sigmoid ce shape", lambda: F.sigmoid_cross_entropy(A, np.array([0, 1])), ShapeError, "x and t must have"),
    ("sigmoid ce x", lambda: F.sigmoid_cross_entropy(A.astype("i"), A.astype("i")), DtypeError, "x is int32"),
    ("sigmoid ce t", lambda: F.sigmoid_cross_entropy(A, A), DtypeError, "t is float64"),
    ("sigmoid ce reduce", lambda: F.sigmoid_cross_entropy(A, A, reduce="sum"), ArgumentError, "reduce='sum'"),
    ("sigmoid ce use_cudnn", lambda: F.sigmoid_cross_entropy(A, A, use_cudnn=True), TypeError, "use_cudnn="),
    # math
    ("clip order", lambda: F.clip(A, 1, 0), ArgumentError, "x_min=1 lies above x_max=0"),
    ("clip nothing", lambda: F.clip(A, None, None), ArgumentError, "both None"),
    ("matmul sizes", lambda: F.matmul(A, A), ShapeError, r"inner sizes differ, 3 and 2 \(a: \(2, 3\), b: \(2, 3\)\)"),
    ("matmul transposed", lambda: F.matmul(A, A, transa=True, transb=True), ShapeError, "inner sizes differ, 2 and 3"),
    ("matmul vector", lambda: F.matmul(A, np.ones(2)), ShapeError, "inner sizes differ"),
    ("matmul 0-d", lambda: F.matmul(A, 2.0), ShapeError, r"0-d operands .* a \* b"),
    ("matmul stacks", lambda: F.matmul(np.ones((2, 3, 3)), np.ones((4, 3, 3))), ShapeError, "leading axes do not"),
    ("sum axis", lambda: F.sum(A, axis=2), ShapeError, "sum: axis 2 is out of range"),
    ("sum twice", lambda: F.sum(A, axis=(0, -2)), ShapeError, "names one axis twice"),
    ("mean axis", lambda: F.mean(A, axis=2), ShapeError, "mean: axis 2"),
    ("average weights", lambda: F.average(A, weights=np.ones(2)), ShapeError, r"weights of shape \(2,\) do not fit"),
    ("average of rows", lambda: F.average(A, axis=0, weights=np.ones(3)), ShapeError, "do not fit"),
    ("max axis", lambda: F.max(A, axis=2), ShapeError, "max: axis 2"),
    ("max of nothing", lambda: F.max(A[:0], axis=0), ShapeError, "no elements along axis=0"),
    ("min axis", lambda: F.min(A, axis=(0, 0)), ShapeError, "twice"),
    ("min of nothing", lambda: F.min(A[:0]), ShapeError, "min: x of shape"),
    # noise
    ("dropout all", lambda: F.dropout(A, 1.0), ArgumentError, r"ratio=1\.0 is out of range \(expected 0 <= ratio < 1"),
    ("dropout less", lambda: F.dropout(A, -0.1), ArgumentError, "out of range"),
    ("dropout integers", lambda: F.dropout(A.astype("i")), DtypeError, "dropout: x is int32"),
    ("dropout mask", lambda: F.dropout(A, mask=np.ones(3)), ShapeError, "x and mask must have one shape"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()


# Ties, and gradients that nothing needs


@pytest.mark.parametrize("function", [F.max, F.min])
@pytest.mark.parametrize(("axis", "keepdims"), [(None, False), (0, False), (1, True), ((0, 1), True)])
def test_the_gradient_of_an_extremum_goes_to_all_that_attain_it(function, axis, keepdims):
    _, gx = gradient(lambda x: function(x, axis=axis, keepdims=keepdims), np.full((2, 3), 7.0))
    assert (gx == 1).all()
    sign = 1 if function is F.max else -1
    _, gx = gradient(function, sign * np.array([1.0, 3.0, 3.0]))
    assert gx.tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [(F.relu, 0.0, 0), (F.absolute, 0.0, 0), (lambda x: F.clip(x, 0.0, 1.0), 0.0, 1),
     (lambda x: F.clip(x, 0.0, 1.0), 1.0, 1)],
    ids=["relu", "absolute", "clip at x_min", "clip at x_max"],
)  # fmt: skip
def test_the_gradient_at_a_kink_is_what_the_docstring_says(function, at, slope):
    assert gradient(function, np.array([at]))[1].tolist() == [slope]


@pytest.mark.parametrize("used", [0, 1, 2])
def test_pieces_that_nothing_was_computed_from_have_a_gradient_of_zeros(used):
    x = Variable(np.arange(6.0))
    F.sum(F.split_axis(x, [1, 3], 0)[used]).backward()
    assert x.grad.tolist() == [[1, 0, 0, 0, 0, 0], [0, 1, 1, 0, 0, 0], [0, 0, 0, 1, 1, 1]][used]


@pytest.mark.parametrize(("sections", "count"), [(1, 1), ([], 1), (2, 2), (np.int64(2), 2), (np.array([1]), 2)])
def test_split_axis_gives_a_tuple_unless_told_otherwise(sections, count):
    pieces = F.split_axis(np.ones((2, 2)), sections, 1)
    assert isinstance(pieces, tuple)
    assert len(pieces) == count
    bare = F.split_axis(np.ones((2, 2)), sections, 1, force_tuple=False)
    assert isinstance(bare, Variable if count == 1 else tuple)


def test_repeated_rows_of_an_embedding_add_up_and_ignored_ones_do_not():
    W = Variable(np.zeros((3, 2)))
    y = F.embed_id(np.array([[0, 2], [2, -1]], "i2"), W, ignore_label=-1)
    y.grad = np.arange(8.0).reshape(2, 2, 2)
    y.backward()
    assert W.grad.tolist() == [[0, 1], [0, 0], [2 + 4, 3 + 5]]


@pytest.mark.parametrize("function", [F.log_softmax, F.softmax])
def test_an_axis_without_elements_goes_forward_and_backward(function):
    y, gx = gradient(function, np.ones((2, 0)))
    assert y.shape == gx.shape == (2, 0)


def test_where_chooses_between_numbers_and_sends_gradients_only_to_the_chosen():
    condition = np.array([True, False])
    assert F.where(condition, 1.0, np.array([5.0, 6.0])).array.tolist() == [1, 6]
    x, y = Variable(np.array([1.0, np.nan])), Variable(np.array([np.nan, 2.0]))
    F.sum(F.where(condition, x, y)).backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([1, 0], [0, 1])


# Dropout


def test_dropout_in_test_mode_gives_the_very_same_variable():
    x = Variable(np.ones(3))
    with chainette.test_mode():
        assert F.dropout(x) is x
        assert F.dropout(x, train=True) is not x
    assert F.dropout(x, train=False) is x
    assert F.dropout(x, train=False, return_mask=True) == (x, None)


def test_dropout_with_ratio_0_changes_nothing():
    x = np.arange(3.0)
    assert F.dropout(x, 0).array.tolist() == [0, 1, 2]
    assert F.dropout(x, 0.0, return_mask=True)[1].tolist() == [1, 1, 1]


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_mask_that_dropout_returned_repeats_it(dtype):
    x = np.ones((50, 50), dtype)
    y, mask = F.dropout(x, 0.4, return_mask=True)
    np.testing.assert_array_equal(F.dropout(x, 0.4, mask=mask).array, y.array)
    assert mask.dtype == y.dtype == dtype
    assert set(np.unique(mask)) == {0, np.dtype(dtype).type(1 / 0.6)}
    _, gx = gradient(lambda x: F.dropout(x, 0.4, mask=mask), x)
    np.testing.assert_array_equal(gx, mask)


def test_the_seed_decides_what_is_dropped(seeded):
    x = np.ones(100)
    chainette.seed(1)
    first, second = F.dropout(x).array, F.dropout(x).array
    chainette.seed(1)
    np.testing.assert_array_equal(F.dropout(x).array, first)
    assert (first != second).any()


def test_dropout_drops_the_share_it_is_told(seeded):
    n = 100_000
    dropped = (F.dropout(np.ones(n, "f"), 0.3).array == 0).mean()
    assert abs(dropped - 0.3) < 4 * np.sqrt(0.3 * 0.7 / n)


# What needs no work is not done


def test_what_is_so_already_comes_back_as_the_very_same_variable():
    x = Variable(np.ones((2, 3), "f"))
    assert F.cast(x, "float32") is F.cast(x, np.float32) is F.reshape(x, (2, 3)) is x
    assert F.broadcast_to(x, (2, 3)) is F.sum_to(x, (2, 3)) is x


def test_integers_need_no_gradient_and_nothing_flows_through_them():
    x = Variable(np.array([1.4, 2.6]))
    assert not F.cast(x, "int32").requires_grad
    assert not F.relu(np.array([1, -1])).requires_grad
    assert F.max(np.array([1, 3])).item() == 3


def test_on_an_accelerator_labels_are_looked_at_in_debug_mode_only():
    with isolated_plugins(fake_backend.plugin, installed=True):
        x, t = (chainette.to_device(array, "fake:1") for array in (A, np.array([0, 7])))
        with chainette.using_config("debug", True), pytest.raises(ArgumentError, match="t holds 7"):
            F.softmax_cross_entropy(x, t)


# Laws


def floats(shape, bound=50):
    return hnp.arrays(np.float64, shape, elements=st.floats(-bound, bound))


matrices = floats(hnp.array_shapes(min_dims=2, max_dims=4, max_side=4))


@settings(deadline=None)
@given(matrices, st.integers(0, 1), st.floats(-100, 100))
def test_softmax_sums_to_one_and_does_not_see_a_shift(x, axis, shift):
    y = F.softmax(x, axis=axis).array
    np.testing.assert_allclose(y.sum(axis), 1)
    assert (y >= 0).all()
    np.testing.assert_allclose(F.softmax(x + shift, axis=axis).array, y, atol=1e-12)
    np.testing.assert_allclose(np.exp(F.log_softmax(x, axis=axis).array), y, atol=1e-12)


@settings(deadline=None)
@given(matrices, st.integers(0, 1), st.data())
def test_concat_undoes_split_axis(x, axis, data):
    positions = sorted(data.draw(st.lists(st.integers(0, x.shape[axis]), max_size=3)))
    variable = Variable(x)
    y = F.concat(F.split_axis(variable, positions, axis), axis)
    np.testing.assert_array_equal(y.array, x)
    y.grad = x.copy()
    y.backward()
    np.testing.assert_array_equal(variable.grad, x)


@settings(deadline=None)
@given(matrices, st.data())
def test_transpose_and_reshape_are_undone(x, data):
    axes = tuple(data.draw(st.permutations(range(x.ndim))))
    inverse = tuple(int(i) for i in np.argsort(axes))
    variable = Variable(x)
    y = F.transpose(F.transpose(variable, axes), inverse)
    z = F.reshape(F.reshape(y, (-1,)), x.shape)
    np.testing.assert_array_equal(z.array, x)
    z.grad = x.copy()
    z.backward()
    np.testing.assert_array_equal(variable.grad, x)


@settings(deadline=None)
@given(matrices)
def test_summing_is_what_broadcasting_s_gradient_does(x):
    shape = (2, *x.shape)
    variable = Variable(x)
    y = F.broadcast_to(variable, shape)
    y.grad = np.broadcast_to(x, shape).copy()
    y.backward()
    np.testing.assert_allclose(variable.grad, 2 * x)
    np.testing.assert_allclose(F.sum_to(y, x.shape).array, 2 * x)


@settings(deadline=None)
@given(matrices, st.integers(0, 1))
def test_the_loss_is_minus_log_softmax_at_the_label(x, label):
    t = np.full((x.shape[0], *x.shape[2:]), min(label, x.shape[1] - 1))
    loss = F.softmax_cross_entropy(x, t, reduce="no")
    expected = -np.take(F.log_softmax(x).array, t.flat[0], axis=1)
    np.testing.assert_allclose(loss.array, expected, atol=1e-10)
    np.testing.assert_allclose(F.softmax_cross_entropy(x, t).array, expected.mean(), atol=1e-10)


@settings(deadline=None)
@given(matrices)
def test_extrema_are_mirrored(x):
    np.testing.assert_array_equal(F.max(x, axis=0).array, -F.min(-x, axis=0).array)
    np.testing.assert_array_equal(F.clip(x, -1.0, 1.0).array, np.clip(x, -1, 1))
