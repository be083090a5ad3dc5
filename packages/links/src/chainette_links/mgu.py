"""Minimal gated units."""

from __future__ import annotations

from chainette import Variable, as_variable
from chainette.typing import ArrayLike
from chainette_functions import concat, sigmoid, tanh
from chainette_links.chain import Chain
from chainette_links.linear import Linear
from chainette_links.state import OutputState, require_rows, zeros


class MGUBase(Chain):
    """The layers of both MGU links, and their step."""

    def __init__(self, n_inputs: int | None, n_units: int) -> None:
        super().__init__()
        self.state_size = n_units
        size = None if n_inputs is None else n_inputs + n_units
        with self.init_scope():
            self.W_f = Linear(size, n_units)
            self.W_h = Linear(size, n_units)

    def _step(self, h: Variable | None, x: Variable) -> Variable:
        require_rows(self, x, h)
        if h is None:
            h = zeros(len(x), self.state_size, x)
        f = sigmoid(self.W_f(concat([h, x])))
        return h + f * (tanh(self.W_h(concat([f * h, x]))) - h)


class StatelessMGU(MGUBase):
    """Minimal gated units, one step a call, that remember nothing: one gate where GRU has two.

    The step is, with ``[h, x]`` for one behind the other::

        f = sigmoid(W_f [h, x])
        h' = (1 - f) h + f tanh(W_h [f h, x])

    Args:
        n_inputs: features of one input; None takes them from the first one.
        n_units: units.

    Parameters: ``W_f/W`` and ``W_h/W`` of shape (n_units, n_units + n_inputs), ``W_f/b`` and ``W_h/b`` of shape
    (n_units,).

    Source: Zhou, Wu, Zhang, Zhou, "Minimal Gated Unit for Recurrent Neural Networks", 2016.

    >>> layer = StatelessMGU(3, 2)
    >>> h = layer(None, np.ones((4, 3), "f"))
    >>> layer(h, np.ones((4, 3), "f")).shape
    (4, 2)
    """

    def forward(self, h: ArrayLike | None, x: ArrayLike) -> Variable:
        """Take one step.

        Args:
            h: the output before, ``(batch, n_units)``; None for zeros.
            x: ``(batch, n_inputs)``.

        Returns:
            The new output.
        """
        return self._step(None if h is None else as_variable(h), as_variable(x))


class StatefulMGU(OutputState, MGUBase):
    """Minimal gated units, one step a call; it remembers the output ``h``. The step is that of ``StatelessMGU``.

    Args:
        in_size: features of one input; None takes them from the first one.
        out_size: units.

    Parameters: those of ``StatelessMGU``.

    Attributes:
        h: the output, ``(batch, out_size)``; None before the first call. It is not saved.

    >>> layer = StatefulMGU(3, 2)
    >>> for x in np.ones((5, 4, 3), "f"):
    ...     h = layer(x)
    >>> h.shape
    (4, 2)
    >>> layer.reset_state()
    """

    def __init__(self, in_size: int | None, out_size: int) -> None:
        super().__init__(in_size, out_size)

    def forward(self, x: ArrayLike) -> Variable:
        """Take one step: ``x`` is ``(batch, in_size)``, the output ``(batch, out_size)``."""
        h = self.h = self._step(self.h, as_variable(x))
        return h
