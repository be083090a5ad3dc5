"""Sequences of several lengths, padded to one array."""

from collections.abc import Sequence

import numpy as np

from chainette import Function, Variable
from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Array, ArrayLike
from chainette_functions.array.transpose_sequence import require_sequences


class PadSequence(Function):
    """The sequences as rows, filled up with padding."""

    def __init__(self, length: int, padding: float) -> None:
        self.length = length
        self.padding = padding

    def forward(self, *xs: Array) -> Array:
        self.lengths = [len(x) for x in xs]
        y = self.xp.full((len(xs), self.length, *xs[0].shape[1:]), self.padding, self.xp.result_type(*xs))
        for i, x in enumerate(xs):
            y[i, : len(x)] = x
        return y

    def backward(self, gy: Variable) -> Variable:
        return CutPadding(self.lengths).apply(gy)


class CutPadding(Function):
    """The rows of x up to their lengths: the gradient of padding, whose gradient is padding with zeros."""

    def __init__(self, lengths: list[int]) -> None:
        self.lengths = lengths

    def forward(self, x: Array) -> tuple[Array, ...]:
        self.length = x.shape[1]
        return tuple([x[i, :length] for i, length in enumerate(self.lengths)])

    def backward(self, *gys: Variable | None) -> Variable:
        present = next(gy for gy in gys if gy is not None)
        with present.device.use():
            rows = [
                present.xp.zeros(shape, dtype) if gy is None else gy
                for gy, (shape, dtype) in zip(gys, self.output_types, strict=True)
            ]
        return PadSequence(self.length, 0).apply(*rows)


def pad_sequence(xs: Sequence[ArrayLike], length: int | None = None, padding: float = 0) -> Variable:
    """Sequences of several lengths as the rows of one array, filled up at their ends.

    Args:
        xs: sequences, ``(length, ...)`` each, in any order and of any dtype; they differ in length only.
        length: the length of the rows; None means that of the longest sequence.
        padding: what to fill up with.

    Returns:
        ``(len(xs), length, ...)``.

    Raises:
        ArgumentError: there are no sequences, or their dtype cannot hold the padding.
        ShapeError: a sequence is longer than ``length``, or the shapes do not fit.

    >>> pad_sequence([np.array([1, 2, 3]), np.array([4])], padding=-1).array
    array([[ 1,  2,  3],
           [ 4, -1, -1]])
    """
    sequences = require_sequences("pad_sequence", xs)
    longest = max(len(x) for x in sequences)
    if length is None:
        length = longest
    elif length < longest:
        raise ShapeError(f"pad_sequence: length={length}, but a sequence has {longest} elements (expected no more).")
    for dtype in {x.dtype for x in sequences}:
        if dtype.kind in "iu":
            limits = np.iinfo(dtype)
            if not limits.min <= padding <= limits.max or padding % 1:
                raise ArgumentError(f"pad_sequence: padding={padding} (expected a value that {dtype} can hold).")
    return PadSequence(length, padding).apply(*sequences)
