"""Recurrent networks over whole sequences, in several layers and in one direction or both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from chainette import Parameter, Variable, as_variable
from chainette.checks import removed_arguments
from chainette.errors import ArgumentError
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import ArrayLike
from chainette_functions import (
    n_step_bigru,
    n_step_bilstm,
    n_step_birnn,
    n_step_gru,
    n_step_lstm,
    n_step_rnn,
)
from chainette_functions.array.transpose_sequence import require_sequences
from chainette_functions.rnn.n_step import over_sequences
from chainette_links.chain import ChainList
from chainette_links.link import Link

REMOVED = {
    "train": "set chainette.config.train, e.g. with chainette.test_mode()",
    "use_cudnn": "which kernel runs is shown by 'python -m chainette kernels'",
    "use_bi_direction": "take the link with Bi in its name",
    "activation": "take the link with the activation in its name",
}
"""Chainer's arguments that are gone, and what takes their place."""


class NStepRNNBase(ChainList):
    """What these links share: a child for each layer and direction, with matrices ``w0, w1 ...`` and biases ``b0 ...``.

    A subclass says which function it is.

    Args:
        n_layers: the number of layers.
        in_size: features of one element of a sequence; None takes them from the first one.
        out_size: units of each layer and direction.
        dropout: the ratio of the dropout between layers, in training.
        initialW: what the matrices start from; None means LeCunNormal: mean 0, deviation ``sqrt(1 / columns)``.
        initial_bias: what the biases start from; None means zeros.

    Attributes:
        rnn: the function.
        n_weights: how many matrices a layer has in each direction, and as many biases.
        n_cells: how many states are handed on.
        use_bi_direction: whether there are two directions.
    """

    rnn: ClassVar[Callable[..., Any]]
    n_weights: ClassVar[int]
    n_cells: ClassVar[int] = 1
    options: ClassVar[dict[str, str]] = {}
    use_bi_direction: ClassVar[bool] = False

    @removed_arguments(**REMOVED)
    def __init__(
        self,
        n_layers: int,
        in_size: int | None,
        out_size: int,
        dropout: float,
        *,
        initialW: InitializerLike = None,
        initial_bias: InitializerLike = None,
    ) -> None:
        super().__init__()
        if n_layers < 1:
            raise ArgumentError(f"{type(self).__name__}: n_layers={n_layers} (expected at least 1).")
        self.n_layers = n_layers
        self.in_size = in_size
        self.out_size = out_size
        self.dropout = dropout
        self.direction = 2 if self.use_bi_direction else 1
        W, b = get_initializer(initialW), get_initializer(0 if initial_bias is None else initial_bias)
        for k in range(n_layers * self.direction):
            layer = Link()
            columns = in_size if k < self.direction else out_size * self.direction
            with layer.init_scope():
                for j in range(self.n_weights):
                    of_input = j < self.n_weights // 2
                    size = columns if of_input else out_size
                    setattr(layer, f"w{j}", Parameter(W, None if size is None else (out_size, size)))
                    setattr(layer, f"b{j}", Parameter(b, out_size))
            self.add_link(layer)

    @property
    def ws(self) -> list[list[Parameter]]:
        """The matrices: a list for each layer and direction."""
        return [[getattr(layer, f"w{j}") for j in range(self.n_weights)] for layer in self]

    @property
    def bs(self) -> list[list[Parameter]]:
        """The biases: a list for each layer and direction."""
        return [[getattr(layer, f"b{j}") for j in range(self.n_weights)] for layer in self]

    def init_hx(self, xs: Sequence[ArrayLike]) -> Variable:
        """A state of zeros to start from, for these sequences."""
        x = as_variable(xs[0])
        with x.device.use():
            return as_variable(x.xp.zeros((len(self), len(xs), self.out_size), x.dtype))

    def forward(self, hx: ArrayLike | None, xs: Sequence[ArrayLike]) -> tuple[Variable, list[Variable]]:
        """Run over the sequences.

        Args:
            hx: ``h`` at the start, ``(layers and directions, batch, out_size)``: first layer forwards, in a link with
                two directions first layer backwards, then the second layer, and so on. None for zeros.
            xs: ``batch`` sequences, ``(length, in_size)`` each, in any order. A length may be 0.

        Returns:
            ``h`` at the end of each sequence, of the shape of ``hx``, and the outputs of the last layer,
            ``(length, out_size)`` for each sequence, or ``(length, 2 out_size)`` with two directions.
        """
        hy, ys = self._run(xs, hx)
        return hy, ys

    def _run(self, xs: Sequence[ArrayLike], *initial: ArrayLike | None) -> Any:
        sequences = require_sequences(self.rnn.__name__, xs)
        if not self[0].w0.is_initialized and sequences[0].ndim == 2:
            self.in_size = sequences[0].shape[1]
            for layer in self[: self.direction]:
                for j in range(self.n_weights // 2):
                    getattr(layer, f"w{j}").initialize((self.out_size, self.in_size))
        states = [self.init_hx(sequences) if state is None else as_variable(state) for state in initial]
        parameters = self.ws, self.bs
        return over_sequences(self.rnn, self.n_layers, self.dropout, *states, *parameters, sequences, **self.options)


class NStepLSTM(NStepRNNBase):
    """Long short-term memory in several layers, over sequences of any lengths: ``F.n_step_lstm``.

    Args:
        n_layers: the number of layers.
        in_size: features of one element of a sequence; None takes them from the first one.
        out_size: units of each layer.
        dropout: the ratio of the dropout between layers, in training.
        initialW: what the matrices start from; None means LeCunNormal: mean 0, deviation ``sqrt(1 / columns)``.
        initial_bias: what the biases start from; None means zeros.

    Parameters: ``0/w0`` to ``0/w3`` of shape (out_size, in_size), for the gates i, f, a, o, and ``0/w4`` to ``0/w7``
    of shape (out_size, out_size); ``0/b0`` to ``0/b7`` of shape (out_size,); the second layer's are ``1/w0`` and so on.

    >>> layer = NStepLSTM(1, 3, 2, dropout=0.0)
    >>> hy, cy, ys = layer(None, None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, cy.shape, [y.shape for y in ys]
    ((1, 2, 2), (1, 2, 2), [(4, 2), (1, 2)])
    """

    rnn = staticmethod(n_step_lstm)
    n_weights = 8
    n_cells = 2

    def init_cx(self, xs: Sequence[ArrayLike]) -> Variable:
        """A cell of zeros to start from, for these sequences."""
        return self.init_hx(xs)

    def forward(  # type: ignore[override]
        self, hx: ArrayLike | None, cx: ArrayLike | None, xs: Sequence[ArrayLike]
    ) -> tuple[Variable, Variable, list[Variable]]:
        """Run over the sequences.

        Args:
            hx: ``h`` at the start, ``(layers and directions, batch, out_size)``: first layer forwards, in a link with
                two directions first layer backwards, then the second layer, and so on. None for zeros.
            cx: ``c`` at the start, of the same shape; None for zeros.
            xs: ``batch`` sequences, ``(length, in_size)`` each, in any order. A length may be 0.

        Returns:
            ``h`` and ``c`` at the end of each sequence, of the shape of ``hx``, and the outputs of the last layer,
            ``(length, out_size)`` for each sequence, or ``(length, 2 out_size)`` with two directions.
        """
        hy, cy, ys = self._run(xs, hx, cx)
        return hy, cy, ys


class NStepBiLSTM(NStepLSTM):
    """Long short-term memory in both directions: ``F.n_step_bilstm``. The arguments are those of ``NStepLSTM``.

    Parameters: as in ``NStepLSTM``, with two children a layer: ``0/`` the first layer forwards, ``1/`` the first layer
    backwards, ``2/`` the second layer forwards, and so on. From the second layer on the first matrices are
    (out_size, 2 out_size).

    >>> layer = NStepBiLSTM(1, 3, 2, dropout=0.0)
    >>> hy, cy, ys = layer(None, None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, cy.shape, [y.shape for y in ys]
    ((2, 2, 2), (2, 2, 2), [(4, 4), (1, 4)])
    """

    rnn = staticmethod(n_step_bilstm)
    use_bi_direction = True


class NStepGRU(NStepRNNBase):
    """Gated recurrent units in several layers, over sequences of any lengths: ``F.n_step_gru``.

    The arguments are those of ``NStepLSTM``.

    Parameters: ``0/w0`` to ``0/w2`` of shape (out_size, in_size), for the gates r, z and the new state, and ``0/w3`` to
    ``0/w5`` of shape (out_size, out_size); ``0/b0`` to ``0/b5`` of shape (out_size,); the second layer's are ``1/w0``
    and so on.

    >>> layer = NStepGRU(1, 3, 2, dropout=0.0)
    >>> hy, ys = layer(None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, [y.shape for y in ys]
    ((1, 2, 2), [(4, 2), (1, 2)])
    """

    rnn = staticmethod(n_step_gru)
    n_weights = 6


class NStepBiGRU(NStepGRU):
    """Gated recurrent units in both directions: ``F.n_step_bigru``. The arguments are those of ``NStepLSTM``.

    Parameters: as in ``NStepGRU``, with two children a layer, as in ``NStepBiLSTM``.

    >>> layer = NStepBiGRU(1, 3, 2, dropout=0.0)
    >>> hy, ys = layer(None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, [y.shape for y in ys]
    ((2, 2, 2), [(4, 4), (1, 4)])
    """

    rnn = staticmethod(n_step_bigru)
    use_bi_direction = True


class NStepRNNTanh(NStepRNNBase):
    """A plain recurrent network in several layers, over sequences of any lengths: ``F.n_step_rnn`` with tanh.

    The arguments are those of ``NStepLSTM``.

    Parameters: ``0/w0`` of shape (out_size, in_size) and ``0/w1`` of shape (out_size, out_size), ``0/b0`` and ``0/b1``
    of shape (out_size,); the second layer's are ``1/w0`` and so on.

    >>> layer = NStepRNNTanh(1, 3, 2, dropout=0.0)
    >>> hy, ys = layer(None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, [y.shape for y in ys]
    ((1, 2, 2), [(4, 2), (1, 2)])
    """

    rnn = staticmethod(n_step_rnn)
    n_weights = 2


class NStepRNNReLU(NStepRNNTanh):
    """A plain recurrent network with relu in place of tanh: ``F.n_step_rnn``.

    The arguments are those of ``NStepLSTM``, the parameters those of ``NStepRNNTanh``.

    >>> layer = NStepRNNReLU(1, 3, 2, dropout=0.0)
    >>> hy, ys = layer(None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, [y.shape for y in ys]
    ((1, 2, 2), [(4, 2), (1, 2)])
    """

    options: ClassVar[dict[str, str]] = {"activation": "relu"}


class NStepBiRNNTanh(NStepRNNTanh):
    """A plain recurrent network in both directions: ``F.n_step_birnn`` with tanh.

    The arguments are those of ``NStepLSTM``.

    Parameters: as in ``NStepRNNTanh``, with two children a layer, as in ``NStepBiLSTM``.

    >>> layer = NStepBiRNNTanh(1, 3, 2, dropout=0.0)
    >>> hy, ys = layer(None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, [y.shape for y in ys]
    ((2, 2, 2), [(4, 4), (1, 4)])
    """

    rnn = staticmethod(n_step_birnn)
    use_bi_direction = True


class NStepBiRNNReLU(NStepBiRNNTanh):
    """A plain recurrent network in both directions with relu in place of tanh: ``F.n_step_birnn``.

    The arguments are those of ``NStepLSTM``, the parameters those of ``NStepBiRNNTanh``.

    >>> layer = NStepBiRNNReLU(1, 3, 2, dropout=0.0)
    >>> hy, ys = layer(None, [np.ones((4, 3), "f"), np.ones((1, 3), "f")])
    >>> hy.shape, [y.shape for y in ys]
    ((2, 2, 2), [(4, 4), (1, 4)])
    """

    options: ClassVar[dict[str, str]] = {"activation": "relu"}
