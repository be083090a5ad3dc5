"""One element of each row."""

from chainette import Variable, as_variable
from chainette.checks import require_integers, require_range, require_shape
from chainette.errors import ShapeError
from chainette.operators import get_item
from chainette.typing import ArrayLike


def select_item(x: ArrayLike, t: ArrayLike) -> Variable:
    """One element of each row, ``y[i] = x[i, t[i]]``.

    Args:
        x: ``(rows, columns)``, any dtype.
        t: a column for each row, ``(rows,)``, an integer dtype.

    Returns:
        ``(rows,)``.

    Raises:
        ShapeError: ``x`` is no matrix, or ``t`` does not fit.
        DtypeError: ``t`` is not of integers.
        ArgumentError: a column is out of range.

    >>> select_item(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1, 0])).array
    array([2., 3.])
    """
    x, t = as_variable(x), as_variable(t)
    if x.ndim != 2:
        raise ShapeError(f"select_item: x has shape {x.shape} (expected (rows, columns)).")
    require_integers("select_item", t=t)
    require_shape("select_item", "t", t, x.shape[:1])
    require_range("select_item", "t", t.array, 0, x.shape[1])
    with x.device.use():
        return get_item(x, (x.xp.arange(x.shape[0]), t.array))
