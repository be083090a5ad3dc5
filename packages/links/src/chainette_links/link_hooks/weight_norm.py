"""Weight normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainette import Variable
from chainette.checks import normalize_axis
from chainette.initializers import Constant
from chainette.typing import Array
from chainette_functions import normalize, reshape
from chainette_links.link import Link
from chainette_links.link_hooks.weight_hook import WeightHook, other_axes, output_axis

TINY = 1e-12
"""What keeps the length of a vector of zeros from being a divisor; it is lost in the rounding of any other."""


class WeightNorm(WeightHook):
    """Computes with ``g W / |W|``, where the weights of each output form a vector, whose length is learnt by itself.

    The lengths are a parameter of the link, ``W_g`` (the weight's name with ``_g``), one for each output. They start as
    those of ``W``, so that the link computes what it would without the hook. Deleting the hook gives them to ``W``.

    Args:
        weight_name: the parameter.
        axis: the axis along which the outputs lie; None means 0, and 1 for deconvolutions.
        name: the hook's name; None means ``WeightNorm``.

    Source: Salimans and Kingma, "Weight Normalization: A Simple Reparameterization to Accelerate Training of Deep
    Neural Networks", NIPS 2016.

    >>> import chainette_links as L
    >>> layer = L.Linear(2, 1, nobias=True, initialW=np.array([[3.0, 4.0]])).add_hook(WeightNorm())
    >>> layer.W_g.array
    array([5.], dtype=float32)
    >>> layer.W_g.array[...] = 10
    >>> layer(np.array([[1.0, 1.0]], "f")).array
    array([[14.]], dtype=float32)
    """

    name = "WeightNorm"

    def __init__(self, weight_name: str = "W", axis: int | None = None, name: str | None = None) -> None:
        super().__init__(weight_name, name)
        self.axis = axis
        self.lengths_name = f"{weight_name}_g"

    def axis_of(self, link: Link, W: Variable) -> int:
        return output_axis(link) if self.axis is None else normalize_axis(self.name, self.axis, W.ndim)

    def register(self, link: Link) -> None:
        W = getattr(link, self.weight_name)
        if W.is_initialized:
            self.axis_of(link, W)
        link.add_param(self.lengths_name, initializer=1)

    def prepare(self, link: Link, W: Variable) -> None:
        g = getattr(link, self.lengths_name)
        if not g.is_initialized:
            axis = self.axis_of(link, W)
            with W.device.use():
                g.initializer = Constant(self.lengths(W.array, other_axes(W, axis)), W.dtype)
                g.initialize((W.shape[axis],))

    def lengths(self, W: Array, axes: tuple[int, ...]) -> Array:
        return (W.astype(np.promote_types(W.dtype, "f")) ** 2).sum(axes) ** 0.5

    def weight(self, link: Link, W: Variable) -> Variable:
        axis, g = self.axis_of(link, W), getattr(link, self.lengths_name)
        aligned = tuple(size if i == axis else 1 for i, size in enumerate(W.shape))
        return normalize(W, TINY, other_axes(W, axis)) * reshape(g, aligned)

    def deleted(self, link: Any) -> None:
        W = getattr(link, self.weight_name)
        if W.is_initialized:
            W.array = self.weight(link, W).array
        delattr(link, self.lengths_name)
