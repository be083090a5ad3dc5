"""Splitting along an axis."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette import Variable, as_variable
from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette.typing import ArrayLike
from chainette_functions.array.concat import SplitAxis


def split_axis(
    x: ArrayLike, indices_or_sections: int | Sequence[int] | npt.NDArray[Any], axis: int, force_tuple: bool = True
) -> tuple[Variable, ...]:
    """Split ``x`` along an axis.

    Args:
        x: any dtype.
        indices_or_sections: the number of equal pieces, or the sorted positions at which to cut.
        axis: the axis to cut.
        force_tuple: False returns a bare Variable where there is only one piece.

    Returns:
        The pieces, as views. Pieces that no loss depends on count as having a gradient of zeros.

    Raises:
        ShapeError: the size is no multiple of the number of pieces, the positions are not sorted or lie outside, or
            there is no such axis.

    >>> a, b = split_axis(np.arange(6.0).reshape(2, 3), [1], axis=1)
    >>> a.shape, b.shape
    ((2, 1), (2, 2))
    """
    x = as_variable(x)
    axis = normalize_axis("split_axis", axis, x.ndim)
    size = x.shape[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        if indices_or_sections < 1 or size % indices_or_sections:
            raise ShapeError(
                f"split_axis: axis {axis} of x {x.shape} does not split into {indices_or_sections} equal pieces."
            )
        piece = size // int(indices_or_sections)
        positions = [piece * i for i in range(1, indices_or_sections)]
    else:
        positions = [int(i) for i in indices_or_sections]
        if positions != sorted(positions) or any(not 0 <= i <= size for i in positions):
            raise ShapeError(f"split_axis: positions {positions} must be sorted, within 0..{size} (x: {x.shape}).")
    pieces: Any = SplitAxis(positions, axis).apply(x)
    return pieces if force_tuple or len(pieces) > 1 else pieces[0]  # type: ignore[no-any-return]
