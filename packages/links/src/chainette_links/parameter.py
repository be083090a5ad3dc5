"""A link that is one parameter."""

from __future__ import annotations

import chainette
from chainette import Variable
from chainette_links.link import Link


class Parameter(Link):
    """A link that holds an array and gives it back as a Variable: a constant that learns.

    Args:
        array: what ``W`` starts from, used as it is.

    Parameter: ``W``.

    >>> Parameter(np.ones(2, "f"))()
    variable W([1., 1.])
    """

    def __init__(self, array: chainette.typing.Array) -> None:
        super().__init__()
        with self.init_scope():
            self.W = chainette.Parameter(array, name="W")

    def forward(self) -> Variable:
        """``W`` itself."""
        return self.W
