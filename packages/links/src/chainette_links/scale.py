"""Multiplication by a factor along an axis."""

from __future__ import annotations

from chainette import Parameter, Variable
from chainette.errors import ArgumentError
from chainette.typing import ArrayLike, Shape
from chainette_functions import scale
from chainette_links.bias import Bias, second_operand
from chainette_links.chain import Chain


class Scale(Chain):
    """``x * W``, where the shape of ``W`` is that of ``x`` from ``axis`` on; what follows is broadcast.

    Args:
        axis: the first axis of ``x`` that ``W`` belongs to.
        W_shape: the shape of ``W``, which starts from ones; None for a link without ``W``, which is called with ``x``
            and the factors.
        bias_term: whether to add a bias, the child ``bias``. It has the shape of ``W``.
        bias_shape: the shape of the bias where there is no ``W``.

    Parameter: ``W``; None without ``W_shape``. Child: ``bias``, a ``Bias``; None without ``bias_term``.

    >>> layer = Scale(axis=1, W_shape=(3,), bias_term=True)
    >>> layer(np.ones((2, 3, 4), "f")).shape
    (2, 3, 4)
    >>> [path for path, _ in layer.namedparams()]
    ['/W', '/bias/b']
    """

    W: Parameter | None
    bias: Bias | None

    def __init__(
        self,
        axis: int = 1,
        W_shape: int | Shape | None = None,
        bias_term: bool = False,
        bias_shape: int | Shape | None = None,
    ) -> None:
        super().__init__()
        self.axis = axis
        shape = bias_shape if W_shape is None else W_shape
        if bias_term and shape is None:
            raise ArgumentError("Scale: bias_term=True, but there is no shape for it. Give bias_shape=, or W_shape=.")
        with self.init_scope():
            self.W = None if W_shape is None else Parameter(1, W_shape)
            self.bias = Bias(axis, shape) if bias_term else None

    def forward(self, *xs: ArrayLike) -> Variable:
        """``x`` times ``W``, without it ``x`` times the second argument; then the bias."""
        x, W = second_operand("Scale", "W_shape", xs, self.W)
        y = scale(x, W, self.axis)
        return y if self.bias is None else self.bias(y)
