"""Long short-term memory with zoneout."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.checks import removed_arguments
from chainette.typing import ArrayLike
from chainette_functions import lstm, zoneout
from chainette_links.chain import Chain
from chainette_links.linear import Linear
from chainette_links.state import CellState, require_rows, zeros


class StatefulZoneoutLSTM(CellState, Chain):
    """Long short-term memory of which random units stay as they are in training: see ``F.lstm`` and ``F.zoneout``.

    One step a call; it remembers the cell ``c`` and the output ``h``.

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: units.
        c_ratio: the probability with which an element of the cell stays.
        h_ratio: the probability with which an element of the output stays.

    Parameters: ``upward/W`` of shape (4 out_size, in_size), ``upward/b`` of shape (4 out_size,), ``lateral/W`` of shape
    (4 out_size, out_size). The rows of unit k are 4k to 4k + 3, for a, i, f, o.

    Attributes:
        c: the cell, ``(batch, out_size)``; None before the first call. It is not saved.
        h: the output, of the same shape.

    Source: Krueger et al., "Zoneout: Regularizing RNNs by Randomly Preserving Hidden Activations", ICLR 2017.

    >>> layer = StatefulZoneoutLSTM(3, 2, c_ratio=0.5, h_ratio=0.05)
    >>> layer(np.ones((4, 3), "f")).shape, layer.c.shape
    ((4, 2), (4, 2))
    >>> layer.reset_state()
    """

    @removed_arguments(train="set chainette.config.train, e.g. with chainette.test_mode()")
    def __init__(self, in_size: int | None, out_size: int, c_ratio: float = 0.5, h_ratio: float = 0.5) -> None:
        super().__init__()
        self.state_size = out_size
        self.c_ratio = c_ratio
        self.h_ratio = h_ratio
        with self.init_scope():
            self.upward = Linear(in_size, 4 * out_size)
            self.lateral = Linear(out_size, 4 * out_size, nobias=True)

    def forward(self, x: ArrayLike) -> Variable:
        """Take one step: ``x`` is ``(batch, in_size)``, the output ``(batch, out_size)``."""
        channels = self.upward(as_variable(x))
        require_rows(self, channels, self.h)
        if self.h is not None:
            channels = channels + self.lateral(self.h)
        none = zeros(len(channels), self.state_size, channels)
        c, h = (none if state is None else state for state in (self.c, self.h))
        new_c, new_h = lstm(c, channels)
        y: Variable = zoneout(h, new_h, self.h_ratio)
        self.c, self.h = zoneout(c, new_c, self.c_ratio), y
        return y
