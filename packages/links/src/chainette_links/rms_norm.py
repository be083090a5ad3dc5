"""Root mean square normalization layer."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike, Shape
from chainette_functions import rms_normalization
from chainette_links.layer_normalization import initialize_from_last_axis
from chainette_links.link import Link
from chainette_links.normalizing import normalizing_parameter


class RMSNorm(Link):
    """Root mean square normalization, ``y = gamma x / sqrt(mean(x^2) + eps)``, with the mean of each example.

    Args:
        size: the number of units, or the sizes of the last axes if several are normalized together; None takes that
            of the last axis from the first input.
        eps: what keeps the divisor from 0.
        initial_gamma: what ``gamma`` starts from; None means ones.

    Parameter: ``gamma`` of shape ``size``.

    Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", NeurIPS 2019.

    >>> layer = RMSNorm(2)
    >>> layer(np.array([[3.0, 4.0]], "f")).array.round(4)
    array([[0.8485, 1.1314]], dtype=float32)
    """

    def __init__(
        self, size: int | Shape | None = None, eps: float = 1e-6, initial_gamma: InitializerLike = None
    ) -> None:
        super().__init__()
        self.eps = eps
        with self.init_scope():
            self.gamma = normalizing_parameter(initial_gamma, 1, shape=size)

    def forward(self, x: ArrayLike) -> Variable:
        """Normalize ``x``, ``(batch, units)`` or any shape that ends as ``gamma`` does."""
        x = as_variable(x)
        initialize_from_last_axis(self, x)
        return rms_normalization(x, self.gamma, self.eps)
