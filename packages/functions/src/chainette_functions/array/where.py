"""Choosing between two arrays."""

from chainette import Function, Variable, as_variable
from chainette.errors import DtypeError
from chainette.typing import Array, ArrayLike


class Where(Function):
    """x where the condition holds, else y; a gradient goes only to what was chosen."""

    def forward(self, condition: Array, x: Array, y: Array) -> Array:
        self.retain(condition=condition)
        return self.xp.where(condition, x, y)

    def backward(self, gz: Variable) -> tuple[None, Variable | None, Variable | None]:
        condition = self.retained("condition")
        _, first, second = self.needs_input_grad
        return (
            None,
            Where().apply(condition, gz, 0.0) if first else None,
            Where().apply(condition, 0.0, gz) if second else None,
        )


def where(condition: ArrayLike, x: ArrayLike, y: ArrayLike) -> Variable:
    """``x`` where ``condition`` is true, else ``y``, element by element; all three are broadcast.

    Args:
        condition: a boolean array.
        x: any dtype.
        y: any dtype.

    Raises:
        DtypeError: ``condition`` is not boolean.

    >>> where(np.array([True, False]), np.array([1.0, 2.0]), -1.0).array
    array([ 1., -1.])
    """
    condition = as_variable(condition)
    if condition.dtype != "?":
        raise DtypeError(f"where: condition is {condition.dtype} (expected bool). Write e.g. condition > 0.")
    return Where().apply(condition, x, y)
