"""Recurrent functions: states, orders, directions, dropout, extreme values, gradients of gradients."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
import chainette_functions as F
from chainette import Variable, as_variable
from chainette.testing import check_backward, check_double_backward
from chainette_functions.rnn.n_step import over_sequences

FLOATS = ["float16", "float32", "float64"]
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def n_step(name):
    """The function of that name over whole sequences; a state that is None starts from zeros."""

    def call(n_layers, ratio, *arguments, **options):
        *states, ws, bs, xs = arguments
        zeros = np.zeros((len(ws), len(xs), len(bs[0][0])), xs[0].dtype)
        states = [as_variable(zeros if state is None else state) for state in states]
        return over_sequences(getattr(F, name), n_layers, ratio, *states, ws, bs, xs, **options)

    return call


def parameters(kind, n_layers=1, directions=1, in_size=3, units=2, dtype="d", seed=0):
    """Random ws and bs."""
    generator = np.random.default_rng(seed)

    def draw(*shape):
        return generator.standard_normal(shape).astype(dtype)

    gates, ws, bs = GATES[kind], [], []
    for k in range(n_layers * directions):
        width = in_size if k < directions else units * directions
        ws.append([draw(units, width) for _ in range(gates)] + [draw(units, units) for _ in range(gates)])
        bs.append([draw(units) for _ in range(2 * gates)])
    return ws, bs


def sequences(lengths, in_size=3, dtype="d", seed=1):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal((length, in_size)).astype(dtype) for length in lengths]


def run(kind, xs, n_layers=1, directions=1, ratio=0.0, states=None, **options):
    """The states at the end as a list, and the outputs."""
    ws, bs = parameters(kind, n_layers, directions, **options)
    function = n_step(f"n_step_{'bi' if directions == 2 else ''}{kind}")
    states = states or [None] * (2 if kind == "lstm" else 1)
    *final, ys = function(n_layers, ratio, *states, ws, bs, xs)
    return final, ys


def start(kind, layers, batch, units=2, seed=2):
    """Random states to start from."""
    generator = np.random.default_rng(seed)
    return [generator.standard_normal((layers, batch, units)) for _ in range(2 if kind == "lstm" else 1)]


KINDS = pytest.mark.parametrize("kind", GATES)
DIRECTIONS = pytest.mark.parametrize("directions", [1, 2])


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(list(GATES)),
    st.lists(st.integers(0, 4), min_size=1, max_size=5),
    st.integers(1, 2),
    st.integers(1, 2),
)
def test_a_sequence_does_not_see_the_others(kind, lengths, n_layers, directions):
    xs, states = sequences(lengths), start(kind, n_layers * directions, len(lengths))
    together, ys = run(kind, xs, n_layers, directions, states=states)
    for i, x in enumerate(xs):
        alone, (y,) = run(kind, [x], n_layers, directions, states=[state[:, i : i + 1] for state in states])
        np.testing.assert_allclose(ys[i].array, y.array, atol=1e-12)
        for state, one in zip(together, alone, strict=True):
            np.testing.assert_allclose(state.array[:, i], one.array[:, 0], atol=1e-12)


@KINDS
def test_the_state_of_a_sequence_that_is_over_stays(kind):
    states = start(kind, 1, 3)
    (h, *_), ys = run(kind, sequences([2, 0, 4]), states=states)
    assert [y.shape for y in ys] == [(2, 2), (0, 2), (4, 2)]
    np.testing.assert_array_equal(h.array[0, 0], ys[0].array[-1])
    np.testing.assert_array_equal(h.array[0, 1], states[0][0, 1])
    np.testing.assert_array_equal(h.array[0, 2], ys[2].array[-1])


@KINDS
def test_the_backward_direction_is_the_forward_one_of_reversed_sequences(kind):
    xs, (ws, bs) = sequences([2, 4]), parameters(kind)
    one, two = n_step(f"n_step_{kind}"), n_step(f"n_step_bi{kind}")
    none = [None] * (2 if kind == "lstm" else 1)
    *both, ys = two(1, 0.0, *none, ws * 2, bs * 2, xs)
    *forwards, first = one(1, 0.0, *none, ws, bs, xs)
    *backwards, second = one(1, 0.0, *none, ws, bs, [x[::-1] for x in xs])
    for state, f, b in zip(both, forwards, backwards, strict=True):
        np.testing.assert_allclose(state.array, np.concatenate([f.array, b.array]))
    for y, f, b in zip(ys, first, second, strict=True):
        np.testing.assert_allclose(y.array, np.concatenate([f.array, b.array[::-1]], 1))


@KINDS
@DIRECTIONS
@pytest.mark.parametrize("dtype", FLOATS)
def test_no_state_means_zeros(kind, directions, dtype):
    xs = sequences([1, 3], dtype=dtype)
    zeros = [np.zeros((2 * directions, 2, 2), dtype)] * (2 if kind == "lstm" else 1)
    final, ys = run(kind, xs, 2, directions, dtype=dtype)
    same, same_ys = run(kind, xs, 2, directions, dtype=dtype, states=zeros)
    for y, other in zip([*final, *ys], [*same, *same_ys], strict=True):
        np.testing.assert_array_equal(y.array, other.array)
        assert y.dtype == dtype


@KINDS
@DIRECTIONS
def test_through_empty_sequences_the_states_pass_with_their_gradients(kind, directions):
    states = [Variable(state) for state in start(kind, directions, 2)]
    final, ys = run(kind, sequences([0, 0]), 1, directions, states=states)
    assert [y.shape for y in ys] == [(0, 2 * directions)] * 2
    for before, after in zip(states, final, strict=True):
        np.testing.assert_array_equal(after.array, before.array)
        F.sum(after * after).backward()
        np.testing.assert_array_equal(before.grad, 2 * before.array)


@KINDS
@DIRECTIONS
def test_dropout_is_between_layers_and_in_training_only(kind, directions, seeded):
    xs = sequences([2, 3])

    def outputs(n_layers, ratio, train=True):
        with chainette.using_config("train", train):
            return np.concatenate([y.array for y in run(kind, xs, n_layers, directions, ratio)[1]])

    np.testing.assert_array_equal(outputs(1, 0.9), outputs(1, 0.0))
    np.testing.assert_array_equal(outputs(2, 0.9, train=False), outputs(2, 0.0))
    chainette.seed(5)
    first, second = outputs(2, 0.5), outputs(2, 0.5)
    chainette.seed(5)
    np.testing.assert_array_equal(outputs(2, 0.5), first)
    assert (first != second).any()


def test_dropout_drops_the_inputs_of_the_second_layer(seeded):
    ones, none = [[np.eye(50), np.zeros((50, 50))]], [[np.zeros(50), np.zeros(50)]]
    _, (y,) = n_step("n_step_rnn")(2, 0.5, None, ones * 2, none * 2, [np.ones((40, 50))], activation="relu")
    assert set(np.unique(y.array)) == {0, 2}
    assert 0.4 < (y.array == 0).mean() < 0.6


def test_outputs_come_as_a_list_in_the_order_of_the_sequences():
    lengths = [1, 4, 0, 2, 4]
    for kind in GATES:
        _, ys = run(kind, sequences(lengths))
        assert type(ys) is list
        assert [len(y) for y in ys] == lengths


def test_sequences_may_come_in_one_array():
    xs = np.stack(sequences([3, 3]))
    _, expected = run("gru", list(xs))
    for together in (xs, Variable(xs)):
        for y, wanted in zip(run("gru", together)[1], expected, strict=True):
            np.testing.assert_array_equal(y.array, wanted.array)


def test_hundreds_of_steps_go_forward_and_backward():
    x = Variable(sequences([700], dtype="f")[0])
    final, (y,) = run("lstm", [x], dtype="f")
    F.sum(final[0]).backward()
    assert y.shape == (700, 2)
    assert np.isfinite(x.grad).all()


# One step


def test_the_channels_of_a_unit_lie_side_by_side():
    x = np.zeros((1, 8))
    x[0, 4:] = [0.5, 1000, 1000, 1000]  # a, i, f, o of the second unit; all gates open
    c, h = F.lstm(np.array([[2.0, 3.0]]), x)
    np.testing.assert_allclose(c.array, [[1, 3 + np.tanh(0.5)]])
    np.testing.assert_allclose(h.array, [[np.tanh(1) / 2, np.tanh(3 + np.tanh(0.5))]])


@pytest.mark.parametrize("extreme", [1000, 60000])
@pytest.mark.parametrize("dtype", FLOATS)
def test_gates_saturate(extreme, dtype):
    x = Variable(np.array([[extreme, extreme, -extreme, extreme], [-extreme, extreme, extreme, -extreme]], dtype))
    c_prev = Variable(np.array([[5], [5]], dtype))
    c, h = F.lstm(c_prev, x)
    F.sum(c + h).backward()
    assert c.array.tolist() == [[1], [4]]
    np.testing.assert_allclose(h.array.astype("d"), [[np.tanh(1)], [0]], atol=1e-3)
    assert x.grad.tolist() == [[0] * 4] * 2
    assert c_prev.grad.tolist() == [[0], [1]]
    c, h = F.slstm(c_prev, c_prev, x, -x.array)
    assert c.array.tolist() == [[6], [4]]
    np.testing.assert_allclose(h.array.astype("d"), [[0.5], [0.5 * np.tanh(4)]], atol=1e-3)
    x = Variable(np.array([[extreme, extreme, extreme, -extreme], [-extreme, extreme, -extreme, extreme]], dtype))
    c, h = F.tree_lstm(c_prev, x)
    F.sum(c + h).backward()
    assert c.array.tolist() == [[1], [4]]
    np.testing.assert_allclose(h.array.astype("d"), [[np.tanh(1)], [0]], atol=1e-3)
    assert x.grad.tolist() == [[0] * 4] * 2


@pytest.mark.parametrize("dtype", FLOATS)
def test_saturated_units_have_finite_gradients(dtype):
    for kind in GATES:
        xs = [Variable(30000 * np.sign(x)) for x in sequences([3, 2], dtype=dtype)]
        ws, bs = parameters(kind, dtype=dtype)
        ws = [[np.sign(w) / 2 for w in each] for each in ws]
        *_, ys = n_step(f"n_step_{kind}")(1, 0.0, *[None] * (2 if kind == "lstm" else 1), ws, bs, xs)
        F.sum(F.concat(ys, axis=0)).backward()
        for x, y in zip(xs, ys, strict=True):
            assert np.isfinite(y.array).all()
            assert np.isfinite(x.grad).all()


@pytest.mark.parametrize("used", ["c", "h", "both"])
@pytest.mark.parametrize(("function", "rows"), [(F.lstm, 3), (F.lstm, 1), (F.slstm, 3), (F.tree_lstm, 3)])
def test_either_output_alone_gives_its_gradients(function, used, rows):
    generator = np.random.default_rng(0)
    children = 2 if function is F.slstm else 1
    cells = [generator.standard_normal((3, 2)) for _ in range(children)]
    inputs = [generator.standard_normal((rows, 8)) for _ in range(children)]

    def chosen(*arguments):
        c, h = function(*arguments)
        return {"c": c, "h": h, "both": F.concat([c, h], axis=0)}[used]

    weights = generator.standard_normal(chosen(*cells, *inputs).shape)
    more = tuple(generator.standard_normal(x.shape) for x in [*cells, *inputs])
    check_backward(chosen, (*cells, *inputs), weights)
    check_double_backward(chosen, (*cells, *inputs), weights, more)


@pytest.mark.parametrize("wanted", [0, 1])
def test_the_gradient_of_one_argument_alone_can_be_differentiated(wanted):
    generator = np.random.default_rng(0)
    inputs = generator.standard_normal((3, 2)), generator.standard_normal((3, 8))

    def gradient(*arguments):
        arguments = [chainette.as_variable(x) for x in arguments]
        c, h = F.lstm(*arguments)
        return chainette.grad([F.sum(c * h)], [arguments[wanted]], enable_double_backprop=True)[0]

    check_backward(gradient, inputs, generator.standard_normal(inputs[wanted].shape))


@pytest.mark.parametrize("wanted", ["x", "h", "W", "U"])
def test_a_gradient_of_a_gated_unit_alone_can_be_differentiated(wanted):
    generator = np.random.default_rng(0)
    inputs = {"x": (2, 2), "h": (1, 1, 2), "W": (3, 2, 2), "U": (3, 2, 2)}
    inputs = {name: generator.standard_normal(shape) for name, shape in inputs.items()}

    def gradient(*arguments):
        x, h, W, U = arguments = [chainette.as_variable(each) for each in arguments]
        ws, bs = [[*F.separate(W), *F.separate(U)]], [[np.ones(2)] * 6]
        hy, _ = n_step("n_step_gru")(1, 0.0, h, ws, bs, [x])
        return chainette.grad([F.sum(hy * hy)], [arguments["xhWU".index(wanted)]], enable_double_backprop=True)[0]

    check_backward(gradient, tuple(inputs.values()), generator.standard_normal(inputs[wanted].shape))


def test_no_rows_leave_every_cell_as_it_is():
    c_prev = Variable(np.arange(6.0).reshape(3, 2))
    c, h = F.lstm(c_prev, np.ones((0, 8)))
    assert h.shape == (0, 2)
    F.sum(c * c).backward()
    np.testing.assert_array_equal(c.array, c_prev.array)
    np.testing.assert_array_equal(c_prev.grad, 2 * c_prev.array)


@pytest.mark.full
@KINDS
def test_gradients_can_be_differentiated_three_times(kind):
    ws, bs = parameters(kind, in_size=2)
    states = [Variable(state) for state in start(kind, 1, 2)]

    def gradient(x, h):
        x, h = chainette.as_variable(x), chainette.as_variable(h)
        *final, ys = n_step(f"n_step_{kind}")(1, 0.0, h, *states[1:], ws, bs, [x, x[:1]])
        outputs = [F.sum(y * y * y) for y in [*final, *ys]]
        return tuple(chainette.grad(outputs, [x, h], enable_double_backprop=True))

    x, h = sequences([2], in_size=2)[0], states[0].array
    generator = np.random.default_rng(3)
    weights = tuple(generator.standard_normal(each.shape) for each in (x, h))
    more = tuple(generator.standard_normal(each.shape) for each in (x, h))
    check_double_backward(gradient, (x, h), weights, more)


# The layer that takes all steps at once


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("used", ["h", "c", "first output", "second output"])
def test_each_result_of_a_long_short_term_memory_alone_gives_its_gradients(used, bidirectional):
    generator = np.random.default_rng(0)
    directions = 2 if bidirectional else 1
    states = [generator.standard_normal((directions, 3, 2)) for _ in range(2)]
    xs = [generator.standard_normal((length, 3)) for length in (1, 0, 2)]
    weights = [generator.standard_normal(shape) for shape in ((4, 2, 3), (4, 2, 2))]

    def chosen(h, c, W, U, *xs):
        ws, bs = [[*F.separate(W), *F.separate(U)]] * directions, [[np.ones(2)] * 8] * directions
        h, c, ys = n_step("n_step_bilstm" if bidirectional else "n_step_lstm")(1, 0.0, h, c, ws, bs, xs)
        return {"h": h, "c": c, "first output": ys[0], "second output": ys[2]}[used]

    inputs = [*states, *weights, *xs]
    gy = generator.standard_normal(chosen(*inputs).shape)
    check_backward(chosen, inputs, gy)
    check_double_backward(chosen, inputs, gy, tuple(generator.standard_normal(x.shape) for x in inputs))


@pytest.mark.parametrize("steps", [1, 20])
def test_many_steps_at_once_are_as_one_after_the_other(steps):
    xs, (ws, bs) = sequences([steps, steps // 2]), parameters("lstm", units=5)
    h, c, ys = n_step("n_step_lstm")(1, 0.0, None, None, ws, bs, xs)
    for n, x in enumerate(xs):
        state = [np.zeros((1, 1, 5))] * 2
        for t in range(len(x)):
            *state, (y,) = n_step("n_step_lstm")(1, 0.0, *state, ws, bs, [x[t : t + 1]])
            np.testing.assert_allclose(ys[n].array[t], y.array[0], atol=1e-12)
        for state_at_end, wanted in zip((h, c), state, strict=True):
            np.testing.assert_allclose(state_at_end.array[0, n], np.reshape(getattr(wanted, "array", wanted), 5))


@pytest.mark.parametrize("wanted", ["x", "h", "c", "W", "U"])
def test_the_gradient_of_one_input_of_a_layer_can_be_differentiated(wanted):
    generator = np.random.default_rng(0)
    inputs = {"x": (2, 2), "h": (1, 1, 2), "c": (1, 1, 2), "W": (4, 2, 2), "U": (4, 2, 2)}
    inputs = {name: generator.standard_normal(shape) for name, shape in inputs.items()}

    def gradient(*arguments):
        x, h, c, W, U = arguments = [chainette.as_variable(each) for each in arguments]
        ws, bs = [[*F.separate(W), *F.separate(U)]], [[np.ones(2)] * 8]
        hy, cy, _ = n_step("n_step_lstm")(1, 0.0, h, c, ws, bs, [x])
        return chainette.grad([F.sum(hy * cy)], [arguments["xhcWU".index(wanted)]], enable_double_backprop=True)[0]

    check_backward(gradient, tuple(inputs.values()), generator.standard_normal(inputs[wanted].shape))


@pytest.mark.parametrize("wanted", [("x",), ("W",), ("b",), ("U",), ("h",), ("c",), ("W", "U"), ("x", "b")])
def test_a_layer_gives_the_gradients_that_are_wanted_and_no_others(wanted):
    def gradients(wanted):
        xs, states, (ws, bs) = sequences([3, 1]), start("lstm", 1, 2), parameters("lstm")
        groups = {"x": xs, "h": [states[0]], "c": [states[1]], "W": ws[0][:4], "U": ws[0][4:], "b": bs[0]}
        groups = {k: [Variable(x, requires_grad=k in wanted) for x in each] for k, each in groups.items()}
        ws, bs = [groups["W"] + groups["U"]], [groups["b"]]
        *final, ys = n_step("n_step_lstm")(1, 0.0, *groups["h"], *groups["c"], ws, bs, groups["x"])
        chainette.backward([F.sum(y * y * y) for y in [*final, *ys]])
        return {k: [x.grad for x in each] for k, each in groups.items()}

    expected = gradients("xhcWUb")
    for name, found in gradients(wanted).items():
        for gradient, right in zip(found, expected[name], strict=True):
            if name in wanted:
                np.testing.assert_array_equal(gradient, right)
            else:
                assert gradient is None


def test_states_of_another_dtype_widen_all():
    ws, bs = parameters("lstm", dtype="f")
    states = start("lstm", 1, 2)
    h, c, ys = n_step("n_step_lstm")(1, 0.0, *states, ws, bs, sequences([2, 0], dtype="f"))
    assert (h.dtype, c.dtype, ys[0].dtype, ys[1].dtype) == (np.float64,) * 4


@KINDS
def test_the_functions_themselves_take_time_steps_as_transpose_sequence_gives_them(kind):
    xs, (ws, bs), states = sequences([4, 2, 1]), parameters(kind), start(kind, 1, 4)
    *final, ys = getattr(F, f"n_step_{kind}")(1, 0.0, *states, ws, bs, F.transpose_sequence(xs))
    *expected, expected_ys = run(kind, [*xs, np.zeros((0, 3))], states=states)
    for y, wanted in zip(F.transpose_sequence(ys), expected_ys, strict=False):
        np.testing.assert_allclose(y.array, wanted.array)
    for state, wanted in zip(final, expected[0], strict=True):
        np.testing.assert_allclose(state.array, wanted.array)
