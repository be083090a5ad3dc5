"""Gated recurrent units over whole sequences."""

from collections.abc import Sequence
from typing import Any

from chainette import Function, Variable
from chainette.checks import removed_arguments
from chainette.typing import Array, ArrayLike
from chainette_functions.array.stack import stack
from chainette_functions.connection.linear import linear
from chainette_functions.rnn.lstm import by_channel, by_gate
from chainette_functions.rnn.n_step import REMOVED, Parameters, Run, States, by_steps, interleave, n_step


class GRU(Function):
    """One step: the new state; and, for the gradient, the gates r, z, n one behind the other.

    ``x`` and ``u`` are what the input and the state contribute to the gates, the channels of unit k being 3k to 3k + 2.
    """

    def forward(self, h: Array, x: Array, u: Array) -> tuple[Array, Array]:
        of_state = by_gate(u, 3)
        gates = by_gate(x, 3).copy()
        r_and_z, n = gates[:2], gates[2]
        r_and_z += of_state[:2]
        r_and_z *= 0.5  # sigmoid(x) = (1 + tanh(x / 2)) / 2, which cannot overflow
        self.xp.tanh(r_and_z, out=r_and_z)
        r_and_z *= 0.5
        r_and_z += 0.5
        r, z = r_and_z
        n += r * of_state[2]
        self.xp.tanh(n, out=n)
        self.retain(h=h, u=u, gates=gates)
        return n + z * (h - n), gates

    def backward(self, gy: Variable | None, ggates: Variable | None) -> tuple[Variable | None, ...]:
        h, u, gates = (self.retained(name) for name in ("h", "u", "gates"))
        gh = gx = gu = None
        if gy is not None:
            gradients: Any = GRUGrad().apply(h, u, gates, gy)
            gh, gx, gu = gradients
        if ggates is not None:  # only where a gradient is differentiated: nobody else sees the gates
            r, z, n = gates
            gr, gz, gn = ggates
            gn = gn * (1 - n * n)
            gr = (gr + gn * by_gate(u, 3)[2]) * r * (1 - r)
            gz = gz * z * (1 - z)
            more_x, more_u = by_channel(stack([gr, gz, gn])), by_channel(stack([gr, gz, gn * r]))
            gx = more_x if gx is None else gx + more_x
            gu = more_u if gu is None else gu + more_u
        return gh, gx, gu


class GRUGrad(Function):
    """The gradients of h, x and u, from that of the new state."""

    def forward(self, h: Array, u: Array, gates: Array, gy: Array) -> tuple[Array, Array, Array]:
        self.retain(h=h, u=u, gates=gates, gy=gy)
        r, z, n = gates
        gx = self.xp.empty(u.shape, gates.dtype)
        gr, gz, gn = by_gate(gx, 3)
        gn[...] = gy * (1 - z) * (1 - n * n)
        gr[...] = gn * by_gate(u, 3)[2] * r * (1 - r)
        gz[...] = gy * (h - n) * z * (1 - z)
        gu = gx.copy()
        of_n = by_gate(gu, 3)[2]
        of_n *= r
        return gy * z, gx, gu

    def backward(self, ggh: Variable | None, ggx: Variable | None, ggu: Variable | None) -> tuple[Variable, ...]:
        h, u, gy = (self.retained(name) for name in ("h", "u", "gy"))
        r, z, n = self.retained("gates")
        u_n = by_gate(u, 3)[2]
        v: Any = 0.0 if ggh is None else ggh
        xr, xz, xn = (0.0,) * 3 if ggx is None else by_gate(ggx, 3)
        ur, uz, un = (0.0,) * 3 if ggu is None else by_gate(ggu, 3)
        vr, vz = xr + ur, xz + uz
        dr, dz, dn = r * (1 - r), z * (1 - z), 1 - n * n
        w = xn + un * r + vr * u_n * dr  # all that meets gn
        gn = gy * (1 - z) * dn
        ggates = [
            gn * (un + vr * u_n * (1 - 2 * r)),
            gy * (v + vz * (h - n) * (1 - 2 * z) - w * dn),
            -gy * (vz * dz + 2 * n * w * (1 - z)),
        ]
        gu_n = gn * vr * dr
        zeros = self.xp.zeros_like(gu_n.array)
        return (
            gy * vz * dz,
            by_channel(stack([zeros, zeros, gu_n])),
            stack(ggates),
            v * z + vz * (h - n) * dz + w * (1 - z) * dn,
        )


def _cell(ws: list[Variable], bs: list[Variable]) -> Run:
    U, b = interleave(ws[3:]), interleave(bs[3:])

    def step(x: Variable, h: Variable) -> States:
        outputs: Any = GRU().apply(h, x, linear(h, U, b))
        return outputs[:1]  # type: ignore[no-any-return]

    return by_steps(interleave(ws[:3]), interleave(bs[:3]), step)


@removed_arguments(**REMOVED)
def n_step_gru(
    n_layers: int,
    dropout_ratio: float,
    hx: ArrayLike | None,
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
) -> tuple[Variable, list[Variable]]:
    """Gated recurrent units in several layers, over sequences of any lengths.

    At each step, with the weights and biases of the layer::

        r = sigmoid(W0 x + b0 + W3 h + b3)
        z = sigmoid(W1 x + b1 + W4 h + b4)
        n = tanh(W2 x + b2 + r (W5 h + b5))        h' = (1 - z) n + z h

    Args:
        n_layers: the number of layers. The input of each is the output of the one before.
        dropout_ratio: the ratio of the dropout between layers, in training.
        hx: ``h`` at the start, ``(n_layers, batch, units)``; None for zeros.
        ws: for each layer the matrices W0 to W5, ``(units, in_size)`` for the first three, ``(units, units)`` for the
            others. From the second layer on ``in_size`` is ``units``.
        bs: for each layer the vectors b0 to b5, ``(units,)``.
        xs: for each time step the inputs of the sequences that are not over, ``(rows, in_size)``, longest sequence
            first: ``transpose_sequence`` makes them. ``L.NStep...`` take the sequences as they are, in any order.

    Returns:
        ``h`` at the end of each sequence, of the shape of ``hx``, and the outputs of the last layer,
        ``(rows, units)`` for each time step.

    Raises:
        ArgumentError: there are no time steps, a number is out of range, or there are not as many parameters.
        DtypeError: an input or a state is not floating.
        ShapeError: the shapes do not fit.

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
    Translation", EMNLP 2014; with the reset gate behind the matrix product, as cuDNN has it.

    >>> ws, bs = [[np.eye(2)] * 6], [[np.zeros(2)] * 6]
    >>> hy, ys = n_step_gru(1, 0.0, None, ws, bs, [np.ones((3, 2)), np.ones((1, 2))])
    >>> hy.shape, [y.shape for y in ys]
    ((1, 3, 2), [(3, 2), (1, 2)])
    """
    (hy,), ys = n_step("n_step_gru", _cell, 3, n_layers, dropout_ratio, {"hx": hx}, ws, bs, xs, False)
    return hy, ys


@removed_arguments(**REMOVED)
def n_step_bigru(
    n_layers: int,
    dropout_ratio: float,
    hx: ArrayLike | None,
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
) -> tuple[Variable, list[Variable]]:
    """Gated recurrent units in both directions: ``n_step_gru``, and beside it another that runs from the end.

    Args:
        n_layers: the number of layers. The input of each is the outputs of both directions of the one before.
        dropout_ratio: the ratio of the dropout between layers, in training.
        hx: ``h`` at the start, ``(2 n_layers, batch, units)``: first layer forwards, first layer backwards, second
            layer forwards, and so on; None for zeros.
        ws: matrices as for ``n_step_gru``, a list for each layer and direction, in the order of ``hx``. From the
            second layer on ``in_size`` is ``2 units``.
        bs: vectors as for ``n_step_gru``, a list for each layer and direction.
        xs: for each time step the inputs of the sequences that are not over, ``(rows, in_size)``, longest sequence
            first: ``transpose_sequence`` makes them. ``L.NStep...`` take the sequences as they are, in any order.

    Returns:
        ``h`` where each direction ends, of the shape of ``hx``, and the outputs of the last layer,
        ``(rows, 2 units)`` for each time step: those of the forward direction, then the others.

    Raises:
        ArgumentError: there are no time steps, a number is out of range, or there are not as many parameters.
        DtypeError: an input or a state is not floating.
        ShapeError: the shapes do not fit.

    >>> ws, bs = [[np.eye(2)] * 6] * 2, [[np.zeros(2)] * 6] * 2
    >>> hy, ys = n_step_bigru(1, 0.0, None, ws, bs, [np.ones((3, 2)), np.ones((1, 2))])
    >>> hy.shape, [y.shape for y in ys]
    ((2, 3, 2), [(3, 4), (1, 4)])
    """
    (hy,), ys = n_step("n_step_bigru", _cell, 3, n_layers, dropout_ratio, {"hx": hx}, ws, bs, xs, True)
    return hy, ys
