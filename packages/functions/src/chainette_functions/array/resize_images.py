"""Images in another size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainette import Device, Function, Variable, as_variable
from chainette.checks import require_floating, require_one_of
from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Array, ArrayLike


@dataclass(frozen=True)
class Samples:
    """What new elements along an axis are: ``near * x[low] + far * x[high]``; ``x[low]`` where ``blend`` is False."""

    axis: int  # -2 or -1
    blend: bool
    low: Array
    high: Array
    near: Array
    far: Array
    matrix: Array  # the same as a matrix, (new size, old size): its transpose is the fastest adjoint


class Resize(Function):
    """x sampled along an axis."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def forward(self, x: Array) -> Array:
        s = self.samples
        if not s.blend:
            return x.take(s.low, s.axis)
        near, far = (w if s.axis == -1 else w[:, None] for w in (s.near, s.far))
        return (near * x.take(s.low, s.axis) + far * x.take(s.high, s.axis)).astype(x.dtype, copy=False)

    def backward(self, gy: Variable) -> Variable:
        return ResizeGrad(self.samples).apply(gy)


class ResizeGrad(Function):
    """The gradients given back to the elements that were sampled."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def forward(self, gy: Array) -> Array:
        wide, matrix = gy.astype(self.samples.matrix.dtype, copy=False), self.samples.matrix
        gx = self.xp.matmul(matrix.T, wide) if self.samples.axis == -2 else self.xp.matmul(wide, matrix)
        return gx.astype(gy.dtype, copy=False)

    def backward(self, ggx: Variable) -> Variable:
        return Resize(self.samples).apply(ggx)


def resize_images(
    x: ArrayLike, output_shape: Sequence[int], *, mode: str = "bilinear", align_corners: bool = True
) -> Variable:
    """Images in another size, by interpolation.

    Args:
        x: ``(batch, channels, height, width)``, a floating dtype.
        output_shape: ``(height, width)`` of the result.
        mode: ``"bilinear"``, or ``"nearest"``: new pixel i is old pixel ``floor(i * old size / new size)``.
        align_corners: of bilinear interpolation. True: the centres of the corner pixels stay where they are, and new
            pixel i lies at ``i (old size - 1) / (new size - 1)``. False: their outer edges stay, and it lies at
            ``(i + 1/2) old size / new size - 1/2``, within the image.

    Returns:
        ``(batch, channels, *output_shape)``, in the dtype of ``x``.

    Raises:
        ShapeError: ``x`` has not four axes, or no pixels.
        ArgumentError: there is no such mode, or ``output_shape`` is not two integers above 0.
        DtypeError: ``x`` is not floating.

    >>> resize_images(np.array([[[[0.0, 2.0]]]]), (1, 3)).array
    array([[[[0., 1., 2.]]]])
    >>> resize_images(np.array([[[[0.0, 2.0]]]]), (1, 4), align_corners=False).array
    array([[[[0. , 0.5, 1.5, 2. ]]]])
    """
    x = as_variable(x)
    require_one_of("resize_images", "mode", mode, ("bilinear", "nearest"))
    require_floating("resize_images", x=x)
    if x.ndim != 4 or 0 in x.shape[2:]:
        raise ShapeError(f"resize_images: x has shape {x.shape} (expected (batch, channels, height, width)).")
    sizes = list(output_shape) if isinstance(output_shape, (Sequence, np.ndarray)) else [output_shape]
    if len(sizes) != 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in sizes):
        raise ArgumentError(f"resize_images: output_shape={output_shape} (expected two integers above 0).")
    for axis, size in zip((-2, -1), sizes, strict=True):
        if size != x.shape[axis]:
            positions = _positions(x.shape[axis], int(size), mode, align_corners)
            x = Resize(_samples(axis, positions, x.shape[axis], x.dtype, x.device)).apply(x)
    return x


def _positions(old: int, new: int, mode: str, align_corners: bool) -> Any:
    """Where the new pixels lie among the old ones."""
    if mode == "nearest":
        return np.arange(new) * old // new
    if align_corners:
        return np.linspace(0, old - 1, new)
    return np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)


def _samples(axis: int, positions: Any, old: int, dtype: Any, device: Device) -> Samples:
    low, high = np.floor(positions).astype("i8"), np.ceil(positions).astype("i8")
    exact = low == high  # two halves make one: an infinite element times 0 would be NaN
    far = np.where(exact, 0.5, positions - low).astype("f" if dtype == "e" else dtype)
    near = 1 - far
    matrix, rows = np.zeros((len(low), old), far.dtype), np.arange(len(low))
    matrix[rows, low] += near
    matrix[rows, high] += far
    return Samples(axis, not exact.all(), *map(device.send, (low, high, near, far, matrix)))
