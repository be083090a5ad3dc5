"""Sampling from a categorical distribution, made differentiable."""

from chainette import Variable, as_variable, random
from chainette.checks import normalize_axis, require_floating
from chainette.errors import ArgumentError
from chainette.operators import cast
from chainette.typing import ArrayLike
from chainette_functions.activation.softmax import softmax


def gumbel_softmax(log_pi: ArrayLike, tau: float = 0.1, axis: int = 1) -> Variable:
    """A soft sample of a categorical distribution: ``softmax((log_pi + g) / tau)`` with Gumbel noise ``g``.

    Args:
        log_pi: logarithms of the categories' probabilities, up to a constant: a floating dtype.
        tau: the temperature, above 0: the lower, the closer a sample comes to a single 1 among zeros.
        axis: the axis of the categories.

    Returns:
        The shape and dtype of ``log_pi``; the values along ``axis`` are positive and sum to 1.

    Raises:
        ArgumentError: ``tau`` is not above 0.
        DtypeError: ``log_pi`` is not floating.
        ShapeError: there is no such axis.

    The numbers come from ``chainette.random``: the same seed gives the same sample.

    Source: Jang, Gu, Poole, "Categorical Reparameterization with Gumbel-Softmax", ICLR 2017.

    >>> y = gumbel_softmax(np.log(np.array([[0.2, 0.5, 0.3]])))
    >>> y.shape, y.array.sum().round(4)
    ((1, 3), np.float64(1.0))
    """
    if not tau > 0:
        raise ArgumentError(f"gumbel_softmax: tau={tau} (expected a number above 0).")
    log_pi = as_variable(log_pi)
    require_floating("gumbel_softmax", log_pi=log_pi)
    axis = normalize_axis("gumbel_softmax", axis, log_pi.ndim)
    if log_pi.dtype == "e":  # what is divided by tau overflows float16 soon
        return cast(gumbel_softmax(cast(log_pi, "f"), tau, axis), "e")
    with log_pi.device.use():
        waits = random.generator(log_pi.device).standard_exponential(log_pi.shape)
        waits = log_pi.xp.maximum(waits, 1e-300)  # 0 may be drawn, and has no logarithm
        noise = log_pi.xp.log(waits).astype(log_pi.dtype)
    return softmax((log_pi - noise) / tau, axis=axis)
