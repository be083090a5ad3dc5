"""Highway layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainette import Variable, as_variable
from chainette.errors import ShapeError
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import relu, sigmoid
from chainette_links.chain import Chain
from chainette_links.linear import Linear


class Highway(Chain):
    """Highway layer, ``t * activate(W_h x + b_h) + (1 - t) * x`` with the gate ``t = sigmoid(W_t x + b_t)``.

    Args:
        in_out_size: features of one input, and of one output.
        nobias: whether to leave out both biases.
        activate: the activation function.
        init_Wh: what the weights of ``plain`` start from; None means LeCunNormal.
        init_Wt: what the weights of ``transform`` start from; None means LeCunNormal.
        init_bh: what the biases of ``plain`` start from; None means zeros.
        init_bt: what the biases of ``transform`` start from; what is negative lets inputs through at first.

    Children: ``plain`` and ``transform``, each a ``Linear``.

    Source: Srivastava, Greff, Schmidhuber, "Highway Networks", 2015.

    >>> layer = Highway(3)
    >>> layer(np.ones((5, 3), "f")).shape
    (5, 3)
    """

    def __init__(
        self,
        in_out_size: int,
        nobias: bool = False,
        activate: Callable[[Any], Any] = relu,
        init_Wh: InitializerLike = None,
        init_Wt: InitializerLike = None,
        init_bh: InitializerLike = None,
        init_bt: InitializerLike = -1,
    ) -> None:
        super().__init__()
        self.activate = activate
        with self.init_scope():
            self.plain = Linear(in_out_size, in_out_size, nobias, init_Wh, init_bh)
            self.transform = Linear(in_out_size, in_out_size, nobias, init_Wt, init_bt)

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the layer."""
        x = as_variable(x)
        size = self.plain.out_size
        if x.ndim != 2 or x.shape[1] != size:
            raise ShapeError(f"Highway: x has shape {x.shape} (expected (batch, {size})).")
        gate = sigmoid(self.transform(x))
        y: Variable = self.activate(self.plain(x)) * gate + x * (1 - gate)
        return y
