"""Addition of a bias along an axis."""

from __future__ import annotations

from chainette import Parameter, Variable
from chainette.typing import ArrayLike, Shape
from chainette_functions import bias
from chainette_links.link import Link


class Bias(Link):
    """``x + b``, where the shape of ``b`` is that of ``x`` from ``axis`` on; what follows is broadcast.

    Args:
        axis: the first axis of ``x`` that ``b`` belongs to.
        shape: the shape of ``b``, which starts from zeros; None for a link without parameters, which is called with
            ``x`` and what to add.

    Parameter: ``b``; None without ``shape``.

    >>> Bias(axis=1, shape=(3,))(np.ones((2, 3, 4), "f")).shape
    (2, 3, 4)
    >>> Bias()(np.ones((1, 2), "f"), np.array([1, 2], "f")).array
    array([[2., 3.]], dtype=float32)
    """

    b: Parameter | None

    def __init__(self, axis: int = 1, shape: int | Shape | None = None) -> None:
        super().__init__()
        self.axis = axis
        with self.init_scope():
            self.b = None if shape is None else Parameter(0, shape)

    def forward(self, *xs: ArrayLike) -> Variable:
        """``x`` plus ``b``; without parameters ``x`` plus the second argument."""
        x, b = second_operand("Bias", "shape", xs, self.b)
        return bias(x, b, self.axis)


def second_operand(
    link: str, shape: str, xs: tuple[ArrayLike, ...], parameter: Parameter | None
) -> tuple[ArrayLike, ArrayLike]:
    """The two operands: the parameter if there is one, else the second argument.

    Raises:
        TypeError: there are too few arguments, or too many.
    """
    operands = xs if parameter is None else (*xs, parameter)
    if len(operands) != 2:
        meant = f"two, as it was made without {shape}" if parameter is None else f"one, as it was made with {shape}"
        raise TypeError(f"{link}: called with {len(xs)} arguments (expected {meant}).")
    return operands[0], operands[1]
