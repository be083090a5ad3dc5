"""Linear layer."""

from __future__ import annotations

from math import prod

from chainette import Parameter, Variable, as_variable
from chainette.checks import removed_arguments
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import ArrayLike
from chainette_functions import linear
from chainette_functions.connection.linear import require_batch_axes
from chainette_links.link import Link


class Linear(Link):
    """Linear (fully connected) layer, ``y = x W^T + b``.

    Args:
        in_size: features of one input; None takes them from the first one. ``Linear(10)`` means ``Linear(None, 10)``.
        out_size: features of one output.
        nobias: whether to leave out ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal: mean 0, deviation ``sqrt(1 / in_size)``.
        initial_bias: what ``b`` starts from; None means zeros.

    Parameters: ``W`` of shape (out_size, in_size), ``b`` of shape (out_size,), which is None with ``nobias``.

    >>> layer = Linear(3, 2)
    >>> layer(np.ones((5, 3), "f")).shape
    (5, 2)
    """

    b: Parameter | None

    @removed_arguments(
        wscale="scale the initializer, initialW=chainette.initializers.LeCunNormal(scale)",
        bias="give initial_bias=",
    )
    def __init__(
        self,
        in_size: int | None,
        out_size: int | None = None,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
    ) -> None:
        super().__init__()
        if out_size is None:
            in_size, out_size = None, in_size
        if out_size is None:
            raise TypeError("Linear: out_size is missing. Write Linear(in_size, out_size) or Linear(None, out_size).")
        self.in_size = in_size
        self.out_size = out_size
        with self.init_scope():
            self.W = Parameter(get_initializer(initialW))
            bias = get_initializer(0 if initial_bias is None else initial_bias)
            self.b = None if nobias else Parameter(bias, out_size)
        if in_size is not None:
            self.W.initialize((out_size, in_size))

    def forward(self, x: ArrayLike, n_batch_axes: int = 1) -> Variable:
        """Apply the layer; axes after the first ``n_batch_axes`` are flattened."""
        x = as_variable(x)
        if not self.W.is_initialized:
            require_batch_axes(x, n_batch_axes)
            self.in_size = prod(x.shape[n_batch_axes:])
            self.W.initialize((self.out_size, self.in_size))
        return linear(x, self.W, self.b, n_batch_axes)
