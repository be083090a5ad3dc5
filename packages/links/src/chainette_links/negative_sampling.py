"""Negative sampling layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette import Parameter, as_variable
from chainette.initializers import Zero
from chainette.typing import ArrayLike, DTypeLike
from chainette_functions import negative_sampling
from chainette_links.link import Link
from chainette_links.walker_alias import WalkerAlias


class NegativeSampling(Link):
    """The loss of telling true words from random ones: ``-log sigmoid(x W_t) - sum_k log sigmoid(-x W_k)``.

    Args:
        in_size: the length of a feature vector.
        counts: how often each word occurs.
        sample_size: how many random words each true one is told from.
        power: random words are drawn in proportion to ``counts`` to this power.
        dtype: of ``W``; None means ``config.dtype``.

    Parameter: ``W`` of shape (words, in_size), which starts as zeros.

    Attribute: ``sampler``, the WalkerAlias that draws.

    Source: Mikolov et al., "Distributed Representations of Words and Phrases and their Compositionality", NIPS 2013.

    >>> layer = NegativeSampling(3, counts=[5, 2, 1], sample_size=2)
    >>> round(layer(np.ones((1, 3), "f"), np.array([1])).item(), 4)  # three times log 2
    2.0794
    """

    def __init__(
        self,
        in_size: int,
        counts: Sequence[float] | npt.NDArray[Any],
        sample_size: int,
        power: float = 0.75,
        dtype: DTypeLike = None,
    ) -> None:
        super().__init__()
        self.sample_size = sample_size
        self.sampler = WalkerAlias(np.asarray(counts, "d") ** power)
        with self.init_scope():
            self.W = Parameter(Zero(dtype), (len(counts), in_size))

    def forward(self, x: ArrayLike, t: ArrayLike, reduce: str = "sum", *, return_samples: bool = False) -> Any:
        """The loss.

        Args:
            x: features, ``(batch, in_size)``.
            t: true words, ``(batch,)``; -1 for "none", which costs nothing.
            reduce: ``"sum"`` over the batch, or ``"no"`` for the loss of each true word.
            return_samples: also return the array of words, ``(batch, sample_size + 1)``, true ones first.
        """
        x = as_variable(x)

        def sampler(shape: Any) -> Any:
            return self.sampler.sample(shape, x.device)

        return negative_sampling(x, t, self.W, sampler, self.sample_size, reduce, return_samples=return_samples)
