"""Plain recurrent networks over whole sequences."""

from collections.abc import Callable, Sequence

from chainette import Variable
from chainette.checks import removed_arguments, require_one_of
from chainette.operators import matmul
from chainette.typing import ArrayLike
from chainette_functions.activation.relu import relu
from chainette_functions.activation.tanh import tanh
from chainette_functions.rnn.n_step import REMOVED, Cell, Parameters, Run, States, by_steps, n_step

ACTIVATIONS: dict[str, Callable[[ArrayLike], Variable]] = {"tanh": tanh, "relu": relu}


def _cell(activation: Callable[[ArrayLike], Variable]) -> Cell:
    def cell(ws: list[Variable], bs: list[Variable]) -> Run:
        def step(x: Variable, h: Variable) -> States:
            return (activation(x + matmul(h, ws[1], transb=True)),)

        return by_steps(ws[0], bs[0] + bs[1], step)

    return cell


@removed_arguments(**REMOVED)
def n_step_rnn(
    n_layers: int,
    dropout_ratio: float,
    hx: ArrayLike | None,
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
    activation: str = "tanh",
) -> tuple[Variable, list[Variable]]:
    """A plain recurrent network in several layers, over sequences of any lengths.

    At each step ``h' = tanh(W0 x + b0 + W1 h + b1)``, with the weights and biases of the layer.

    Args:
        n_layers: the number of layers. The input of each is the output of the one before.
        dropout_ratio: the ratio of the dropout between layers, in training.
        hx: ``h`` at the start, ``(n_layers, batch, units)``; None for zeros.
        ws: for each layer the matrices W0, ``(units, in_size)``, and W1, ``(units, units)``. From the second layer on
            ``in_size`` is ``units``.
        bs: for each layer the vectors b0 and b1, ``(units,)``.
        xs: for each time step the inputs of the sequences that are not over, ``(rows, in_size)``, longest sequence
            first: ``transpose_sequence`` makes them. ``L.NStep...`` take the sequences as they are, in any order.
        activation: ``"tanh"``, or ``"relu"`` in its place.

    Returns:
        ``h`` at the end of each sequence, of the shape of ``hx``, and the outputs of the last layer,
        ``(rows, units)`` for each time step.

    Raises:
        ArgumentError: there are no time steps, a number or word is out of range, or there are not as many parameters.
        DtypeError: an input or a state is not floating.
        ShapeError: the shapes do not fit.

    Source: Elman, "Finding Structure in Time", Cognitive Science 1990.

    >>> ws, bs = [[np.eye(1)] * 2], [[np.zeros(1)] * 2]
    >>> hy, ys = n_step_rnn(1, 0.0, None, ws, bs, [np.ones((2, 1)), np.ones((1, 1))], activation="relu")
    >>> hy.array.ravel(), [y.array.ravel().tolist() for y in ys]
    (array([2., 1.]), [[1.0, 1.0], [2.0]])
    """
    require_one_of("n_step_rnn", "activation", activation, tuple(ACTIVATIONS))
    cell = _cell(ACTIVATIONS[activation])
    (hy,), ys = n_step("n_step_rnn", cell, 1, n_layers, dropout_ratio, {"hx": hx}, ws, bs, xs, False)
    return hy, ys


@removed_arguments(**REMOVED)
def n_step_birnn(
    n_layers: int,
    dropout_ratio: float,
    hx: ArrayLike | None,
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
    activation: str = "tanh",
) -> tuple[Variable, list[Variable]]:
    """A plain recurrent network in both directions: ``n_step_rnn``, and beside it another that runs from the end.

    Args:
        n_layers: the number of layers. The input of each is the outputs of both directions of the one before.
        dropout_ratio: the ratio of the dropout between layers, in training.
        hx: ``h`` at the start, ``(2 n_layers, batch, units)``: first layer forwards, first layer backwards, second
            layer forwards, and so on; None for zeros.
        ws: matrices as for ``n_step_rnn``, a list for each layer and direction, in the order of ``hx``. From the
            second layer on ``in_size`` is ``2 units``.
        bs: vectors as for ``n_step_rnn``, a list for each layer and direction.
        xs: for each time step the inputs of the sequences that are not over, ``(rows, in_size)``, longest sequence
            first: ``transpose_sequence`` makes them. ``L.NStep...`` take the sequences as they are, in any order.
        activation: ``"tanh"``, or ``"relu"`` in its place.

    Returns:
        ``h`` where each direction ends, of the shape of ``hx``, and the outputs of the last layer,
        ``(rows, 2 units)`` for each time step: those of the forward direction, then the others.

    Raises:
        ArgumentError: there are no time steps, a number or word is out of range, or there are not as many parameters.
        DtypeError: an input or a state is not floating.
        ShapeError: the shapes do not fit.

    Source: Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal Processing
    1997.

    >>> ws, bs = [[np.eye(1)] * 2] * 2, [[np.zeros(1)] * 2] * 2
    >>> hy, ys = n_step_birnn(1, 0.0, None, ws, bs, [np.ones((1, 1))] * 3, activation="relu")
    >>> [y.array[0].tolist() for y in ys]
    [[1.0, 3.0], [2.0, 2.0], [3.0, 1.0]]
    """
    require_one_of("n_step_birnn", "activation", activation, tuple(ACTIVATIONS))
    cell = _cell(ACTIVATIONS[activation])
    (hy,), ys = n_step("n_step_birnn", cell, 1, n_layers, dropout_ratio, {"hx": hx}, ws, bs, xs, True)
    return hy, ys
