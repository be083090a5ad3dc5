"""Where normalizing goes wrong: running averages, large means, small batches, zeros, half precision."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.errors import BackendMismatchError
from chainette.testing import check_backward, fake_backend, isolated_plugins

FLOATS = ["float16", "float32", "float64"]
ONE, ZERO = np.ones(1), np.zeros(1)


def gradients(function, *arrays, gy=None):
    """The output's array and the gradients of all inputs."""
    inputs = [Variable(x) for x in arrays]
    y = function(*inputs)
    y.grad = np.ones(y.shape, y.dtype) if gy is None else gy
    y.backward()
    return y.array, [x.grad for x in inputs]


# Gradients of gradients


@pytest.mark.parametrize("which", [0, 1, 2])
@pytest.mark.parametrize("function", [F.batch_normalization, F.layer_normalization])
def test_the_gradient_of_one_gradient_alone_is_right(function, which):
    def first(*xs):
        return chainette.grad([F.sum(function(*xs) ** 3)], [xs[which]], enable_double_backprop=True)[0]

    check_backward(first, tuple(np.random.default_rng(0).standard_normal(shape) for shape in ((5, 3), 3, 3)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.batch_normalization(x, np.ones(2, x.dtype), np.zeros(2, x.dtype)),
        lambda x: F.layer_normalization(x, np.ones(2, x.dtype), np.zeros(2, x.dtype), eps=100.0),
        F.local_response_normalization,
    ],
    ids=["batch", "layer", "local response"],
)
def test_float16_does_not_overflow_in_gradients_of_gradients_either(function):
    results = []
    for dtype in ("float16", "float64"):
        x = Variable(np.array([[300, 320], [310, 290], [290, 310]], dtype))
        (gx,) = chainette.grad([F.mean(function(x) ** 3)], [x], enable_double_backprop=True)
        F.sum(gx * np.array([[100, 200], [300, 400], [500, 600]], dtype)).backward()
        results.append(x.grad.astype("d"))
    np.testing.assert_allclose(*results, rtol=0.02, atol=0.02 * abs(results[1]).max())


# Running averages


def test_running_averages_move_once_an_application_and_not_in_backward():
    x = Variable(np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]]))
    mean, var = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    y = F.batch_normalization(x, np.ones(2), np.zeros(2), running_mean=mean, running_var=var, decay=0.75)
    expected = [0.75 + 0.25 * 3, 1.5 + 0.25 * 20], [2.25 + 0.25 * 7, 3 + 0.25 * 100]
    np.testing.assert_allclose([mean, var], expected)
    F.sum(y * y).backward(enable_double_backprop=True)
    F.sum(x.grad_var).backward()
    np.testing.assert_allclose([mean, var], expected)
    F.batch_normalization(x, np.ones(2), np.zeros(2), running_mean=mean)
    np.testing.assert_allclose(mean, 0.9 * np.array(expected[0]) + 0.1 * np.array([3, 20]))


def test_what_a_checkpoint_computes_a_second_time_does_not_move_running_averages():
    x, mean = Variable(np.array([[1.0], [3.0]])), np.zeros(1)
    y = F.checkpoint(lambda x: F.batch_normalization(x, ONE, ZERO, running_mean=mean, decay=0.5), x)
    F.sum(y * y).backward()
    assert mean.tolist() == [1]


def test_the_running_variance_is_unbiased_over_all_that_is_reduced_and_without_eps():
    x = np.random.default_rng(0).standard_normal((4, 2, 3))
    var = np.zeros(2)
    F.batch_normalization(x, np.ones(2), np.zeros(2), 0.5, running_var=var, decay=0)
    np.testing.assert_allclose(var, x.var((0, 2), ddof=1))


def test_a_batch_of_one_gives_beta_and_an_unchanged_scale_of_the_running_variance():
    mean, var = np.zeros(2), np.ones(2)

    def normalized(x, gamma, beta):
        return F.batch_normalization(x, gamma, beta, running_mean=mean, running_var=var)

    y, grads = gradients(normalized, np.array([[5.0, 7.0]]), np.ones(2), np.array([3.0, 4.0]))
    assert y.tolist() == [[3, 4]]
    assert [gx.tolist() for gx in grads] == [[[0, 0]], [0, 0], [1, 1]]
    np.testing.assert_allclose([mean, var], [[0.5, 0.7], [0.9, 0.9]])


def test_an_empty_batch_leaves_the_running_averages_alone():
    mean, var = np.ones(2), np.ones(2)
    x, gamma = Variable(np.ones((0, 2))), Variable(np.ones(2))
    y = F.batch_normalization(x, gamma, np.zeros(2), running_mean=mean, running_var=var)
    F.sum(y * y).backward(enable_double_backprop=True)
    F.sum(x.grad_var).backward()
    assert gamma.grad.tolist() == [0, 0]
    assert (mean.tolist(), var.tolist()) == ([1, 1], [1, 1])


def test_running_averages_may_be_variables_and_of_another_dtype():
    mean, var = Variable(np.zeros(1, "f")), Variable(np.ones(1, "f"))
    x = np.array([[60000], [60000], [60000]], "e")
    F.batch_normalization(x, ONE, ZERO, running_mean=mean, running_var=var)
    np.testing.assert_allclose(mean.array, 6000)
    np.testing.assert_allclose(var.array, 0.9)


def test_running_averages_on_another_device_are_refused():
    with isolated_plugins(fake_backend.plugin, installed=True):
        x, gamma, beta = (chainette.to_device(array, "fake:1") for array in (np.ones((2, 1)), ONE, ZERO))
        with pytest.raises(BackendMismatchError, match=r"running_mean lies on cpu \(expected fake:1"):
            F.batch_normalization(x, gamma, beta, running_mean=np.zeros(1))
        var = chainette.to_device(np.ones(1), "fake:1")
        F.batch_normalization(x, gamma, beta, running_var=var)
        np.testing.assert_allclose(chainette.to_device(var, "cpu"), 0.9)


def test_a_single_feature_needs_no_axis():
    x, gamma, var = np.arange(4.0), np.array(2.0), np.array(0.0)
    y, grads = gradients(lambda *xs: F.batch_normalization(*xs, running_var=var, decay=0.0), x, gamma, np.array(1.0))
    np.testing.assert_allclose(y, 1 + 2 * (x - 1.5) / np.sqrt(x.var() + 2e-5))
    assert [gx.shape for gx in grads] == [(4,), (), ()]
    np.testing.assert_allclose(var, x.var(ddof=1))


# eps, which Chainer 1.7 took as the fourth argument and then left out where statistics are given


def test_eps_may_be_the_argument_behind_beta_or_behind_the_variance():
    x = np.array([[1.0], [3.0]])
    np.testing.assert_allclose(F.batch_normalization(x, ONE, ZERO, 3.0).array, [[-0.5], [0.5]])
    np.testing.assert_allclose(F.fixed_batch_normalization(x, ONE, ZERO, ONE, ONE, 3.0).array, [[0], [1]])


def test_given_statistics_are_used_with_eps():
    np.testing.assert_allclose(
        F.fixed_batch_normalization(np.full((1, 1), 2.0), ONE, ZERO, ZERO, ZERO).array, 2 / np.sqrt(2e-5)
    )


def test_statistics_of_the_batch_itself_give_what_batch_normalization_does():
    x = np.random.default_rng(0).standard_normal((4, 3, 2))
    gamma, beta = np.array([1.0, -2.0, 3.0]), np.arange(3.0)
    given = F.fixed_batch_normalization(x, gamma, beta, x.mean((0, 2)), x.var((0, 2)))
    np.testing.assert_allclose(F.batch_normalization(x, gamma, beta).array, given.array)


# Precision


@pytest.mark.parametrize("function", [F.batch_normalization, F.layer_normalization])
def test_a_large_mean_does_not_hide_a_small_variance(function):
    rows = 1 if function is F.layer_normalization else 4096
    x = (1000 + 0.01 * np.random.default_rng(0).standard_normal((4096, 1))).astype("f").reshape(rows, -1)
    gy = np.random.default_rng(1).standard_normal(x.shape).astype("f")
    parameters = [np.ones(x.shape[1]), np.zeros(x.shape[1])]

    def normalized(*inputs):
        return function(*inputs, eps=1e-12)

    y, (gx, ggamma, _) = gradients(normalized, x, *(each.astype("f") for each in parameters), gy=gy)
    exact, (exact_gx, exact_ggamma, _) = gradients(normalized, x.astype("d"), *parameters, gy=gy.astype("d"))
    np.testing.assert_allclose(y, exact, atol=1e-5)
    np.testing.assert_allclose(gx, exact_gx, atol=1e-5 * abs(exact_gx).max())
    np.testing.assert_allclose(ggamma, exact_ggamma, atol=1e-5 * abs(exact_ggamma).max())


def test_a_constant_feature_becomes_beta_however_large_the_batch():
    x = np.full((100_000, 1), 0.1, "f")
    np.testing.assert_allclose(F.batch_normalization(x, np.ones(1, "f"), np.full(1, 5, "f")).array, 5, atol=1e-5)


@pytest.mark.parametrize(
    "function",
    [
        F.batch_normalization,
        lambda x, *xs: F.fixed_batch_normalization(x, *xs, np.zeros(2, "f"), np.ones(2, "f")),
        F.layer_normalization,
        lambda x, *xs: F.group_normalization(x, 1, *xs),
    ],
    ids=["batch", "fixed", "layer", "group"],
)
def test_float16_goes_with_parameters_of_float32_and_does_not_overflow(function):
    x = np.array([[300, -300], [200, 100], [60000, -60000]], "e")
    gy = np.array([[1, 2], [3, 4], [5, 6]], "e")
    y, grads = gradients(function, x, np.full(2, 0.5, "f"), np.ones(2, "f"), gy=gy)
    exact, wanted = gradients(function, x.astype("d"), np.full(2, 0.5), np.ones(2), gy=gy.astype("d"))
    assert (y.dtype, *(gx.dtype for gx in grads)) == ("float16", "float16", "float32", "float32")
    np.testing.assert_allclose(y, exact, rtol=2e-3, atol=2e-3)
    for gx, exact_gx in zip(grads, wanted, strict=True):
        np.testing.assert_allclose(gx, exact_gx, rtol=2e-3, atol=2e-3)


def test_group_normalization_with_one_group_normalizes_whole_examples():
    x = np.random.default_rng(0).standard_normal((2, 3, 4))
    whole = F.layer_normalization(x, np.ones((3, 4)), np.zeros((3, 4))).array
    np.testing.assert_allclose(F.group_normalization(x, 1, np.ones(3), np.zeros(3)).array, whole)


# Vectors of zeros


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_vector_of_zeros_is_normalized_to_itself_with_a_finite_gradient(dtype):
    x = Variable(np.array([[0, 0], [3, 4]], dtype))
    y = F.normalize(x, eps=0.5)
    np.testing.assert_allclose(y.array, [[0, 0], [3 / 5.5, 4 / 5.5]], rtol=1e-3)
    F.sum(y * np.array([1, 2], dtype)).backward(enable_double_backprop=True)
    np.testing.assert_allclose(x.grad[0], [2, 4])
    first = x.grad_var
    x.cleargrad()
    F.sum(first * first).backward()
    assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_vectors_are_normalized_whatever_their_length(dtype):
    for length in (1000, 60000 if dtype == "float16" else 1e15):
        x = np.full((1, 4), length, dtype)
        np.testing.assert_allclose(F.normalize(x).array, 0.5, rtol=1e-3)


# Local response normalization


def test_alpha_is_not_divided_by_n():
    y = F.local_response_normalization(np.full((1, 5), 2.0), n=5, k=1.0, alpha=3.0, beta=1.0)
    np.testing.assert_allclose(y.array, [[2 / (1 + 3 * 4 * count) for count in (3, 4, 5, 4, 3)]])


def test_an_even_n_counts_as_the_odd_number_above():
    x = np.random.default_rng(0).standard_normal((2, 9))
    even, odd = (F.local_response_normalization(x, n, alpha=0.5).array for n in (4, 5))
    np.testing.assert_array_equal(even, odd)


def test_squares_of_float16_do_not_overflow():
    x = np.full((1, 3), 1000, "e")
    y, (gx,) = gradients(lambda x: F.local_response_normalization(x, alpha=1.0), x, gy=np.full((1, 3), 60000, "e"))
    exact, (exact_gx,) = gradients(
        lambda x: F.local_response_normalization(x, alpha=1.0), x.astype("d"), gy=np.full((1, 3), 60000.0)
    )
    np.testing.assert_allclose(y, exact, rtol=2e-3)
    np.testing.assert_allclose(gx, exact_gx, rtol=2e-3)
