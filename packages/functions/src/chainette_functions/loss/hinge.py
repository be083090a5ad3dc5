"""Hinge loss."""

from chainette import Variable, as_variable
from chainette.checks import require_floating, require_integers, require_one_of, require_range, require_shape
from chainette.errors import ShapeError
from chainette.typing import ArrayLike
from chainette_functions.activation.relu import relu
from chainette_functions.loss.reduction import reduced, widen
from chainette_functions.math.square import square


def hinge(x: ArrayLike, t: ArrayLike, norm: str = "L1", reduce: str = "mean") -> Variable:
    """Hinge loss of one class against each other, ``max(0, 1 - x)`` for the true class, ``max(0, 1 + x)`` for others.

    Args:
        x: scores, ``(batch, classes)``, a floating dtype.
        t: true classes, ``(batch,)``, an integer dtype.
        norm: ``"L1"``, or ``"L2"`` for the squares.
        reduce: ``"mean"`` divides the sum over all scores by the batch size; ``"no"`` gives the loss of each score.

    Returns:
        A 0-d Variable (0 for an empty batch), or one of the shape of ``x``. The gradient at the hinge is 0.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: ``t`` is not of integers, or ``x`` is not floating.
        ArgumentError: a class is out of range, or ``norm`` or ``reduce`` is none of the above.

    >>> hinge(np.array([[3.0, -3.0], [0.5, -3.0]]), np.array([0, 1])).array
    array(2.75)
    """
    x, t = as_variable(x), as_variable(t)
    require_one_of("hinge", "norm", norm, ("L1", "L2"))
    require_one_of("hinge", "reduce", reduce, ("mean", "no"))
    require_floating("hinge", x=x)
    require_integers("hinge", t=t)
    if x.ndim != 2:
        raise ShapeError(f"hinge: x has shape {x.shape} (expected (batch, classes)).")
    require_shape("hinge", "t", t, x.shape[:1])
    require_range("hinge", "t", t.array, 0, x.shape[1])
    score = widen(x)
    with x.device.use():
        is_true = x.xp.arange(x.shape[1]) == t.array[:, None]
        sign = x.xp.where(is_true, -1, 1).astype(score.dtype)
    loss = relu(score * sign + 1)
    return reduced(square(loss) if norm == "L2" else loss, reduce, [x], len(x))
