"""Attention with several heads."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.errors import ArgumentError, ShapeError
from chainette.initializers import InitializerLike
from chainette.operators import reshape, transpose
from chainette.operators.broadcast import can_broadcast
from chainette.typing import ArrayLike
from chainette_functions import scaled_dot_product_attention
from chainette_links.chain import Chain
from chainette_links.linear import Linear


class MultiheadAttention(Chain):
    """Attention of several heads, each of which sees ``units / n_heads`` features that it makes of the inputs.

    ``y = W_o [head 1, head 2, ...]``, head i being ``F.scaled_dot_product_attention`` of the i-th part of
    ``W_q query``, ``W_k key`` and ``W_v value``.

    Args:
        units: features of the query and of the output, a multiple of ``n_heads``.
        n_heads: the number of heads.
        key_size: features of the key; None means ``units``.
        value_size: features of the value; None means ``key_size``.
        dropout: the probability with which a weight is dropped in training.
        nobias: whether to leave out the biases.
        initialW: what the matrices start from; None means LeCunNormal.
        initial_bias: what the biases start from; None means zeros.

    Parameters: ``W_q/W`` and ``W_o/W`` of shape (units, units), ``W_k/W`` of shape (units, key_size), ``W_v/W`` of
    shape (units, value_size), and a ``b`` beside each, of shape (units,). The rows of ``W_q``, ``W_k`` and ``W_v`` are
    those of the first head, then those of the second, and so on; so are the columns of ``W_o``.

    Source: Vaswani et al., "Attention Is All You Need", NIPS 2017, section 3.2.

    >>> layer = MultiheadAttention(8, n_heads=2)
    >>> x = np.ones((4, 5, 8), "f")
    >>> layer(x).shape
    (4, 5, 8)
    >>> memory = np.ones((4, 7, 8), "f")
    >>> layer(x, memory, mask=np.arange(7) < 6).shape
    (4, 5, 8)
    """

    def __init__(
        self,
        units: int,
        n_heads: int,
        *,
        key_size: int | None = None,
        value_size: int | None = None,
        dropout: float = 0.0,
        nobias: bool = False,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
    ) -> None:
        super().__init__()
        if n_heads < 1 or units % n_heads:
            raise ArgumentError(f"MultiheadAttention: n_heads={n_heads} does not divide units={units}.")
        if not 0 <= dropout < 1:
            raise ArgumentError(f"MultiheadAttention: dropout={dropout} is out of range (expected 0 <= dropout < 1).")
        self.n_heads = n_heads
        self.dropout = dropout
        key_size = units if key_size is None else key_size
        value_size = key_size if value_size is None else value_size
        with self.init_scope():
            self.W_q = Linear(units, units, nobias, initialW, initial_bias)
            self.W_k = Linear(key_size, units, nobias, initialW, initial_bias)
            self.W_v = Linear(value_size, units, nobias, initialW, initial_bias)
            self.W_o = Linear(units, units, nobias, initialW, initial_bias)

    def forward(
        self,
        query: ArrayLike,
        key: ArrayLike | None = None,
        value: ArrayLike | None = None,
        *,
        mask: ArrayLike | None = None,
        causal: bool = False,
    ) -> Variable:
        """Attend.

        Args:
            query: ``(batch, targets, units)``.
            key: ``(batch, sources, key_size)``; None for the query: self-attention.
            value: ``(batch, sources, value_size)``; None for the key.
            mask: what broadcasts to ``(batch, targets, sources)``, or to ``(batch, n_heads, targets, sources)``:
                booleans, True where a target sees a source; or numbers to be added to the scores. A target that sees
                nothing gets ``W_o/b``.
            causal: let target ``i`` see the sources up to the ``i``-th only, besides what ``mask`` says.

        Returns:
            ``(batch, targets, units)``.
        """
        query = as_variable(query)
        key = query if key is None else as_variable(key)
        value = key if value is None else as_variable(value)
        for name, x in (("query", query), ("key", key), ("value", value)):
            if x.ndim != 3:
                raise ShapeError(f"MultiheadAttention: {name} has shape {x.shape} (expected (batch, length, size)).")
        if mask is not None:
            batch = len(query) if len(key) == 1 else len(key)
            mask = self._by_head(as_variable(mask), (batch, query.shape[1], key.shape[1]))
        y = scaled_dot_product_attention(
            self._heads(self.W_q(query, 2)),
            self._heads(self.W_k(key, 2)),
            self._heads(self.W_v(value, 2)),
            mask=mask,
            dropout=self.dropout,
            causal=causal,
        )
        batch, heads, targets, depth = y.shape
        output: Variable = self.W_o(reshape(transpose(y, (0, 2, 1, 3)), (batch, targets, heads * depth)), 2)
        return output

    def _heads(self, x: Variable) -> Variable:
        """``(batch, length, units)`` as ``(batch, heads, length, depth)``."""
        batch, length, units = x.shape
        return transpose(reshape(x, (batch, length, self.n_heads, units // self.n_heads)), (0, 2, 1, 3))

    def _by_head(self, mask: Variable, shape: tuple[int, int, int]) -> Variable:
        """The mask, whose third axis from the end is that of the heads."""
        if mask.ndim == 4:
            return mask
        if not can_broadcast(mask.shape, shape):
            raise ShapeError(
                f"MultiheadAttention: mask of shape {mask.shape} does not broadcast to {shape}, (batch, targets, "
                "sources). Write mask[:, None] for one that is (batch, sources)."
            )
        return reshape(mask, (mask.shape[0], 1, *mask.shape[1:])) if mask.ndim == 3 else mask
