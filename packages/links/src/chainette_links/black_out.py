"""BlackOut layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from chainette import Parameter, Variable, as_variable
from chainette.checks import require_ndim
from chainette.initializers import LeCunNormal
from chainette.typing import ArrayLike
from chainette_functions import black_out
from chainette_links.link import Link
from chainette_links.walker_alias import WalkerAlias


class BlackOut(Link):
    """BlackOut loss, ``-log p_t - sum_k log(1 - p_k)``, where ``p`` is a softmax over the true and some random words.

    Args:
        in_size: the length of a feature vector.
        counts: how often each word occurs: in proportion to it random words are drawn.
        sample_size: how many random words there are for each true one.

    Parameter: ``W`` of shape (words, in_size).

    Attributes:
        sampler: the WalkerAlias that draws.
        sample_data: random words to use in place of drawn ones, ``(batch, sample_size)``; None to draw.

    Source: Ji et al., "BlackOut: Speeding up Recurrent Neural Network Language Models With Very Large Vocabularies",
    ICLR 2016.

    >>> layer = BlackOut(3, counts=[5, 2, 1], sample_size=1)
    >>> round(layer(np.zeros((2, 3), "f"), np.array([0, 1])).item(), 4)  # two words of the probability 1/2
    1.3863
    """

    def __init__(self, in_size: int, counts: Sequence[float] | npt.NDArray[Any], sample_size: int) -> None:
        super().__init__()
        self.sample_size = sample_size
        self.sampler = WalkerAlias(counts)
        self.sample_data: Any = None
        with self.init_scope():
            self.W = Parameter(LeCunNormal(), (len(counts), in_size))

    def forward(self, x: ArrayLike, t: ArrayLike) -> Variable:
        """The mean loss of true words ``t``, ``(batch,)``, for features ``x``, ``(batch, in_size)``."""
        x, samples = as_variable(x), self.sample_data
        if samples is None:
            require_ndim("BlackOut", "x", x, 1, "(batch, in_size)")
            samples = self.sampler.sample((len(x), self.sample_size), x.device)
        return black_out(x, t, self.W, samples)
