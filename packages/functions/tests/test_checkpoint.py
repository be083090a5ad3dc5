"""Checkpoints: the same numbers and gradients as without them, for less memory."""

import gc
import tracemalloc
import weakref
from functools import partial

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Parameter, Variable, random
from chainette.errors import ReleasedGraphError
from chainette.testing import check_double_backward
from chainette_functions.util.recomputing import is_recomputing


class Layer:
    """A linear layer with dropout; its weights are drawn when it is first called, as those of links are."""

    def __init__(self, out_size=3, ratio=0.5):
        self.W, self.b = Parameter(chainette.initializers.Normal(1.0), name="W"), Parameter(0.5, out_size, name="b")
        self.out_size, self.ratio = out_size, ratio
        self.calls = self.first_runs = 0

    def __call__(self, h):
        if not self.W.is_initialized:
            self.W.initialize((self.out_size, h.shape[1]))
        self.calls += 1
        self.first_runs += not is_recomputing()
        return F.tanh(F.linear(F.dropout(h, self.ratio), self.W, self.b))


def straight(function, *xs):
    return function(*xs)


def results(way, build, *shapes, dtype="float64"):
    """Everything that must not depend on the way in which functions are run: ``build(way)`` makes the loss's parts."""
    chainette.seed(0)
    xs = [Variable(np.random.default_rng(i).standard_normal(shape).astype(dtype)) for i, shape in enumerate(shapes)]
    layers = [Layer() for _ in range(3)]
    y = build(way, *layers, *xs)
    F.sum(y * y).backward()
    found = [y.array, *(x.grad for x in xs)]
    for layer in layers:
        found += [layer.W.array, layer.W.grad, layer.b.grad] if layer.calls else []
    return [*found, np.array([layer.first_runs for layer in layers]), random.generator().random(2)]


def two_layers(way, first, second, third, x):
    return third(way(lambda h: second(first(h)), x))


BUILDS = {
    "one function": two_layers,
    "one after another": lambda way, a, b, c, x: way(c, way(b, way(a, x))),
    "a layer used twice in one": lambda way, a, b, c, x: way(lambda h: b(a(a(h))), x),
    "a layer used inside and outside": lambda way, a, b, c, x: a(way(a, a(x))),
    "one within another": lambda way, a, b, c, x: way(lambda h: c(way(b, a(h))), x),
    "three deep": lambda way, a, b, c, x: way(lambda h: a(way(lambda h: b(way(c, h)), h)), x),
    "its input used outside too": lambda way, a, b, c, x: a(x) + way(b, x),
    "the same input twice": lambda way, a, b, c, x: way(lambda h, k: a(h) * k, x, x),
    "a computed variable from outside": lambda way, a, b, c, x: (lambda z: way(lambda h: b(h * z) + z, x))(a(x)),
    "only a variable from outside": lambda way, a, b, c, x: (lambda z: way(lambda: b(z)))(a(x)),
    "a variable from the outer checkpoint": lambda way, a, b, c, x: way(
        lambda h: (lambda u: way(lambda v: b(v) * u + h, a(u)))(c(h)), x
    ),
    "its input handed on": lambda way, a, b, c, x: (lambda y: y[0] * y[1])(way(lambda h: (h, a(h)), x)),
    "a parameter handed on": lambda way, a, b, c, x: (lambda y: y[0] * y[1])(way(lambda h: (a(h), a.b), x)),
    "an output that is not used": lambda way, a, b, c, x: way(lambda h: (a(h), b(h)), x)[0],
    "an output that is used twice": lambda way, a, b, c, x: (lambda y: a(y) * y)(way(b, x)),
    "an output without gradient": lambda way, a, b, c, x: (lambda y: y[0] * F.cast(y[1], "d"))(
        way(lambda h: (a(h), F.argmax(h, axis=1)[:, None]), x)
    ),
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_values_gradients_parameters_and_random_numbers_are_those_without_checkpoints(seeded, build):
    for found, wanted in zip(results(F.checkpoint, build, (4, 3)), results(straight, build, (4, 3)), strict=True):
        if wanted is not None:
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-14)
        assert (found is None) == (wanted is None)


def test_parameters_of_open_shape_that_are_drawn_in_the_first_run_do_not_shift_the_masks(seeded):
    chainette.seed(0)
    first, second, x = Layer(), Layer(), Variable(np.ones((50, 3), "f"))
    masks = []

    def function(h):
        for layer in (first, second):
            h = layer(h)
            h, mask = F.dropout(h, return_mask=True)
            masks.append(mask)
        return h

    F.sum(F.checkpoint(function, x)).backward()
    assert len(masks) == 4
    np.testing.assert_array_equal(masks[0], masks[2])
    np.testing.assert_array_equal(masks[1], masks[3])


def test_numbers_that_the_function_draws_itself_are_the_same_again(seeded):
    drawn = []

    def function(h):
        drawn.append(random.generator().standard_normal(3))
        return F.exp(h) * drawn[-1]

    x = Variable(np.zeros(3))
    y = F.checkpoint(function, x)
    following = random.generator().random()
    F.sum(y).backward()
    np.testing.assert_array_equal(*drawn)
    assert random.generator().random() != following
    np.testing.assert_array_equal(x.grad, drawn[0])


def test_backward_twice_adds_up_and_runs_the_function_twice(seeded):
    layer, x = Layer(), Variable(np.ones((2, 3)))
    y = F.sum(F.checkpoint(layer, x))
    y.backward()
    once = x.grad.copy()
    y.backward()
    np.testing.assert_allclose(x.grad, 2 * once)
    assert (layer.calls, layer.first_runs) == (3, 1)


# What is kept


def test_only_inputs_and_outputs_stay_in_memory():
    intermediate = []

    def function(h):
        for _ in range(5):
            h = F.tanh(h * 2)
            intermediate.append(weakref.ref(h.array))
        return h

    x = Variable(np.ones(3))
    y = F.checkpoint(function, x)
    assert [each() is not None for each in intermediate] == [False] * 4 + [True]
    intermediate.clear()
    F.sum(y).backward()
    assert len(intermediate) == 5
    assert not any(each() is not None for each in intermediate)


def test_memory_is_that_of_one_segment():
    def layers(h):
        for _ in range(10):
            h = F.tanh(h)
        return h

    def kept(way):
        x = Variable(np.ones(10_000))
        gc.collect()
        tracemalloc.start()
        y = x
        for _ in range(10):
            y = way(layers, y)
        found = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return found

    assert kept(F.checkpoint) < 0.15 * kept(straight)


def test_what_the_function_makes_for_itself_is_not_kept():
    made = []

    def function(h):
        temporary = Variable(np.full(3, 2.0))  # which requires a gradient
        made.append(weakref.ref(temporary))
        return h * temporary

    x = Variable(np.ones(3))
    y = F.checkpoint(function, x)
    assert made[0]() is None
    F.sum(y).backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_a_walk_with_release_and_an_unchained_graph_free_the_function():
    for free in (lambda y: y.backward(release=True), Variable.unchain_backward):
        layer, x = Layer(ratio=0), Variable(np.ones((2, 3)))
        y = F.sum(F.checkpoint(layer, F.exp(x)))
        alive = weakref.ref(layer)
        del layer
        assert alive() is not None
        free(y)
        assert alive() is None


def test_a_released_checkpoint_says_so():
    x = Variable(np.ones(3))
    y = F.sum(F.checkpoint(F.exp, x))
    z = y * 2
    y.backward(release=True)
    with pytest.raises(ReleasedGraphError, match="gone"):
        z.backward()


def test_long_chains_are_walked_and_freed_without_recursion():
    x = y = Variable(np.ones(2))
    for _ in range(3_000):
        y = F.checkpoint(lambda h: h + 1, y)
    F.sum(y).backward()
    assert x.grad.tolist() == [1, 1]
    del y


# Where gradients go


def test_grad_finds_inputs_and_parameters():
    W, x = Parameter(np.array([2.0, 3.0]), name="W"), Variable(np.array([4.0, 5.0]))
    y = F.checkpoint(lambda h: h * h * W, x)
    for inputs in ([x], [W], [x, W], [W, x]):
        found = chainette.grad([F.sum(y)], inputs)
        expected = {id(x): [16, 30], id(W): [16, 25]}
        assert [gx.array.tolist() for gx in found] == [expected[id(each)] for each in inputs]
    assert W.grad is None
    assert x.grad is None


def test_a_gradient_goes_to_the_variable_that_stood_there_in_the_first_run():
    x = Variable(np.array([1.0]))
    z = x * 3
    y = F.checkpoint(lambda h: h * z, x)
    (gz,) = chainette.grad([y], [z])
    assert gz.array.tolist() == [1]
    y.backward(retain_grad=True)
    assert x.grad.tolist() == [3 + 3]
    assert z.grad.tolist() == [1]


def test_gradients_of_leaves_are_their_own():
    W, x = Parameter(np.ones(3)), Variable(np.ones(3))
    y = F.checkpoint(lambda h: h + W, x)
    y.grad = np.ones(3)
    y.backward()
    assert not np.shares_memory(W.grad, x.grad)
    assert not np.shares_memory(W.grad, y.grad)


def test_gradients_of_gradients_pass_through_inputs_parameters_and_computed_variables():
    def loss(x, W, z):
        z = F.exp(z)
        return F.checkpoint(lambda h: F.tanh(h * W) * z + F.checkpoint(lambda k: k * k * W, h), x)

    arrays = [np.random.default_rng(i).standard_normal(3) for i in range(3)]
    check_double_backward(loss, tuple(arrays), (np.ones(3),), tuple(np.full(3, i + 1.0) for i in range(3)))


def test_third_derivatives():
    x = Variable(np.array(2.0))
    y = F.checkpoint(lambda h: h * h * h * h, x)
    for expected in (4 * 2**3, 12 * 2**2, 24 * 2):
        (y,) = chainette.grad([y], [x], enable_double_backprop=True)
        assert y.item() == expected


def test_integer_inputs_and_constants_are_passed_as_they_are():
    seen = []

    def function(x, t, c):
        seen.append((t.dtype, t.requires_grad, c.requires_grad))
        return F.softmax_cross_entropy(x * c, t)

    x = Variable(np.ones((2, 3)))
    F.checkpoint(function, x, np.array([0, 2], "i2"), np.ones(3)).backward()
    assert seen == [(np.int16, False, False)] * 2
    assert x.grad is not None


def test_nothing_is_recorded_where_nothing_requires_a_gradient():
    calls = []

    def function(h):
        calls.append(h)
        return F.exp(h)

    assert F.checkpoint(function, np.zeros(2)).creator is None
    assert not F.checkpoint(lambda: Variable(np.zeros(2), requires_grad=False) + 1).requires_grad
    with chainette.no_backprop_mode():
        assert F.checkpoint(function, Variable(np.zeros(2))).creator is None
    assert len(calls) == 2


# Settings, hooks and the seams


def test_the_second_run_has_the_settings_of_the_first():
    seen = []

    def function(h):
        seen.append((chainette.config.train, chainette.config.dtype))
        return F.exp(h)

    with chainette.test_mode(), chainette.using_config("dtype", np.float64):
        y = F.checkpoint(function, Variable(np.zeros(2)))
    F.sum(y).backward()
    assert seen == [(False, np.float64)] * 2
    assert chainette.config.train


def test_only_the_second_run_is_a_recomputation():
    seen = []

    def function(h):
        seen.append(is_recomputing())
        return F.exp(h)

    F.sum(F.checkpoint(partial(F.checkpoint, function), Variable(np.zeros(2)))).backward()
    assert seen == [False, True, True]
    assert not is_recomputing()


def test_running_statistics_are_updated_once():
    x, ones = Variable(np.random.default_rng(0).standard_normal((5, 3))), np.ones(3)
    found = []
    for way in (straight, F.checkpoint):
        mean, var = np.zeros(3), np.ones(3)
        normalized = partial(F.batch_normalization, gamma=ones, beta=ones, running_mean=mean, running_var=var)
        x.cleargrad()
        F.sum(F.exp(way(lambda h: way(normalized, h * 2), x))).backward()  # noqa: B023
        found.append((mean, var, x.grad))
    for wanted, with_checkpoints in zip(*found, strict=True):
        np.testing.assert_allclose(with_checkpoints, wanted, rtol=1e-12)


def test_an_interceptor_around_it_sees_what_the_function_applies():
    seen = []

    def watch(function, inputs):
        seen.append(function.name)
        return NotImplemented

    with chainette.interception(watch):
        y = F.checkpoint(lambda h: F.exp(h) + 1, Variable(np.zeros(2)))
        assert seen == ["exp", "add", "checkpoint"]
        y.grad = np.ones(2)
        y.backward()
    assert seen[3:5] == ["exp", "add"]


def test_offloading_takes_the_inputs():
    packed = []

    def pack(array):
        packed.append(array)
        return array.copy()

    x, W = Variable(np.ones(3)), Parameter(np.ones(3))
    with chainette.retention(pack, lambda array: array):
        y = F.checkpoint(lambda h: F.exp(h * W), x)
    assert [array is x.array or array is W.array for array in packed] == [True, True]
    F.sum(y).backward()
    np.testing.assert_allclose(x.grad, np.full(3, np.e))


def test_gradients_can_be_computed_inside_under_force_backprop_mode():
    def penalty(h):
        with chainette.force_backprop_mode():
            u = Variable(h.array)
            (gu,) = chainette.grad([F.sum(u * u * u)], [u], enable_double_backprop=True)
        return h * gu.array

    x = Variable(np.array([1.0, 2.0]))
    F.sum(F.checkpoint(penalty, x)).backward()
    assert x.grad.tolist() == [3, 12]
