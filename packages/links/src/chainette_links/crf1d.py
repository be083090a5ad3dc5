"""Linear-chain conditional random field layer."""

from __future__ import annotations

from collections.abc import Sequence

from chainette import Parameter, Variable, as_variable
from chainette.errors import ArgumentError
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import Array, ArrayLike
from chainette_functions import argmax_crf1d, crf1d, get_item, transpose_sequence
from chainette_links.link import Link


class CRF1d(Link):
    """Linear-chain conditional random field: the loss of label sequences, whose transitions are learnt.

    Args:
        n_label: the number of labels.
        initial_cost: what ``cost`` starts from; None means zeros.

    Parameter: ``cost`` of shape (n_label, n_label): scores of transitions, from the label of the row to that of the
    column.

    Source: Lafferty, McCallum, Pereira, "Conditional Random Fields", ICML 2001.

    >>> layer = CRF1d(2)
    >>> x = np.array([[0.0, 1.0], [3.0, 0.0], [0.0, 5.0]], "f")  # one sequence of three steps
    >>> score, path = layer.argmax([x], transpose=True)
    >>> score.array, path[0]
    (array([9.], dtype=float32), array([1, 0, 1], dtype=int32))
    """

    def __init__(self, n_label: int, initial_cost: InitializerLike = None) -> None:
        super().__init__()
        with self.init_scope():
            self.cost = Parameter(get_initializer(0 if initial_cost is None else initial_cost), (n_label, n_label))

    def forward(
        self, xs: Sequence[ArrayLike], ys: Sequence[ArrayLike], reduce: str = "mean", transpose: bool = False
    ) -> Variable:
        """The negative log-likelihood of the labels.

        Args:
            xs: scores of labels, for each time step ``(batch, n_label)``, longest sequences first.
            ys: the true labels, for each time step ``(batch,)``.
            reduce: ``"mean"`` over the sequences, or ``"no"`` for the loss of each.
            transpose: whether ``xs`` and ``ys`` are given by sequence, ``(length, n_label)`` and ``(length,)``, in any
                order.
        """
        if not transpose:
            return crf1d(self.cost, xs, ys, reduce)
        if len(xs) != len(ys):
            raise ArgumentError(f"CRF1d: there are {len(xs)} sequences in xs and {len(ys)} in ys (expected as many).")
        order = _longest_first(xs)
        steps, labels = (transpose_sequence([each[i] for i in order]) for each in (xs, ys))
        loss = crf1d(self.cost, steps, labels, reduce)
        return loss if reduce == "mean" else get_item(loss, _inverse(order))

    def argmax(self, xs: Sequence[ArrayLike], transpose: bool = False) -> tuple[Variable, list[Array]]:
        """The best label sequences.

        Args:
            xs: scores of labels, as in a call.
            transpose: whether they are given by sequence; then so are the labels.

        Returns:
            The scores of the best, ``(batch,)``, and the labels: an int32 array for each element of ``xs``.
        """
        if not transpose:
            return argmax_crf1d(self.cost, xs)
        order = _longest_first(xs)
        scores, path = argmax_crf1d(self.cost, transpose_sequence([xs[i] for i in order]))
        labels = transpose_sequence(path)
        back = _inverse(order)
        return get_item(scores, back), [labels[i].array for i in back]


def _longest_first(xs: Sequence[ArrayLike]) -> list[int]:
    """The sequences' numbers in the order of their lengths.

    Raises:
        ArgumentError: there are none, or one has no steps.
    """
    lengths = [as_variable(x).shape[:1] for x in xs]
    if not lengths or (0,) in lengths:
        raise ArgumentError("CRF1d: with transpose=True, xs must hold sequences of at least one step.")
    return sorted(range(len(lengths)), key=lambda i: lengths[i], reverse=True)


def _inverse(order: list[int]) -> list[int]:
    return sorted(range(len(order)), key=order.__getitem__)
