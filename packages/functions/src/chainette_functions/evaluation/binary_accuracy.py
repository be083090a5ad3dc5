"""Accuracy of independent yes/no labels."""

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_integers, require_range, require_same_shape
from chainette.typing import Array, ArrayLike


class BinaryAccuracy(Function):
    """The share of the known labels that the sign of the score gives."""

    def forward(self, y: Array, t: Array) -> Array:
        right = (y >= 0) == t  # never where t is -1
        return self.xp.asarray(right.sum() / max(int((t != -1).sum()), 1), y.dtype)


def binary_accuracy(y: ArrayLike, t: ArrayLike) -> Variable:
    """The share of labels that are predicted rightly: 1 where ``y >= 0``, else 0. It has no gradient.

    Args:
        y: scores, any shape, a floating dtype.
        t: labels of the shape of ``y``, an integer dtype: 1, 0, or -1 for "not known", which does not count.

    Returns:
        A 0-d Variable of y's dtype; 0 if no label is known.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: ``t`` is not of integers, or ``y`` is not floating.
        ArgumentError: a label is none of the above.

    >>> round(binary_accuracy(np.array([0.0, 3.0, -1.0, 5.0]), np.array([1, 0, 0, -1])).item(), 4)
    0.6667
    """
    y, t = as_variable(y), as_variable(t)
    require_floating("binary_accuracy", y=y)
    require_integers("binary_accuracy", t=t)
    require_same_shape("binary_accuracy", y=y, t=t)
    require_range("binary_accuracy", "t", t.array, 0, 2, -1)
    return BinaryAccuracy().apply(y, t)
