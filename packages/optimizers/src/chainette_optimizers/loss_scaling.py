"""Loss scaling: gradients too small for half precision are computed from a loss that is larger by some factor."""

from __future__ import annotations

import numbers
from collections.abc import Iterable

import numpy as np

from chainette.errors import ArgumentError, NaNError
from chainette.parameter import Parameter
from chainette.variable import Variable
from chainette_optimizers.blocks import blocks
from chainette_optimizers.errors import WrongTypeError

LARGEST, SMALLEST = 2.0**15, 2.0**-24  # what float16 can hold


class LossScaling:
    """The factor, how it changes, and which one the present gradients have in them.

    Args:
        interval: after how many steps without an overflow the factor is doubled.
        scale: a factor that stays as it is. None: one that finds its size.

    The factor starts from 1 and is doubled at every step until one overflows, or 2^15 is reached. From then on an
    overflow halves it, and ``interval`` steps without one double it. Powers of 2 change no digit of a gradient.
    """

    def __init__(self, interval: int, scale: float | None) -> None:
        if not isinstance(interval, int | np.integer) or interval < 1:
            raise ArgumentError(f"loss_scaling: interval is {interval} (expected a whole number of at least 1).")
        self.interval = int(interval)
        self.is_dynamic = scale is None
        self.scale = 1.0 if scale is None else _checked(scale)
        self.has_overflowed = False
        self.good_steps = 0
        self.pending: float | None = None

    def begin(self, loss: Variable) -> None:
        """Let ``loss.backward()`` start from the factor, or from the gradient there times the factor."""
        scale = self.pending or self.scale  # batches that are added up must agree
        if loss.dtype.kind == "f" and scale > float(np.finfo(loss.dtype).max):
            raise ArgumentError(
                f"update: the loss is {loss.dtype}, which cannot hold the loss scale {scale:g}. "
                "Give loss_scaling a smaller one, or cast the loss to float32."
            )
        self.pending = scale
        with loss.device.use():
            if loss.grad is not None:
                loss.grad = loss.grad * scale
            elif loss.size == 1:  # else backward has an error of its own
                loss.grad = loss.xp.full_like(loss.array, scale)

    def is_safe(self, params: Iterable[Parameter]) -> bool:
        """Whether a step may be taken; the factor changes by the answer. A fixed factor is not checked."""
        if not self.is_dynamic:
            return True
        if are_finite(params):
            self.good_steps += 1
            if self.good_steps >= self.interval or not self.has_overflowed:
                self.scale, self.good_steps = min(2 * self.scale, LARGEST), 0
            return True
        self.pending = None
        if self.scale <= SMALLEST:
            raise NaNError(
                "update: gradients are infinite or NaN however small the loss scale. So is the loss, probably; "
                "chainette.set_debug(True) finds the function that makes NaN."
            )
        self.scale, self.good_steps, self.has_overflowed = self.scale / 2, 0, True
        return False

    def unscale(self, params: Iterable[Parameter]) -> None:
        """Take the factor out of the gradients again."""
        scale, self.pending = self.pending, None
        for param in params:
            grad = param.grad
            if grad is not None:
                with param.device.use():
                    dtype = np.promote_types(grad.dtype, np.float32)
                    param.xp.true_divide(grad, scale, out=grad, dtype=dtype, casting="same_kind")


def are_finite(params: Iterable[Parameter]) -> bool:
    """Whether no gradient has an infinite or NaN element."""
    answers = []
    for param in params:
        if param.grad is not None:
            with param.device.use():
                for g, finite in blocks(param.grad, buffers=[np.bool_]):
                    answers.append(param.xp.isfinite(g, out=finite).all())
    return all(map(bool, answers))  # asked at the end, so that an accelerator is waited for only once


def _checked(scale: float) -> float:
    if not isinstance(scale, numbers.Real):
        raise WrongTypeError(f"loss_scaling: scale is a {type(scale).__name__} (expected a number, or None).")
    if not 0 < scale < float("inf"):
        raise ArgumentError(f"loss_scaling: scale is {scale} (expected a finite number above 0).")
    return float(scale)
