"""Where functions go wrong: extreme values, ties, missing gradients, wrong arguments."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.errors import ArgumentError
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


def test_an_element_of_float16_that_is_taken_often_gathers_its_gradient_in_float32():
    _, gx = gradient(lambda x: x[[0] * 5000], np.ones(2, "f2"))
    assert gx.tolist() == [5000, 0]


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
        x, t = (chainette.to_device(array, "fake:1") for array in (np.ones((2, 3)), np.array([0, 7])))
        with chainette.using_config("debug", True), pytest.raises(ArgumentError, match="t holds 7"):
            F.softmax_cross_entropy(x, t)


@pytest.mark.parametrize("function", [F.elu, F.selu, F.softplus, F.mish, F.silu, F.hard_sigmoid, F.leaky_relu])
def test_extreme_values_and_their_gradients_stay_finite(function):
    for dtype, extreme in (("f4", 1000.0), ("f2", 60000.0 if function is not F.selu else 30000.0)):
        x = chainette.Variable(np.array([-extreme, 0.0, extreme], dtype))
        y = function(x)
        F.sum(y).backward()
        assert np.isfinite(x.grad).all()
        assert np.isfinite(y.array).all()


def test_logsumexp_does_not_overflow():
    np.testing.assert_allclose(F.logsumexp(np.array([1e4, 1e4])).array, 1e4 + np.log(2))
    np.testing.assert_allclose(F.logsumexp(np.full(70000, 1, "f2")).array, np.log(70000) + 1, rtol=1e-3)


def test_equal_values_give_their_gradient_to_the_first_argument():
    for function in (F.maximum, F.minimum):
        a, b = chainette.Variable(np.ones(1)), chainette.Variable(np.ones(1))
        function(a, b).backward()
        assert (a.grad.tolist(), b.grad.tolist()) == ([1], [0])
