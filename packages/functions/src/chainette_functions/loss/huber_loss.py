"""Huber loss and smooth L1 loss: squares of small errors, absolute values of large ones."""

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_ndim, require_one_of, require_same_shape
from chainette.errors import ArgumentError
from chainette.operators import absolute, sum
from chainette.typing import Array, ArrayLike
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.clip import clip


class Huber(Function):
    """c (x - c / 2) with c the error x clipped to delta, which is also the derivative."""

    def __init__(self, delta: float) -> None:
        self.delta = delta

    def forward(self, x: Array) -> Array:
        self.retain(x=x)
        clipped = self.xp.clip(x, -self.delta, self.delta)
        return clipped * (x - clipped / 2)

    def backward(self, gy: Variable) -> Variable:
        return gy * clip(self.retained("x"), -self.delta, self.delta)


def huber_loss(x: ArrayLike, t: ArrayLike, delta: float, reduce: str = "sum_along_second_axis") -> Variable:
    """Huber loss of the error ``a = |x - t|``: ``a^2 / 2`` up to ``delta``, then ``delta (a - delta / 2)``.

    Args:
        x: predictions, ``(batch, ...)``, a floating dtype.
        t: targets of the shape of ``x``, a floating dtype.
        delta: where the parabola becomes a line, above 0.
        reduce: ``"sum_along_second_axis"``, or ``"no"`` for the loss of each element.

    Returns:
        The shape of ``x`` without its second axis, or that of ``x``.

    Raises:
        ShapeError: the shapes differ, or there is no second axis to sum along.
        DtypeError: one of them is not floating.
        ArgumentError: ``delta`` or ``reduce`` is none of the above.

    Source: Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 1964.

    >>> huber_loss(np.array([[1.0, -5.0]]), np.zeros((1, 2)), delta=2.0).array
    array([8.5])
    """
    x, t = as_variable(x), as_variable(t)
    require_one_of("huber_loss", "reduce", reduce, ("sum_along_second_axis", "no"))
    if not delta > 0:
        raise ArgumentError(f"huber_loss: delta={delta} (expected a number above 0).")
    require_floating("huber_loss", x=x, t=t)
    require_same_shape("huber_loss", x=x, t=t)
    loss = Huber(delta).apply(widen(x) - t)
    if reduce == "sum_along_second_axis":
        require_ndim("huber_loss", "x", x, 2, "a second axis to sum along, or reduce='no'")
        loss = sum(loss, axis=1)
    return reduced(loss, "no", [x, t])


def smooth_l1_loss(x: ArrayLike, t: ArrayLike, *, beta: float = 1.0, reduce: str = "mean") -> Variable:
    """Smooth L1 loss of the error ``a = |x - t|``: ``a^2 / (2 beta)`` up to ``beta``, then ``a - beta / 2``.

    It is the Huber loss with ``delta=beta``, divided by ``beta``.

    Args:
        x: predictions, any shape, a floating dtype.
        t: targets of the shape of ``x``, a floating dtype.
        beta: where the parabola becomes a line of slope 1; 0 gives the absolute error.
        reduce: ``"mean"`` or ``"sum"`` over all elements, or ``"no"`` for the loss of each.

    Returns:
        A 0-d Variable (0 for empty arrays), or one of the shape of ``x``.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: one of them is not floating.
        ArgumentError: ``beta`` is negative, or ``reduce`` is none of the above.

    Source: Girshick, "Fast R-CNN", ICCV 2015, equation 3.

    >>> smooth_l1_loss(np.array([0.5, -5.0]), np.zeros(2), reduce="no").array
    array([0.125, 4.5  ])
    """
    x, t = as_variable(x), as_variable(t)
    require_one_of("smooth_l1_loss", "reduce", reduce, ("mean", "sum", "no"))
    if not beta >= 0:
        raise ArgumentError(f"smooth_l1_loss: beta={beta} (expected 0 or a number above).")
    require_floating("smooth_l1_loss", x=x, t=t)
    require_same_shape("smooth_l1_loss", x=x, t=t)
    error = widen(x) - t
    return reduced(Huber(beta).apply(error) / beta if beta else absolute(error), reduce, [x, t])
