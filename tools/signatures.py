"""Read by type checkers only, outside this repository: they must see F.relu as it is declared (nox -s types)."""

from typing import reveal_type

from chainette import Variable, functions
from chainette.typing import ArrayLike


def relu(x: ArrayLike) -> Variable:
    raise NotImplementedError


reveal_type(relu)
reveal_type(functions.relu)
