"""What recurrent networks over whole sequences share: layers and directions of some cell.

Inputs come by time step, longest sequence first, and are packed: the first elements of all sequences one behind the
other, then the second elements, and so on. So what depends on a layer's input alone is one matrix product for all
steps; and each step works on the first rows of the state, those of the sequences that are not over.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import reshape
from chainette.typing import ArrayLike
from chainette_functions.array.concat import concat
from chainette_functions.array.split_axis import split_axis
from chainette_functions.array.stack import separate, stack
from chainette_functions.array.transpose_sequence import Rearrange, batch_sizes, by_time, require_sequences
from chainette_functions.connection.linear import linear
from chainette_functions.noise.dropout import dropout

Parameters = Sequence[Sequence[ArrayLike]]
"""For each layer, and in it for each direction, a list of matrices or vectors."""

States = tuple[Variable, ...]
"""What a cell hands on from step to step, each ``(rows, units)``; the first is its output."""

Run = Callable[[Variable, list[int], States, bool], tuple[Variable, States]]
"""``run(x, sizes, states, backwards)`` takes all steps, of which there is at least one, in one direction: ``x`` is
packed, ``sizes`` says how many sequences are not over at each step. It gives the outputs, packed, and the states where
each sequence ends."""

Cell = Callable[[list[Variable], list[Variable]], Run]
"""``cell(ws, bs)`` makes a run of one direction's parameters."""

Step = Callable[..., States]
"""``step(x, *states)`` gives the states after one step."""

REMOVED = {
    "train": "set chainette.config.train, e.g. with chainette.test_mode()",
    "use_cudnn": "which kernel runs is shown by 'python -m chainette kernels'",
}
"""Chainer's arguments that are gone, and what takes their place."""


def n_step(
    function: str,
    cell: Cell,
    gates: int,
    n_layers: int,
    dropout_ratio: float,
    initial: dict[str, ArrayLike | None],
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
    bidirectional: bool,
) -> tuple[list[Variable], list[Variable]]:
    """Run a cell over sequences, in several layers and in one direction or both.

    Args:
        function: the name for error messages.
        cell: what makes the step.
        gates: how many of ``ws`` are applied to the input, and how many to the output of the step before.
        n_layers: the number of layers.
        dropout_ratio: the ratio of the dropout between layers.
        initial: the states at the start by name, ``(layers * directions, batch, units)``; None for zeros.
        ws: matrices, first those for the input, then those for the state.
        bs: a vector for each matrix.
        xs: for each time step the inputs of the sequences that are not over, ``(rows, in_size)``.
        bidirectional: whether a second cell runs from the end to the start.

    Returns:
        The states at the end, shaped as those at the start, and the outputs of the last layer by time step.
    """
    directions = 2 if bidirectional else 1
    steps, weights, biases = _checked(function, gates, n_layers, directions, dropout_ratio, ws, bs, xs)
    sizes = [len(x) for x in steps]
    present = [size for size in sizes if size]
    batch = max([sizes[0], *(_batch(state) for state in initial.values())])
    shape = (n_layers * directions, batch, weights[0][0].shape[0])
    starts = [separate(_state(function, name, state, shape, steps[0])) for name, state in initial.items()]
    ends = []
    x = concat(steps, axis=0)
    for layer in range(n_layers):
        if layer:
            x = dropout(x, dropout_ratio)
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            states = tuple(state[k] for state in starts)
            if present:
                h, states = cell(weights[k], biases[k])(x, present, states, direction == 1)
            else:
                h = states[0][:0]
            outputs.append(h)
            ends.append(states)
        x = concat(outputs, axis=1) if bidirectional else outputs[0]
    final = [stack(states) for states in zip(*ends, strict=True)]
    return final, list(split_axis(x, list(accumulate(sizes))[:-1], axis=0))


def over_sequences(
    rnn: Callable[..., Any], n_layers: int, dropout_ratio: float, *arguments: Any, **options: Any
) -> Any:
    """A function of this family over whole sequences, in any order.

    Args:
        rnn: ``n_step_lstm`` or another; the other arguments are its own, with two differences: every state at the
            start is given, and ``xs`` are the sequences, ``(length, in_size)`` each. A length may be 0.

    Returns:
        What the function returns, with states in the order of ``xs``, and the outputs by sequence.
    """
    *initial, ws, bs, xs = arguments
    sequences = require_sequences(rnn.__name__, xs)
    lengths = [len(x) for x in sequences]
    order = sorted(range(len(lengths)), key=lambda i: -lengths[i])
    for name, state in zip(("hx", "cx"), initial, strict=False):
        if state.ndim != 3 or state.shape[1] != len(lengths):
            raise ShapeError(
                f"{rnn.__name__}: {name} has shape {state.shape} (expected (layers and directions, {len(lengths)}, "
                f"units), since there are {len(lengths)} sequences)."
            )
    sizes, packing = batch_sizes(lengths), by_time(lengths, order)
    packed = Rearrange(packing).apply(concat(sequences, axis=0))
    steps = split_axis(packed, list(accumulate(sizes))[:-1], axis=0) if sizes else (packed,)
    starts = [Rearrange(order, axis=1).apply(state) for state in initial]
    *final, ys = rnn(n_layers, dropout_ratio, *starts, ws, bs, steps, **options)
    packed = Rearrange(packing, inverse=True).apply(concat(ys, axis=0))
    final = [Rearrange(order, axis=1, inverse=True).apply(state) for state in final]
    return *final, list(split_axis(packed, list(accumulate(lengths))[:-1], axis=0))


def by_steps(W: Variable, b: Variable, step: Step) -> Run:
    """A run that applies weights and biases to all inputs at once, and takes one step after the other with that."""

    def run(x: Variable, sizes: list[int], states: States, backwards: bool) -> tuple[Variable, States]:
        inputs = split_axis(linear(x, W, b), list(accumulate(sizes))[:-1], axis=0)
        batch = len(states[0])
        aside: list[States] = []  # states of sequences that are over or, backwards, not begun; the next comes last
        if backwards:
            inputs = inputs[::-1]
            states, *later = _cut(states, sorted({*sizes} - {batch}))
            aside = later[::-1]
        outputs = []
        for x_t in inputs:
            if len(x_t) < len(states[0]):
                states, over = _cut(states, [len(x_t)])
                aside.append(over)
            elif len(x_t) > len(states[0]):
                states = _join(states, aside.pop())
            states = step(x_t, *states)
            outputs.append(states[0])
        return concat(outputs[::-1] if backwards else outputs, axis=0), _join(states, *reversed(aside))

    return run


def _cut(states: States, positions: list[int]) -> list[States]:
    return list(zip(*(split_axis(state, positions, axis=0) for state in states), strict=True))


def _join(*pieces: States) -> States:
    return tuple(concat(rows, axis=0) for rows in zip(*pieces, strict=True)) if len(pieces) > 1 else pieces[0]


def interleave(parameters: Sequence[Variable]) -> Variable:
    """The rows of several matrices (or the elements of vectors) in turn: the first ones, the second ones, and so on."""
    stacked = stack(parameters, axis=1)
    return reshape(stacked, (stacked.shape[0] * stacked.shape[1], *stacked.shape[2:]))


def _checked(
    function: str,
    gates: int,
    n_layers: int,
    directions: int,
    dropout_ratio: float,
    ws: Parameters,
    bs: Parameters,
    xs: Sequence[ArrayLike],
) -> tuple[list[Variable], list[list[Variable]], list[list[Variable]]]:
    """The time steps, matrices and vectors as Variables, whose number and shapes fit."""
    if n_layers < 1:
        raise ArgumentError(f"{function}: n_layers={n_layers} (expected at least 1).")
    if not 0 <= dropout_ratio < 1:
        raise ArgumentError(f"{function}: dropout_ratio={dropout_ratio} is out of range (expected 0 <= ratio < 1).")
    steps = require_sequences(function, xs)
    require_floating(function, **{f"xs[{t}]": x for t, x in enumerate(steps)})
    if steps[0].ndim != 2:
        raise ShapeError(f"{function}: xs[0] has shape {steps[0].shape} (expected (rows, in_size)).")
    for t, (before, x) in enumerate(pairwise(steps), 1):
        if len(x) > len(before):
            raise ShapeError(
                f"{function}: xs[{t}] has {len(x)} rows, after {len(before)} (expected no more: xs are time steps, "
                "longest sequence first). Use transpose_sequence."
            )
    weights = [[as_variable(w) for w in each] for each in ws]
    biases = [[as_variable(b) for b in each] for each in bs]
    count = n_layers * directions
    for name, lists in (("ws", weights), ("bs", biases)):
        counts = [len(each) for each in lists]
        if counts != [2 * gates] * count:
            raise ArgumentError(
                f"{function}: {name} has lists of {counts} arrays (expected {count} lists of {2 * gates} arrays, one "
                "list for each layer and direction)."
            )
    units = weights[0][0].shape[:1]
    for k in range(count):
        in_shape = steps[0].shape[1:] if k < directions else tuple(n * directions for n in units)
        for j, (w, b) in enumerate(zip(weights[k], biases[k], strict=True)):
            require_shape(function, f"ws[{k}][{j}]", w, units + (in_shape if j < gates else units))
            require_shape(function, f"bs[{k}][{j}]", b, units)
    return steps, weights, biases


def _batch(state: Any) -> int:
    """How many sequences a state is for; more than the first time step has rows where some are empty."""
    return state.shape[1] if getattr(state, "ndim", 0) == 3 else 0


def _state(function: str, name: str, state: ArrayLike | None, shape: tuple[int, ...], x: Variable) -> Variable:
    """The state at the start, zeros unless given."""
    if state is None:
        with x.device.use():
            return as_variable(x.xp.zeros(shape, x.dtype))
    state = as_variable(state)
    require_floating(function, **{name: state})
    require_shape(function, name, state, shape)
    return state
