"""Embedding: rows of a table, by number."""

from chainette import Function, Variable, as_variable
from chainette.checks import require_integers, require_range
from chainette.errors import ShapeError
from chainette.typing import Array, ArrayLike, Shape


class EmbedID(Function):
    """W[x], with zeros for the ignored label."""

    def __init__(self, ignore_label: int | None) -> None:
        self.ignore_label = ignore_label

    def forward(self, x: Array, W: Array) -> Array:
        self.retain(x=x)
        self.W_shape = W.shape
        if self.ignore_label is None:
            return W[x]
        kept = x != self.ignore_label
        return self.xp.where(kept[..., None], W[self.xp.where(kept, x, 0)], W.dtype.type(0))

    def backward(self, gy: Variable) -> tuple[None, Variable]:
        return None, EmbedIDGrad(self.W_shape, self.ignore_label).apply(self.retained("x"), gy)


class EmbedIDGrad(Function):
    """Zeros in the shape of W, with each row of gy added to the row it was taken from."""

    def __init__(self, W_shape: Shape, ignore_label: int | None) -> None:
        self.W_shape = W_shape
        self.ignore_label = ignore_label

    def forward(self, x: Array, gy: Array) -> Array:
        self.retain(x=x)
        gW = self.xp.zeros(self.W_shape, gy.dtype)
        rows, gy = x.ravel(), gy.reshape(x.size, self.W_shape[1])
        if self.ignore_label is not None:
            kept = rows != self.ignore_label
            rows, gy = rows[kept], gy[kept]
        self.xp.add.at(gW, rows, gy)
        return gW

    def backward(self, ggW: Variable) -> tuple[None, Variable]:
        return None, EmbedID(self.ignore_label).apply(self.retained("x"), ggW)


def embed_id(x: ArrayLike, W: ArrayLike, ignore_label: int | None = None) -> Variable:
    """Embedding, ``y = W[x]``: the rows of a table by their numbers.

    Args:
        x: integers of any dtype and shape, from 0 to ``len(W) - 1``.
        W: the table, ``(vocabulary, dimension)``.
        ignore_label: a number that stands for "nothing": it gives zeros, and no gradient flows from it.

    Returns:
        ``x.shape + (dimension,)``.

    Raises:
        DtypeError: ``x`` is not of integers.
        ShapeError: ``W`` is no table.
        ArgumentError: a number is out of range.

    >>> embed_id(np.array([2, 0, -1]), np.array([[1.0], [2.0], [3.0]]), ignore_label=-1).array
    array([[3.],
           [1.],
           [0.]])
    """
    x, W = as_variable(x), as_variable(W)
    require_integers("embed_id", x=x)
    shape = W.shape
    if len(shape) != 2:
        raise ShapeError(f"embed_id: W has shape {shape} (expected (vocabulary, dimension)).")
    require_range("embed_id", "x", x.array, 0, shape[0], ignore_label)
    return EmbedID(ignore_label).apply(x, W)
