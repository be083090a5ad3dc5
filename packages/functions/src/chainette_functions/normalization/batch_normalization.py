"""Batch normalization."""

from chainette import Variable, as_variable
from chainette.checks import normalize_axes, removed_arguments, require_floating, require_ndim, require_shape
from chainette.errors import ArgumentError, BackendMismatchError, ShapeError
from chainette.operators import reshape
from chainette.typing import Array, ArrayLike, Axis, Shape
from chainette_functions.normalization.standardize import Standardize, elements, require_eps
from chainette_functions.util.recomputing import is_recomputing


class BatchNormalization(Standardize):
    """Standardize, which also moves running averages of mean and variance towards those of this batch."""

    def __init__(
        self, axes: tuple[int, ...], eps: float, running_mean: Array | None, running_var: Array | None, decay: float
    ) -> None:
        super().__init__(axes, eps)
        self.running_mean = running_mean
        self.running_var = running_var
        self.decay = decay

    def forward(self, x: Array, gamma: Array, beta: Array) -> Array:
        y = super().forward(x, gamma, beta)
        self.move_averages(x)
        return y

    def move_averages(self, x: Array) -> None:
        if x.size and not is_recomputing():  # an empty batch has no mean
            self.follow(self.running_mean, self.mean)
            self.follow(self.running_var, self.unbiased_var(x))

    def unbiased_var(self, x: Array) -> Array:
        count = elements(x.shape, self.axes)
        return self.var * (count / max(count - 1, 1))

    def follow(self, running: Array | None, now: Array) -> None:
        if running is not None:
            running *= self.decay
            running += (1 - self.decay) * now.reshape(running.shape)


@removed_arguments(use_cudnn="which kernel runs is shown by 'python -m chainette kernels'")
def batch_normalization(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    eps: float = 2e-5,
    *,
    running_mean: Array | None = None,
    running_var: Array | None = None,
    decay: float = 0.9,
    axis: Axis = None,
) -> Variable:
    """Batch normalization, ``gamma (x - mean) / sqrt(var + eps) + beta``, with mean and variance of the batch.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype. float16 is computed in float32.
        gamma: factors, of x's shape without the axes of ``axis``: ``(channels,)``, or ``x.shape[1:]`` for one a unit.
        beta: what is added, of the shape of ``gamma``.
        eps: what keeps the divisor from 0, above 0.
        running_mean: an array of the shape of ``gamma``. It is changed in place, once an application: it becomes
            ``decay running_mean + (1 - decay) mean``. An empty batch leaves it as it is, and so does what
            ``checkpoint`` computes a second time.
        running_var: the same for the variance, ``var m / (m - 1)``, where ``m`` elements went into each.
        decay: how much of the running averages stays, from 0 to 1.
        axis: the axes over which mean and variance are taken; None for axis 0 and all that follow gamma's.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit, or there is no such axis.
        DtypeError: an array is not floating.
        ArgumentError: ``eps`` or ``decay`` is out of range.
        BackendMismatchError: a running average does not lie where ``x`` does.

    Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
    Shift", ICML 2015.

    >>> batch_normalization(np.array([[1.0], [3.0]]), np.array([2.0]), np.array([10.0])).array.round(3)
    array([[ 8.],
           [12.]])
    """
    name = "batch_normalization"
    x, gamma, beta = as_variable(x), as_variable(gamma), as_variable(beta)
    axes, aligned = require_features(name, x, axis, gamma=gamma, beta=beta)
    require_eps(name, eps)
    if not 0 <= decay <= 1:
        raise ArgumentError(f"{name}: decay={decay} (expected a number from 0 to 1).")
    mean = require_running(name, "running_mean", running_mean, x, gamma.shape)
    var = require_running(name, "running_var", running_var, x, gamma.shape)
    function = BatchNormalization(axes, eps, mean, var, decay)
    return function.apply(x, reshape(gamma, aligned), reshape(beta, aligned))


def require_running(name: str, which: str, given: Array | None, x: Variable, shape: Shape) -> Array | None:
    """A running average can be changed in place by what ``x`` gives: it has that shape, and lies where ``x`` does.

    Returns:
        The array; None where none is given.

    Raises:
        DtypeError: it is not floating.
        ShapeError: it has another shape.
        BackendMismatchError: it lies elsewhere.
    """
    if given is None:
        return None
    running = as_variable(given)
    require_floating(name, **{which: running})
    require_shape(name, which, running, shape)
    if running.device != x.device:
        raise BackendMismatchError(f"{name}: {which} lies on {running.device} (expected {x.device}, where x is).")
    return running.array


def require_features(name: str, x: Variable, axis: Axis, **parameters: Variable) -> tuple[tuple[int, ...], Shape]:
    """The parameters, of which ``gamma`` is one, have the shape of ``x`` without the axes over which it is normalized.

    Returns:
        Those axes, and the shape in which the parameters are broadcast to ``x``.

    Raises:
        ShapeError: they have not.
        DtypeError: something is not floating.
    """
    require_floating(name, x=x, **parameters)
    require_ndim(name, "x", x, 1, "(batch, channels, ...)")
    axes = normalize_axes(name, axis, x.ndim)
    if axes is None:
        axes = (0, *range(1 + parameters["gamma"].ndim, x.ndim))
    features = tuple(size for i, size in enumerate(x.shape) if i not in axes)
    for which, parameter in parameters.items():
        if parameter.shape != features:
            raise ShapeError(
                f"{name}: {which} has shape {parameter.shape} (expected {features}, x's {x.shape} without axes {axes})."
            )
    return axes, tuple(1 if i in axes else size for i, size in enumerate(x.shape))
