"""Sequences of several lengths, sorted by time steps."""

from collections.abc import Sequence
from itertools import accumulate

from chainette import Function, Variable, as_variable
from chainette.checks import require_ndim
from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Array, ArrayLike
from chainette_functions.array.concat import concat
from chainette_functions.array.split_axis import split_axis


class Rearrange(Function):
    """The slices of x along an axis in another order; since each is taken once, the gradient is the inverse."""

    def __init__(self, order: Sequence[int], axis: int = 0, inverse: bool = False) -> None:
        self.order = order
        self.axis = axis
        self.inverse = inverse

    def forward(self, x: Array) -> Array:
        where = (*[slice(None)] * self.axis, self.xp.asarray(self.order, "int64"))
        if not self.inverse:
            return x[where]
        y = self.xp.empty_like(x)
        y[where] = x
        return y

    def backward(self, gy: Variable) -> Variable:
        return Rearrange(self.order, self.axis, not self.inverse).apply(gy)


def transpose_sequence(xs: Sequence[ArrayLike]) -> tuple[Variable, ...]:
    """Sequences as time steps: what stands at the same place of each sequence comes together.

    Args:
        xs: sequences, ``(length, ...)`` each, longest first; they differ in length only.

    Returns:
        For each time step an array ``(batch, ...)`` of the sequences that are not over: ``result[t][i]`` is
        ``xs[i][t]``. Done twice, this gives the sequences back, less those of length 0.

    Raises:
        ArgumentError: there are no sequences.
        ShapeError: the lengths do not descend, or the shapes do not fit.

    >>> [step.array.tolist() for step in transpose_sequence([np.array([1, 2, 3]), np.array([4, 5])])]
    [[1, 4], [2, 5], [3]]
    """
    sequences = require_sequences("transpose_sequence", xs)
    lengths = [len(x) for x in sequences]
    for i in range(1, len(lengths)):
        if lengths[i] > lengths[i - 1]:
            raise ShapeError(
                f"transpose_sequence: xs[{i}] has length {lengths[i]}, after one of {lengths[i - 1]} (expected "
                "descending lengths). Sort the sequences, longest first."
            )
    sizes = batch_sizes(lengths)
    if not sizes:
        return ()
    packed = Rearrange(by_time(lengths, range(len(lengths)))).apply(concat(sequences, axis=0))
    return split_axis(packed, list(accumulate(sizes))[:-1], axis=0)


def require_sequences(function: str, xs: Sequence[ArrayLike]) -> list[Variable]:
    """The sequences as Variables, of which there is at least one; they differ in length only.

    Raises:
        ArgumentError: there are none.
        ShapeError: the shapes do not fit.
    """
    sequences = [as_variable(x) for x in xs]
    if not sequences:
        raise ArgumentError(f"{function}: xs is empty (expected at least one sequence).")
    for i, x in enumerate(sequences):
        require_ndim(function, f"xs[{i}]", x, 1, "(length, ...)")
        if x.shape[1:] != sequences[0].shape[1:]:
            expected = ", ".join(map(str, ("length", *sequences[0].shape[1:])))
            raise ShapeError(f"{function}: xs[{i}] has shape {x.shape} (expected ({expected}), as xs[0] has).")
    return sequences


def batch_sizes(lengths: list[int]) -> list[int]:
    """For each time step, how many sequences are not over."""
    return [len(lengths) - over for over in accumulate(map(lengths.count, range(max(lengths))))]


def by_time(lengths: list[int], order: Sequence[int]) -> list[int]:
    """Where, in the sequences joined one behind the other, the elements stand when they are sorted by time steps.

    Within a step they stand as ``order`` says, which names the longest sequence first.
    """
    starts = [0, *accumulate(lengths)]
    return [starts[i] + t for t, size in enumerate(batch_sizes(lengths)) for i in order[:size]]
