"""Batch normalization by given statistics."""

from chainette import Function, Variable, as_variable
from chainette.checks import removed_arguments
from chainette.operators import cast, reshape
from chainette.typing import Array, ArrayLike, Axis
from chainette_functions.math.sqrt import rsqrt
from chainette_functions.normalization.batch_normalization import require_features
from chainette_functions.normalization.standardize import require_eps


class FixedBatchNormalization(Function):
    """gamma (x - mean) / sqrt(var + eps) + beta, where all have as many axes as x."""

    def __init__(self, eps: float) -> None:
        self.eps = eps

    def forward(self, x: Array, gamma: Array, beta: Array, mean: Array, var: Array) -> Array:
        self.retain(x=x, gamma=gamma, mean=mean, var=var)
        y = x - (mean.astype("f") if mean.dtype == "e" else mean)
        y *= gamma / self.xp.sqrt((var.astype("f") if var.dtype == "e" else var) + self.eps)
        y += beta
        return y.astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> tuple[Variable | None, ...]:
        kept = [self.retained(name) for name in ("x", "gamma", "mean", "var")]
        x, gamma, mean, var = (cast(each, "f") if each.dtype == "e" else each for each in kept)
        factor = rsqrt(var + self.eps)
        wanted = self.needs_input_grad
        gx = gy * (gamma * factor)
        ggamma = gy * ((x - mean) * factor) if wanted[1] or wanted[4] else None
        gvar = ggamma * (gamma * factor * factor * -0.5) if ggamma is not None and wanted[4] else None
        return gx, ggamma, gy, -gx if wanted[3] else None, gvar


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def fixed_batch_normalization(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    mean: ArrayLike,
    var: ArrayLike,
    eps: float = 2e-5,
    *,
    axis: Axis = None,
) -> Variable:
    """Batch normalization by given statistics, ``gamma (x - mean) / sqrt(var + eps) + beta``: for prediction.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype.
        gamma: factors, of x's shape without the axes of ``axis``: ``(channels,)``, or ``x.shape[1:]`` for one a unit.
        beta: what is added, of the shape of ``gamma``.
        mean: what is subtracted, of the shape of ``gamma``.
        var: variances, of the shape of ``gamma``.
        eps: what keeps the divisor from 0, above 0. Chainer 1.7 left it out here; it is added, as since 1.14.
        axis: the axes that gamma does not have; None for axis 0 and all that follow gamma's.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit, or there is no such axis.
        DtypeError: an array is not floating.
        ArgumentError: ``eps`` is not above 0.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", ICML 2015.

    >>> one, mean, var = np.array([1.0]), np.array([2.0]), np.array([4.0])
    >>> fixed_batch_normalization(np.array([[2.0], [6.0]]), one, one, mean, var).array.round(3)
    array([[1.],
           [3.]])
    """
    name = "fixed_batch_normalization"
    x = as_variable(x)
    parameters = {"gamma": gamma, "beta": beta, "mean": mean, "var": var}
    variables = {which: as_variable(parameter) for which, parameter in parameters.items()}
    _, aligned = require_features(name, x, axis, **variables)
    require_eps(name, eps)
    return FixedBatchNormalization(eps).apply(x, *(reshape(each, aligned) for each in variables.values()))
