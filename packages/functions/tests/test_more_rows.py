"""More rows and tests: what the mutation run (nox -s mutants) asked for."""

import numpy as np
import pytest

import chainette_functions as F
from chainette import Variable
from chainette.errors import DtypeError
from chainette.testing import Case, FunctionTests, arrays, check_double_backward, fake_backend, isolated_plugins

A = np.ones((2, 3))


def layer_norm(x, gamma, beta):
    return (x - x.mean()) / np.sqrt(x.var() + 1e-5) * gamma + beta


CASES = [
    # test_activation.py
    Case(F.prelu, [arrays.away_from_zero((2, 3, 2, 2)), arrays.normal((3,))],
         lambda x, W: np.where(x >= 0, x, W[:, None, None] * x), name="prelu of images", batched=(True, False)),
    # test_array.py
    Case(F.broadcast, [arrays.normal((1, 3)), arrays.normal((1, 1))], np.broadcast_arrays,
         name="broadcast of single rows", batched=False),
    Case(F.broadcast_to, [arrays.normal((3, 1))], lambda x: np.broadcast_to(x, (3, 4)), kwargs={"shape": (3, 4)},
         name="broadcast_to along an axis", batched=False),
    Case(F.dstack, [arrays.normal((3,)), arrays.normal((3,))], lambda *xs: np.dstack(xs),
         call=lambda *xs: F.dstack(xs), name="dstack of vectors"),
    Case(F.dstack, [arrays.normal((2, 3, 1)), arrays.normal((2, 3, 2))], lambda *xs: np.dstack(xs),
         call=lambda *xs: F.dstack(xs), name="dstack of layers"),
    Case(F.flip, [arrays.normal((2, 3, 4))], lambda x: x[::-1], kwargs={"axis": 0}, name="flip first axis"),
    Case(F.flip, [arrays.normal((2, 3, 4))], lambda x: x[:, :, ::-1], kwargs={"axis": 2}, name="flip third axis"),
    Case(F.hstack, [arrays.normal((3, 2))], lambda x: x, call=lambda x: F.hstack([x]), name="hstack of one"),
    Case(F.hstack, [arrays.normal(()), arrays.normal(())], lambda *xs: np.hstack(xs), call=lambda *xs: F.hstack(xs),
         name="hstack of numbers", batched=False),
    Case(F.rollaxis, [arrays.normal((2, 3, 4))], lambda x: np.rollaxis(x, 2), kwargs={"axis": 2},
         name="rollaxis to the front"),
    Case(F.rollaxis, [arrays.normal((2, 3, 4))], lambda x: np.rollaxis(x, 0, 2), kwargs={"axis": 0, "start": 2},
         name="rollaxis forwards", batched=False),
    Case(F.rollaxis, [arrays.normal((2, 3, 4))], lambda x: np.rollaxis(x, 0, -1), kwargs={"axis": 0, "start": -1},
         name="rollaxis to before the last", batched=False),
    Case(F.rollaxis, [arrays.normal((2, 3, 4))], lambda x: np.rollaxis(x, 2, -2), kwargs={"axis": 2, "start": -2},
         name="rollaxis backwards", batched=False),
    Case(F.sum_to, [arrays.normal((2, 3, 4))], lambda x: x.sum(1, keepdims=True), kwargs={"shape": (2, 1, 4)},
         name="sum_to in the middle", batched=False),
    Case(F.sum_to, [arrays.normal((1, 3))], lambda x: x.sum(1, keepdims=True), kwargs={"shape": (1, 1)},
         name="sum_to where an axis has size 1 already", batched=False),
    # test_connection.py
    Case(F.embed_id, [arrays.values(2, -1, 0, 4, -1, 2, dtype="int16"), arrays.normal((5, 4))],
         lambda x, W: W[x] * (x != -1)[:, None], kwargs={"ignore_label": -1}, name="embed_id with ignored label",
         batched=(True, False)),
    Case(F.embed_id, [arrays.values(0, -1, dtype="int64"), arrays.normal((1, 4))],
         lambda x, W: W[x] * (x != -1)[:, None], kwargs={"ignore_label": -1}, name="embed_id in a table of one row",
         batched=(True, False)),
    # test_loss.py
    Case(F.absolute_error, [arrays.away_from_zero((3, 4), 0.5), arrays.uniform((3, 4), -0.2, 0.2)],
         lambda a, b: np.abs(a - b)),
    Case(F.mean_absolute_error, [arrays.away_from_zero((3, 4), 0.5), arrays.uniform((3, 4), -0.2, 0.2)],
         lambda a, b: np.abs(a - b).mean(), batched=False),
    # test_math.py
    Case(F.bias, [arrays.normal((2, 3, 4, 2)), arrays.normal((3,))], lambda x, y: x + y[:, None, None],
         name="bias of images", batched=(True, False)),
    Case(F.matmul, [arrays.normal((2, 4, 3)), arrays.normal((4, 5))], lambda a, b: a.swapaxes(1, 2) @ b,
         kwargs={"transa": True}, name="matmul of a transposed stack with a matrix", batched=(True, False)),
    Case(F.matmul, [arrays.normal((2, 3, 4)), arrays.normal((4,))], np.matmul, name="matmul of a stack with a vector",
         batched=(True, False)),
    Case(F.matmul, [arrays.normal((4, 3)), arrays.normal((4,))], lambda a, b: a.T @ b, kwargs={"transa": True},
         name="matmul of a transposed matrix with a vector", batched=False),
    Case(F.matmul, [arrays.normal((4,)), arrays.normal((4,))], np.matmul, kwargs={"transa": True, "transb": True},
         name="matmul of vectors, which stay as they are", batched=False),
    Case(F.matmul, [arrays.normal((3, 1, 2, 4)), arrays.normal((2, 5, 4))], lambda a, b: a @ b.swapaxes(1, 2),
         kwargs={"transb": True}, name="matmul of stacks that broadcast", batched=(True, False)),
    # test_evaluation.py
    Case(F.accuracy, [arrays.values([1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]),
                      arrays.values(0, 1, 1, 0, dtype="int32")],
         lambda y, t: (y.argmax(1) == t)[t != 0].mean(), kwargs={"ignore_label": 0}, gradient=False,
         name="accuracy where the ignored class is predicted", batched=False),
    # test_normalization.py
    Case(F.layer_normalization, [arrays.normal((3, 5)), arrays.normal((3, 5)), arrays.normal((3, 5))], layer_norm,
         name="layer_normalization of everything", batched=False),
]  # fmt: skip


class TestMoreRows(FunctionTests):
    module = F
    public = ()
    cases = CASES


def test_accuracy_of_nothing_is_zero():
    assert F.accuracy(np.zeros((0, 3)), np.zeros(0, "i")).item() == 0


@pytest.mark.parametrize("function", [F.absolute_error, F.mean_absolute_error])
def test_errors_name_the_argument_that_is_not_floating(function):
    with pytest.raises(DtypeError, match="x1 is int32"):
        function(A, A.astype("i"))


@pytest.mark.parametrize("function", [F.erf, F.erfc])
@pytest.mark.parametrize(("dtype", "far"), [("f4", 1e30), ("f8", 1e300)])
def test_far_out_the_slope_is_zero_without_a_warning(function, dtype, far):
    x = Variable(np.array([-far, far], dtype))
    F.sum(function(x)).backward()
    assert x.grad.tolist() == [0, 0]


def test_the_gradient_of_an_index_is_exact_in_float64():
    x, gy = Variable(np.zeros(4)), np.array([1 / 3, 1 / 7])
    y = F.get_item(x, [0, 2])
    y.grad = gy
    y.backward()
    assert x.grad[[0, 2]].tolist() == gy.tolist()


def test_copy_goes_to_the_device_that_is_named_and_its_gradient_comes_back():
    with isolated_plugins(fake_backend.plugin, installed=True):
        x = Variable(np.ones(3, "f"))
        y = F.copy(x, "fake:1")
        assert str(y.device) == "fake:1"
        F.sum(y * y).backward()
        assert str(x.device) == "cpu"
        assert x.grad.tolist() == [2, 2, 2]
        z = F.copy(y, "fake:1")
        assert z.array is not y.array
        assert z.creator.name == "copy"


def test_the_second_gradient_of_batch_det_is_precise_close_to_a_singular_matrix():
    seconds = []
    for last in (9.0, 9.0 + 1e-13):
        a = Variable(np.array([[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, last]]]))
        F.batch_det(a).backward(enable_double_backprop=True)
        weighted = F.sum(a.grad_var * np.arange(9.0).reshape(1, 3, 3))
        a.cleargrad()
        weighted.backward()
        seconds.append(a.grad)
    np.testing.assert_allclose(seconds[1], seconds[0], rtol=1e-10, atol=1e-10)


def test_black_out_of_float16_computes_its_scores_in_float32():
    x, W = np.full((1, 2), 250, "e"), np.full((3, 2), 250, "e")
    loss = F.black_out(x, np.array([0]), W, np.array([[1, 2]]))
    np.testing.assert_allclose(loss.array, np.log(3) - 2 * np.log(2 / 3), rtol=1e-2)


def test_the_running_mean_of_equal_values_is_that_value():
    c = np.random.default_rng(0).standard_normal(100).astype("f")
    mean, var = np.zeros(100, "f"), np.zeros(100, "f")
    F.batch_normalization(
        np.tile(c, (7, 1)), np.ones(100, "f"), np.zeros(100, "f"), running_mean=mean, running_var=var, decay=0.0
    )
    assert mean.tolist() == c.tolist()


def test_the_second_gradient_of_batch_det_is_right_for_singular_matrices():
    a = np.array(
        [[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]], [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [3.0, 6.0, 9.0]]]
    )
    a[0] = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [5.0, 7.0, 9.0]]
    generator = np.random.default_rng(0)
    check_double_backward(F.batch_det, (a,), (np.array([1.0, 2.0]),), (generator.standard_normal(a.shape),))


@pytest.mark.parametrize("wanted", [(0,), (1,), (2,), (3,), (0, 1), (2, 3)], ids=str)
def test_gru_has_second_gradients_by_some_of_its_inputs(wanted):
    generator = np.random.default_rng(0)
    shapes = [(1, 2, 3), (2, 4), (3, 4), (3, 3)]  # hx, x, a W of the input, a U of the state
    given = [generator.standard_normal(shape) for shape in shapes]
    other_W, other_U = generator.standard_normal((2, 3, 4)), generator.standard_normal((2, 3, 3))

    def run(*chosen):
        hx, x, W, U = [dict(zip(wanted, chosen, strict=True)).get(i, each) for i, each in enumerate(given)]
        ws = [[W, *other_W, U, *other_U]]
        bs = [[np.zeros(3) for _ in range(6)]]
        hy, ys = F.n_step_gru(1, 0.0, hx, ws, bs, [x, np.ones((1, 4))])
        return hy, *ys

    inputs = tuple(given[i] for i in wanted)
    gys = tuple(generator.standard_normal(y.shape) for y in run(*inputs))
    check_double_backward(run, inputs, gys, tuple(generator.standard_normal(x.shape) for x in inputs))


@pytest.mark.parametrize("pool", [F.max_pooling_2d, F.average_pooling_2d, F.unpooling_2d])
def test_images_without_channels_are_pooled_to_images_without_channels(pool):
    x = Variable(np.ones((2, 0, 4, 4)))
    y = pool(x, 2, cover_all=False) if pool is not F.average_pooling_2d else pool(x, 2)
    assert y.shape[:2] == (2, 0)
    y.grad = np.ones(y.shape)
    y.backward()
    assert x.grad.shape == x.shape


def test_max_pooling_finds_the_largest_of_more_elements_than_16_bits_count():
    x = np.zeros((1, 1, 70_000), "f")
    x[..., -1] = 1
    variable = Variable(x)
    y, positions = F.max_pooling_1d(variable, 70_000, return_indices=True)
    y.backward()
    assert (int(positions.ravel()[0]), int(variable.grad.argmax())) == (69_999, 69_999)
