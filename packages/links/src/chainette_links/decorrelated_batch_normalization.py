"""Decorrelated batch normalization layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainette import Variable, as_variable, config
from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Array, ArrayLike, DTypeLike
from chainette_functions import decorrelated_batch_normalization, fixed_decorrelated_batch_normalization
from chainette_functions.util.recomputing import is_recomputing
from chainette_links.link import Link


class DecorrelatedBatchNormalization(Link):
    """Decorrelated batch normalization, ``y = (C + eps)^(-1/2) (x - mean)``: ZCA whitening of groups of channels.

    In training, mean and covariance ``C`` are those of the batch, and running averages of the mean and of the matrix
    are kept. Where ``chainette.config.train`` is False, the running averages are used.

    Args:
        size: the number of channels.
        groups: into how many groups of neighbours they are divided.
        decay: how much of the running averages stays at each call.
        eps: what is added to the covariance's diagonal.
        dtype: of the averages.

    Persistent values: ``avg_mean`` of shape (groups, size // groups), ``avg_projection`` of shape
    (groups, size // groups, size // groups), which starts as identity matrices, and ``N``, the number of calls since
    ``start_finetuning``.

    Source: Huang, Yang, Lang, Deng, "Decorrelated Batch Normalization", CVPR 2018.

    >>> layer = DecorrelatedBatchNormalization(2, groups=1)
    >>> layer(np.array([[1.0, 1.0], [-1.0, -1.0], [2.0, -2.0], [-2.0, 2.0]], "f")).array.round(3)
    array([[ 1.,  1.],
           [-1., -1.],
           [ 1., -1.],
           [-1.,  1.]], dtype=float32)
    """

    avg_mean: Array
    avg_projection: Array
    N: int

    def __init__(
        self, size: int, groups: int = 16, decay: float = 0.9, eps: float = 2e-5, dtype: DTypeLike = "float32"
    ) -> None:
        super().__init__()
        if groups < 1:
            raise ArgumentError(f"DecorrelatedBatchNormalization: groups={groups} (expected at least 1).")
        if size % groups:
            raise ShapeError(f"DecorrelatedBatchNormalization: {size} channels do not divide into groups={groups}.")
        self.groups = groups
        self.decay = decay
        self.eps = eps
        channels = size // groups
        self.add_persistent("avg_mean", np.zeros((groups, channels), dtype))
        self.add_persistent("avg_projection", np.tile(np.eye(channels, dtype=dtype), (groups, 1, 1)))
        self.add_persistent("N", 0)

    def _copy(self, mode: str, memo: dict[int, Any]) -> Any:
        is_new = id(self) not in memo
        copied = super()._copy(mode, memo)
        if is_new and mode == "init":
            with self.device.use():
                copied.avg_mean[...] = 0
                copied.avg_projection[...] = self.xp.eye(self.avg_mean.shape[1])
            copied.N = 0
        return copied

    def forward(self, x: ArrayLike, *, finetune: bool = False) -> Variable:
        """Decorrelate ``x``.

        Args:
            x: ``(batch, channels, ...)``.
            finetune: in training: let the running averages become the plain means over all batches since
                ``start_finetuning``.
        """
        x = as_variable(x)
        if not config.train:
            return fixed_decorrelated_batch_normalization(x, self.avg_mean, self.avg_projection, self.groups)
        y = decorrelated_batch_normalization(
            x, groups=self.groups, eps=self.eps, running_mean=self.avg_mean, running_projection=self.avg_projection,
            decay=1 - 1 / (self.N + 1) if finetune else self.decay,
        )  # fmt: skip
        if finetune and x.size and not is_recomputing():
            self.N += 1
        return y

    def start_finetuning(self) -> None:
        """Begin a count of the batches for calls with ``finetune=True``."""
        self.N = 0
