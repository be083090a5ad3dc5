"""Exponential linear unit."""

from chainette import Function, Variable
from chainette.typing import Array, ArrayLike
from chainette_functions.array.where import Where


class ELU(Function):
    """x where x > 0, else alpha (exp(x) - 1)."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def forward(self, x: Array) -> Array:
        positive = x > 0
        y = self.xp.where(positive, x, self.alpha * self.xp.expm1(self.xp.minimum(x, 0)))
        self.retain(positive=positive, y=y)
        return y

    def backward(self, gy: Variable) -> Variable:
        return Where().apply(self.retained("positive"), gy, gy * (self.retained("y") + self.alpha))


def elu(x: ArrayLike, alpha: float = 1.0) -> Variable:
    """Exponential linear unit, ``x`` where x > 0, else ``alpha (exp(x) - 1)``, element by element.

    Args:
        x: any shape, a floating dtype.
        alpha: what it tends to for large negative ``x``, with its sign changed.

    Returns:
        The shape and dtype of ``x``.

    Source: Clevert, Unterthiner, Hochreiter, "Fast and Accurate Deep Network Learning by Exponential Linear Units
    (ELUs)", ICLR 2016.

    >>> elu(np.array([-1000.0, 0.0, 2.0])).array
    array([-1.,  0.,  2.])
    """
    return ELU(alpha).apply(x)
