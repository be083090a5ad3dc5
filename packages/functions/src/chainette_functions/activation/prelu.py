"""Parametric rectified linear unit."""

from chainette import Function, Variable, as_variable
from chainette.errors import ShapeError
from chainette.operators import reshape
from chainette.typing import Array, ArrayLike
from chainette_functions.array.where import Where


class PReLU(Function):
    """x where x >= 0, else W x."""

    def forward(self, x: Array, W: Array) -> Array:
        positive = x >= 0
        self.retain(x=x, W=W, positive=positive)
        return self.xp.where(positive, x, W * x)

    def backward(self, gy: Variable) -> tuple[Variable, Variable]:
        x, W, positive = self.retained("x"), self.retained("W"), self.retained("positive")
        negative = Where().apply(positive, 0.0, gy)
        return gy - negative + negative * W, negative * x


def prelu(x: ArrayLike, W: ArrayLike) -> Variable:
    """Parametric rectified linear unit, ``x`` where x >= 0, else ``W x``, element by element.

    Args:
        x: ``(batch, ...)``, a floating dtype.
        W: slopes for negative values, whose shape is the beginning of ``x.shape[1:]``; the rest is broadcast. For one
            slope for each channel of an image it is ``(channels,)``, for one slope in all ``()``.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit.

    Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", ICCV 2015.

    >>> prelu(np.array([[-2.0, 3.0]]), np.array([0.5, 0.5])).array
    array([[-1.,  3.]])
    """
    x, W = as_variable(x), as_variable(W)
    if x.shape[1 : 1 + W.ndim] != W.shape:
        raise ShapeError(f"prelu: W has shape {W.shape} (expected how {x.shape[1:]} begins, since x is {x.shape}).")
    return PReLU().apply(x, reshape(W, (*W.shape, *(1,) * (x.ndim - 1 - W.ndim))))
