"""Mean 0 and variance 1 over some axes, then scaled and shifted: what batch, layer and group normalization share."""

from math import prod
from typing import Any

from chainette import Function, Variable
from chainette.errors import ArgumentError
from chainette.operators import cast, sum
from chainette.typing import Array, Shape
from chainette_functions.math.sqrt import rsqrt
from chainette_functions.math.square import square


class Standardize(Function):
    """gamma x_hat + beta, where x_hat = (x - mean) / sqrt(var + eps) over the axes.

    gamma and beta have as many axes as x; those over which they are broadcast have size 1. float16 is computed in
    float32.
    """

    mean: Array  # of what forward has seen, with the axes kept
    var: Array

    def __init__(self, axes: tuple[int, ...], eps: float) -> None:
        self.axes = axes
        self.eps = eps

    def forward(self, x: Array, gamma: Array, beta: Array) -> Array:
        y, factor = self.centred(x)
        self.retain(gamma=gamma)
        if gamma.shape == factor.shape:  # the product of the two is small
            y *= factor * gamma
        else:
            y *= factor
            y *= gamma
        y += beta
        return y.astype(x.dtype, copy=False)

    def centred(self, x: Array) -> tuple[Array, Array]:
        """x - mean, and what makes x_hat of it; the statistics are kept."""
        count = elements(x.shape, self.axes)
        mean = x.sum(self.axes, dtype="f" if x.dtype == "e" else None, keepdims=True) / count
        y = x - mean
        rest = y.sum(self.axes, keepdims=True) / count  # what rounding left of the mean hides a small variance
        y -= rest
        self.mean, self.var = mean + rest, self.xp.square(y).sum(self.axes, keepdims=True) / count
        factor = 1 / self.xp.sqrt(self.var + self.eps)
        self.retain(x=x, mean=mean, rest=rest, factor=factor)
        return y, factor

    def backward(self, gy: Variable) -> tuple[Variable, Variable, Variable]:
        statistics = self.retained("mean"), self.retained("rest"), self.retained("factor")
        gradient = StandardizeGrad(self.axes, self.eps, *statistics).gradient_of(self)
        gradients: Any = gradient.apply(self.retained("x"), self.retained("gamma"), gy)
        return gradients  # type: ignore[no-any-return]


class StandardizeGrad(Function):
    """The gradients of x, gamma and beta.

    That of x_hat, g = gamma gy, becomes factor (g - mean(g) - x_hat mean(g x_hat)): what changes mean or length of
    x_hat is lost.
    """

    def __init__(self, axes: tuple[int, ...], eps: float, mean: Any, rest: Any, factor: Any) -> None:
        self.axes = axes
        self.eps = eps
        self.mean = mean
        self.rest = rest
        self.factor = factor

    def forward(self, x: Array, gamma: Array, gy: Array) -> tuple[Array, Array, Array]:
        self.retain(x=x, gamma=gamma, gy=gy)
        x_hat = x - self.mean
        x_hat -= self.rest
        g = gy.astype("f") if gy.dtype == "e" else gy
        broadcast = tuple(i for i, size in enumerate(gamma.shape) if size == 1)
        gbeta = g.sum(broadcast, keepdims=True)
        if gamma.shape == self.factor.shape:  # then factors wait until there are sums, which are small
            ggamma = self.factor * self.sum_products(g, x_hat, broadcast)
            scale, total, total_product = self.factor * gamma, gbeta, self.factor * ggamma
        else:  # gamma varies along the axes: the sums over them are others
            x_hat *= self.factor
            ggamma = self.sum_products(g, x_hat, broadcast)
            g = g * gamma
            total, total_product = g.sum(self.axes, keepdims=True), self.sum_products(g, x_hat, self.axes)
            scale = self.factor
        count = elements(x.shape, self.axes)
        x_hat *= total_product / count
        x_hat += total / count
        gx = self.xp.subtract(g, x_hat, out=x_hat)
        gx *= scale
        return tuple(each.astype(to.dtype, copy=False) for each, to in ((gx, x), (ggamma, gamma), (gbeta, gamma)))

    def sum_products(self, x0: Array, x1: Array, axes: tuple[int, ...]) -> Array:
        """The sum of x0 x1 over the axes, which are kept: one pass, where a product and its sum are two."""
        every = list(range(x0.ndim))
        total = self.xp.einsum(x0, every, x1, every, [i for i in every if i not in axes])
        return total.reshape(tuple(1 if i in axes else size for i, size in enumerate(x0.shape)))

    def backward(self, ggx: Any, gggamma: Any, ggbeta: Any) -> tuple[Variable, Variable, Variable]:
        x, gamma, gy = (self.retained(name) for name in ("x", "gamma", "gy"))
        x, gamma, gy = (cast(each, "f") if each.dtype == "e" else each for each in (x, gamma, gy))
        x_hat, factor = self.standardized(x)
        u, v, w = (0.0 if gradient is None else gradient for gradient in (ggx, gggamma, ggbeta))

        g = gamma * gy
        along = self.average(g * x_hat)
        # Of the sum of u gx, v ggamma and w gbeta: the gradients of g, x_hat and factor, this one as a mean ...
        for_g = self.tangent(u * factor, x_hat)
        for_x_hat = v * gy - u * factor * along - g * self.average(u * factor * x_hat)
        for_factor = self.average(u * (g - self.average(g) - x_hat * along))
        # ... and so those of x, gamma and gy.
        gx = factor * (self.tangent(for_x_hat, x_hat) - factor * for_factor * x_hat)
        return gx, gy * for_g, gamma * for_g + v * x_hat + w

    def standardized(self, x: Variable) -> tuple[Variable, Variable]:
        """x_hat and factor as functions of x, so that they can be differentiated."""
        centred = x - self.average(x)
        factor = rsqrt(self.average(square(centred)) + self.eps)
        return centred * factor, factor

    def tangent(self, g: Variable, x_hat: Variable) -> Variable:
        return g - self.average(g) - x_hat * self.average(g * x_hat)

    def average(self, x: Variable) -> Variable:
        return sum(x, self.axes, keepdims=True) * (1 / elements(x.shape, self.axes))  # of nothing 0, not NaN


def elements(shape: Shape, axes: tuple[int, ...]) -> int:
    """How many elements there are along the axes, at least 1, for sums are divided by it."""
    return prod(shape[i] for i in axes) or 1


def require_eps(name: str, eps: float) -> None:
    """``eps`` can keep a divisor from 0.

    Raises:
        ArgumentError: it cannot.
    """
    if not eps > 0:
        raise ArgumentError(f"{name}: eps={eps} (expected a number above 0).")
