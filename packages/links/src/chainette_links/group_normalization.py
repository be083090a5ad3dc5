"""Group normalization layer."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_ndim
from chainette.errors import ArgumentError, ShapeError
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import group_normalization
from chainette_links.link import Link
from chainette_links.normalizing import normalizing_parameter


class GroupNormalization(Link):
    """Group normalization, ``y = gamma (x - mean) / sqrt(var + eps) + beta``, with statistics of groups of channels.

    Each example's channels are divided into ``groups`` groups of neighbours; each is normalized alone.

    Args:
        groups: how many; it divides the number of channels.
        size: the number of channels; None takes it from the first input.
        eps: what keeps the divisor from 0.
        initial_gamma: what ``gamma`` starts from; None means ones.
        initial_beta: what ``beta`` starts from; None means zeros.

    Parameters: ``gamma`` and ``beta`` of shape (size,).

    Source: Wu and He, "Group Normalization", ECCV 2018.

    >>> layer = GroupNormalization(2, 4)
    >>> layer(np.array([[1.0, 3.0, 10.0, 30.0]], "f")).array.round(3)
    array([[-1.,  1., -1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        groups: int,
        size: int | None = None,
        eps: float = 1e-5,
        initial_gamma: InitializerLike = None,
        initial_beta: InitializerLike = None,
    ) -> None:
        super().__init__()
        if groups < 1:
            raise ArgumentError(f"GroupNormalization: groups={groups} (expected at least 1).")
        self.groups = groups
        self.eps = eps
        with self.init_scope():
            self.gamma = normalizing_parameter(initial_gamma, 1)
            self.beta = normalizing_parameter(initial_beta, 0)
        if size is not None:
            self._initialize(size)

    def _initialize(self, size: int) -> None:
        if size % self.groups:
            raise ShapeError(f"GroupNormalization: {size} channels do not divide into groups={self.groups}.")
        for parameter in (self.gamma, self.beta):
            if not parameter.is_initialized:
                parameter.initialize((size,))

    def forward(self, x: ArrayLike) -> Variable:
        """Normalize ``x``, ``(batch, channels, ...)``."""
        x = as_variable(x)
        if not (self.gamma.is_initialized and self.beta.is_initialized):
            require_floating("GroupNormalization", x=x)
            require_ndim("GroupNormalization", "x", x, 2, "(batch, channels, ...)")
            self._initialize(x.shape[1])
        return group_normalization(x, self.groups, self.gamma, self.beta, self.eps)
