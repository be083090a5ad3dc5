"""Functions that work along sequences: one row each; the tests are those of the kit.

The references take one sequence after the other, one step after the other.
"""

import numpy as np

import chainette_functions as F
from chainette import as_variable
from chainette.testing import Case, FunctionTests, arrays
from chainette_functions.rnn.n_step import over_sequences


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(c_prev, x):
    rows, units = x.shape[0], c_prev.shape[1]
    c, h = c_prev.copy(), np.zeros((rows, *c_prev.shape[1:]))
    for k in range(units):
        a, i, f, o = np.moveaxis(x[:, 4 * k : 4 * k + 4], 1, 0)
        c[:rows, k] = np.tanh(a) * sigmoid(i) + c_prev[:rows, k] * sigmoid(f)
        h[:, k] = np.tanh(c[:rows, k]) * sigmoid(o)
    return c, h


def slstm(c_prev1, c_prev2, x1, x2):
    c, h = np.zeros(c_prev1.shape), np.zeros(c_prev1.shape)
    for k in range(c.shape[1]):
        a1, i1, f1, o1 = np.moveaxis(x1[:, 4 * k : 4 * k + 4], 1, 0)
        a2, i2, f2, o2 = np.moveaxis(x2[:, 4 * k : 4 * k + 4], 1, 0)
        c[:, k] = np.tanh(a1) * sigmoid(i1) + c_prev1[:, k] * sigmoid(f1)
        c[:, k] += np.tanh(a2) * sigmoid(i2) + c_prev2[:, k] * sigmoid(f2)
        h[:, k] = np.tanh(c[:, k]) * sigmoid(o1 + o2)
    return c, h


def tree_lstm(*inputs):
    *cs, x = inputs
    units = cs[0].shape[1]
    a, i, o, *fs = (x[:, k * units : (k + 1) * units] for k in range(3 + len(cs)))
    c = np.tanh(a) * sigmoid(i) + sum(sigmoid(f) * c for f, c in zip(fs, cs, strict=True))
    return c, np.tanh(c) * sigmoid(o)


def lstm_step(W, U, b, x, h, c):
    i, f, a, o = (W[k] @ x + U[k] @ h + b[k] + b[4 + k] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(a)
    return sigmoid(o) * np.tanh(c), c


def gru_step(W, U, b, x, h):
    r = sigmoid(W[0] @ x + b[0] + U[0] @ h + b[3])
    z = sigmoid(W[1] @ x + b[1] + U[1] @ h + b[4])
    n = np.tanh(W[2] @ x + b[2] + r * (U[2] @ h + b[5]))
    return ((1 - z) * n + z * h,)


def rnn_step(W, U, b, x, h):
    return (np.tanh(W[0] @ x + b[0] + U[0] @ h + b[1]),)


def relu_step(W, U, b, x, h):
    return (np.maximum(W[0] @ x + b[0] + U[0] @ h + b[1], 0),)


def one_by_one(step, states, layers, xs, directions=1):
    """The states at the end, and the outputs by sequence; ``layers`` holds (W, U, b) by layer and direction."""
    final = [np.array(state) for state in states]
    ys = []
    for n, x in enumerate(xs):
        for layer in range(len(layers) // directions):
            outputs = []
            for k in range(layer * directions, (layer + 1) * directions):
                backwards = directions == 2 and k % 2 == 1
                state = [each[k, n] for each in states]
                h = []
                for x_t in x[::-1] if backwards else x:
                    state = step(*layers[k], x_t, *state)
                    h.append(state[0])
                for each, value in zip(final, state, strict=True):
                    each[k, n] = value
                h = np.reshape(h, (len(x), states[0].shape[2]))
                outputs.append(h[::-1] if backwards else h)
            x = np.concatenate(outputs, 1)
        ys.append(x)
    return *final, *ys


def flat(result):
    """What an n_step function returned, as one tuple."""
    *states, ys = result
    return *states, *ys


def n_step_row(function, step, gates, lengths, n_layers=1, units=2, name="", gradient=True, **kwargs):
    """The row of one n_step function, in_size 3: W, U and b of each layer and direction come stacked."""
    states, directions = 2 if step is lstm_step else 1, 2 if "_bi" in function.__name__ else 1
    layers = n_layers * directions
    recipes = [arrays.normal((layers, len(lengths), units)) for _ in range(states)]
    for k in range(layers):
        in_size = 3 if k < directions else units * directions
        recipes += [
            arrays.normal(shape) for shape in ((gates, units, in_size), (gates, units, units), (2 * gates, units))
        ]
    recipes += [arrays.normal((length, 3)) for length in lengths]
    last = states + 3 * layers

    def parts(inputs):
        return inputs[:states], [inputs[i : i + 3] for i in range(states, last, 3)], inputs[last:]

    def call(*inputs):
        initial, parameters, xs = parts(inputs)
        ws = [[*F.separate(W), *F.separate(U)] for W, U, _ in parameters]
        bs = [F.separate(b) for _, _, b in parameters]
        return flat(over_sequences(function, n_layers, 0.0, *map(as_variable, initial), ws, bs, list(xs), **kwargs))

    def reference(*inputs):
        initial, parameters, xs = parts(inputs)
        return one_by_one(step, initial, parameters, xs, directions)

    batched = [False] * last + [True] * len(lengths)
    tolerance = {"float16": {"atol": 2e-2, "rtol": 2e-2}}
    name = f"{function.__name__} {name}".strip()
    return Case(
        function, recipes, reference, call=call, batched=batched, gradient=gradient, tolerance=tolerance, name=name
    )


MANY = {"n_layers": 3, "units": 4, "gradient": False, "name": "of many sequences"}

CASES = [
    Case(F.lstm, [arrays.normal((3, 2)), arrays.normal((3, 8))], lstm),
    Case(F.lstm, [arrays.normal((3, 2)), arrays.normal((2, 8))], lstm, name="lstm of fewer rows"),
    Case(F.lstm, [arrays.normal((3, 2)), arrays.normal((1, 8))], lstm, name="lstm of no rows", batched=(False, True)),
    Case(F.lstm, [arrays.normal((2, 3, 2, 1)), arrays.normal((2, 12, 2, 1))], lstm, name="lstm of images"),
    Case(F.slstm, [arrays.normal((3, 2)), arrays.normal((3, 2)), arrays.normal((3, 8)), arrays.normal((3, 8))], slstm),
    Case(F.slstm, [arrays.normal((2, 3, 2))] * 2 + [arrays.normal((2, 12, 2))] * 2, slstm, name="slstm of images"),
    Case(F.tree_lstm, [arrays.normal((3, 2)), arrays.normal((3, 2)), arrays.normal((3, 10))], tree_lstm),
    Case(F.tree_lstm, [arrays.normal((3, 2)), arrays.normal((3, 8))], tree_lstm, name="tree_lstm of one child"),
    Case(F.tree_lstm, [arrays.normal((2, 3, 2))] * 3 + [arrays.normal((2, 18, 2))], tree_lstm,
         name="tree_lstm of images"),
    n_step_row(F.n_step_lstm, lstm_step, 4, [2, 3]),
    n_step_row(F.n_step_lstm, lstm_step, 4, [1, 0, 2], n_layers=2, units=1, name="of two layers"),
    n_step_row(F.n_step_lstm, lstm_step, 4, [3, 0, 4, 1, 4], **MANY),
    n_step_row(F.n_step_bilstm, lstm_step, 4, [2, 3]),
    n_step_row(F.n_step_bilstm, lstm_step, 4, [1, 0, 2], n_layers=2, units=1, name="of two layers"),
    n_step_row(F.n_step_bilstm, lstm_step, 4, [3, 0, 4, 1, 4], **MANY),
    n_step_row(F.n_step_gru, gru_step, 3, [2, 3]),
    n_step_row(F.n_step_gru, gru_step, 3, [1, 0, 2], n_layers=2, units=1, name="of two layers"),
    n_step_row(F.n_step_gru, gru_step, 3, [3, 0, 4, 1, 4], **MANY),
    n_step_row(F.n_step_bigru, gru_step, 3, [2, 3]),
    n_step_row(F.n_step_bigru, gru_step, 3, [1, 0, 2], n_layers=2, units=1, name="of two layers"),
    n_step_row(F.n_step_bigru, gru_step, 3, [3, 0, 4, 1, 4], **MANY),
    n_step_row(F.n_step_rnn, rnn_step, 1, [2, 3]),
    n_step_row(F.n_step_rnn, relu_step, 1, [2, 3], activation="relu", name="with relu"),
    n_step_row(F.n_step_rnn, rnn_step, 1, [1, 0, 2], n_layers=2, units=1, name="of two layers"),
    n_step_row(F.n_step_rnn, rnn_step, 1, [3, 0, 4, 1, 4], **MANY),
    n_step_row(F.n_step_birnn, rnn_step, 1, [2, 3]),
    n_step_row(F.n_step_birnn, relu_step, 1, [2, 3], activation="relu", name="with relu"),
    n_step_row(F.n_step_birnn, rnn_step, 1, [1, 0, 2], n_layers=2, units=1, name="of two layers"),
    n_step_row(F.n_step_birnn, rnn_step, 1, [3, 0, 4, 1, 4], **MANY),
]  # fmt: skip


class TestRNN(FunctionTests):
    module = F
    homes = ("chainette_functions.rnn",)
    cases = CASES
