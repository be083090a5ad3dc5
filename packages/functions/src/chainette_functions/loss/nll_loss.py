"""Negative log-likelihood of one class among several, from log-probabilities."""

from typing import Any

import numpy.typing as npt

from chainette import Function, Variable, as_variable, to_device
from chainette.checks import require_floating, require_integers, require_one_of, require_range, require_shape
from chainette.errors import ShapeError
from chainette.typing import Array, ArrayLike, DTypeLike
from chainette_functions.loss.reduction import reduced_over_labels


class NLLLoss(Function):
    """-factor x[t]; 0 where the factor is 0, whatever x is there."""

    def forward(self, x: Array, t: Array, factor: Array) -> Array:
        self.retain(t=t, factor=factor)
        self.in_shape = x.shape
        picked = self.xp.take_along_axis(x, t[:, None], 1)[:, 0]
        return factor * (0 - self.xp.where(factor != 0, picked, 0))  # the 0 is for the sign of a loss of 0

    def backward(self, gy: Variable) -> tuple[Variable, None, None]:
        return NLLLossGrad(self.in_shape).apply(gy, self.retained("t"), self.retained("factor")), None, None


class NLLLossGrad(Function):
    """Zeros, with -factor gy at t: linear in gy, so that NLLLoss is its gradient."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def forward(self, gy: Array, t: Array, factor: Array) -> Array:
        self.retain(t=t, factor=factor)
        gx = self.xp.zeros(self.shape, gy.dtype)
        self.xp.put_along_axis(gx, t[:, None], (-factor * gy)[:, None], 1)
        return gx

    def backward(self, ggx: Variable) -> tuple[Variable, None, None]:
        return NLLLoss().apply(ggx, self.retained("t"), self.retained("factor")), None, None


def nll_loss(
    x: ArrayLike,
    t: ArrayLike,
    *,
    normalize: bool = True,
    class_weight: npt.NDArray[Any] | None = None,
    ignore_label: int = -1,
    reduce: str = "mean",
) -> Variable:
    """Negative log-likelihood, ``-x_t``, of log-probabilities such as those of ``log_softmax``.

    Args:
        x: log-probabilities, ``(batch, classes, ...)``, a floating dtype.
        t: true classes, ``(batch, ...)``, an integer dtype.
        normalize: divide the sum by the number of positions that count (at least 1); False: by the batch size.
            Neither is weighted.
        class_weight: ``(classes,)``: each position's loss is multiplied by the weight of its true class.
        ignore_label: positions with this class do not count.
        reduce: ``"mean"``, or ``"no"`` for the loss of each position (0 where ignored).

    Returns:
        A 0-d Variable, or one of shape ``(batch, ...)``, of x's dtype. 0 if every position is ignored.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: ``t`` is not of integers, or ``x`` is not floating.
        ArgumentError: a class is out of range, or ``reduce`` is none of the above.

    >>> round(nll_loss(np.log(np.array([[0.5, 0.5], [0.25, 0.75]])), np.array([0, 0])).item(), 4)
    1.0397
    """
    x, t = as_variable(x), as_variable(t)
    require_one_of("nll_loss", "reduce", reduce, ("mean", "no"))
    require_floating("nll_loss", x=x)
    require_classes("nll_loss", x)
    require_integers("nll_loss", t=t)
    require_shape("nll_loss", "t", t, (x.shape[0], *x.shape[2:]))
    require_range("nll_loss", "t", t.array, 0, x.shape[1], ignore_label)
    dtype: DTypeLike = "f" if x.dtype == "e" else x.dtype
    weight = weights_of_classes("nll_loss", class_weight, x, dtype)
    with x.device.use():
        kept = t.array != ignore_label
        picked = x.xp.where(kept, t.array, 0)
        factor = kept.astype(dtype) if weight is None else kept * weight[picked]
    return reduced_over_labels(NLLLoss().apply(x, picked, factor), reduce, x, kept, normalize)


def require_classes(function: str, x: Variable) -> None:
    """The second axis of ``x`` can stand for classes.

    Raises:
        ShapeError: there is none, or it is empty.
    """
    if x.ndim < 2 or x.shape[1] == 0:
        raise ShapeError(f"{function}: x has shape {x.shape} (expected (batch, classes, ...), with a class or more).")


def weights_of_classes(function: str, class_weight: Any, x: Variable, dtype: DTypeLike) -> Array | None:
    """The weights of the classes of ``x``, where it lies, in ``dtype``; None if there are none.

    Raises:
        ShapeError: there is not one for each class.
    """
    if class_weight is None:
        return None
    weight = as_variable(class_weight)
    require_shape(function, "class_weight", weight, (x.shape[1],))
    return to_device(weight.array, x.device).astype(dtype, copy=False)
