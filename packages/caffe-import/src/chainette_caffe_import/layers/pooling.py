"""Pooling, ROIPooling, SPP and Im2col: what is done to windows that have no weights."""

from __future__ import annotations

import itertools
import math
from typing import Any, cast

import numpy as np
import numpy.typing as npt

import chainette.functions as F
from chainette import Variable, as_variable, to_device
from chainette.errors import ArgumentError, ShapeError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError, CaffeUnsupportedError
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.layers.windows import along_axes, require_blob
from chainette_caffe_import.message import Message

Sizes = tuple[int, ...]


class Pooling(Layer):
    """The maximum or the mean of each window, by Caffe's rules: their number is rounded up, a last window that would
    start behind the image and its padding is dropped, and a mean counts the padding as far as it reaches.

    ``round_mode: FLOOR`` and ``ceil_mode: false`` round down. Where windows are further apart than they are large, the
    last one may lie outside: its maximum is the lowest number of float32, its mean NaN, as in Caffe.
    """

    tops = (1, 2)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("pooling_param")
        if len(definition.tops) == 2:
            raise CaffeUnsupportedError("it has a second top, for the places of the maxima, which is not written here")
        self.is_max = _is_max(parameters)
        self.is_global = bool(parameters.get("global_pooling", False))
        ndim = _axes_given(parameters, "kernel_size", "stride", "pad")
        self.stride = along_axes(parameters, "stride", 1, ndim, 1)
        self.pad = along_axes(parameters, "pad", 0, ndim, 0)
        if self.is_global:
            if any(name in parameters for name in ("kernel_size", "kernel_h", "kernel_w")):
                raise CaffeNetError("kernel_size is given with global_pooling (expected none: it is that of the image)")
            if {*self.stride} != {1} or {*self.pad} != {0}:
                raise CaffeNetError(
                    f"stride is {self.stride} and pad {self.pad} with global_pooling (expected 1 and 0, or none)"
                )
        else:
            self.kernel = along_axes(parameters, "kernel_size", None, ndim, 1)
            if any(p >= k for p, k in zip(self.pad, self.kernel, strict=True)):
                raise CaffeNetError(f"pad is {self.pad} (expected less than kernel_size, {self.kernel})")
        self.rounds_up = parameters.get("round_mode", "CEIL") == "CEIL" and bool(parameters.get("ceil_mode", True))

    def forward(self, x: Variable) -> Variable:
        x = as_variable(x)
        if self.is_global:
            n_axes = x.ndim - 2
            return pooled(self.is_max, x, x.shape[2:], (1,) * n_axes, (0,) * n_axes)
        kernel, stride, pad = [_for_each_axis("Pooling", given, x) for given in (self.kernel, self.stride, self.pad)]
        return pooled(self.is_max, x, kernel, stride, pad, self.rounds_up)


class SPP(Layer):
    """Spatial pyramid pooling: 1, 2 x 2, 4 x 4, ... windows that cover the image, one level behind the other."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("spp_param")
        self.n_levels = int(parameters.get("pyramid_height", 0))
        if self.n_levels < 1:
            raise CaffeNetError(f"pyramid_height is {self.n_levels} (expected at least 1)")
        self.is_max = _is_max(parameters)

    def forward(self, x: Variable) -> Variable:
        x = as_variable(x)
        levels = [self._level(x, 2**i) for i in range(self.n_levels)]
        if len(levels) == 1:  # which Caffe does not flatten
            return levels[0]
        return F.concat([F.reshape(level, (len(x), math.prod(level.shape[1:]))) for level in levels], 1)

    def _level(self, x: Variable, bins: int) -> Variable:
        kernel = tuple([-(-n // bins) for n in x.shape[2:]])
        pad = tuple([(k * bins - n + 1) // 2 for k, n in zip(kernel, x.shape[2:], strict=True)])
        if any(p >= k for p, k in zip(pad, kernel, strict=True)):
            raise ShapeError(
                f"SPP: x of shape {x.shape} is too small for {bins} windows an axis. Give larger images, or a lower "
                "pyramid."
            )
        return pooled(self.is_max, x, kernel, kernel, pad)


class ROIPooling(Layer):
    """The maximum of each bin of regions of an image, 0 in bins that are empty; Fast R-CNN's layer.

    The second bottom has a row for each region: the index of its image in the batch, x1, y1, x2, y2. It gets no
    gradient.
    """

    bottoms = (2, 2)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("roi_pooling_param")
        self.bins = int(parameters.get("pooled_h", 0)), int(parameters.get("pooled_w", 0))
        if min(self.bins) < 1:
            raise CaffeNetError(f"pooled_h and pooled_w are {self.bins} (expected at least 1)")
        self.scale = float(parameters.get("spatial_scale", 1.0))

    def forward(self, x: Variable, rois: Variable) -> Variable:
        x, rois = as_variable(x), as_variable(rois)
        if x.ndim != 4 or 0 in x.shape[2:]:
            raise ShapeError(f"ROIPooling: x has shape {x.shape} (expected (batch, channels, height, width)).")
        if rois.ndim < 2 or math.prod(rois.shape[1:]) != 5:
            raise ShapeError(f"ROIPooling: the regions have shape {rois.shape} (expected (regions, 5)).")
        with x.device.use():
            at = self._maxima(x, to_device(rois.array, "cpu").reshape(len(rois), 5))
            is_filled = at >= 0
            places = x.xp.maximum(at, 0).ravel()
        picked = F.reshape(F.reshape(x, (x.size,))[places], at.shape)
        return F.where(is_filled, picked, 0.0)

    def _maxima(self, x: Variable, rois: npt.NDArray[Any]) -> Any:
        """Where in the flattened x the first maximum of each bin is, -1 for empty bins."""
        batch, channels, height, width = x.shape
        corners = rois[:, 1:].astype("f") * np.float32(self.scale)
        if not (np.isfinite(corners).all() and ((rois[:, 0] >= 0) & (rois[:, 0] < batch)).all()):
            raise ArgumentError(
                f"ROIPooling: a region has no finite corners, or is of an image beyond the batch of {batch}. Give rows "
                "of (index in the batch, x1, y1, x2, y2)."
            )
        towards_zero = np.trunc(corners)
        corners = towards_zero + np.trunc(2 * (corners - towards_zero))  # the nearest, and halves away from zero
        found = x.xp.full((len(rois), channels, *self.bins), -1, "int64")
        channel_starts = x.xp.arange(channels) * (height * width)
        for r, (image, (x1, y1, x2, y2)) in enumerate(
            zip(rois[:, 0].astype(int).tolist(), corners.tolist(), strict=True)
        ):
            rows, columns = _bins(y1, y2, self.bins[0], height), _bins(x1, x2, self.bins[1], width)
            for (i, (top, bottom)), (j, (left, right)) in itertools.product(enumerate(rows), enumerate(columns)):
                if top < bottom and left < right:
                    length = right - left
                    best = x.array[image, :, top:bottom, left:right].reshape(channels, -1).argmax(1)
                    first = image * channels * height * width + top * width + left
                    found[r, :, i, j] = channel_starts + first + best // length * width + best % length
        return found


class Im2col(Layer):
    """The windows that a convolution would have, each laid out along the channels."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("convolution_param")
        if parameters.get("axis", 1) != 1:
            raise CaffeNetError(f"axis is {parameters.get('axis')} (expected 1, the channels)")
        ndim = _axes_given(parameters, "kernel_size", "stride", "pad", "dilation")
        self.kernel = along_axes(parameters, "kernel_size", None, ndim, 1)
        self.stride = along_axes(parameters, "stride", 1, ndim, 1)
        self.pad = along_axes(parameters, "pad", 0, ndim, 0)
        self.dilation = along_axes(parameters, "dilation", 1, ndim, 1)
        parameters.ignore("num_output", "bias_term", "group", "engine", "force_nd_im2col")

    def forward(self, x: Variable) -> Variable:
        given = (self.kernel, self.stride, self.pad, self.dilation)
        kernel, stride, pad, dilation = [_for_each_axis("Im2col", each, x) for each in given]
        if x.ndim == 4:
            return F.im2col(x, kernel, stride, pad, dilate=dilation)
        x = F.pad(x, [(0, 0), (0, 0), *[(p, p) for p in pad]], "constant")
        axes = list(zip(x.shape[2:], kernel, stride, dilation, strict=True))
        out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in axes]
        if min(out) < 1:
            raise ShapeError(f"Im2col: no window of {kernel} fits into the padded x {x.shape}.")
        taps = [
            x[
                :,
                :,
                *[slice(t * d, t * d + s * (o - 1) + 1, s) for t, (_, _, s, d), o in zip(tap, axes, out, strict=True)],
            ]
            for tap in itertools.product(*map(range, kernel))
        ]
        return F.reshape(F.stack(taps, 2), (len(x), x.shape[1] * len(taps), *out))


def pooled(is_max: bool, x: Variable, kernel: Sizes, stride: Sizes, pad: Sizes, rounds_up: bool = True) -> Variable:
    """Caffe's pooling over all axes behind the channels.

    Args:
        is_max: whether to take maxima; else means.
        x: (batch, channels, ...).
        kernel, stride, pad: a value for each axis; the padding is less than the kernel.
        rounds_up: whether an incomplete window at the end counts.

    Raises:
        ShapeError: there is no window.
    """
    axes = list(zip(x.shape[2:], kernel, stride, pad, strict=True))
    whole = [(n + 2 * p - k) // s + 1 for n, k, s, p in axes]
    covering = [-(-(n + 2 * p - k) // s) + 1 for n, k, s, p in axes]
    out = covering if rounds_up else whole
    if any(pad):
        out = [o - 1 if (o - 1) * s >= n + p else o for o, (n, _, s, p) in zip(out, axes, strict=True)]
    if min([*out, *x.shape[2:]], default=0) < 1:
        raise ShapeError(f"Pooling: no window of {kernel} fits into x of shape {x.shape} (stride={stride}, pad={pad}).")
    is_beyond = any((o - 1) * s - p >= n for o, (n, _, s, p) in zip(out, axes, strict=True))
    if out == whole or (is_max and out == covering and not is_beyond and min(whole) > 0):
        if is_max:
            return cast(Variable, F.max_pooling_nd(x, kernel, stride, pad, out != whole))
        return F.average_pooling_nd(x, kernel, stride, pad)
    # The windows that there are, and no more: all of them complete, over as much padding as that takes.
    behind = [max((o - 1) * s + k - n - p, 0) for o, (n, k, s, p) in zip(out, axes, strict=True)]
    require_blob("Pooling", (x.shape[1], *[n + p + b for (n, _, _, p), b in zip(axes, behind, strict=True)]))
    widths = [(0, 0), (0, 0), *zip(pad, behind, strict=True)]
    if is_max:
        lowest = max(float(np.finfo(x.dtype).min), float(np.finfo("f").min))
        x = F.pad(x, widths, "constant", constant_values=lowest)
        return cast(Variable, F.max_pooling_nd(x, kernel, stride, 0, False))
    sums = F.average_pooling_nd(F.pad(x, widths, "constant"), kernel, stride, 0) * math.prod(kernel)
    y: Variable = sums * x.device.send((1 / _counted(out, axes)).astype(x.dtype))
    return y


def _counted(out: list[int], axes: list[tuple[int, int, int, int]]) -> npt.NDArray[Any]:
    """By how much each window's sum is divided; NaN instead of 0."""
    counted: Any = np.ones(())
    for o, (n, k, s, p) in zip(out, axes, strict=True):
        starts = np.arange(o) * s - p
        counted = counted[..., None] * (np.minimum(starts + k, n + p) - starts)
    return np.where(counted == 0, np.nan, counted)


def _bins(first: float, last: float, count: int, limit: int) -> list[tuple[int, int]]:
    """Where the bins from first to last begin and end, cut to 0 to limit. All in float32, as Caffe has it: 7 bins over
    57 elements end at 58."""
    first_, size = int(first), np.float32(max(last - first + 1, 1)) / np.float32(count)
    ends = [(math.floor(np.float32(i) * size), math.ceil(np.float32(i + 1) * size)) for i in range(count)]
    return [(min(max(a + first_, 0), limit), min(max(b + first_, 0), limit)) for a, b in ends]


def _is_max(parameters: Message) -> bool:
    pool = parameters.get("pool", "MAX")
    if pool not in ("MAX", "AVE"):
        raise CaffeUnsupportedError(f"pool is {pool}, which is not computed here (expected MAX or AVE)")
    return bool(pool == "MAX")


def _axes_given(parameters: Message, *names: str) -> int:
    """How many spatial axes there are values for; 1 where they are for any number of axes."""
    if any(f"{name.removesuffix('_size')}_{side}" in parameters for name in names for side in "hw"):
        return 2
    return max(1, *[len(parameters.all(name)) for name in names])


def _for_each_axis(function: str, given: Sizes, x: Variable) -> Sizes:
    """As many values as x has axes behind the channels."""
    n_axes = x.ndim - 2
    if n_axes < 1 or len(given) not in (1, n_axes):
        expected = "(batch, channels, ...)" if len(given) == 1 else f"{len(given)} axes behind the channels"
        raise ShapeError(f"{function}: x has shape {x.shape} (expected {expected}).")
    return given if len(given) == n_axes else given * n_axes
