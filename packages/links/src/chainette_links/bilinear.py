"""Bilinear layer."""

from __future__ import annotations

from chainette import Parameter, Variable
from chainette.errors import ArgumentError
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import ArrayLike
from chainette_functions import bilinear
from chainette_links.link import Link


class Bilinear(Link):
    """Bilinear layer of two inputs, ``y_k = sum_ij e1_i e2_j W_ijk``, plus ``e1 V1 + e2 V2 + b``.

    Args:
        left_size: features of the first input.
        right_size: features of the second input.
        out_size: features of the output.
        nobias: whether to leave out ``V1``, ``V2`` and ``b``.
        initialW: what ``W`` starts from; None means LeCunNormal.
        initial_bias: what ``V1``, ``V2`` and ``b`` start from, a tuple of three; None means LeCunNormal for ``V1`` and
            ``V2``, and zeros for ``b``.

    Parameters: ``W`` of shape (left_size, right_size, out_size), ``V1`` of shape (left_size, out_size), ``V2`` of shape
    (right_size, out_size), ``b`` of shape (out_size,). The last three are None with ``nobias``.

    Source: Socher, Chen, Manning, Ng, "Reasoning with Neural Tensor Networks for Knowledge Base Completion", NIPS 2013.

    >>> layer = Bilinear(3, 4, 2)
    >>> layer(np.ones((5, 3), "f"), np.ones((5, 4), "f")).shape
    (5, 2)
    """

    V1: Parameter | None
    V2: Parameter | None
    b: Parameter | None

    def __init__(
        self,
        left_size: int,
        right_size: int,
        out_size: int,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: tuple[InitializerLike, InitializerLike, InitializerLike] | None = None,
    ) -> None:
        super().__init__()
        if initial_bias is None:
            initial_bias = (None, None, 0)
        if not isinstance(initial_bias, tuple) or len(initial_bias) != 3:
            raise ArgumentError(f"Bilinear: initial_bias={initial_bias} (expected a tuple of three, for V1, V2 and b).")
        V1, V2, b = map(get_initializer, initial_bias)
        with self.init_scope():
            self.W = Parameter(get_initializer(initialW), (left_size, right_size, out_size))
            self.V1 = None if nobias else Parameter(V1, (left_size, out_size))
            self.V2 = None if nobias else Parameter(V2, (right_size, out_size))
            self.b = None if nobias else Parameter(b, out_size)

    def forward(self, e1: ArrayLike, e2: ArrayLike) -> Variable:
        """Apply the layer; of both inputs the axes after the first are flattened."""
        return bilinear(e1, e2, self.W, self.V1, self.V2, self.b)
