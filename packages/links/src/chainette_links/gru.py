"""Gated recurrent units."""

from __future__ import annotations

from typing import Any

from chainette import Variable, as_variable
from chainette.errors import ArgumentError
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike
from chainette_functions import sigmoid, tanh
from chainette_links.chain import Chain
from chainette_links.linear import Linear
from chainette_links.state import OutputState, require_rows


class GRUBase(Chain):
    """The layers of the GRU links, and their step."""

    def __init__(
        self,
        in_size: int | None,
        out_size: int,
        init: InitializerLike = None,
        inner_init: InitializerLike = None,
        bias_init: InitializerLike = None,
    ) -> None:
        super().__init__()
        self.state_size = out_size
        with self.init_scope():
            self.W_r = Linear(in_size, out_size, initialW=init, initial_bias=bias_init)
            self.U_r = Linear(out_size, out_size, initialW=inner_init, initial_bias=bias_init)
            self.W_z = Linear(in_size, out_size, initialW=init, initial_bias=bias_init)
            self.U_z = Linear(out_size, out_size, initialW=inner_init, initial_bias=bias_init)
            self.W = Linear(in_size, out_size, initialW=init, initial_bias=bias_init)
            self.U = Linear(out_size, out_size, initialW=inner_init, initial_bias=bias_init)

    def _step(self, h: Variable | None, x: Variable) -> Variable:
        r, z, n = self.W_r(x), self.W_z(x), self.W(x)
        require_rows(self, r, h)
        if h is None:  # not quite the same as zeros: the biases of U_z and U are left out too
            return sigmoid(z) * tanh(n)
        r, z = sigmoid(r + self.U_r(h)), sigmoid(z + self.U_z(h))
        return h + z * (tanh(n + self.U(r * h)) - h)


class StatelessGRU(GRUBase):
    """Gated recurrent units, one step a call, that remember nothing.

    The step is::

        r = sigmoid(W_r x + U_r h)
        z = sigmoid(W_z x + U_z h)
        h' = (1 - z) h + z tanh(W x + U (r h))

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: units.
        init: what ``W_r/W``, ``W_z/W`` and ``W/W`` start from; None means LeCunNormal.
        inner_init: what ``U_r/W``, ``U_z/W`` and ``U/W`` start from; None means LeCunNormal.
        bias_init: what the biases start from; None means zeros.

    Parameters: ``W_r/W``, ``W_z/W`` and ``W/W`` of shape (out_size, in_size), ``U_r/W``, ``U_z/W`` and ``U/W`` of shape
    (out_size, out_size), and a ``b`` beside each, of shape (out_size,).

    Source: Cho et al., "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
    Translation", EMNLP 2014.

    >>> layer = StatelessGRU(3, 2)
    >>> h = layer(None, np.ones((4, 3), "f"))
    >>> layer(h, np.ones((4, 3), "f")).shape
    (4, 2)
    """

    def forward(self, h: ArrayLike | None, x: ArrayLike) -> Variable:
        """Take one step.

        Args:
            h: the output before, ``(batch, out_size)``; None where there is none: the step then is that of ``GRU``
                without a state.
            x: ``(batch, in_size)``.

        Returns:
            The new output.
        """
        return self._step(None if h is None else as_variable(h), as_variable(x))


class StatefulGRU(OutputState, GRUBase):
    """Gated recurrent units, one step a call; it remembers the output ``h``. The step is that of ``StatelessGRU``.

    The arguments and parameters are those of ``StatelessGRU``. The first step, before which there is no ``h``, is
    ``h' = sigmoid(W_z x) tanh(W x)``.

    Attributes:
        h: the output, ``(batch, out_size)``; None before the first call. It is not saved.

    >>> layer = StatefulGRU(3, 2)
    >>> for x in np.ones((5, 4, 3), "f"):
    ...     h = layer(x)
    >>> h.shape
    (4, 2)
    >>> layer.reset_state()
    """

    def __init__(
        self,
        in_size: int | None,
        out_size: int,
        init: InitializerLike = None,
        inner_init: InitializerLike = None,
        bias_init: InitializerLike = 0,
    ) -> None:
        super().__init__(in_size, out_size, init, inner_init, bias_init)

    def forward(self, x: ArrayLike) -> Variable:
        """Take one step: ``x`` is ``(batch, in_size)``, the output ``(batch, out_size)``."""
        h = self.h = self._step(self.h, as_variable(x))
        return h


class GRU(StatefulGRU):
    """Gated recurrent units, one step a call, that remember the output ``h``: another name of ``StatefulGRU``.

    Until Chainer 1 this was the stateless one, which is ``StatelessGRU`` now.

    >>> layer = GRU(3, 2)
    >>> layer(np.ones((4, 3), "f")).shape
    (4, 2)
    """

    def forward(self, *args: Any) -> Variable:
        """Take one step: ``x`` is ``(batch, in_size)``, the output ``(batch, out_size)``."""
        if len(args) != 1:
            raise ArgumentError(
                f"GRU: got {len(args)} arguments (expected x alone, since it remembers h). StatelessGRU takes h and x."
            )
        return super().forward(*args)
