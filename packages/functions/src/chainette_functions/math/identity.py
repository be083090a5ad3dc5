"""Identity."""

from typing import Any

from chainette import Function, Variable, as_variable
from chainette.errors import ArgumentError
from chainette.typing import Array, ArrayLike


class Identity(Function):
    """The inputs themselves."""

    def forward(self, *xs: Array) -> tuple[Array, ...]:
        return xs

    def backward(self, *gys: Variable | None) -> tuple[Variable | None, ...]:
        return gys


def identity(*inputs: ArrayLike) -> Any:
    """The inputs as they are: new Variables over the same arrays, at which a graph can be watched or cut.

    Args:
        inputs: at least one, of any shape and dtype.

    Returns:
        A Variable for one input, a tuple of Variables for several.

    Raises:
        ArgumentError: there is none.

    >>> identity(np.array([1.0, 2.0])).array
    array([1., 2.])
    """
    if not inputs:
        raise ArgumentError("identity: there are no inputs (expected at least one array).")
    ys: Any = Identity().apply(*map(as_variable, inputs))
    return ys[0] if len(inputs) == 1 else ys
