"""What losses share: how they are summed up, in a dtype that holds the sum."""

from collections.abc import Sequence

import numpy as np

from chainette import Variable
from chainette.operators import cast, sum
from chainette.typing import Array


def widen(x: Variable) -> Variable:
    """float16 as float32, in which its squares and sums do not overflow; anything else as it is.

    What float16 is combined with a widened Variable is widened too, by promotion.
    """
    return cast(x, "f") if x.dtype == "e" else x


def reduced(loss: Variable, reduce: str, inputs: Sequence[Variable], count: int | None = None) -> Variable:
    """The losses in the dtype of the inputs: as they are, summed, or averaged.

    Args:
        loss: what ``widen`` led to, any shape.
        reduce: ``"no"``, ``"sum"``, or ``"mean"``: the sum divided by ``count``.
        inputs: the arguments whose dtypes, promoted, are that of the result.
        count: at least 1 is taken; None counts the elements of ``loss``.
    """
    if reduce != "no":
        count = loss.size if count is None else count
        loss = sum(loss)
        if reduce != "sum":
            loss = loss / max(count, 1)
    return cast(loss, np.result_type(*(x.dtype for x in inputs)))


def reduced_over_labels(loss: Variable, reduce: str, x: Variable, kept: Array, normalize: bool) -> Variable:
    """The losses in the dtype of ``x``: of each position, or their sum over the number of those kept (at least 1) or,
    without ``normalize``, over the batch size."""
    if reduce == "no":
        return reduced(loss, "no", [x])
    with x.device.use():
        count = int(kept.sum()) if normalize else len(x)
    return reduced(loss, "mean", [x], count)
