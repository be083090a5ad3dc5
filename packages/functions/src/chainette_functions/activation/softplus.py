"""Softplus."""

from chainette import Function, Variable
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.sigmoid import sigmoid


class Softplus(Function):
    """log(1 + exp(beta x)) / beta, from exp(-abs(beta x)), which cannot overflow."""

    def __init__(self, beta: float) -> None:
        self.beta = beta

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        scaled = x * self.beta
        return (self.xp.maximum(scaled, 0) + self.xp.log1p(self.xp.exp(-abs(scaled)))) / self.beta

    def backward(self, gy: Variable) -> Variable:
        return gy * sigmoid(self.retained("x") * self.beta)


def softplus(x: ArrayLike, beta: float = 1.0) -> Variable:
    """Softplus, ``log(1 + exp(beta x)) / beta`` element by element: a smooth ReLU.

    Args:
        x: any shape, a floating dtype. No value overflows.
        beta: how sharp the bend is, above 0.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ArgumentError: ``beta`` is not above 0.

    >>> softplus(np.array([-1000.0, 0.0, 1000.0])).array.round(4)
    array([0.000e+00, 6.931e-01, 1.000e+03])
    """
    if not beta > 0:
        raise ArgumentError(f"softplus: beta={beta} (expected a number above 0).")
    return Softplus(beta).apply(x)
