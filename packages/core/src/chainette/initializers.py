"""Initializers: what a Parameter's values start from."""

from __future__ import annotations

from math import prod, sqrt
from typing import Any, TypeAlias

from chainette import random
from chainette.backend import CPU, Device, backend_of, device_of, get_device, is_array, to_device
from chainette.config import get_dtype
from chainette.errors import ArgumentError, FunctionError, ShapeError
from chainette.typing import Array, DTypeLike, Scalar, Shape


class Initializer:
    """The base: a callable that fills the array it is given.

    Args:
        dtype: the dtype of the parameters it makes; None for ``config.dtype``.

    >>> class Halves(Initializer):
    ...     def __call__(self, array):
    ...         array[...] = 0.5
    >>> generate_array(Halves(), (2,))
    array([0.5, 0.5], dtype=float32)
    """

    def __init__(self, dtype: DTypeLike = None) -> None:
        self.dtype = dtype

    def __call__(self, array: Array) -> None:
        raise FunctionError(
            f"{type(self).__name__} has no __call__. Write __call__(self, array), which fills the array."
        )

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if value is not None)
        return f"{type(self).__name__}({given})"


InitializerLike: TypeAlias = "Initializer | Array | Scalar | None"
"""What links take for ``initialW`` and the like: an Initializer, a number for all elements, an array of values."""


class Constant(Initializer):
    """Every element is ``fill_value``: a number, or an array that broadcasts to the parameter's shape."""

    def __init__(self, fill_value: Any, dtype: DTypeLike = None) -> None:
        super().__init__(dtype)
        self.fill_value = fill_value

    def __call__(self, array: Array) -> None:
        value = self.fill_value
        array[...] = to_device(value, device_of(array)) if is_array(value) else value


class _Filled(Constant):
    value = 0.0

    def __init__(self, dtype: DTypeLike = None) -> None:
        super().__init__(self.value, dtype)


class Zero(_Filled):
    """Zeros."""


class One(_Filled):
    """Ones."""

    value = 1.0


class NaN(_Filled):
    """NaN, which shows wherever setting the values was forgotten."""

    value = float("nan")


class Identity(Initializer):
    """``scale`` times the identity matrix; for square matrices."""

    def __init__(self, scale: float = 1.0, dtype: DTypeLike = None) -> None:
        super().__init__(dtype)
        self.scale = scale

    def __call__(self, array: Array) -> None:
        if array.ndim != 2 or array.shape[0] != array.shape[1]:
            raise ShapeError(f"Identity: a parameter of shape {tuple(array.shape)} is no square matrix.")
        array[...] = self.scale * backend_of(array).xp.eye(len(array), dtype=array.dtype)


def get_fans(shape: Shape) -> tuple[int, int]:
    """Inputs and outputs of one unit, for a weight of shape (out, in, kernel sizes ...).

    >>> get_fans((64, 3, 5, 5))
    (75, 1600)
    """
    if len(shape) < 2:
        raise ShapeError(f"this initializer needs the shape of a weight, (out, in, ...), and got {tuple(shape)}.")
    kernel = prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def _fan(shape: Shape, fan_option: str) -> int:
    fan_in, fan_out = get_fans(shape)
    if fan_option not in ("fan_in", "fan_out"):
        raise ArgumentError(f"fan_option is {fan_option!r} (expected 'fan_in' or 'fan_out').")
    return fan_in if fan_option == "fan_in" else fan_out


def _sqrt_of_share(numerator: float, fans: float) -> float:
    return sqrt(numerator / fans) if fans else 0.0  # an empty weight has no values to scale


class Normal(Initializer):
    """Normally distributed with mean 0 and standard deviation ``scale``."""

    def __init__(self, scale: float = 0.05, dtype: DTypeLike = None) -> None:
        super().__init__(dtype)
        self.scale = scale

    def deviation(self, shape: Shape) -> float:
        return self.scale

    def __call__(self, array: Array) -> None:
        values = random.generator(device_of(array)).standard_normal(array.shape)
        values *= self.deviation(array.shape)
        array[...] = values


class LeCunNormal(Normal):
    """Normal with deviation ``scale * sqrt(1 / fan_in)``. LeCun, Bottou, Orr, Mueller, "Efficient BackProp", 1998."""

    def __init__(self, scale: float = 1.0, dtype: DTypeLike = None) -> None:
        super().__init__(scale, dtype)

    def deviation(self, shape: Shape) -> float:
        return self.scale * _sqrt_of_share(1, get_fans(shape)[0])


class GlorotNormal(Normal):
    """Normal with deviation ``scale * sqrt(2 / (fan_in + fan_out))``. Glorot and Bengio, AISTATS 2010."""

    def __init__(self, scale: float = 1.0, dtype: DTypeLike = None) -> None:
        super().__init__(scale, dtype)

    def deviation(self, shape: Shape) -> float:
        return self.scale * _sqrt_of_share(2, sum(get_fans(shape)))


class HeNormal(Normal):
    """Normal with deviation ``scale * sqrt(2 / fan)``. He, Zhang, Ren, Sun, "Delving Deep into Rectifiers", 2015."""

    def __init__(self, scale: float = 1.0, dtype: DTypeLike = None, fan_option: str = "fan_in") -> None:
        super().__init__(scale, dtype)
        self.fan_option = fan_option

    def deviation(self, shape: Shape) -> float:
        return self.scale * _sqrt_of_share(2, _fan(shape, self.fan_option))


class Uniform(Initializer):
    """Uniformly distributed between ``-scale`` and ``scale``."""

    def __init__(self, scale: float = 0.05, dtype: DTypeLike = None) -> None:
        super().__init__(dtype)
        self.scale = scale

    def bound(self, shape: Shape) -> float:
        return self.scale

    def __call__(self, array: Array) -> None:
        bound = self.bound(array.shape)
        values = random.generator(device_of(array)).random(array.shape)
        values *= 2 * bound
        values -= bound
        array[...] = values


class LeCunUniform(Uniform):
    """Uniform within ``scale * sqrt(3 / fan_in)``, whose deviation is that of LeCunNormal."""

    def __init__(self, scale: float = 1.0, dtype: DTypeLike = None) -> None:
        super().__init__(scale, dtype)

    def bound(self, shape: Shape) -> float:
        return self.scale * _sqrt_of_share(3, get_fans(shape)[0])


class GlorotUniform(Uniform):
    """Uniform within ``scale * sqrt(6 / (fan_in + fan_out))``. Glorot and Bengio, AISTATS 2010."""

    def __init__(self, scale: float = 1.0, dtype: DTypeLike = None) -> None:
        super().__init__(scale, dtype)

    def bound(self, shape: Shape) -> float:
        return self.scale * _sqrt_of_share(6, sum(get_fans(shape)))


class HeUniform(Uniform):
    """Uniform within ``scale * sqrt(6 / fan_in)``, whose deviation is that of HeNormal."""

    def __init__(self, scale: float = 1.0, dtype: DTypeLike = None) -> None:
        super().__init__(scale, dtype)

    def bound(self, shape: Shape) -> float:
        return self.scale * _sqrt_of_share(6, get_fans(shape)[0])


class Orthogonal(Initializer):
    """Rows (or columns, whichever are fewer) of length ``scale``, orthogonal to each other.

    The first axis counts as rows, all others as columns. Saxe, McClelland, Ganguli, 2014.
    """

    def __init__(self, scale: float = 1.1, dtype: DTypeLike = None) -> None:
        super().__init__(dtype)
        self.scale = scale

    def __call__(self, array: Array) -> None:
        if array.size == 0:
            return
        rows = array.shape[0] if array.ndim else 1
        columns = array.size // rows
        values = random.generator(CPU).standard_normal((max(rows, columns), min(rows, columns)))
        q, r = _qr(values)
        q = q * ((r.diagonal() >= 0) * 2 - 1)  # makes the decomposition unique, so the matrix uniformly distributed
        array[...] = to_device((self.scale * (q if rows >= columns else q.T)).reshape(array.shape), device_of(array))


class UpsamplingDeconvFilter(Initializer):
    """Linear interpolation as the weight of a deconvolution, (channels, channels, kernel sizes ...): each channel by
    itself, enlarged ``(size + 1) // 2`` times where that is the deconvolution's stride.

    Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation", 2015.

    >>> generate_array(UpsamplingDeconvFilter(), (1, 1, 4))
    array([[[0.25, 0.75, 0.75, 0.25]]], dtype=float32)
    """

    total: float | None = None  # what the filter's elements add up to; None leaves them as they are

    def __init__(self, interpolation: str = "linear", dtype: DTypeLike = None) -> None:
        if interpolation != "linear":
            raise ArgumentError(f"{type(self).__name__}: interpolation={interpolation!r} (expected 'linear').")
        super().__init__(dtype)
        self.interpolation = interpolation

    def __call__(self, array: Array) -> None:
        channels, *sizes = array.shape[1:] or (0,)
        if array.ndim < 3 or array.shape[0] != channels:
            raise ShapeError(
                f"{type(self).__name__}: a parameter of shape {tuple(array.shape)} is no filter for each channel "
                "(expected (channels, channels, kernel sizes ...))."
            )
        xp = backend_of(array).xp
        weights = xp.ones((), array.dtype)
        for size in sizes:
            factor = (size + 1) // 2
            center = factor - 1 if size % 2 else factor - 0.5
            weights = weights[..., None] * (1 - abs(xp.arange(size) - center) / factor).astype(array.dtype)
        if self.total is not None:
            weights *= self.total / weights.sum()
        array[...] = 0
        each = xp.arange(channels)
        array[each, each] = weights


class DownsamplingConvFilter(UpsamplingDeconvFilter):
    """Linear interpolation as the weight of a convolution that makes images smaller: like ``UpsamplingDeconvFilter``,
    with elements that add up to 1.

    >>> generate_array(DownsamplingConvFilter(), (1, 1, 4))
    array([[[0.125, 0.375, 0.375, 0.125]]], dtype=float32)
    """

    total = 1.0


def _qr(matrix: Array) -> tuple[Array, Array]:
    from numpy.linalg import qr

    q, r = qr(matrix)
    return q, r


def get_initializer(value: InitializerLike) -> Initializer:
    """An Initializer for what links accept as one: itself, a Constant for a number or an array, LeCunNormal for None.

    >>> get_initializer(0.5)
    Constant(fill_value=0.5)
    """
    if value is None:
        return LeCunNormal()
    if isinstance(value, Initializer) or (callable(value) and not hasattr(value, "shape")):
        return value
    return Constant(value)


def generate_array(
    initializer: InitializerLike, shape: Shape, dtype: DTypeLike = None, device: str | Device = CPU
) -> Any:
    """A new array of that shape, filled by the initializer; its dtype counts where ``dtype`` is None.

    >>> generate_array(One(), (2,), "float64")
    array([1., 1.])
    """
    target = get_device(device)
    initializer = get_initializer(initializer)
    with target.use():
        array = target.xp.empty(shape, get_dtype(getattr(initializer, "dtype", None) if dtype is None else dtype))
        initializer(array)
    return array
