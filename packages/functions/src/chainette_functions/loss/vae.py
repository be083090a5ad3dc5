"""Losses of variational autoencoders: likelihoods of data, and the divergence from the prior."""

import math

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_one_of, require_same_shape
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.sigmoid import sigmoid
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.exp import exp
from chainette_functions.math.extremes import minimum
from chainette_functions.math.square import square

REDUCTIONS = ("sum", "mean", "no")


class BernoulliNLL(Function):
    """log(1 + exp(y)) - x y, from log(1 + exp(-abs(y))), which cannot overflow."""

    def forward(self, x: Array, y: Array) -> Array:
        self.retain(x=x, y=y)
        return self.xp.maximum(y, 0) - x * y + self.xp.log1p(self.xp.exp(-abs(y)))

    def backward(self, gloss: Variable) -> tuple[Variable | None, Variable | None]:
        x, y = self.retained("x"), self.retained("y")
        wanted_x, wanted_y = self.needs_input_grad
        return gloss * -y if wanted_x else None, gloss * (sigmoid(y) - x) if wanted_y else None


def bernoulli_nll(x: ArrayLike, y: ArrayLike, reduce: str = "sum") -> Variable:
    """Negative log-likelihood of a Bernoulli distribution, ``-(x log p + (1 - x) log(1 - p))`` with ``p = sigmoid(y)``.

    Args:
        x: what was observed, 0 to 1, any shape, a floating dtype.
        y: scores of the shape of ``x``, a floating dtype. No value overflows.
        reduce: ``"sum"`` or ``"mean"`` over all elements, or ``"no"`` for the loss of each.

    Returns:
        A 0-d Variable (0 for empty arrays), or one of the shape of ``x``.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.
        ArgumentError: ``reduce`` is none of the above.

    >>> round(bernoulli_nll(np.array([1.0, 0.0]), np.array([1000.0, 0.0])).item(), 4)
    0.6931
    """
    x, y = as_variable(x), as_variable(y)
    _check("bernoulli_nll", reduce, x=x, y=y)
    return reduced(BernoulliNLL().apply(x, widen(y)), reduce, [x, y])


def gaussian_nll(x: ArrayLike, mean: ArrayLike, ln_var: ArrayLike, reduce: str = "sum") -> Variable:
    """Negative log-likelihood of a normal distribution, ``((x - mean)^2 / var + ln_var + log(2 pi)) / 2``.

    Args:
        x: what was observed, any shape, a floating dtype.
        mean: of the shape of ``x``, a floating dtype.
        ln_var: the logarithm of the variance, of the shape of ``x``, a floating dtype.
        reduce: ``"sum"`` or ``"mean"`` over all elements, or ``"no"`` for the loss of each.

    Returns:
        A 0-d Variable (0 for empty arrays), or one of the shape of ``x``.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.
        ArgumentError: ``reduce`` is none of the above.

    >>> round(gaussian_nll(np.array([1.0]), np.array([3.0]), np.array([0.0])).item(), 4)
    2.9189
    """
    x, mean, ln_var = as_variable(x), as_variable(mean), as_variable(ln_var)
    _check("gaussian_nll", reduce, x=x, mean=mean, ln_var=ln_var)
    difference, wide = widen(x) - mean, widen(ln_var)
    # An infinite precision would make NaN of a difference of 0.
    largest = int(math.log(x.xp.finfo(wide.dtype).max))
    deviation = difference * exp(minimum(wide / -2, largest))
    return reduced((square(deviation) + wide + math.log(2 * math.pi)) / 2, reduce, [x, mean, ln_var])


def gaussian_kl_divergence(mean: ArrayLike, ln_var: ArrayLike, reduce: str = "sum") -> Variable:
    """Divergence of a normal distribution from the standard one, ``(mean^2 + var - ln_var - 1) / 2`` an element.

    Args:
        mean: any shape, a floating dtype.
        ln_var: the logarithm of the variance, of the shape of ``mean``, a floating dtype.
        reduce: ``"sum"`` or ``"mean"`` over all elements, or ``"no"`` for the divergence of each.

    Returns:
        A 0-d Variable (0 for empty arrays), or one of the shape of ``mean``.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.
        ArgumentError: ``reduce`` is none of the above.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2013, appendix B.

    >>> gaussian_kl_divergence(np.array([0.0, 2.0]), np.array([0.0, 0.0])).array
    array(2.)
    """
    mean, ln_var = as_variable(mean), as_variable(ln_var)
    _check("gaussian_kl_divergence", reduce, mean=mean, ln_var=ln_var)
    wide = widen(ln_var)
    return reduced((square(widen(mean)) + (exp(wide) - 1 - wide)) / 2, reduce, [mean, ln_var])


def _check(function: str, reduce: str, **arguments: Variable) -> None:
    require_one_of(function, "reduce", reduce, REDUCTIONS)
    require_floating(function, **arguments)
    require_same_shape(function, **arguments)
