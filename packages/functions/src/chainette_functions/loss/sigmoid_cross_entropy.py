"""Cross entropy of independent yes/no labels."""

from chainette import Function, Variable, as_variable
from chainette.checks import removed_arguments, require_floating, require_integers, require_one_of, require_same_shape
from chainette.typing import Array, ArrayLike
from chainette_functions.activation.sigmoid import sigmoid


class SigmoidCrossEntropy(Function):
    """-(t log sigmoid(x) + (1 - t) log(1 - sigmoid(x))), from log(1 + exp(-abs(x))), which cannot overflow."""

    def __init__(self, normalize: bool, reduce: str) -> None:
        self.normalize = normalize
        self.reduce = reduce

    def forward(self, x: Array, t: Array) -> Array:
        kept = (t != -1).astype(x.dtype)
        loss = kept * (self.xp.log1p(self.xp.exp(-abs(x))) + (self.xp.maximum(x, 0) - x * t.astype(x.dtype)))
        self.count = 1
        if self.reduce == "mean":
            self.count = max(int((t != -1).sum()) if self.normalize else len(x), 1)
            loss = (loss.sum(dtype="f" if x.dtype == "e" else None) / self.count).astype(x.dtype)
        self.retain(x=x, t=t, kept=kept)
        return loss

    def backward(self, gy: Variable) -> tuple[Variable, None]:
        kept: Array = self.retained("kept")
        x, t = self.retained("x"), self.retained("t")
        return (sigmoid(x) - t.array.astype(x.dtype)) * (kept * (1 / self.count)) * gy, None


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def sigmoid_cross_entropy(x: ArrayLike, t: ArrayLike, *, normalize: bool = True, reduce: str = "mean") -> Variable:
    """Cross entropy of independent binary labels, ``-(t log p + (1 - t) log(1 - p))`` with ``p = sigmoid(x)``.

    Args:
        x: scores, ``(batch, ...)``, a floating dtype. No value overflows.
        t: labels of the shape of ``x``, an integer dtype: 1, 0, or -1 for "not known", which does not count.
        normalize: divide the sum by the number of labels that count (at least 1); False: by the batch size.
        reduce: ``"mean"``, or ``"no"`` for the loss of each element.

    Returns:
        A 0-d Variable, or one of the shape of ``x``.

    Raises:
        ShapeError: the shapes differ.
        DtypeError: ``t`` is not of integers, or ``x`` is not floating.

    >>> sigmoid_cross_entropy(np.array([[0.0, 1000.0]]), np.array([[1, 1]])).array
    array(0.34657359)
    """
    x, t = as_variable(x), as_variable(t)
    require_one_of("sigmoid_cross_entropy", "reduce", reduce, ("mean", "no"))
    require_floating("sigmoid_cross_entropy", x=x)
    require_integers("sigmoid_cross_entropy", t=t)
    require_same_shape("sigmoid_cross_entropy", x=x, t=t)
    return SigmoidCrossEntropy(normalize, reduce).apply(x, t)
