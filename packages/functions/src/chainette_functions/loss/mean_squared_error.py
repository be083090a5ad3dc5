"""Mean squared error."""

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_same_shape
from chainette.typing import Array, ArrayLike


class MeanSquaredError(Function):
    """mean((x0 - x1)^2)."""

    def forward(self, x0: Array, x1: Array) -> Array:
        self.retain(x0=x0, x1=x1)
        difference = (x0 - x1).ravel()
        if difference.dtype == "e":  # squares of float16 overflow beyond 255
            difference = difference.astype("f")
        return self.xp.asarray(difference.dot(difference) / max(difference.size, 1), x0.dtype)

    def backward(self, gy: Variable) -> tuple[Variable, Variable]:
        x0, x1 = self.retained("x0"), self.retained("x1")
        gx0 = (x0 - x1) * (gy * (2 / max(x0.size, 1)))
        return gx0, -gx0


def mean_squared_error(x0: ArrayLike, x1: ArrayLike) -> Variable:
    """Mean squared error, ``mean((x0 - x1)^2)`` over all elements.

    Args:
        x0: any shape, a floating dtype.
        x1: the shape of ``x0``.

    Returns:
        A 0-d Variable; 0 for empty arrays.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.

    >>> mean_squared_error(np.array([1.0, 2.0]), np.array([1.0, 4.0])).array
    array(2.)
    """
    x0, x1 = as_variable(x0), as_variable(x1)
    require_floating("mean_squared_error", x0=x0, x1=x1)
    require_same_shape("mean_squared_error", x0=x0, x1=x1)
    return MeanSquaredError().apply(x0, x1)
