"""Linear layer with dropconnect."""

from __future__ import annotations

from math import prod

from chainette import Parameter, Variable, as_variable
from chainette.checks import require_floating, require_ndim
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import Array, ArrayLike
from chainette_functions import simplified_dropconnect
from chainette_links.link import Link


class SimplifiedDropconnect(Link):
    """Linear layer, ``y = x W^T + b``, of whose weights random ones are 0 in training.

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: features of one output.
        ratio: the probability with which a weight becomes 0.
        nobias: whether to leave out ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation ``sqrt(1 / in_size)``.
        initial_bias: what ``b`` starts from; None means zeros.

    Parameters: ``W`` of shape (out_size, in_size), ``b`` of shape (out_size,), which is None with ``nobias``.

    Source: Wan et al., "Regularization of Neural Networks using DropConnect", ICML 2013; see
    ``simplified_dropconnect`` for what is simplified.

    >>> layer = SimplifiedDropconnect(3, 2)
    >>> layer(np.ones((5, 3), "f")).shape
    (5, 2)
    """

    b: Parameter | None

    def __init__(
        self,
        in_size: int | None,
        out_size: int,
        ratio: float = 0.5,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
    ) -> None:
        super().__init__()
        self.in_size = in_size
        self.out_size = out_size
        self.ratio = ratio
        with self.init_scope():
            self.W = Parameter(get_initializer(initialW))
            bias = get_initializer(0 if initial_bias is None else initial_bias)
            self.b = None if nobias else Parameter(bias, out_size)
        if in_size is not None:
            self.W.initialize((out_size, in_size))

    def forward(
        self, x: ArrayLike, train: bool | None = None, mask: Array | None = None, use_batchwise_mask: bool = True
    ) -> Variable:
        """Apply the layer; axes after the first are flattened.

        Args:
            x: the input.
            train: whether to drop anything; None means ``chainette.config.train``.
            mask: which weights stay, in place of a random choice.
            use_batchwise_mask: whether each sample has a choice of its own: masks are (batch, out_size, in_size) then,
                else (out_size, in_size).
        """
        x = as_variable(x)
        if not self.W.is_initialized:
            require_floating("SimplifiedDropconnect", x=x)
            require_ndim("SimplifiedDropconnect", "x", x, 1, "(batch, ...)")
            self.in_size = prod(x.shape[1:])
            self.W.initialize((self.out_size, self.in_size))
        return simplified_dropconnect(x, self.W, self.b, self.ratio, train, mask, use_batchwise_mask)
