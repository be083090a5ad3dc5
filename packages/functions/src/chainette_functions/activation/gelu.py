"""Gaussian error linear unit."""

import math

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_one_of
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.sigmoid import sigmoid
from chainette_functions.math.clip import clip
from chainette_functions.math.erf import Bell, log_erfc

FAR = 40.0
"""Below minus this x Phi(x) is 0 in every dtype, above it x; infinity times 0 would be NaN."""


class GELU(Function):
    """x Phi(x), where Phi(x) = erfc(-x / sqrt(2)) / 2 is the chance that a standard normal number is below x."""

    def forward(self, x: Array) -> Array:
        wide = x.astype("f") if x.dtype == "e" else x
        cdf = self.xp.exp(log_erfc(self.xp, wide * math.sqrt(0.5)))
        cdf *= 0.5
        cdf = self.xp.copysign(cdf, -wide)  # 1 - cdf where x >= 0; where() would take ten times as long
        cdf += ~self.xp.signbit(x)
        self.retain(x=x, cdf=cdf)
        return (self.xp.maximum(wide, -FAR) * cdf).astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> Variable:
        return GELUGrad(self.retained("cdf")).gradient_of(self).apply(self.retained("x"), gy)


class GELUGrad(Function):
    """gy (Phi(x) + x phi(x)), where phi(x) = exp(-x^2 / 2) / sqrt(2 pi); linear in gy."""

    def __init__(self, cdf: Array) -> None:
        self.cdf = cdf

    def forward(self, x: Array, gy: Array) -> Array:
        self.retain(x=x, gy=gy)
        near = self.xp.clip(x.astype("f") if x.dtype == "e" else x, -FAR, FAR)
        slope = near * near
        slope *= -0.5
        slope = self.xp.exp(slope)
        slope *= near
        slope *= 1 / math.sqrt(2 * math.pi)
        slope += self.cdf
        return (gy * slope).astype(x.dtype, copy=False)

    def backward(self, ggx: Variable) -> tuple[Variable, Variable]:
        x, gy = self.retained("x"), self.retained("gy")
        density = Bell().apply(x * math.sqrt(0.5)) * (1 / math.sqrt(2 * math.pi))
        return ggx * gy * (2 * density - x * (x * density)), GELUGrad(self.cdf).apply(x, ggx)


def gelu(x: ArrayLike, approximate: str = "none") -> Variable:
    """Gaussian error linear unit, ``x Phi(x)`` element by element, with ``Phi(x) = (1 + erf(x / sqrt(2))) / 2``.

    Args:
        x: any shape, a floating dtype. float16 is computed in float32.
        approximate: ``"tanh"`` for ``x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2``, which some models were
            trained with; it differs by at most 5e-4.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ArgumentError: ``approximate`` is neither ``"none"`` nor ``"tanh"``.
        DtypeError: ``x`` is not floating.

    Source: Hendrycks and Gimpel, "Gaussian Error Linear Units (GELUs)", 2016.

    >>> gelu(np.array([-1000.0, -1.0, 0.0, 2.0])).array.round(4)
    array([-0.    , -0.1587,  0.    ,  1.9545])
    """
    x = as_variable(x)
    require_floating("gelu", x=x)
    require_one_of("gelu", "approximate", approximate, ("none", "tanh"))
    if approximate == "none":
        return GELU().apply(x)
    near = clip(x, -20.0, 20.0)  # beyond, the sigmoid is 0 or 1, and squares may overflow
    slope = math.sqrt(8 / math.pi)
    return x * sigmoid(near * (slope + 0.044715 * slope * near * near))
