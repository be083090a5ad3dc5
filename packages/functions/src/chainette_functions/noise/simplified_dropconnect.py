"""Dropconnect, simplified."""

from math import prod

import chainette
from chainette import Variable, as_variable
from chainette.checks import require_floating, require_ndim, require_shape
from chainette.errors import ArgumentError
from chainette.operators import broadcast_to, matmul, reshape
from chainette.typing import Array, ArrayLike
from chainette_functions.connection.linear import linear
from chainette_functions.noise.dropout import Dropout


def simplified_dropconnect(
    x: ArrayLike,
    W: ArrayLike,
    b: ArrayLike | None = None,
    ratio: float = 0.5,
    train: bool | None = None,
    mask: Array | None = None,
    use_batchwise_mask: bool = True,
) -> Variable:
    """A linear transformation, ``x W^T + b``, with random weights set to 0 in training.

    The weights that stay are scaled by ``1 / (1 - ratio)``, so that the mean stays.

    Args:
        x: ``(batch, ...)``: what follows the batch axis is flattened to ``in_size`` features.
        W: weights, ``(out_size, in_size)``.
        b: biases, ``(out_size,)``, which always stay; None for none.
        ratio: the probability with which a weight becomes 0, ``0 <= ratio < 1``.
        train: whether to drop anything; None means ``chainette.config.train``.
        mask: which weights stay, in place of a random choice: booleans, or 1 and 0, one for each weight.
        use_batchwise_mask: whether each row of ``x`` has a choice of its own: masks are ``(batch, out_size, in_size)``
            then, else ``(out_size, in_size)``.

    Returns:
        ``(batch, out_size)``.

    Raises:
        ArgumentError: ``ratio`` is out of range.
        DtypeError: ``x`` or ``W`` is not floating.
        ShapeError: the sizes do not fit.

    The numbers come from ``chainette.random``: the same seed gives the same mask.

    Source: Wan et al., "Regularization of Neural Networks using DropConnect", ICML 2013. What is simplified: at test
    time all weights are used, where the paper draws samples from a normal distribution.

    >>> x, W = np.ones((2, 3)), np.ones((1, 3))
    >>> simplified_dropconnect(x, W, ratio=0.5, mask=np.array([[True, False, True]]), use_batchwise_mask=False).array
    array([[4.],
           [4.]])
    >>> simplified_dropconnect(x, W, train=False).array
    array([[3.],
           [3.]])
    """
    if not 0 <= ratio < 1:
        raise ArgumentError(f"simplified_dropconnect: ratio={ratio} is out of range (expected 0 <= ratio < 1).")
    x, W = as_variable(x), as_variable(W)
    require_floating("simplified_dropconnect", x=x, W=W)
    require_ndim("simplified_dropconnect", "x", x, 1, "(batch, ...)")
    x = reshape(x, (x.shape[0], prod(x.shape[1:])))
    require_ndim("simplified_dropconnect", "W", W, 2, "(out_size, in_size)")
    require_shape("simplified_dropconnect", "W", W, (W.shape[0], x.shape[1]))
    if b is not None:
        b = as_variable(b)
        require_shape("simplified_dropconnect", "b", b, W.shape[:1])
    if not (chainette.config.train if train is None else train):
        return linear(x, W, b)
    shape = (x.shape[0], *W.shape) if use_batchwise_mask else W.shape
    if mask is not None:
        require_shape("simplified_dropconnect", "mask", mask, shape)
        with W.device.use():
            mask = as_variable(mask).array.astype(W.dtype) * W.dtype.type(1 / (1 - ratio))
    W = Dropout(ratio, mask).apply(broadcast_to(W, shape))
    if not use_batchwise_mask:
        return linear(x, W, b)
    y = reshape(matmul(W, reshape(x, (*x.shape, 1))), shape[:2])
    return y if b is None else y + b
