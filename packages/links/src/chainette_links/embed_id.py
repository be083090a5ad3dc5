"""Embedding layer."""

from __future__ import annotations

from chainette import Parameter, Variable
from chainette.initializers import InitializerLike, Normal, get_initializer
from chainette.typing import ArrayLike
from chainette_functions import embed_id
from chainette_links.link import Link


class EmbedID(Link):
    """Embedding layer: the rows of a table by their numbers, ``y = W[x]``.

    Args:
        in_size: rows of the table: how many different numbers there are.
        out_size: length of a row.
        initialW: what ``W`` starts from; None means mean 0, deviation 1.
        ignore_label: a number that stands for "nothing": it gives zeros and gets no gradient.

    Parameter: ``W`` of shape (in_size, out_size).

    >>> layer = EmbedID(10, 4)
    >>> layer(np.array([3, 1, 4])).shape
    (3, 4)
    """

    def __init__(
        self,
        in_size: int,
        out_size: int,
        initialW: InitializerLike = None,
        ignore_label: int | None = None,
    ) -> None:
        super().__init__()
        self.ignore_label = ignore_label
        with self.init_scope():
            self.W = Parameter(get_initializer(Normal(1.0) if initialW is None else initialW), (in_size, out_size))

    def forward(self, x: ArrayLike) -> Variable:
        """Look up the rows."""
        return embed_id(x, self.W, self.ignore_label)
