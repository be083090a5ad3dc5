"""Recurrent links over whole sequences: all lengths, parameters, dropout, states, wrong arguments."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import chainette
import chainette_functions as F
import chainette_links as L
from chainette import Variable, using_config
from chainette.errors import ArgumentError, ShapeError

X = np.random.default_rng(0).standard_normal((3, 4, 3)).astype("f")
N_STEP = {
    "LSTM": (L.NStepLSTM, 1),
    "BiLSTM": (L.NStepBiLSTM, 2),
    "GRU": (L.NStepGRU, 1),
    "BiGRU": (L.NStepBiGRU, 2),
    "RNNTanh": (L.NStepRNNTanh, 1),
    "BiRNNTanh": (L.NStepBiRNNTanh, 2),
    "RNNReLU": (L.NStepRNNReLU, 1),
    "BiRNNReLU": (L.NStepBiRNNReLU, 2),
}


def gradients(link, xs, states):
    """What ``link`` computes, and the gradients of all that goes in; those of the parameters add up."""
    inputs = [Variable(each) for each in (*states, *xs)]
    *final, ys = link(*inputs[: len(states)], inputs[len(states) :])
    outputs = [*final, *ys]
    chainette.backward([F.sum(y * y * y) for y in outputs])
    return outputs, [np.zeros(x.shape) if x.grad is None else x.grad for x in inputs]


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(list(N_STEP)), st.lists(st.integers(0, 6), min_size=1, max_size=5), st.integers(1, 2))
def test_each_sequence_is_computed_as_if_it_were_alone(kind, lengths, n_layers):
    make, directions = N_STEP[kind]
    generator = np.random.default_rng(len(lengths))
    with using_config("dtype", "float64"):
        link = make(n_layers, 3, 2, 0.0, initial_bias=0.3)
    alone = link.copy("copy")
    xs = [generator.standard_normal((length, 3)) for length in lengths]
    states = generator.standard_normal((link.n_cells, n_layers * directions, len(lengths), 2))
    outputs, found = gradients(link, xs, states)
    for i, x in enumerate(xs):
        one, of_one = gradients(alone, [x], states[:, :, i : i + 1])
        for k in range(link.n_cells):
            np.testing.assert_allclose(outputs[k].array[:, i], one[k].array[:, 0], atol=1e-6)
            np.testing.assert_allclose(found[k][:, i], of_one[k][:, 0], atol=1e-6)
        np.testing.assert_allclose(outputs[link.n_cells + i].array, one[-1].array, atol=1e-6)
        np.testing.assert_allclose(found[link.n_cells + i], of_one[-1], atol=1e-6)
    for mine, other in zip(link.params(), alone.params(), strict=True):
        if max(lengths):
            np.testing.assert_allclose(mine.grad, other.grad, atol=1e-6)
        else:
            assert (mine.grad, other.grad) == (None, None)


@pytest.mark.parametrize("kind", N_STEP)
def test_parameters_have_the_names_and_shapes_of_chainer(kind):
    make, directions = N_STEP[kind]
    link, half = make(2, 3, 4, 0.0), {"L": 4, "G": 3, "R": 1}[kind.removeprefix("Bi")[0]]
    assert (link.n_weights, link.n_cells, link.direction) == (2 * half, 2 if half == 4 else 1, directions)
    assert link.use_bi_direction == (directions == 2)
    assert len(link) == 2 * directions
    shapes = {path: p.shape for path, p in link.namedparams()}
    for k in range(2 * directions):
        for j in range(2 * half):
            columns = 4 if j >= half else 3 if k < directions else 4 * directions
            assert shapes.pop(f"/{k}/w{j}") == (4, columns)
            assert shapes.pop(f"/{k}/b{j}") == (4,)
    assert not shapes
    assert [[w.name for w in ws] for ws in link.ws] == [[f"w{j}" for j in range(2 * half)]] * len(link)
    assert link.bs[-1][0] is link[-1].b0


def test_a_copy_computes_with_parameters_of_its_own():
    link = L.NStepGRU(1, 3, 2, 0.0)
    copied = link.copy("copy")
    copied[0].w0.array[...] = 0
    assert copied.ws[0][0] is copied[0].w0
    assert (link(None, [X[0]])[0].array != copied(None, [X[0]])[0].array).any()


def test_dropout_is_between_layers_and_in_training_only(seeded):
    link, plain = L.NStepLSTM(2, 3, 20, 0.5), L.NStepLSTM(2, 3, 20, 0.0)
    plain.copyparams(link)
    expected = plain(None, None, [X[0]])[2][0].array
    assert (link(None, None, [X[0]])[2][0].array != expected).any()
    with chainette.test_mode():
        np.testing.assert_array_equal(link(None, None, [X[0]])[2][0].array, expected)


@pytest.mark.parametrize("kind", N_STEP)
def test_no_state_is_one_of_zeros(kind):
    link, xs = N_STEP[kind][0](2, 3, 2, 0.0), list(X)
    zeros = [link.init_hx(xs)] if link.n_cells == 1 else [link.init_hx(xs), link.init_cx(xs)]
    assert zeros[0].shape == (len(link), 3, 2)
    for y, other in zip(link(*zeros, xs)[-1], link(*[None] * link.n_cells, xs)[-1], strict=True):
        np.testing.assert_array_equal(y.array, other.array)
    assert link.init_hx([x.astype("e") for x in xs]).dtype == np.float16


@pytest.mark.parametrize("xs", [[], [np.ones(3, "f")], [np.ones((2, 3, 1), "f")]], ids=["none", "1-d", "3-d"])
def test_sequences_that_do_not_fit_leave_the_size_open(xs):
    link = L.NStepLSTM(2, None, 2, 0.0)
    with pytest.raises((ArgumentError, ShapeError), match="n_step_lstm: xs"):
        link(None, None, xs)
    assert link.in_size is None
    assert not link[0].w0.is_initialized
    assert link(None, None, [X[0], X[1, :0]])[2][1].shape == (0, 2)
    assert (link.in_size, link[0].w3.shape) == (3, (2, 3))


def test_initial_weights_have_the_deviation_of_their_inputs(seeded):
    link = L.NStepLSTM(1, 100, 50, 0.0)
    assert all(abs(w.array.std() * np.sqrt(w.shape[1]) - 1) < 0.06 for w in link.ws[0])
    assert not any(b.array.any() for b in link.bs[0])


def test_initial_values_are_those_given():
    link = L.NStepGRU(2, 3, 2, 0.0, initialW=5, initial_bias=6)
    assert {path[3]: set(p.array.ravel()) for path, p in link.namedparams()} == {"w": {5}, "b": {6}}


A, H = X[0], np.ones((4, 2), "f")

WRONG = [
    ("layers", lambda: L.NStepLSTM(0, 3, 2, 0.0), ArgumentError, "NStepLSTM: n_layers=0"),
    ("cudnn", lambda: L.NStepGRU(1, 3, 2, 0.0, use_cudnn=True), TypeError, "the argument use_cudnn= is gone"),
    ("bi", lambda: L.NStepGRU(1, 3, 2, 0.0, use_bi_direction=True), TypeError, "use_bi_direction= is gone"),
    ("hx", lambda: L.NStepGRU(1, 3, 2, 0.0)(H, [A]), ShapeError, r"n_step_gru: hx has shape \(4, 2\)"),
    ("xs", lambda: L.NStepBiLSTM(1, 3, 2, 0.0)(None, None, [H]), ShapeError, r"n_step_bilstm: ws\[0\]\[0\]"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
