"""Long short-term memory with peephole connections."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.typing import ArrayLike
from chainette_functions import sigmoid, tanh
from chainette_links.chain import Chain
from chainette_links.linear import Linear
from chainette_links.state import CellState, require_rows, zeros


class StatefulPeepholeLSTM(CellState, Chain):
    """Long short-term memory whose gates see the cell, one step a call; it remembers the cell ``c`` and output ``h``.

    With a, i, f, o from ``upward`` and ``lateral`` as in ``LSTM``::

        c' = tanh(a) sigmoid(i + peep_i c) + c sigmoid(f + peep_f c)
        h' = tanh(c') sigmoid(o + peep_o c')

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: units.

    Parameters: ``upward/W`` of shape (4 out_size, in_size), ``upward/b`` of shape (4 out_size,), ``lateral/W`` of shape
    (4 out_size, out_size), whose rows of unit k are 4k to 4k + 3, for a, i, f, o; ``peep_i/W``, ``peep_f/W`` and
    ``peep_o/W`` of shape (out_size, out_size).

    Attributes:
        c: the cell, ``(batch, out_size)``; None before the first call. It is not saved.
        h: the output, of the same shape.

    Source: Gers and Schmidhuber, "Recurrent Nets that Time and Count", IJCNN 2000.

    >>> layer = StatefulPeepholeLSTM(3, 2)
    >>> layer(np.ones((4, 3), "f")).shape, layer.c.shape
    ((4, 2), (4, 2))
    >>> layer.reset_state()
    """

    def __init__(self, in_size: int | None, out_size: int) -> None:
        super().__init__()
        self.state_size = out_size
        with self.init_scope():
            self.upward = Linear(in_size, 4 * out_size)
            self.lateral = Linear(out_size, 4 * out_size, nobias=True)
            self.peep_i = Linear(out_size, out_size, nobias=True)
            self.peep_f = Linear(out_size, out_size, nobias=True)
            self.peep_o = Linear(out_size, out_size, nobias=True)

    def forward(self, x: ArrayLike) -> Variable:
        """Take one step: ``x`` is ``(batch, in_size)``, the output ``(batch, out_size)``."""
        channels = self.upward(as_variable(x))
        require_rows(self, channels, self.h)
        if self.h is not None:
            channels = channels + self.lateral(self.h)
        c = zeros(len(channels), self.state_size, channels) if self.c is None else self.c
        a, i, f, o = (channels[:, gate::4] for gate in range(4))
        c = tanh(a) * sigmoid(i + self.peep_i(c)) + c * sigmoid(f + self.peep_f(c))
        h = tanh(c) * sigmoid(o + self.peep_o(c))
        self.c, self.h = c, h
        return h
