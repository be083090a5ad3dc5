"""Layer normalization layer."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_ndim
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike, Shape
from chainette_functions import layer_normalization
from chainette_links.link import Link
from chainette_links.normalizing import normalizing_parameter


class LayerNormalization(Link):
    """Layer normalization, ``y = gamma (x - mean) / sqrt(var + eps) + beta``, with statistics of each example.

    Args:
        size: the number of units, or the sizes of the last axes if several are normalized together; None takes that
            of the last axis from the first input.
        eps: what keeps the divisor from 0.
        initial_gamma: what ``gamma`` starts from; None means ones.
        initial_beta: what ``beta`` starts from; None means zeros.

    Parameters: ``gamma`` and ``beta`` of shape ``size``.

    Source: Ba, Kiros, Hinton, "Layer Normalization", 2016.

    >>> layer = LayerNormalization(2)
    >>> layer(np.array([[1.0, 3.0]], "f")).array.round(3)
    array([[-1.,  1.]], dtype=float32)
    """

    def __init__(
        self,
        size: int | Shape | None = None,
        eps: float = 1e-6,
        initial_gamma: InitializerLike = None,
        initial_beta: InitializerLike = None,
    ) -> None:
        super().__init__()
        self.eps = eps
        with self.init_scope():
            self.gamma = normalizing_parameter(initial_gamma, 1, shape=size)
            self.beta = normalizing_parameter(initial_beta, 0, shape=size)

    def forward(self, x: ArrayLike) -> Variable:
        """Normalize ``x``, ``(batch, units)`` or any shape that ends as ``gamma`` does."""
        x = as_variable(x)
        initialize_from_last_axis(self, x)
        return layer_normalization(x, self.gamma, self.beta, self.eps)


def initialize_from_last_axis(link: Link, x: Variable) -> None:
    """Give open parameters the size of x's last axis."""
    for parameter in link.params():
        if not parameter.is_initialized:
            require_floating(type(link).__name__, x=x)
            require_ndim(type(link).__name__, "x", x, 1, "(batch, ..., units)")
            parameter.initialize(x.shape[-1:])
