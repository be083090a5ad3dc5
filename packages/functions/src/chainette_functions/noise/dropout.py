"""Dropout."""

from typing import Any

import chainette
from chainette import Function, Variable, as_variable, random
from chainette.backend import device_of
from chainette.checks import require_floating, require_same_shape
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike


class Dropout(Function):
    """x times a random mask of 0 and 1 / (1 - ratio)."""

    def __init__(self, ratio: float, mask: Array | None = None) -> None:
        self.ratio = ratio
        self.mask = mask

    def forward(self, x: Array) -> Array:
        if self.mask is None:
            kept = random.generator(device_of(x)).random(x.shape, "f") >= self.ratio
            self.mask = kept * x.dtype.type(1 / (1 - self.ratio))
        self.retain(mask=self.mask)
        return x * self.mask

    def backward(self, gy: Variable) -> Variable:
        return gy * self.retained("mask")


def dropout(
    x: ArrayLike,
    ratio: float = 0.5,
    train: bool | None = None,
    *,
    mask: Array | None = None,
    return_mask: bool = False,
) -> Any:
    """Set random elements to 0 in training, and scale the others by ``1 / (1 - ratio)``, so that the mean stays.

    Args:
        x: any shape, a floating dtype.
        ratio: the probability with which an element becomes 0, ``0 <= ratio < 1``.
        train: whether to drop anything; None means ``chainette.config.train``.
        mask: the mask to use in place of a random one: 0 or ``1 / (1 - ratio)`` for each element.
        return_mask: also return the mask (None where nothing was dropped).

    Returns:
        ``x`` itself, as a Variable, when not training; else a Variable of its shape and dtype. With ``return_mask`` a
        pair of the result and the mask.

    Raises:
        ArgumentError: ``ratio`` is out of range.
        ShapeError: the mask does not have the shape of ``x``.

    The numbers come from ``chainette.random``: the same seed gives the same mask.

    Source: Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", JMLR 2014.

    >>> chainette.seed(0)
    >>> y = dropout(np.ones(1000), ratio=0.2)
    >>> sorted(set(y.array.tolist())), bool(abs(y.array.mean() - 1) < 0.1)
    ([0.0, 1.25], True)
    >>> dropout(np.ones(3), train=False).array
    array([1., 1., 1.])
    """
    if not 0 <= ratio < 1:
        raise ArgumentError(f"dropout: ratio={ratio} is out of range (expected 0 <= ratio < 1).")
    x = as_variable(x)
    require_floating("dropout", x=x)
    if not (chainette.config.train if train is None else train):
        return (x, None) if return_mask else x
    if mask is not None:
        require_same_shape("dropout", x=x, mask=mask)
    function = Dropout(ratio, mask)
    y = function.apply(x)
    return (y, function.mask) if return_mask else y
