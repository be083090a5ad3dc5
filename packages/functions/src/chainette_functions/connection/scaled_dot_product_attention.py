"""Scaled dot-product attention."""

import math

import numpy as np

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_ndim
from chainette.errors import ArgumentError, DtypeError, ShapeError
from chainette.operators import cast, matmul
from chainette.operators.broadcast import can_broadcast
from chainette.typing import Array, ArrayLike, Shape
from chainette_functions.activation.softmax import Softmax
from chainette_functions.array.where import Where
from chainette_functions.noise.dropout import dropout as drop


class MaskedSoftmax(Softmax):
    """Softmax in which -inf is a weight of 0, also where a row holds nothing else."""

    def forward(self, x: Array) -> Array:
        xp, axis = self.xp, self.axis
        if x.shape[axis]:
            highest = x.max(axis, keepdims=True)
            y = xp.exp(x - xp.where(highest == -math.inf, 0, highest))
            total = y.sum(axis, dtype="f" if x.dtype == "e" else None, keepdims=True)
            y /= xp.where(total == 0, 1, total)
        else:
            y = x.copy()
        self.retain(y=y)
        return y


def scaled_dot_product_attention(
    query: ArrayLike,
    key: ArrayLike,
    value: ArrayLike,
    *,
    mask: ArrayLike | None = None,
    dropout: float = 0.0,
    causal: bool = False,
    scale: float | None = None,
) -> Variable:
    """Scaled dot-product attention, ``softmax(scale query key^T + mask) value`` over the last two axes.

    Args:
        query: ``(..., targets, depth)``, a floating dtype.
        key: ``(..., sources, depth)``.
        value: ``(..., sources, width)``. The leading axes of all three are broadcast.
        mask: what broadcasts to ``(..., targets, sources)``: booleans, True where a target sees a source; or numbers to
            be added, -inf for what it does not see, which get a gradient. A target that sees nothing gets zeros.
        dropout: the probability with which a weight is dropped in training, as ``dropout`` does.
        causal: let target ``i`` see the sources up to the ``i``-th only, besides what ``mask`` says.
        scale: None for ``1 / sqrt(depth)``.

    Returns:
        ``(..., targets, width)``.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: an array is not floating, or the mask neither boolean nor floating.
        ArgumentError: ``dropout`` is out of range.

    Source: Vaswani et al., "Attention Is All You Need", NIPS 2017.

    >>> query = key = value = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> scaled_dot_product_attention(query, key, value, scale=1000.0).array
    array([[1., 0.],
           [0., 1.]])
    >>> scaled_dot_product_attention(query, key, value, mask=np.array([[True, True], [False, False]]), scale=0.0).array
    array([[0.5, 0.5],
           [0. , 0. ]])
    """
    name = "scaled_dot_product_attention"
    query, key, value = as_variable(query), as_variable(key), as_variable(value)
    require_floating(name, query=query, key=key, value=value)
    for which, x in (("query", query), ("key", key), ("value", value)):
        require_ndim(name, which, x, 2, "(..., length, depth)")
    lead = _leading_axes(name, query, key, value)
    if not 0 <= dropout < 1:
        raise ArgumentError(f"{name}: dropout={dropout} is out of range (expected 0 <= dropout < 1).")
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1] or 1)
    targets, sources = query.shape[-2], key.shape[-2]
    if mask is not None:
        mask = as_variable(mask)
        if not can_broadcast(mask.shape, (*lead, targets, sources)):
            raise ShapeError(
                f"{name}: mask of shape {mask.shape} does not broadcast to {(*lead, targets, sources)}, "
                "(..., targets, sources)."
            )
        if mask.dtype.kind not in "bf":
            raise DtypeError(f"{name}: mask is {mask.dtype} (expected bool, True where a target sees a source).")

    scores = matmul(query * scale, key, transb=True)
    dtype = scores.dtype  # a mask may be wider
    if mask is not None:
        scores = Where().apply(mask, scores, -math.inf) if mask.dtype == "?" else scores + mask
    if causal:
        with query.device.use():
            seen = query.xp.arange(targets)[:, None] >= query.xp.arange(sources)
        scores = Where().apply(seen, scores, -math.inf)
    weights = cast(MaskedSoftmax(scores.ndim - 1).apply(scores), dtype)
    return matmul(drop(weights, dropout) if dropout else weights, value)


def _leading_axes(name: str, query: Variable, key: Variable, value: Variable) -> Shape:
    """The broadcast leading axes, of arrays whose last two fit."""
    shapes = f"(query: {query.shape}, key: {key.shape}, value: {value.shape})"
    if query.shape[-1] != key.shape[-1]:
        raise ShapeError(f"{name}: query has depth {query.shape[-1]} but key has {key.shape[-1]} {shapes}.")
    if key.shape[-2] != value.shape[-2]:
        raise ShapeError(f"{name}: there are {key.shape[-2]} keys but {value.shape[-2]} values {shapes}.")
    try:
        return np.broadcast_shapes(query.shape[:-2], key.shape[:-2], value.shape[:-2])
    except ValueError:
        raise ShapeError(f"{name}: the leading axes do not broadcast {shapes}.") from None
