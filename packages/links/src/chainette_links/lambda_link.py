"""A function as a link."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainette.errors import ArgumentError
from chainette_links.link import Link


class Lambda(Link):
    """A link without parameters that calls a function: for where a link is needed, as in a ``Chain``.

    Args:
        function: what to call. One that is to be pickled with the link must be importable, and so no ``lambda``.

    >>> halve = Lambda(lambda x: x / 2)
    >>> halve(np.ones(2, "f"))
    array([0.5, 0.5], dtype=float32)
    >>> from chainette.functions import relu
    >>> Lambda(relu)
    Lambda  relu
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        if not callable(function) or isinstance(function, Link):
            raise ArgumentError(
                f"Lambda: got a {type(function).__name__} (expected a function; a Link needs no Lambda)."
            )
        self.function = function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function."""
        return self.function(*args, **kwargs)

    def _lines(self, name: str, depth: int) -> list[str]:
        """The function's name in place of shapes."""
        function = getattr(self.function, "__name__", self.function)
        return [f"{'  ' * depth}{name and name + ': '}Lambda  {function}"]
