"""A layer of a transformer's encoder."""

from __future__ import annotations

from collections.abc import Callable

from chainette import Variable, as_variable
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import dropout, relu
from chainette_links.chain import Chain
from chainette_links.layer_normalization import LayerNormalization
from chainette_links.linear import Linear
from chainette_links.multihead_attention import MultiheadAttention


class TransformerEncoderLayer(Chain):
    """A layer of a transformer's encoder: self-attention, then a network of two layers that sees each position alone.

    What each of the two computes is added to what it is given, and layer normalization follows::

        x = norm_1(x + attention(x))
        y = norm_2(x + l_2(activation(l_1(x))))

    With ``pre_norm`` it comes first, which trains more easily in many layers, and needs one more normalization behind
    the last of them: ``x = x + attention(norm_1(x))``, ``y = x + l_2(activation(l_1(norm_2(x))))``.

    Args:
        units: features of input and output, a multiple of ``n_heads``.
        n_heads: the number of heads.
        hidden_units: units of the hidden layer; None means ``4 units``.
        dropout: the probability with which a weight of the attention, a hidden unit, or an element of what is added is
            dropped in training.
        activation: the hidden layer's, e.g. ``F.relu`` or ``F.gelu``.
        pre_norm: whether normalization comes first.
        eps: what keeps the divisors of the normalizations from 0.
        initialW: what the matrices start from; None means LeCunNormal.

    Parameters: those of the children ``attention`` (MultiheadAttention), ``norm_1`` and ``norm_2``
    (LayerNormalization), ``l_1`` and ``l_2`` (Linear).

    Source: Vaswani et al., "Attention Is All You Need", NIPS 2017, section 3.1; ``pre_norm``: Xiong et al., "On Layer
    Normalization in the Transformer Architecture", ICML 2020.

    >>> import chainette.functions as F
    >>> layer = TransformerEncoderLayer(8, n_heads=2, activation=F.gelu, pre_norm=True)
    >>> layer(np.ones((4, 5, 8), "f")).shape
    (4, 5, 8)
    """

    def __init__(
        self,
        units: int,
        n_heads: int,
        hidden_units: int | None = None,
        *,
        dropout: float = 0.1,
        activation: Callable[[Variable], Variable] = relu,
        pre_norm: bool = False,
        eps: float = 1e-5,
        initialW: InitializerLike = None,
    ) -> None:
        super().__init__()
        hidden_units = 4 * units if hidden_units is None else hidden_units
        self.dropout = dropout
        self.activation = activation
        self.pre_norm = pre_norm
        with self.init_scope():
            self.attention = MultiheadAttention(units, n_heads, dropout=dropout, initialW=initialW)
            self.norm_1 = LayerNormalization(units, eps)
            self.l_1 = Linear(units, hidden_units, initialW=initialW)
            self.l_2 = Linear(hidden_units, units, initialW=initialW)
            self.norm_2 = LayerNormalization(units, eps)

    def forward(self, x: ArrayLike, *, mask: ArrayLike | None = None, causal: bool = False) -> Variable:
        """Apply the layer.

        Args:
            x: ``(batch, length, units)``.
            mask: which positions see which, as in ``MultiheadAttention``.
            causal: let each position see itself and those before it only.

        Returns:
            The shape of ``x``.
        """
        x = as_variable(x)
        if self.pre_norm:
            h = x + self._attend(self.norm_1(x), mask, causal)
            return h + self._feed(self.norm_2(h))
        h = self.norm_1(x + self._attend(x, mask, causal))
        y: Variable = self.norm_2(h + self._feed(h))
        return y

    def _attend(self, x: Variable, mask: ArrayLike | None, causal: bool) -> Variable:
        y: Variable = dropout(self.attention(x, mask=mask, causal=causal), self.dropout)
        return y

    def _feed(self, x: Variable) -> Variable:
        hidden = dropout(self.activation(self.l_1(x, 2)), self.dropout)
        y: Variable = dropout(self.l_2(hidden, 2), self.dropout)
        return y
