"""Parametric rectified linear unit."""

from __future__ import annotations

from chainette import Parameter, Variable
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import ArrayLike, Shape
from chainette_functions import prelu
from chainette_links.link import Link


class PReLU(Link):
    """Parametric rectified linear unit, ``x`` where x >= 0, else ``W x``.

    Args:
        shape: the shape of ``W``: how that of one sample begins; the rest is broadcast. For one slope for each channel
            of an image it is ``(channels,)``, for one slope in all ``()``.
        init: what ``W`` starts from.

    Parameter: ``W``.

    Source: He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", ICCV 2015.

    >>> PReLU()(np.array([[-2.0, 3.0]], "f")).array
    array([[-0.5,  3. ]], dtype=float32)
    """

    def __init__(self, shape: int | Shape = (), init: InitializerLike = 0.25) -> None:
        super().__init__()
        with self.init_scope():
            self.W = Parameter(get_initializer(init), shape)

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the unit to each element."""
        return prelu(x, self.W)
