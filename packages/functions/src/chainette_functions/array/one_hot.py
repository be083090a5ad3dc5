"""One-hot vectors."""

import operator

from chainette import Function, Variable, as_variable, get_dtype
from chainette.checks import normalize_axis, require_integers, require_range
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike, DTypeLike


class OneHot(Function):
    """1 where the position along ``axis`` is the label, else 0."""

    def __init__(self, num_classes: int, dtype: DTypeLike, axis: int, ignore_label: int | None) -> None:
        self.num_classes = num_classes
        self.dtype = dtype
        self.axis = axis
        self.ignore_label = ignore_label

    def forward(self, t: Array) -> Array:
        labels = self.xp.expand_dims(t, self.axis)
        hot = labels == self.xp.arange(self.num_classes).reshape(-1, *[1] * (t.ndim - self.axis))
        if self.ignore_label is not None:
            hot &= labels != self.ignore_label
        return hot.astype(self.dtype, copy=False)


def one_hot(
    t: ArrayLike, num_classes: int, dtype: DTypeLike = None, axis: int = -1, *, ignore_label: int | None = None
) -> Variable:
    """A vector for each label, with 1 at the label's position and 0 elsewhere. It has no gradient.

    Args:
        t: labels of any shape and integer dtype, from 0 to ``num_classes - 1``.
        num_classes: the length of the vectors.
        dtype: of the result; None means ``chainette.config.dtype``.
        axis: where in the result the vectors lie; by default along a new last axis.
        ignore_label: a number that stands for "no class": its vector holds zeros only.

    Returns:
        The shape of ``t`` with an axis of size ``num_classes`` put in.

    Raises:
        DtypeError: ``t`` is not of integers.
        ShapeError: there is no such axis.
        ArgumentError: a label is out of range, or ``num_classes`` is no integer above 0.

    >>> one_hot(np.array([2, 0, -1]), 3, ignore_label=-1).array
    array([[0., 0., 1.],
           [1., 0., 0.],
           [0., 0., 0.]], dtype=float32)
    """
    t = as_variable(t)
    require_integers("one_hot", t=t)
    try:
        number = operator.index(num_classes)
    except TypeError:
        number = 0
    if number < 1:
        raise ArgumentError(f"one_hot: num_classes={num_classes} (expected an integer above 0).")
    axis = normalize_axis("one_hot", axis, t.ndim + 1)
    require_range("one_hot", "t", t.array, 0, number, ignore_label)
    return OneHot(number, get_dtype(dtype), axis, ignore_label).apply(t)
