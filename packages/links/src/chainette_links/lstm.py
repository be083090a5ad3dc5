"""Long short-term memory."""

from __future__ import annotations

from collections.abc import Sequence

from chainette import Variable, as_variable
from chainette.errors import ShapeError
from chainette.initializers import Initializer, InitializerLike, get_initializer
from chainette.typing import Array, ArrayLike
from chainette_functions import concat, lstm, split_axis
from chainette_links.chain import Chain
from chainette_links.linear import Linear
from chainette_links.state import CellState, zeros


class ByGate(Initializer):
    """Fills the channels of each gate by an initializer of its own: of n gates, gate k has the rows k, k + n, k + 2n.

    >>> from chainette.initializers import generate_array
    >>> generate_array(ByGate([0, 1]), (6,))
    array([0., 1., 0., 1., 0., 1.], dtype=float32)
    """

    def __init__(self, initializers: Sequence[InitializerLike]) -> None:
        self.initializers = [get_initializer(each) for each in initializers]
        super().__init__(getattr(self.initializers[0], "dtype", None))

    def __call__(self, array: Array) -> None:
        for gate, initializer in enumerate(self.initializers):
            initializer(array[gate :: len(self.initializers)])


class LSTMBase(Chain):
    """The layers of both LSTM links."""

    def __init__(
        self,
        in_size: int | None,
        out_size: int | None = None,
        lateral_init: InitializerLike = None,
        upward_init: InitializerLike = None,
        bias_init: InitializerLike = None,
        forget_bias_init: InitializerLike = None,
    ) -> None:
        super().__init__()
        if out_size is None:
            in_size, out_size = None, in_size
        if out_size is None:
            name = type(self).__name__
            raise TypeError(f"{name}: out_size is missing. Write {name}(in_size, out_size) or {name}(None, out_size).")
        self.state_size = out_size
        bias = 0 if bias_init is None else bias_init
        biases = ByGate([bias, bias, 1 if forget_bias_init is None else forget_bias_init, bias])  # of a, i, f, o
        with self.init_scope():
            self.upward = Linear(in_size, 4 * out_size, initialW=ByGate([upward_init] * 4), initial_bias=biases)
            self.lateral = Linear(out_size, 4 * out_size, nobias=True, initialW=ByGate([lateral_init] * 4))


class LSTM(CellState, LSTMBase):
    """Long short-term memory, one step a call; it remembers the cell ``c`` and the output ``h``: see ``F.lstm``.

    Args:
        in_size: features of one input; None takes them from the first one. ``LSTM(10)`` means ``LSTM(None, 10)``.
        out_size: units.
        lateral_init: what ``lateral/W`` starts from, for each gate by itself; None means LeCunNormal.
        upward_init: what ``upward/W`` starts from, for each gate by itself; None means LeCunNormal.
        bias_init: what the biases of a, i and o start from; None means 0.
        forget_bias_init: what the biases of f start from; None means 1.

    Parameters: ``upward/W`` of shape (4 out_size, in_size), ``upward/b`` of shape (4 out_size,), ``lateral/W`` of shape
    (4 out_size, out_size). The rows of unit k are 4k to 4k + 3, for a, i, f, o.

    Attributes:
        c: the cell, ``(batch, out_size)``; None before the first call. It is not saved.
        h: the output, of the same shape.

    Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", Neural Computation 1997.

    >>> layer = LSTM(3, 2)
    >>> for x in np.ones((5, 4, 3), "f"):
    ...     y = layer(x)
    >>> y.shape, layer.c.shape
    ((4, 2), (4, 2))
    >>> layer.reset_state()
    """

    def forward(self, x: ArrayLike) -> Variable:
        """Take one step.

        Args:
            x: ``(batch, in_size)``. It may have fewer rows than the one before: the sequences of the rows that it lacks
                are over, and their states stay as they are.

        Returns:
            The output, ``(batch, out_size)``.
        """
        by_input = self.upward(as_variable(x))
        rows, c, h, over = len(by_input), self.c, self.h, None
        if h is not None:
            if rows > len(h):
                raise ShapeError(
                    f"LSTM: x has {rows} rows (expected at most {len(h)}, as the state has). Call reset_state() where "
                    "new sequences begin."
                )
            running, over = split_axis(h, [rows], axis=0) if rows < len(h) else (h, None)
            by_input = by_input + self.lateral(running)
        if c is None:
            c = zeros(rows if h is None else len(h), self.state_size, by_input)
        c, y = lstm(c, by_input)
        self.c, self.h = c, y if over is None else concat([y, over], axis=0)
        return y


class StatelessLSTM(LSTMBase):
    """Long short-term memory, one step a call, that remembers nothing: see ``F.lstm``.

    The arguments and parameters are those of ``LSTM``.

    >>> layer = StatelessLSTM(3, 2)
    >>> c, h = layer(None, None, np.ones((4, 3), "f"))
    >>> c, h = layer(c, h, np.ones((4, 3), "f"))
    >>> c.shape, h.shape
    ((4, 2), (4, 2))
    """

    def forward(self, c: ArrayLike | None, h: ArrayLike | None, x: ArrayLike) -> tuple[Variable, Variable]:
        """Take one step.

        Args:
            c: the cell before, ``(batch, out_size)``; None for zeros.
            h: the output before, of the same shape; None for zeros.
            x: ``(batch, in_size)``.

        Returns:
            The new cell, and the new output.
        """
        by_input = self.upward(as_variable(x))
        if h is not None:
            h = as_variable(h)
            if len(h) != len(by_input):
                raise ShapeError(f"StatelessLSTM: h has {len(h)} rows (expected {len(by_input)}, as x has).")
            by_input = by_input + self.lateral(h)
        return lstm(zeros(len(by_input), self.state_size, by_input) if c is None else c, by_input)
