"""Weight standardization."""

from __future__ import annotations

from chainette import Variable
from chainette.errors import ArgumentError, ShapeError
from chainette_functions import batch_normalization
from chainette_links.link import Link
from chainette_links.link_hooks.weight_hook import WeightHook, other_axes


class WeightStandardization(WeightHook):
    """Computes with ``(W - mean) / sqrt(var + eps)``, where mean and variance are taken over all axes but the first: of
    the weights of each output, and in a deconvolution, as Chainer has it, of each input.

    Args:
        eps: what keeps the divisor from 0.
        weight_name: the parameter.
        name: the hook's name; None means ``WeightStandardization``.

    Source: Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight Standardization", 2019.

    >>> import chainette_links as L
    >>> layer = L.Linear(2, 1, nobias=True, initialW=np.array([[3.0, 5.0]])).add_hook(WeightStandardization())
    >>> layer(np.array([[1.0, 3.0]], "f")).array.round(3)
    array([[2.]], dtype=float32)
    """

    name = "WeightStandardization"

    def __init__(self, *, eps: float = 1e-5, weight_name: str = "W", name: str | None = None) -> None:
        super().__init__(weight_name, name)
        if not eps > 0:
            raise ArgumentError(f"WeightStandardization: eps={eps} (expected a number above 0).")
        self.eps = eps

    def prepare(self, link: Link, W: Variable) -> None:
        if W.ndim < 2:
            raise ShapeError(f"{self.name}: {self.weight_name} has shape {W.shape} (expected at least two axes).")

    def weight(self, link: Link, W: Variable) -> Variable:
        with W.device.use():
            one, zero = W.xp.ones(len(W), W.dtype), W.xp.zeros(len(W), W.dtype)
        return batch_normalization(W, one, zero, self.eps, axis=other_axes(W, 0))
