"""Randomized leaky rectified linear unit."""

from typing import Any

import chainette
from chainette import Function, Variable, as_variable, random
from chainette.backend import device_of
from chainette.checks import require_floating, require_same_shape
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike


class RReLU(Function):
    """x where x >= 0, else r x, with a random r for each element."""

    def __init__(self, low: float, high: float, r: Array | None) -> None:
        self.low = low
        self.high = high
        self.r = r

    def forward(self, x: Array) -> Array:
        if self.r is None:
            share = random.generator(device_of(x)).random(x.shape, "f")
            self.r = (self.low + (self.high - self.low) * share).astype(x.dtype, copy=False)
        factor = self.xp.where(x >= 0, x.dtype.type(1), self.r.astype(x.dtype, copy=False))
        self.retain(factor=factor)
        return x * factor

    def backward(self, gy: Variable) -> Variable:
        return gy * self.retained("factor")


def rrelu(
    x: ArrayLike, l: float = 1.0 / 8, u: float = 1.0 / 3, *, r: Array | None = None, return_r: bool = False
) -> Any:
    """Randomized leaky ReLU, ``x`` where x >= 0, else ``r x``, element by element.

    In training each element's ``r`` is drawn evenly between ``l`` and ``u``; else, when ``chainette.config.train`` is
    False, all are their middle, ``(l + u) / 2``.

    Args:
        x: any shape, a floating dtype.
        l: the least slope.
        u: the largest slope.
        r: the slopes to use in place of those, in training or not: an array of the shape of ``x``.
        return_r: also return the slopes.

    Returns:
        The shape and dtype of ``x``; with ``return_r`` a pair of that and the array ``r``. The gradient at exactly 0
        is 1.

    Raises:
        ArgumentError: ``l`` is above ``u``.
        ShapeError: ``r`` does not have the shape of ``x``.
        DtypeError: ``x`` or ``r`` is not floating.

    The numbers come from ``chainette.random``: the same seed gives the same slopes.

    Source: Xu, Wang, Chen, Li, "Empirical Evaluation of Rectified Activations in Convolutional Network", 2015.

    >>> with chainette.test_mode():
    ...     rrelu(np.array([-24.0, 3.0])).array
    array([-5.5,  3. ])
    """
    x = as_variable(x)
    require_floating("rrelu", x=x)
    if not l <= u:
        raise ArgumentError(f"rrelu: l={l} and u={u} (expected l <= u).")
    if r is not None:
        require_floating("rrelu", r=r)
        require_same_shape("rrelu", x=x, r=r)
    elif not chainette.config.train:
        with x.device.use():
            r = x.xp.full(x.shape, (l + u) / 2, x.dtype)
    function = RReLU(l, u, r)
    y = function.apply(x)
    return (y, function.r) if return_r else y
