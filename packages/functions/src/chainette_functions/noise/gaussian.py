"""Sampling from a normal distribution."""

from typing import Any

from chainette import as_variable, random
from chainette.checks import require_floating, require_same_shape
from chainette.operators import cast
from chainette.typing import Array, ArrayLike
from chainette_functions.math.exp import exp


def gaussian(mean: ArrayLike, ln_var: ArrayLike, *, eps: Array | None = None, return_eps: bool = False) -> Any:
    """A sample of the normal distribution with that mean and variance: ``mean + exp(ln_var / 2) eps``.

    Args:
        mean: any shape, a floating dtype.
        ln_var: the logarithm of the variance, of the shape of ``mean``.
        eps: the standard normal numbers to use in place of random ones, of the shape of ``mean``.
        return_eps: also return those that were used.

    Returns:
        A Variable of the shape and dtype of ``mean``, through which gradients reach ``mean`` and ``ln_var``. With
        ``return_eps`` a pair of it and the array ``eps``.

    Raises:
        DtypeError: ``mean`` or ``ln_var`` is not floating.
        ShapeError: the shapes differ.

    The numbers come from ``chainette.random``: the same seed gives the same sample.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes", ICLR 2014.

    >>> y = gaussian(np.array([1.0, 2.0]), np.log(np.array([4.0, 9.0])), eps=np.array([0.5, -1.0]))
    >>> y.array.round(4)
    array([ 2., -1.])
    """
    mean, ln_var = as_variable(mean), as_variable(ln_var)
    require_floating("gaussian", mean=mean, ln_var=ln_var)
    require_same_shape("gaussian", mean=mean, ln_var=ln_var)
    if eps is None:
        with mean.device.use():
            eps = random.generator(mean.device).standard_normal(mean.shape)
    noise = cast(eps, mean.dtype)
    require_same_shape("gaussian", mean=mean, eps=noise)
    y = mean + exp(ln_var * 0.5) * noise
    return (y, noise.array) if return_eps else y
