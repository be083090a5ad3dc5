"""What parameters start from: distributions, bounds, dtypes, devices."""

from math import sqrt

import numpy as np
import pytest

import chainette
from chainette import initializers as I
from chainette.errors import ArgumentError, FunctionError, ShapeError
from chainette.initializers import generate_array, get_fans, get_initializer
from chainette.testing import fake_backend, isolated_plugins

pytestmark = pytest.mark.usefixtures("seeded")

SHAPE = (300, 200)  # 300 units with 200 inputs each
FAN_IN, FAN_OUT = 200, 300

NORMAL = [
    (I.Normal(), 0.05),
    (I.Normal(2.0), 2.0),
    (I.LeCunNormal(), sqrt(1 / FAN_IN)),
    (I.LeCunNormal(3), 3 * sqrt(1 / FAN_IN)),
    (I.GlorotNormal(), sqrt(2 / (FAN_IN + FAN_OUT))),
    (I.HeNormal(), sqrt(2 / FAN_IN)),
    (I.HeNormal(fan_option="fan_out"), sqrt(2 / FAN_OUT)),
    (I.HeNormal(0.5), 0.5 * sqrt(2 / FAN_IN)),
]
UNIFORM = [
    (I.Uniform(), 0.05),
    (I.Uniform(2.0), 2.0),
    (I.LeCunUniform(), sqrt(3 / FAN_IN)),
    (I.GlorotUniform(), sqrt(6 / (FAN_IN + FAN_OUT))),
    (I.HeUniform(), sqrt(6 / FAN_IN)),
    (I.HeUniform(0.5), 0.5 * sqrt(6 / FAN_IN)),
]
RANDOM = [initializer for initializer, _ in NORMAL + UNIFORM] + [I.Orthogonal()]


@pytest.mark.parametrize(("initializer", "deviation"), NORMAL, ids=repr)
def test_normal_ones_have_their_mean_and_deviation(initializer, deviation):
    values = generate_array(initializer, SHAPE, "float64")
    n = values.size
    assert abs(values.mean()) < 4 * deviation / sqrt(n)
    assert abs(values.std() - deviation) < 4 * deviation / sqrt(2 * n)
    beyond = (abs(values) > 2 * deviation).mean()
    assert abs(beyond - 0.0455) < 4 * sqrt(0.0455 / n)


@pytest.mark.parametrize(("initializer", "bound"), UNIFORM, ids=repr)
def test_uniform_ones_fill_their_interval_evenly(initializer, bound):
    values = generate_array(initializer, SHAPE, "float64")
    n = values.size
    assert -bound <= values.min() < -0.99 * bound
    assert 0.99 * bound < values.max() <= bound
    assert abs(values.mean()) < 4 * bound / sqrt(3 * n)
    assert abs(values.std() - bound / sqrt(3)) < 4 * bound / sqrt(n)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5), (4, 2, 3), (3,), (1, 1)])
def test_orthogonal_rows_or_columns_are_so(shape):
    matrix = generate_array(I.Orthogonal(1.5), shape, "float64").reshape(shape[0], -1)
    product = matrix @ matrix.T if matrix.shape[0] <= matrix.shape[1] else matrix.T @ matrix
    np.testing.assert_allclose(product, 1.5**2 * np.eye(len(product)), atol=1e-12)


@pytest.mark.parametrize("initializer", [I.Orthogonal(), I.LeCunNormal(), I.GlorotUniform(), I.Identity()], ids=repr)
def test_empty_parameters_are_no_trouble(initializer):
    assert generate_array(initializer, (0, 0)).shape == (0, 0)


@pytest.mark.parametrize(
    ("initializer", "expected"),
    [
        (I.Zero(), np.zeros((2, 2))),
        (I.One(), np.ones((2, 2))),
        (I.NaN(), np.full((2, 2), np.nan)),
        (I.Constant(3), np.full((2, 2), 3)),
        (I.Constant(np.float64(3)), np.full((2, 2), 3)),
        (I.Constant(np.array([1.0, 2.0])), [[1, 2], [1, 2]]),
        (I.Identity(), np.eye(2)),
        (I.Identity(3), 3 * np.eye(2)),
    ],
    ids=repr,
)
def test_fixed_ones_give_their_values(initializer, expected):
    np.testing.assert_array_equal(generate_array(initializer, (2, 2)), expected)


def test_identity_fills_whatever_array_it_is_given():
    for array in (np.empty((3, 3), order="F"), np.empty((6, 6))[::2, ::2], np.empty((3, 3))):
        I.Identity()(array)
        np.testing.assert_array_equal(array, np.eye(3))


@pytest.mark.parametrize("initializer", RANDOM + [I.Zero(), I.Identity()], ids=repr)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_one_fills_any_floating_dtype(initializer, dtype):
    array = generate_array(initializer, (4, 4), dtype)
    assert array.dtype == dtype
    assert np.isfinite(array).all()


@pytest.mark.parametrize("make", [I.Zero, I.One, I.NaN, I.Normal, I.HeUniform, I.Orthogonal, I.Identity])
def test_its_own_dtype_counts_unless_another_is_asked_for(make):
    assert generate_array(make(dtype="float64"), (2, 2)).dtype == np.float64
    assert generate_array(make(dtype="float64"), (2, 2), "float16").dtype == np.float16
    assert generate_array(make(), (2, 2)).dtype == np.float32
    with chainette.using_config("dtype", "float16"):
        assert generate_array(make(), (2, 2)).dtype == np.float16


@pytest.mark.parametrize("initializer", RANDOM, ids=repr)
def test_the_same_seed_gives_the_same_values_and_the_next_draw_others(initializer):
    chainette.seed(5)
    first, second = generate_array(initializer, (3, 4)), generate_array(initializer, (3, 4))
    chainette.seed(5)
    np.testing.assert_array_equal(generate_array(initializer, (3, 4)), first)
    assert (first != second).any()


@pytest.mark.parametrize("initializer", [*RANDOM, I.Zero(), I.Identity(), I.Constant(np.ones((3, 3)))], ids=repr)
def test_every_one_fills_an_array_of_another_device(initializer):
    with isolated_plugins(fake_backend.plugin):
        array = generate_array(initializer, (3, 3), device="fake:1")
        assert str(chainette.backend.device_of(array)) == "fake:1"
        assert np.isfinite(chainette.to_device(array, "cpu")).all()


@pytest.mark.parametrize(
    ("shape", "fans"), [((2, 3), (3, 2)), ((64, 3, 5, 5), (75, 1600)), ((4, 5, 0), (0, 0)), ((1, 1, 7), (7, 7))]
)
def test_fans_are_the_inputs_and_outputs_of_a_unit(shape, fans):
    assert get_fans(shape) == fans


@pytest.mark.parametrize("initializer", [I.LeCunNormal(), I.GlorotNormal(), I.HeUniform(), I.HeNormal()], ids=repr)
@pytest.mark.parametrize("shape", [(), (3,)])
def test_those_that_count_inputs_need_the_shape_of_a_weight(initializer, shape):
    with pytest.raises(ShapeError, match="needs the shape of a weight"):
        generate_array(initializer, shape)


@pytest.mark.parametrize("initializer", [I.Normal(), I.Uniform(), I.Zero(), I.Orthogonal()], ids=repr)
def test_the_others_take_any_shape(initializer):
    assert generate_array(initializer, ()).shape == ()
    assert generate_array(initializer, (5,)).shape == (5,)


def test_wrong_arguments_are_told():
    with pytest.raises(ShapeError, match=r"Identity: a parameter of shape \(2, 3\) is no square matrix"):
        generate_array(I.Identity(), (2, 3))
    with pytest.raises(ArgumentError, match=r"fan_option is 'in' \(expected 'fan_in' or 'fan_out'\)"):
        generate_array(I.HeNormal(fan_option="in"), (2, 3))
    with pytest.raises(FunctionError, match=r"Initializer has no __call__\. Write __call__\(self, array\)"):
        generate_array(I.Initializer(), (2,))


def test_get_initializer_takes_what_links_accept():
    given = I.One()
    assert get_initializer(given) is given
    assert isinstance(get_initializer(None), I.LeCunNormal)
    assert repr(get_initializer(2)) == "Constant(fill_value=2)"
    array = np.ones(2)
    assert get_initializer(array).fill_value is array

    def fill(array):
        array[...] = 3

    assert generate_array(fill, (2,)).tolist() == [3, 3]


def test_it_shows_its_arguments():
    assert repr(I.HeNormal(2.0, "float64")) == "HeNormal(dtype='float64', scale=2.0, fan_option='fan_in')"
    assert repr(I.LeCunNormal()) == "LeCunNormal(scale=1.0)"


def test_interpolation_filters_enlarge_and_shrink_each_channel_by_itself():
    up, down = (generate_array(make(), (2, 2, 4, 3)) for make in (I.UpsamplingDeconvFilter, I.DownsamplingConvFilter))
    np.testing.assert_allclose(up[0, 0], np.outer([0.25, 0.75, 0.75, 0.25], [0.5, 1, 0.5]))
    np.testing.assert_allclose(down, up / up[0, 0].sum())
    assert not up[0, 1].any()
    np.testing.assert_array_equal(up[0, 0], up[1, 1])
    with pytest.raises(ShapeError, match=r"UpsamplingDeconvFilter: .* is no filter for each channel"):
        generate_array(I.UpsamplingDeconvFilter(), (2, 3, 4, 4))
    with pytest.raises(ArgumentError, match="interpolation='cubic'"):
        I.DownsamplingConvFilter("cubic")
