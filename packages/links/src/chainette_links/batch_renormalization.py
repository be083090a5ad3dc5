"""Batch renormalization layer."""

from __future__ import annotations

from typing import Any

from chainette import Variable
from chainette.initializers import InitializerLike
from chainette.typing import ArrayLike, DTypeLike, Shape
from chainette_functions import batch_renormalization, fixed_batch_renormalization
from chainette_links.batch_normalization import BatchNormalization


class BatchRenormalization(BatchNormalization):
    """Batch renormalization: batch normalization that in training is corrected towards the running averages.

    Args:
        size: the number of channels, or the sizes of all axes but the first; None takes the channels from the first
            input.
        rmax: the limit of the factor ``r = sigma / sigma'`` of batch and running deviations: it lies within
            ``1 / rmax`` to ``rmax``.
        dmax: the limit of the shift ``d = (mean - mean') / sigma'``, which lies within ``-dmax`` to ``dmax``.
        decay: how much of the running averages stays at each call.
        eps: what keeps the divisors from 0.
        dtype: of parameters and averages; None means ``config.dtype``. The averages are at least float32.
        use_gamma: whether there is a ``gamma``; otherwise it counts as 1.
        use_beta: whether there is a ``beta``; otherwise it counts as 0.
        initial_gamma: what ``gamma`` starts from; None means ones.
        initial_beta: what ``beta`` starts from; None means zeros.
        initial_avg_mean: what ``avg_mean`` starts from; None means zeros.
        initial_avg_var: what ``avg_var`` starts from; None means ones.

    The source begins with ``rmax`` 1 and ``dmax`` 0, which is batch normalization, and raises both as the training
    goes on: assign to the attributes.

    Parameters and persistent values are those of BatchNormalization.

    Source: Ioffe, "Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models", NIPS 2017.

    >>> layer = BatchRenormalization(1, rmax=3, dmax=5)
    >>> layer(np.array([[1.0], [3.0]], "f")).array.round(3)  # the averages are 0 and 1
    array([[1.],
           [3.]], dtype=float32)
    """

    def __init__(
        self,
        size: int | Shape | None = None,
        rmax: float = 1,
        dmax: float = 0,
        decay: float = 0.9,
        eps: float = 2e-5,
        dtype: DTypeLike = None,
        use_gamma: bool = True,
        use_beta: bool = True,
        initial_gamma: InitializerLike = None,
        initial_beta: InitializerLike = None,
        initial_avg_mean: InitializerLike = None,
        initial_avg_var: InitializerLike = None,
    ) -> None:
        super().__init__(
            size, decay, eps, dtype, use_gamma, use_beta, initial_gamma, initial_beta,
            initial_avg_mean=initial_avg_mean, initial_avg_var=initial_avg_var,
        )  # fmt: skip
        self.rmax = rmax
        self.dmax = dmax

    def forward(self, x: ArrayLike, finetune: bool = False) -> Variable:
        """Normalize ``x``, ``(batch, channels, ...)``; ``finetune`` is that of BatchNormalization."""
        return super().forward(x, finetune=finetune)

    def _by_batch(self, x: Variable, gamma: Any, beta: Any, decay: float) -> Variable:
        return batch_renormalization(
            x, gamma, beta, self.rmax, self.dmax, self.eps, self.avg_mean, self.avg_var, decay, update_statistics=True
        )

    def _by_averages(self, x: Variable, gamma: Any, beta: Any) -> Variable:
        return fixed_batch_renormalization(x, gamma, beta, self.avg_mean, self.avg_var, self.eps)
