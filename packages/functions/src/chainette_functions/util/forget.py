"""The older name of checkpointing."""

from collections.abc import Callable
from typing import Any

from chainette.typing import ArrayLike
from chainette_functions.util.checkpoint import checkpoint


def forget(func: Callable[..., Any], *xs: ArrayLike) -> Any:
    """``func(*xs)``, whose intermediate results are computed again in backward: ``checkpoint`` by its older name.

    Args:
        func: takes and returns Variables.
        xs: Variables or arrays.

    Returns:
        What the function returns: a Variable or a tuple of Variables.

    >>> x = chainette.Variable(np.array([1.0, 2.0]))
    >>> forget(lambda h: h * h, x).array
    array([1., 4.])
    """
    return checkpoint(func, *xs)
