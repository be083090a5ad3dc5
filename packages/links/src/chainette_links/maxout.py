"""Maxout layer."""

from __future__ import annotations

from typing import Any

from chainette import Variable
from chainette.backend import is_array
from chainette.checks import removed_arguments
from chainette.errors import ShapeError
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import maxout
from chainette_links.chain import Chain
from chainette_links.linear import Linear


class Maxout(Chain):
    """Maxout layer: of each ``pool_size`` outputs of a linear layer the largest.

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: features of one output.
        pool_size: among how many each is chosen.
        initialW: what the weights start from: an array of shape (out_size, pool_size, in_size), a number or an
            Initializer; None means LeCunNormal.
        initial_bias: what the biases start from, with an array of shape (out_size, pool_size); None leaves them out.

    Child: ``linear``, a ``Linear`` with ``out_size * pool_size`` outputs.

    Source: Goodfellow, Warde-Farley, Mirza, Courville, Bengio, "Maxout Networks", ICML 2013.

    >>> layer = Maxout(4, 3, pool_size=2)
    >>> layer(np.ones((5, 4), "f")).shape
    (5, 3)
    >>> layer.linear.W.shape
    (6, 4)
    """

    @removed_arguments(wscale="scale the initializer, initialW=chainette.initializers.LeCunNormal(scale)")
    def __init__(
        self,
        in_size: int | None,
        out_size: int,
        pool_size: int,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = 0,
    ) -> None:
        super().__init__()
        self.out_size = out_size
        self.pool_size = pool_size
        pools = (out_size, pool_size)
        W, b = _one_axis("initialW", initialW, pools, 3), _one_axis("initial_bias", initial_bias, pools, 2)
        with self.init_scope():
            self.linear = Linear(in_size, out_size * pool_size, nobias=initial_bias is None, initialW=W, initial_bias=b)

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer; axes after the first are flattened."""
        return maxout(self.linear(x), self.pool_size)


def _one_axis(name: str, values: Any, pools: tuple[int, int], ndim: int) -> Any:
    """Of an array the axes of outputs and of pools in one, as the linear layer has them."""
    if not is_array(values) or values.ndim == 0:
        return values
    if values.ndim != ndim or values.shape[:2] != pools:
        expected = f"(out_size, pool_size{', in_size' if ndim == 3 else ''})"
        raise ShapeError(
            f"Maxout: {name} has shape {tuple(values.shape)} (expected {expected}, that is {pools} first)."
        )
    return values.reshape(pools[0] * pools[1], *values.shape[2:])
