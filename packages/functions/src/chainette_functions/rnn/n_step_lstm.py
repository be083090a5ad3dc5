"""Long short-term memory over whole sequences."""

from collections.abc import Sequence
from typing import Any

from chainette import Variable
from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions.array.concat import concat
from chainette_functions.rnn.lstm_layer import LSTMLayer
from chainette_functions.rnn.n_step import REMOVED, Parameters, Run, States, n_step

ORDER = (2, 0, 1, 3)
"""Where the parameters of LSTMLayer's gates a, i, f, o stand among those of i, f, a, o."""


def _cell(ws: list[Variable], bs: list[Variable]) -> Run:
    W, U = concat([ws[k] for k in ORDER], axis=0), concat([ws[4 + k] for k in ORDER], axis=0)
    b = concat([bs[k] + bs[4 + k] for k in ORDER], axis=0)

    def run(x: Variable, sizes: list[int], states: States, backwards: bool) -> tuple[Variable, States]:
        outputs: Any = LSTMLayer(sizes, backwards).apply(x, W, b, U, *states)
        ys, h, c, *_ = outputs
        return ys, (h, c)

    return run


@removed_arguments(**REMOVED)
def n_step_lstm(
    n_layers: int,
    dropout_ratio: float,
    hx: ArrayLike | None,
    cx: ArrayLike | None,
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
) -> tuple[Variable, Variable, list[Variable]]:
    """Long short-term memory in several layers, over sequences of any lengths.

    At each step, with the weights and biases of the layer::

        i = sigmoid(W0 x + b0 + W4 h + b4)        c' = f c + i a
        f = sigmoid(W1 x + b1 + W5 h + b5)        h' = o tanh(c')
        a = tanh   (W2 x + b2 + W6 h + b6)
        o = sigmoid(W3 x + b3 + W7 h + b7)

    Args:
        n_layers: the number of layers. The input of each is the output of the one before.
        dropout_ratio: the ratio of the dropout between layers, in training.
        hx: ``h`` at the start, ``(n_layers, batch, units)``; None for zeros.
        cx: ``c`` at the start, of the same shape; None for zeros.
        ws: for each layer the matrices W0 to W7, ``(units, in_size)`` for the first four, ``(units, units)`` for the
            others. From the second layer on ``in_size`` is ``units``.
        bs: for each layer the vectors b0 to b7, ``(units,)``.
        xs: for each time step the inputs of the sequences that are not over, ``(rows, in_size)``, longest sequence
            first: ``transpose_sequence`` makes them. ``L.NStep...`` take the sequences as they are, in any order.

    Returns:
        ``h`` and ``c`` at the end of each sequence, of the shape of ``hx``, and the outputs of the last layer,
        ``(rows, units)`` for each time step.

    Raises:
        ArgumentError: there are no time steps, a number is out of range, or there are not as many parameters.
        DtypeError: an input or a state is not floating.
        ShapeError: the shapes do not fit.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997.

    >>> ws, bs = [[np.eye(2)] * 8], [[np.zeros(2)] * 8]
    >>> hy, cy, ys = n_step_lstm(1, 0.0, None, None, ws, bs, [np.ones((3, 2)), np.ones((1, 2))])
    >>> hy.shape, [y.shape for y in ys]
    ((1, 3, 2), [(3, 2), (1, 2)])
    """
    initial = {"hx": hx, "cx": cx}
    (hy, cy), ys = n_step("n_step_lstm", _cell, 4, n_layers, dropout_ratio, initial, ws, bs, xs, False)
    return hy, cy, ys


@removed_arguments(**REMOVED)
def n_step_bilstm(
    n_layers: int,
    dropout_ratio: float,
    hx: ArrayLike | None,
    cx: ArrayLike | None,
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
) -> tuple[Variable, Variable, list[Variable]]:
    """Long short-term memory in both directions: ``n_step_lstm``, and beside it another that runs from the end.

    Args:
        n_layers: the number of layers. The input of each is the outputs of both directions of the one before.
        dropout_ratio: the ratio of the dropout between layers, in training.
        hx: ``h`` at the start, ``(2 n_layers, batch, units)``: first layer forwards, first layer backwards, second
            layer forwards, and so on; None for zeros.
        cx: ``c`` at the start, of the same shape; None for zeros.
        ws: matrices as for ``n_step_lstm``, a list for each layer and direction, in the order of ``hx``. From the
            second layer on ``in_size`` is ``2 units``.
        bs: vectors as for ``n_step_lstm``, a list for each layer and direction.
        xs: for each time step the inputs of the sequences that are not over, ``(rows, in_size)``, longest sequence
            first: ``transpose_sequence`` makes them. ``L.NStep...`` take the sequences as they are, in any order.

    Returns:
        ``h`` and ``c`` where each direction ends, of the shape of ``hx``, and the outputs of the last layer,
        ``(rows, 2 units)`` for each time step: those of the forward direction, then the others.

    Raises:
        ArgumentError: there are no time steps, a number is out of range, or there are not as many parameters.
        DtypeError: an input or a state is not floating.
        ShapeError: the shapes do not fit.

    Source: Graves and Schmidhuber, "Framewise Phoneme Classification with Bidirectional LSTM", Neural Networks 2005.

    >>> ws, bs = [[np.eye(2)] * 8] * 2, [[np.zeros(2)] * 8] * 2
    >>> hy, cy, ys = n_step_bilstm(1, 0.0, None, None, ws, bs, [np.ones((3, 2)), np.ones((1, 2))])
    >>> hy.shape, [y.shape for y in ys]
    ((2, 3, 2), [(3, 4), (1, 4)])
    """
    initial = {"hx": hx, "cx": cx}
    (hy, cy), ys = n_step("n_step_bilstm", _cell, 4, n_layers, dropout_ratio, initial, ws, bs, xs, True)
    return hy, cy, ys
