"""Group normalization."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_ndim, require_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import reshape
from chainette.typing import ArrayLike
from chainette_functions.normalization.standardize import Standardize, require_eps


class GroupNormalization(Standardize):
    """Standardize x, seen as (batch, groups, channels of the group, ...), over all axes but the first two."""


def group_normalization(x: ArrayLike, groups: int, gamma: ArrayLike, beta: ArrayLike, eps: float = 1e-5) -> Variable:
    """Group normalization, ``gamma (x - mean) / sqrt(var + eps) + beta``, with statistics of groups of channels.

    Each example's channels are divided into ``groups`` groups of neighbours, and each group is normalized alone, over
    its channels and all that follows. One group normalizes whole examples, as many as channels each channel.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype. float16 is computed in float32.
        groups: how many; it divides the number of channels.
        gamma: factors, ``(channels,)``.
        beta: what is added, ``(channels,)``.
        eps: what keeps the divisor from 0, above 0.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit, or the channels do not divide into the groups.
        DtypeError: an array is not floating.
        ArgumentError: ``groups`` or ``eps`` is out of range.

    Source: Wu and He, "Group Normalization", ECCV 2018.

    >>> x = np.array([[1.0, 3.0, 10.0, 30.0]])
    >>> group_normalization(x, 2, np.ones(4), np.zeros(4)).array.round(3)
    array([[-1.,  1., -1.,  1.]])
    """
    name = "group_normalization"
    x, gamma, beta = as_variable(x), as_variable(gamma), as_variable(beta)
    require_floating(name, x=x, gamma=gamma, beta=beta)
    require_ndim(name, "x", x, 2, "(batch, channels, ...)")
    require_eps(name, eps)
    batch, channels, *sizes = x.shape
    if groups < 1:
        raise ArgumentError(f"{name}: groups={groups} (expected at least 1).")
    if channels % groups:
        raise ShapeError(f"{name}: {channels} channels do not divide into groups={groups} (x: {x.shape}).")
    require_shape(name, "gamma", gamma, (channels,))
    require_shape(name, "beta", beta, (channels,))
    grouped = (batch, groups, channels // groups, *sizes)
    aligned = (1, groups, channels // groups, *(1 for _ in sizes))
    function = GroupNormalization(tuple(range(2, len(grouped))), eps)
    y = function.apply(reshape(x, grouped), reshape(gamma, aligned), reshape(beta, aligned))
    return reshape(y, x.shape)
