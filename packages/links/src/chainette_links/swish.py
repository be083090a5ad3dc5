"""Swish with a parameter."""

from __future__ import annotations

from chainette import Parameter, Variable, as_variable
from chainette.checks import require_floating
from chainette.initializers import InitializerLike, get_initializer
from chainette.typing import ArrayLike, Shape
from chainette_functions import swish
from chainette_links.link import Link


class Swish(Link):
    """Swish, ``x sigmoid(beta x)``.

    Args:
        beta_shape: the shape of ``beta``: how that of one sample begins; the rest is broadcast. None takes the whole
            shape of one sample from the first input.
        beta_init: what ``beta`` starts from.

    Parameter: ``beta``.

    Source: Ramachandran, Zoph, Le, "Searching for Activation Functions", 2017.

    >>> layer = Swish(beta_shape=(3,))
    >>> layer(np.zeros((2, 3, 4), "f")).shape
    (2, 3, 4)
    """

    def __init__(self, beta_shape: int | Shape | None, beta_init: InitializerLike = 1.0) -> None:
        super().__init__()
        with self.init_scope():
            self.beta = Parameter(get_initializer(beta_init), beta_shape)

    def forward(self, x: ArrayLike) -> Variable:
        """Apply the unit to each element."""
        x = as_variable(x)
        if not self.beta.is_initialized:
            require_floating("Swish", x=x)
            self.beta.initialize(x.shape[1:])
        return swish(x, self.beta)
