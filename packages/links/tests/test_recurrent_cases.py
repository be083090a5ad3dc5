"""Recurrent links: one row each; the tests are those of the kit.

The references take one sequence after the other, one step after the other.
"""

import numpy as np

import chainette_functions as F
import chainette_links as L
from chainette import as_variable
from chainette.testing import LinkCase, LinkTests, arrays


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(v, name, x):
    return x @ v[f"/{name}/W"].T + v.get(f"/{name}/b", 0)


def channels(v, h, x):
    """What the gates a, i, f, o are made of, each (batch, units)."""
    y = linear(v, "upward", x) + linear(v, "lateral", h)
    return [y[:, gate::4] for gate in range(4)]


def lstm(v, c, h, x):
    a, i, f, o = channels(v, h, x)
    c = np.tanh(a) * sigmoid(i) + c * sigmoid(f)
    return c, np.tanh(c) * sigmoid(o)


def peephole(v, c, h, x):
    a, i, f, o = channels(v, h, x)
    c = np.tanh(a) * sigmoid(i + linear(v, "peep_i", c)) + c * sigmoid(f + linear(v, "peep_f", c))
    return c, np.tanh(c) * sigmoid(o + linear(v, "peep_o", c))


def the_cell_stays(v, c, h, x):
    return c, lstm(v, c, h, x)[1]


def the_output_stays(v, c, h, x):
    return lstm(v, c, h, x)[0], h


def gru(v, h, x):
    if h is None:
        return sigmoid(linear(v, "W_z", x)) * np.tanh(linear(v, "W", x))
    r = sigmoid(linear(v, "W_r", x) + linear(v, "U_r", h))
    z = sigmoid(linear(v, "W_z", x) + linear(v, "U_z", h))
    return (1 - z) * h + z * np.tanh(linear(v, "W", x) + linear(v, "U", r * h))


def mgu(v, h, x):
    f = sigmoid(linear(v, "W_f", np.hstack([h, x])))
    return (1 - f) * h + f * np.tanh(linear(v, "W_h", np.hstack([f * h, x])))


def outputs_of(step, *start):
    """The reference of steps from these states, of which the last is the output."""

    def reference(v, xs):
        states, ys = start, []
        for x in xs:
            states = step(v, *states, x)
            states = states if isinstance(states, tuple) else (states,)
            ys.append(states[-1])
        return ys

    return reference


def steps(link, xs):
    """The outputs of a stateful link, step by step."""
    link.reset_state()
    return [link(x) for x in F.separate(xs)]


def from_state(link, *arguments):
    *states, xs = arguments
    link.set_state(*states)
    return [link(x) for x in F.separate(xs)]


def with_first_cell(link, c, h, xs):
    """The outputs, and the cell after the first step."""
    ys = from_state(link, c, h, xs)
    link.set_state(c, h)
    link(as_variable(xs)[0])
    return [*ys, link.c]


def fewer_and_fewer(link, x):
    """Three sequences, of which the second is over after the first step, and the first after the second."""
    link.reset_state()
    x = as_variable(x)
    ys = [link(x[0]), link(x[1, :2]), link(x[2, :1])]
    return [*ys, link.c, link.h]


def lstm_of_fewer_and_fewer(v, x):
    c, h, ys = np.zeros((3, 2)), np.zeros((3, 2)), []
    for t, n in enumerate([3, 2, 1]):
        c[:n], h[:n] = lstm(v, c[:n], h[:n], x[t, :n])
        ys.append(h[:n].copy())
    return [*ys, c, h]


ZEROS = np.zeros((4, 2))
XS = arrays.normal((3, 4, 5))
STATE = arrays.normal((4, 2))


# Whole sequences


def lstm_cell(W, b, x, h, c):
    i, f, a, o = (W[k] @ x + W[4 + k] @ h + b[k] + b[4 + k] for k in range(4))
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(a)
    return sigmoid(o) * np.tanh(c), c


def gru_cell(W, b, x, h):
    r, z = (sigmoid(W[k] @ x + W[3 + k] @ h + b[k] + b[3 + k]) for k in range(2))
    n = np.tanh(W[2] @ x + b[2] + r * (W[5] @ h + b[5]))
    return ((1 - z) * n + z * h,)


def tanh_cell(W, b, x, h):
    return (np.tanh(W[0] @ x + W[1] @ h + b[0] + b[1]),)


def relu_cell(W, b, x, h):
    return (np.maximum(W[0] @ x + W[1] @ h + b[0] + b[1], 0),)


def n_step(name, cell, layers=1, units=2, lengths=(2, 0, 3)):
    """Two rows: from a state, and from none with the sizes left open."""
    make, count = getattr(L, name), {lstm_cell: 8, gru_cell: 6}.get(cell, 2)
    states, directions = 2 if cell is lstm_cell else 1, 2 if "Bi" in name else 1
    state = arrays.normal((layers * directions, len(lengths), units))
    xs = [arrays.normal((length, 3)) for length in lengths]

    def reference(v, *inputs):
        initial, xs = inputs[:states], inputs[states:]
        final, ys = [np.array(each) for each in initial], []
        for n, x in enumerate(xs):
            for layer in range(layers):
                outputs = []
                for direction in range(directions):
                    k = layer * directions + direction
                    W, b = ([v[f"/{k}/{kind}{j}"] for j in range(count)] for kind in "wb")
                    now, h = [each[k, n] for each in initial], []
                    for x_t in x[::-1] if direction else x:
                        now = cell(W, b, x_t, *now)
                        h.append(now[0])
                    for each, value in zip(final, now, strict=True):
                        each[k, n] = value
                    h = np.reshape(h, (len(x), units))
                    outputs.append(h[::-1] if direction else h)
                x = np.hstack(outputs)
            ys.append(x)
        return [*final, *ys]

    def without_state(v, *xs):
        return reference(v, *[np.zeros(state.shape)] * states, *xs)

    more = {"tolerance": {"float16": {"atol": 2e-2, "rtol": 2e-2}}}
    size = f" of {layers} layers" if layers > 1 else ""
    return [
        LinkCase(lambda: make(layers, 3, units, 0.0), [state] * states + xs, reference, name=f"{name}{size}",
                 call=lambda link, *inputs: link(*inputs[:states], list(inputs[states:])), **more),
        LinkCase(lambda: make(layers, 3, units, 0.0), xs, without_state, name=f"{name}{size} without state",
                 open=lambda: make(layers, None, units, 0.0),
                 call=lambda link, *xs: link(*[None] * states, list(xs)), **more),
    ]  # fmt: skip


# Trees


def blocks(y):
    return np.split(y, y.shape[1] // 2, 1)


def child_sum(v, cs, hs, x):
    a, i, o, f = blocks(linear(v, "W_x", x))
    more = blocks(linear(v, "W_h_aio", sum(hs)) if hs else np.zeros((len(x), 6)))
    a, i, o = (y + z for y, z in zip((a, i, o), more, strict=True))
    c = np.tanh(a) * sigmoid(i) + sum(sigmoid(f + linear(v, "W_h_f", h)) * c for c, h in zip(cs, hs, strict=True))
    return c, sigmoid(o) * np.tanh(c)


def n_ary(v, cs, hs, x):
    a, i, o, *fs = blocks(linear(v, "W_x", x) + sum(linear(v, f"W_h{k}", h) for k, h in enumerate(hs, 1)))
    c = np.tanh(a) * sigmoid(i) + sum(sigmoid(f) * c for f, c in zip(fs, cs, strict=True))
    return c, sigmoid(o) * np.tanh(c)


X = arrays.normal((4, 5))

CASES = [
    LinkCase(lambda: L.LSTM(5, 2), [XS], outputs_of(lstm, ZEROS, ZEROS), call=steps, open=lambda: L.LSTM(2)),
    LinkCase(lambda: L.LSTM(5, 2), [STATE, STATE, XS], lambda v, c, h, xs: outputs_of(lstm, c, h)(v, xs),
             call=from_state, name="LSTM from a state"),
    LinkCase(lambda: L.LSTM(5, 2), [arrays.normal((3, 3, 5))], lstm_of_fewer_and_fewer, call=fewer_and_fewer,
             name="LSTM of fewer and fewer rows"),
    LinkCase(lambda: L.StatelessLSTM(5, 2), [STATE, STATE, X], lstm, open=lambda: L.StatelessLSTM(None, 2)),
    LinkCase(lambda: L.StatelessLSTM(5, 2), [X], lambda v, x: lstm(v, ZEROS, ZEROS, x), gradient=False,
             call=lambda link, x: link(None, None, x), name="StatelessLSTM without state"),
    LinkCase(lambda: L.StatefulPeepholeLSTM(5, 2), [XS], outputs_of(peephole, ZEROS, ZEROS), call=steps,
             open=lambda: L.StatefulPeepholeLSTM(None, 2)),
    LinkCase(lambda: L.StatefulPeepholeLSTM(5, 2), [STATE, STATE, XS], call=from_state,
             reference=lambda v, c, h, xs: outputs_of(peephole, c, h)(v, xs), name="Peephole from a state"),
    LinkCase(lambda: L.StatefulZoneoutLSTM(5, 2), [XS], outputs_of(lstm, ZEROS, ZEROS), call=steps, train=False,
             open=lambda: L.StatefulZoneoutLSTM(None, 2)),
    LinkCase(lambda: L.StatefulZoneoutLSTM(5, 2, c_ratio=1.0, h_ratio=0.0), [STATE, STATE, XS], call=from_state,
             reference=lambda v, c, h, xs: outputs_of(the_cell_stays, c, h)(v, xs), name="Zoneout of the whole cell"),
    LinkCase(lambda: L.StatefulZoneoutLSTM(5, 2, 0.0, 1.0), [STATE, STATE, XS],
             lambda v, c, h, xs: [*outputs_of(the_output_stays, c, h)(v, xs), lstm(v, c, h, xs[0])[0]],
             call=with_first_cell, gradient=False, name="Zoneout of the whole output"),
    LinkCase(lambda: L.GRU(5, 2), [XS], outputs_of(gru, None), call=steps, open=lambda: L.GRU(None, 2)),
    LinkCase(lambda: L.StatefulGRU(5, 2), [XS], outputs_of(gru, None), call=steps,
             open=lambda: L.StatefulGRU(None, 2)),
    LinkCase(lambda: L.StatefulGRU(5, 2), [STATE, XS], lambda v, h, xs: outputs_of(gru, h)(v, xs), call=from_state,
             name="StatefulGRU from a state"),
    LinkCase(lambda: L.StatelessGRU(5, 2), [STATE, X], gru, open=lambda: L.StatelessGRU(None, 2)),
    LinkCase(lambda: L.StatelessGRU(5, 2), [X], lambda v, x: gru(v, None, x), call=lambda link, x: link(None, x),
             open=lambda: L.StatelessGRU(None, 2), gradient=False, name="StatelessGRU without state"),
    LinkCase(lambda: L.StatefulMGU(5, 2), [XS], outputs_of(mgu, ZEROS), call=steps,
             open=lambda: L.StatefulMGU(None, 2)),
    LinkCase(lambda: L.StatefulMGU(5, 2), [STATE, XS], lambda v, h, xs: outputs_of(mgu, h)(v, xs), call=from_state,
             name="StatefulMGU from a state"),
    LinkCase(lambda: L.StatelessMGU(5, 2), [STATE, X], mgu, open=lambda: L.StatelessMGU(None, 2)),
    LinkCase(lambda: L.StatelessMGU(5, 2), [X], lambda v, x: mgu(v, ZEROS, x), call=lambda link, x: link(None, x),
             name="StatelessMGU without state"),
    *n_step("NStepLSTM", lstm_cell), *n_step("NStepLSTM", lstm_cell, 2, 1),
    *n_step("NStepBiLSTM", lstm_cell), *n_step("NStepBiLSTM", lstm_cell, 2, 1),
    *n_step("NStepGRU", gru_cell), *n_step("NStepGRU", gru_cell, 2, 1),
    *n_step("NStepBiGRU", gru_cell), *n_step("NStepBiGRU", gru_cell, 2, 1),
    *n_step("NStepRNNTanh", tanh_cell), *n_step("NStepRNNTanh", tanh_cell, 2, 1),
    *n_step("NStepBiRNNTanh", tanh_cell), *n_step("NStepBiRNNTanh", tanh_cell, 2, 1),
    *n_step("NStepRNNReLU", relu_cell), *n_step("NStepRNNReLU", relu_cell, 2, 2),
    *n_step("NStepBiRNNReLU", relu_cell), *n_step("NStepBiRNNReLU", relu_cell, 2, 2),
    LinkCase(lambda: L.ChildSumTreeLSTM(5, 2), [STATE] * 4 + [X],
             lambda v, c, d, h, k, x: child_sum(v, [c, d], [h, k], x), open=lambda: L.ChildSumTreeLSTM(None, 2)),
    LinkCase(lambda: L.ChildSumTreeLSTM(5, 2), [X], lambda v, x: child_sum(v, [], [], x), gradient=False,
             open=lambda: L.ChildSumTreeLSTM(None, 2), name="ChildSumTreeLSTM of a leaf"),
    LinkCase(lambda: L.ChildSumTreeLSTM(5, 2), [STATE] * 2, call=lambda link, c, h: link(c, None, None, h, None),
             reference=lambda v, c, h: child_sum(v, [c, ZEROS], [ZEROS, h], np.zeros((4, 5))), gradient=False,
             name="ChildSumTreeLSTM of zeros"),
    LinkCase(lambda: L.NaryTreeLSTM(5, 2), [STATE] * 4 + [X], lambda v, c, d, h, k, x: n_ary(v, [c, d], [h, k], x),
             open=lambda: L.NaryTreeLSTM(None, 2)),
    LinkCase(lambda: L.NaryTreeLSTM(5, 2, n_ary=3), [STATE] * 6 + [X], lambda v, *a: n_ary(v, a[:3], a[3:6], a[6]),
             name="NaryTreeLSTM of three"),
    LinkCase(lambda: L.NaryTreeLSTM(5, 2), [STATE] * 2, call=lambda link, c, h: link(c, None, None, h, None),
             reference=lambda v, c, h: n_ary(v, [c, ZEROS], [ZEROS, h], np.zeros((4, 5))), gradient=False,
             name="NaryTreeLSTM of zeros"),
]  # fmt: skip


class TestRecurrent(LinkTests):
    module = L
    public = ("LSTM", "StatelessLSTM", "StatefulPeepholeLSTM", "StatefulZoneoutLSTM", "GRU", "StatefulGRU",
              "StatelessGRU", "StatefulMGU", "StatelessMGU", "NStepLSTM", "NStepBiLSTM", "NStepGRU", "NStepBiGRU",
              "NStepRNNTanh", "NStepBiRNNTanh", "NStepRNNReLU", "NStepBiRNNReLU", "ChildSumTreeLSTM",
              "NaryTreeLSTM")  # fmt: skip
    cases = CASES
