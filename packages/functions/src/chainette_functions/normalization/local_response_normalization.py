"""Local response normalization."""

from typing import Any

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_ndim
from chainette.errors import ArgumentError
from chainette.operators import cast
from chainette.typing import Array, ArrayLike
from chainette_functions.math.square import square


class SumOfNeighbours(Function):
    """For each channel the sum of those at most ``reach`` away: linear, and its own gradient."""

    def __init__(self, reach: int) -> None:
        self.reach = reach

    def forward(self, x: Array) -> Array:
        return sum_of_neighbours(x, self.reach)

    def backward(self, gy: Variable) -> Variable:
        return SumOfNeighbours(self.reach).apply(gy)


def sum_of_neighbours(x: Array, reach: int) -> Array:
    y = x.copy()
    for i in range(1, min(reach, x.shape[1] - 1) + 1):
        y[:, i:] += x[:, :-i]
        y[:, :-i] += x[:, i:]
    return y


class LocalResponseNormalization(Function):
    """x s^-beta, where s = k + alpha (sum of the neighbours' squares)."""

    def __init__(self, reach: int, k: float, alpha: float, beta: float) -> None:
        self.reach = reach
        self.k = k
        self.alpha = alpha
        self.beta = beta

    def forward(self, x: Array) -> Array:
        s = sum_of_neighbours(self.xp.square(x.astype("f") if x.dtype == "e" else x), self.reach)
        s *= self.alpha
        s += self.k
        power = s**-self.beta
        self.retain(x=x, s=s, power=power)
        return (x * power).astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> Variable:
        gradient = LocalResponseNormalizationGrad(self, self.retained("s"), self.retained("power"))
        return gradient.gradient_of(self).apply(self.retained("x"), gy)


class LocalResponseNormalizationGrad(Function):
    """gy s^-beta - 2 alpha beta x (sum of the neighbours' gy x s^(-beta - 1)); linear in gy."""

    def __init__(self, like: Any, s: Any, power: Any) -> None:
        self.reach, self.k, self.alpha, self.beta = like.reach, like.k, like.alpha, like.beta
        self.s = s
        self.power = power

    def forward(self, x: Array, gy: Array) -> Array:
        self.retain(x=x, gy=gy)
        direct = gy * self.power
        gx = direct * x
        gx /= self.s
        gx = sum_of_neighbours(gx, self.reach)
        gx *= x
        gx *= -2 * self.alpha * self.beta
        gx += direct
        return gx.astype(x.dtype, copy=False)

    def backward(self, ggx: Variable) -> tuple[Variable, Variable]:
        alpha, beta = self.alpha, self.beta
        inputs = self.retained("x"), self.retained("gy"), ggx
        x, gy, u = (cast(each, "f") if each.dtype == "e" else each for each in inputs)
        s = self.around(square(x)) * alpha + self.k
        ratio = s ** (-beta - 1)
        near = self.around(u * x)
        for_s = gy * ratio * (near * x / s * (2 * alpha * (beta + 1)) - u) * beta
        crossed = near * gy * ratio + u * self.around(gy * x * ratio)
        gx = x * self.around(for_s) * (2 * alpha) - crossed * (2 * alpha * beta)
        return gx, ratio * (u * s - near * x * (2 * alpha * beta))

    def around(self, x: Variable) -> Variable:
        return SumOfNeighbours(self.reach).apply(x)


def local_response_normalization(
    x: ArrayLike, n: int = 5, k: float = 2.0, alpha: float = 1e-4, beta: float = 0.75
) -> Variable:
    """Local response normalization, ``x_i / (k + alpha sum_j x_j^2)^beta``, over neighbouring channels ``j``.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype. float16 is computed in float32.
        n: how many neighbouring channels are summed, with ``i`` in the middle: ``i - n // 2`` to ``i + n // 2``, as
            far as there are any. So an even ``n`` counts as the odd number above.
        k: what keeps the divisor from 0, above 0.
        alpha: the weight of the sum. It is not divided by ``n``, as in some other libraries.
        beta: the exponent.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: ``x`` has no channels.
        DtypeError: it is not floating.
        ArgumentError: ``n`` or ``k`` is out of range.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012,
    section 3.3.

    >>> local_response_normalization(np.array([[1.0, 2.0, 3.0]]), n=3, k=1.0, alpha=1.0, beta=1.0).array.round(4)
    array([[0.1667, 0.1333, 0.2143]])
    """
    name = "local_response_normalization"
    x = as_variable(x)
    require_floating(name, x=x)
    require_ndim(name, "x", x, 2, "(batch, channels, ...)")
    if n < 1:
        raise ArgumentError(f"{name}: n={n} (expected at least 1).")
    if not k > 0:
        raise ArgumentError(f"{name}: k={k} (expected a number above 0).")
    return LocalResponseNormalization(n // 2, k, alpha, beta).apply(x)
