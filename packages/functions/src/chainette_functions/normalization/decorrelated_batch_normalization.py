"""Decorrelated batch normalization: ZCA whitening of groups of channels."""

from math import prod

from chainette import Function, Variable, as_variable
from chainette.checks import require_floating, require_ndim, require_shape
from chainette.errors import ArgumentError, ShapeError
from chainette.operators import cast, matmul, reshape, sum, transpose
from chainette.typing import Array, ArrayLike
from chainette_functions.normalization.batch_normalization import require_running
from chainette_functions.normalization.standardize import require_eps
from chainette_functions.util.recomputing import is_recomputing


class InverseSquareRoot(Function):
    """S = C^(-1/2) of each symmetric matrix, whose eigenvalues are at least ``floor``, but for rounding."""

    def __init__(self, floor: float) -> None:
        self.floor = floor

    def forward(self, c: Array) -> Array:
        values, vectors = self.xp.linalg.eigh(c)
        roots = 1 / self.xp.sqrt(self.xp.maximum(values, self.floor))
        y = self.xp.matmul(vectors * roots[..., None, :], vectors.swapaxes(-1, -2))
        self.retain(y=y, roots=roots, vectors=vectors)
        return y

    def backward(self, gy: Variable) -> Variable:
        # S S = 1 / C, so dS S + S dS = -(1 / C) dC (1 / C): an equation for dS that equal eigenvalues do not trouble.
        y = self.retained("y")
        inverse = matmul(y, y)
        solved = Sylvester(self.retained("roots"), self.retained("vectors")).apply(y, gy)
        return -matmul(matmul(inverse, solved), inverse)


class Sylvester(Function):
    """The X for which S X + X S = G, of each symmetric S, whose eigenvalues and eigenvectors are given."""

    def __init__(self, values: Array, vectors: Array) -> None:
        self.values = values
        self.vectors = vectors

    def forward(self, s: Array, g: Array) -> Array:
        vectors, transposed = self.vectors, self.vectors.swapaxes(-1, -2)
        y = self.xp.matmul(self.xp.matmul(transposed, g), vectors)
        y /= self.values[..., :, None] + self.values[..., None, :]
        y = self.xp.matmul(self.xp.matmul(vectors, y), transposed)
        self.retain(s=s, y=y)
        return y

    def backward(self, gy: Variable) -> tuple[Variable, Variable]:
        s, y = self.retained("s"), self.retained("y")
        gg = Sylvester(self.values, self.vectors).apply(s, gy)
        return -(matmul(gg, y, transb=True) + matmul(y, gg, transa=True)), gg


def decorrelated_batch_normalization(
    x: ArrayLike,
    *,
    groups: int = 16,
    eps: float = 2e-5,
    running_mean: Array | None = None,
    running_projection: Array | None = None,
    decay: float = 0.9,
) -> Variable:
    """Decorrelated batch normalization: ``(C + eps)^(-1/2) (x - mean)``, with mean and covariance ``C`` of the batch.

    The channels are divided into ``groups`` groups of neighbours. In the result, those of a group have mean 0,
    variance 1 and no correlation, and each is as close to what it was as that allows (ZCA whitening).

    Args:
        x: ``(batch, channels, ...)``, a floating dtype. float16 is computed in float32.
        groups: how many; it divides the number of channels.
        eps: what is added to the covariance's diagonal, above 0.
        running_mean: ``(groups, channels of a group)``. It is changed in place, once an application: it becomes
            ``decay running_mean + (1 - decay) mean``. An empty batch leaves it as it is, and so does what
            ``checkpoint`` computes a second time.
        running_projection: the same for the matrices ``(C + eps)^(-1/2)``, one a group. (Chainer averages them times
            ``m / (m - 1)``, where m is the number of elements of a channel.)
        decay: how much of the running averages stays, from 0 to 1.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit, or the channels do not divide into the groups.
        DtypeError: an array is not floating.
        ArgumentError: ``groups``, ``eps`` or ``decay`` is out of range.
        BackendMismatchError: a running average does not lie where ``x`` does.

    Source: Huang, Yang, Lang, Deng, "Decorrelated Batch Normalization", CVPR 2018.

    >>> x = np.array([[1.0, 1.0], [-1.0, -1.0], [2.0, -2.0], [-2.0, 2.0]])
    >>> decorrelated_batch_normalization(x, groups=1).array.round(3)
    array([[ 1.,  1.],
           [-1., -1.],
           [ 1., -1.],
           [-1.,  1.]])
    """
    name = "decorrelated_batch_normalization"
    x = as_variable(x)
    size = _group_size(name, x, groups)
    require_eps(name, eps)
    if not 0 <= decay <= 1:
        raise ArgumentError(f"{name}: decay={decay} (expected a number from 0 to 1).")
    averages = (
        require_running(name, "running_mean", running_mean, x, (groups, size)),
        require_running(name, "running_projection", running_projection, x, (groups, size, size)),
    )
    h = _by_groups(x, groups, size)
    count = h.shape[2] or 1
    mean = sum(h, 2, keepdims=True) * (1 / count)
    centred = h - mean
    with x.device.use():
        diagonal = x.xp.eye(size, dtype=h.dtype) * eps
    covariance = matmul(centred, centred, transb=True) * (1 / count) + diagonal
    projection = InverseSquareRoot(eps).apply(covariance)
    if x.size and not is_recomputing():
        with x.device.use():
            for running, now in zip(averages, (mean.array[..., 0], projection.array), strict=True):
                if running is not None:
                    running *= decay
                    running += (1 - decay) * now
    return _ungrouped(matmul(projection, centred), x)


def fixed_decorrelated_batch_normalization(
    x: ArrayLike, mean: ArrayLike, projection: ArrayLike, groups: int = 16
) -> Variable:
    """Decorrelated batch normalization by given statistics, ``projection (x - mean)``: for prediction.

    Args:
        x: ``(batch, channels, ...)``, a floating dtype.
        mean: ``(groups, channels of a group)``.
        projection: a matrix a group, ``(groups, channels of a group, channels of a group)``.
        groups: how many groups of neighbouring channels there are.

    Returns:
        The shape and dtype of ``x``.

    Raises:
        ShapeError: the shapes do not fit, or the channels do not divide into the groups.
        DtypeError: an array is not floating.
        ArgumentError: ``groups`` is not above 0.

    Source: Huang, Yang, Lang, Deng, "Decorrelated Batch Normalization", CVPR 2018.

    >>> mean, projection = np.array([[1.0, 2.0]]), np.array([[[0.0, 1.0], [1.0, 0.0]]])
    >>> fixed_decorrelated_batch_normalization(np.array([[2.0, 5.0]]), mean, projection, groups=1).array
    array([[3., 1.]])
    """
    name = "fixed_decorrelated_batch_normalization"
    x, mean, projection = as_variable(x), as_variable(mean), as_variable(projection)
    size = _group_size(name, x, groups)
    require_floating(name, mean=mean, projection=projection)
    require_shape(name, "mean", mean, (groups, size))
    require_shape(name, "projection", projection, (groups, size, size))
    return _ungrouped(matmul(projection, _by_groups(x, groups, size) - reshape(mean, (groups, size, 1))), x)


def _group_size(name: str, x: Variable, groups: int) -> int:
    """How many channels a group has."""
    require_floating(name, x=x)
    require_ndim(name, "x", x, 2, "(batch, channels, ...)")
    if groups < 1:
        raise ArgumentError(f"{name}: groups={groups} (expected at least 1).")
    if x.shape[1] % groups:
        raise ShapeError(f"{name}: {x.shape[1]} channels do not divide into groups={groups} (x: {x.shape}).")
    return x.shape[1] // groups


def _by_groups(x: Variable, groups: int, size: int) -> Variable:
    """``x`` as ``(groups, channels of a group, all else)``; float16 as float32."""
    wide = cast(x, "f") if x.dtype == "e" else x
    elements = x.shape[0] * prod(x.shape[2:])
    return reshape(transpose(wide, (1, 0, *range(2, x.ndim))), (groups, size, elements))


def _ungrouped(y: Variable, x: Variable) -> Variable:
    """What became of ``_by_groups(x)``, in the shape and dtype of ``x``."""
    batch, channels, *sizes = x.shape
    return cast(transpose(reshape(y, (channels, batch, *sizes)), (1, 0, *range(2, x.ndim))), x.dtype)
