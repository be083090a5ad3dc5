"""Batch renormalization."""

from typing import Any

from chainette import Variable, as_variable
from chainette.errors import ArgumentError
from chainette.operators import reshape
from chainette.typing import Array, ArrayLike
from chainette_functions.normalization.batch_normalization import (
    BatchNormalization,
    require_features,
    require_running,
)
from chainette_functions.normalization.fixed_batch_normalization import FixedBatchNormalization
from chainette_functions.normalization.standardize import StandardizeGrad, require_eps
from chainette_functions.util.recomputing import is_recomputing


class BatchRenormalization(BatchNormalization):
    """gamma (r x_hat + d) + beta, where r and d count as constants."""

    def __init__(
        self,
        axes: tuple[int, ...],
        eps: float,
        running_mean: Array,
        running_var: Array,
        decay: float,
        rmax: float,
        dmax: float,
        update: bool,
    ) -> None:
        super().__init__(axes, eps, running_mean, running_var, decay)
        self.rmax = rmax
        self.dmax = dmax
        self.update = update

    def forward(self, x: Array, gamma: Array, beta: Array) -> Array:
        y, factor = self.centred(x)
        r, d = self.corrections(x)
        self.retain(gamma=gamma, r=r, d=d)
        y *= factor * r * gamma
        y += d * gamma + beta
        if self.update:
            self.move_averages(x)
        return y.astype(x.dtype, copy=False)

    def corrections(self, x: Array) -> tuple[Array, Array]:
        """What would make x_hat standardized by the running averages, as far as the limits let it."""
        mean = self.before(self.running_mean, self.mean)
        sigma = self.xp.sqrt(self.before(self.running_var, self.unbiased_var(x)) + self.eps)
        r = self.xp.sqrt(self.var + self.eps) / sigma
        d = (self.mean - mean) / sigma
        return self.xp.clip(r, 1 / self.rmax, self.rmax), self.xp.clip(d, -self.dmax, self.dmax)

    def before(self, running: Array, now: Array) -> Array:
        """A running average as it was when this batch came for the first time."""
        before = running.reshape(now.shape)
        if self.update and self.decay and is_recomputing():
            return (before - (1 - self.decay) * now) / self.decay
        return before

    def backward(self, gy: Variable) -> tuple[Variable, Variable, Variable]:
        r, d = self.retained("r"), self.retained("d")
        statistics = self.retained("mean"), self.retained("rest"), self.retained("factor")
        gradients: Any = StandardizeGrad(self.axes, self.eps, *statistics).apply(
            self.retained("x"), self.retained("gamma") * r, gy
        )
        gx, gfactor, gbeta = gradients
        return gx, gfactor * r + gbeta * d, gbeta


def batch_renormalization(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    rmax: float,
    dmax: float,
    eps: float = 2e-5,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    decay: float = 0.9,
    update_statistics: bool = False,
) -> Variable:
    """Batch renormalization, ``gamma (r (x - mean) / sigma + d) + beta``: batch normalization that is corrected
    towards what the running averages would give.

    ``mean`` and ``sigma = sqrt(var + eps)`` are those of the batch. With ``sigma' = sqrt(running_var + eps)``,
    ``r`` is ``sigma / sigma'`` within ``1 / rmax`` to ``rmax``, and ``d`` is ``(mean - running_mean) / sigma'`` within
    ``-dmax`` to ``dmax``. Both count as constants: no gradient flows through them.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype. float16 is computed in float32.
        gamma: factors, ``(channels,)``, or ``x.shape[1:]`` for one a unit.
        beta: what is added, of the shape of ``gamma``.
        rmax: the limit of ``r``, at least 1.
        dmax: the limit of ``d``, at least 0. With ``rmax`` 1 and ``dmax`` 0 this is batch normalization.
        eps: what keeps the divisors from 0, above 0.
        running_mean: an array of the shape of ``gamma``, which must be given.
        running_var: the same for the variance.
        decay: how much of the running averages stays when they are updated, from 0 to 1.
        update_statistics: whether to change the running averages in place, as ``batch_normalization`` does.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        TypeError: a running average is missing.
        ShapeError: the shapes do not fit.
        DtypeError: an array is not floating.
        ArgumentError: ``eps``, ``decay``, ``rmax`` or ``dmax`` is out of range.
        BackendMismatchError: a running average does not lie where ``x`` does.

    Source: Ioffe, "Batch Renormalization: Towards Reducing Minibatch Dependence in Batch-Normalized Models", NIPS 2017.

    >>> x, one, zero = np.array([[1.0], [3.0]]), np.ones(1), np.zeros(1)
    >>> batch_renormalization(x, one, zero, 3.0, 5.0, running_mean=zero, running_var=one).array.round(3)
    array([[1.],
           [3.]])
    >>> batch_renormalization(x, one, zero, 1.0, 0.0, running_mean=zero, running_var=one).array.round(3)
    array([[-1.],
           [ 1.]])
    """
    name = "batch_renormalization"
    x, gamma, beta = as_variable(x), as_variable(gamma), as_variable(beta)
    axes, aligned = require_features(name, x, None, gamma=gamma, beta=beta)
    require_eps(name, eps)
    if not 0 <= decay <= 1:
        raise ArgumentError(f"{name}: decay={decay} (expected a number from 0 to 1).")
    if not rmax >= 1:
        raise ArgumentError(f"{name}: rmax={rmax} (expected a number, 1 or more).")
    if not dmax >= 0:
        raise ArgumentError(f"{name}: dmax={dmax} (expected a number, 0 or more).")
    if running_mean is None or running_var is None:
        which = "running_mean" if running_mean is None else "running_var"
        raise TypeError(f"{name}: {which} is missing. Give the array towards which is corrected, e.g. zeros at first.")
    mean = require_running(name, "running_mean", running_mean, x, gamma.shape)
    var = require_running(name, "running_var", running_var, x, gamma.shape)
    function = BatchRenormalization(axes, eps, mean, var, decay, rmax, dmax, update_statistics)
    return function.apply(x, reshape(gamma, aligned), reshape(beta, aligned))


def fixed_batch_renormalization(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, mean: ArrayLike, var: ArrayLike, eps: float = 2e-5
) -> Variable:
    """Batch renormalization by given statistics, ``gamma (x - mean) / sqrt(var + eps) + beta``: for prediction.

    Nothing is left to correct there, so this is ``fixed_batch_normalization``.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype.
        gamma: factors, ``(channels,)``, or ``x.shape[1:]`` for one a unit.
        beta: what is added, of the shape of ``gamma``.
        mean: what is subtracted, of the shape of ``gamma``.
        var: variances, of the shape of ``gamma``.
        eps: what keeps the divisor from 0, above 0.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit.
        DtypeError: an array is not floating.
        ArgumentError: ``eps`` is not above 0.

    >>> one, mean, var = np.array([1.0]), np.array([2.0]), np.array([4.0])
    >>> fixed_batch_renormalization(np.array([[2.0], [6.0]]), one, one, mean, var).array.round(3)
    array([[1.],
           [3.]])
    """
    name = "fixed_batch_renormalization"
    x = as_variable(x)
    parameters = {"gamma": gamma, "beta": beta, "mean": mean, "var": var}
    variables = {which: as_variable(parameter) for which, parameter in parameters.items()}
    _, aligned = require_features(name, x, None, **variables)
    require_eps(name, eps)
    return FixedBatchNormalization(eps).apply(x, *(reshape(each, aligned) for each in variables.values()))
