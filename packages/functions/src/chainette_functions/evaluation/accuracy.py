"""Accuracy of a classification."""

from chainette import Function, Variable, as_variable
from chainette.checks import require_integers, require_ndim
from chainette.errors import ShapeError
from chainette.typing import Array, ArrayLike


class Accuracy(Function):
    """The share of positions whose largest score is that of the true class."""

    def __init__(self, ignore_label: int | None) -> None:
        self.ignore_label = ignore_label

    def forward(self, y: Array, t: Array) -> Array:
        right = y.argmax(axis=1).reshape(t.shape) == t
        if self.ignore_label is None:
            return self.xp.asarray(right.mean() if right.size else 0, y.dtype)
        kept = t != self.ignore_label
        return self.xp.asarray((right & kept).sum() / max(int(kept.sum()), 1), y.dtype)


def accuracy(y: ArrayLike, t: ArrayLike, ignore_label: int | None = None) -> Variable:
    """The share of positions at which the class with the largest score is the true one. It has no gradient.

    Args:
        y: scores, ``(batch, classes, ...)``, a floating dtype.
        t: true classes, ``(batch, ...)``, an integer dtype.
        ignore_label: positions with this class do not count; 0 if none is left.

    Returns:
        A 0-d Variable of y's dtype.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: ``t`` is not of integers.

    >>> accuracy(np.array([[0.1, 0.9], [0.8, 0.2]]), np.array([1, 1])).array
    array(0.5)
    """
    y, t = as_variable(y), as_variable(t)
    require_integers("accuracy", t=t)
    require_ndim("accuracy", "y", y, 2, "(batch, classes, ...)")
    positions = (y.shape[0], *y.shape[2:])
    if t.shape != positions and (t.shape != positions[:1] or any(size != 1 for size in positions[1:])):
        raise ShapeError(f"accuracy: t has shape {t.shape} (expected {positions}, since y is {y.shape}).")
    return Accuracy(ignore_label).apply(y, t)
