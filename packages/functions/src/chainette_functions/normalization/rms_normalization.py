"""Normalization by the root mean square."""

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating
from chainette.errors import ShapeError
from chainette.operators import cast, reshape, sum
from chainette.typing import Array, ArrayLike
from chainette_functions.math.sqrt import rsqrt
from chainette_functions.math.square import square
from chainette_functions.normalization.standardize import elements, require_eps


class RMSNormalization(Function):
    """gamma x / sqrt(mean(x^2) + eps) over the axes; gamma has as many axes as x. float16 is computed in float32."""

    name = "rms_normalization"

    def __init__(self, axes: tuple[int, ...], eps: float) -> None:
        self.axes = axes
        self.eps = eps

    def forward(self, x: Array, gamma: Array) -> Array:
        self.retain(x=x, gamma=gamma)
        wide = x.astype("f", copy=False) if x.dtype == "e" else x
        mean = self.xp.square(wide).sum(self.axes, keepdims=True) / elements(x.shape, self.axes)
        y = wide / self.xp.sqrt(mean + self.eps)
        y *= gamma
        return y.astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> tuple[Variable | None, Variable | None]:
        inputs = self.retained("x"), self.retained("gamma"), gy
        x, gamma, gy = (cast(each, "f") if each.dtype == "e" else each for each in inputs)
        factor = rsqrt(self.average(square(x)) + self.eps)
        x_hat = x * factor
        first, second = self.needs_input_grad
        gx = None
        if first:
            g = gy * gamma
            gx = factor * (g - x_hat * self.average(g * x_hat))  # what changes the length of x_hat is lost
        return gx, gy * x_hat if second else None

    def average(self, x: Variable) -> Variable:
        return sum(x, self.axes, keepdims=True) * (1 / elements(x.shape, self.axes))  # of nothing 0, not NaN


def rms_normalization(x: ArrayLike, gamma: ArrayLike, eps: float = 1e-6) -> Variable:
    """Normalization by the root mean square, ``gamma x / sqrt(mean(x^2) + eps)``, of each example.

    Unlike ``layer_normalization`` it subtracts no mean, and adds nothing.

    Args:
        x: ``(batch, units)``, or any shape that ends as gamma's: ``(batch, length, units)`` with gamma ``(units,)``
            normalizes each position. A floating dtype; float16 is computed in float32.
        gamma: factors, one for each element that is normalized together.
        eps: what keeps the divisor from 0, above 0.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: an array is not floating.
        ArgumentError: ``eps`` is not above 0.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.

    >>> rms_normalization(np.array([[3.0, 4.0]]), np.ones(2)).array.round(4)
    array([[0.8485, 1.1314]])
    """
    name = "rms_normalization"
    x, gamma = as_variable(x), as_variable(gamma)
    require_floating(name, x=x, gamma=gamma)
    if not 0 < gamma.ndim <= x.ndim or x.shape[x.ndim - gamma.ndim :] != gamma.shape:
        raise ShapeError(f"{name}: gamma has shape {gamma.shape} (expected how x's {x.shape} ends).")
    require_eps(name, eps)
    lead = x.ndim - gamma.ndim
    return RMSNormalization(tuple(range(lead, x.ndim)), eps).apply(x, reshape(gamma, (1,) * lead + gamma.shape))
