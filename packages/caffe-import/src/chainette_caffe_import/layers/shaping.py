"""Concat, Crop, Flatten, Permute, Reshape, Silence, Slice, Split and Tile: the same values in another arrangement."""

from __future__ import annotations

import math

import chainette.functions as F
from chainette import Variable
from chainette.checks import normalize_axis
from chainette.errors import ShapeError
from chainette_caffe_import.definition import LayerDefinition
from chainette_caffe_import.errors import CaffeNetError
from chainette_caffe_import.layer import Layer
from chainette_caffe_import.message import Message


def _axis_or_legacy(parameters: Message, legacy: str) -> int:
    """The axis, which older files give by another name; that one does not count from the end."""
    if "axis" in parameters and legacy in parameters:
        raise CaffeNetError(f"both axis and {legacy} are given (expected one of them)")
    if parameters.get(legacy, 0) < 0:
        raise CaffeNetError(f"{legacy} is {parameters.get(legacy)} (expected at least 0)")
    return int(parameters.get(legacy, parameters.get("axis", 1)))


class Concat(Layer):
    """The bottoms one behind the other along ``axis``, or ``concat_dim``."""

    bottoms = (1, None)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.axis = _axis_or_legacy(definition.parameters("concat_param"), "concat_dim")

    def forward(self, *xs: Variable) -> Variable:
        return F.concat(xs, self.axis)


class Crop(Layer):
    """What the first bottom has at ``offset``, of the second one's size along ``axis`` and all axes behind it."""

    bottoms = (2, 2)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("crop_param")
        self.axis = int(parameters.get("axis", 2))
        self.offset = [int(each) for each in parameters.all("offset")] or [0]
        if min(self.offset) < 0:
            raise CaffeNetError(f"offset is {min(self.offset)} (expected at least 0)")

    def forward(self, x: Variable, like: Variable) -> Variable:
        axis = normalize_axis("Crop", self.axis, x.ndim)
        offset = self.offset * (x.ndim - axis) if len(self.offset) == 1 else self.offset
        if len(offset) != x.ndim - axis:
            raise ShapeError(f"Crop: {len(offset)} offsets are given (expected 1 or {x.ndim - axis}, for x {x.shape}).")
        sizes = like.shape[axis:]
        fits = all(start + size <= n for start, size, n in zip(offset, sizes, x.shape[axis:], strict=False))
        if like.ndim < x.ndim or not fits:
            raise ShapeError(
                f"Crop: x {x.shape} has nothing of the size of {like.shape} at offset {offset} from axis {axis} on."
            )
        window = [slice(start, start + size) for start, size in zip(offset, sizes, strict=False)]
        return F.get_item(x, (slice(None),) * axis + tuple(window))


class Flatten(Layer):
    """The axes from ``axis`` to ``end_axis``, which belongs to them, made one."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("flatten_param")
        self.axis, self.end_axis = int(parameters.get("axis", 1)), int(parameters.get("end_axis", -1))

    def forward(self, x: Variable) -> Variable:
        start = normalize_axis("Flatten", self.axis, x.ndim)
        stop = normalize_axis("Flatten", self.end_axis, x.ndim) + 1
        if start > stop:  # at start == stop Caffe puts an axis of length 1 there
            raise ShapeError(f"Flatten: axis {start} lies behind end_axis {stop - 1} (x: {x.shape}).")
        return F.reshape(x, (*x.shape[:start], math.prod(x.shape[start:stop]), *x.shape[stop:]))


class Permute(Layer):
    """The axes in another ``order``; those that it does not name follow."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.order = [int(axis) for axis in definition.parameters("permute_param").all("order")]
        if len(set(self.order)) < len(self.order) or min(self.order, default=0) < 0:
            raise CaffeNetError(f"order is {self.order} (expected axes counted from 0, each once)")

    def forward(self, x: Variable) -> Variable:
        order = [normalize_axis("Permute", axis, x.ndim) for axis in self.order]
        return F.transpose(x, (*order, *(axis for axis in range(x.ndim) if axis not in order)))


class Reshape(Layer):
    """Another shape in place of ``num_axes`` axes from ``axis`` on, -1 of them meaning all that follow.

    A length of 0 copies that of the bottom, one of -1 takes what remains. A negative ``axis`` counts from one past the
    last: -1 appends.
    """

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("reshape_param")
        self.shape = [int(length) for length in parameters.message("shape").all("dim")]
        self.axis, self.num_axes = int(parameters.get("axis", 0)), int(parameters.get("num_axes", -1))
        if self.shape.count(-1) > 1 or min(self.shape, default=0) < -1:
            raise CaffeNetError(f"shape is {self.shape} (expected lengths, 0 and at most one -1)")
        if self.num_axes < -1:
            raise CaffeNetError(f"num_axes is {self.num_axes} (expected at least -1)")

    def forward(self, x: Variable) -> Variable:
        start = self.axis if self.axis >= 0 else x.ndim + 1 + self.axis
        stop = x.ndim if self.num_axes == -1 else start + self.num_axes
        copied = start + max((i + 1 for i, length in enumerate(self.shape) if length == 0), default=0)
        if not 0 <= start <= stop <= x.ndim or copied > x.ndim:
            raise ShapeError(
                f"Reshape: x {x.shape} has not enough axes for shape={self.shape}, axis={self.axis}, "
                f"num_axes={self.num_axes}."
            )
        # Caffe counts a copied axis from start, also beyond those that are replaced.
        middle = [length or x.shape[start + i] for i, length in enumerate(self.shape)]
        shape = [*x.shape[:start], *middle, *x.shape[stop:]]
        if -1 in middle:
            shape[start + middle.index(-1)] = _remaining(x.shape, [length for length in shape if length != -1])
        if math.prod(shape) != x.size:
            raise ShapeError(f"Reshape: x {x.shape} cannot become {self.shape}, put in its axes {start} to {stop}.")
        return F.reshape(x, tuple(shape))


def _remaining(shape: tuple[int, ...], known: list[int]) -> int:
    """The length that is left; of an empty array the one that it would have with more items."""
    if math.prod(known) == 0:
        shape, known = tuple(filter(None, shape)), list(filter(None, known))
    return math.prod(shape) // math.prod(known)


class Silence(Layer):
    """Nothing: it makes blobs count as read that no layer reads."""

    bottoms = (1, None)
    tops = (0, 0)

    def forward(self, *xs: Variable) -> tuple[Variable, ...]:
        return ()


class Slice(Layer):
    """Pieces along ``axis``, or ``slice_dim``: cut at each ``slice_point``, or of one size."""

    tops = (1, None)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("slice_param")
        self.axis = _axis_or_legacy(parameters, "slice_dim")
        self.points = [int(point) for point in parameters.all("slice_point")]
        self.n_tops = len(definition.tops)
        if self.points and len(self.points) != self.n_tops - 1:
            raise CaffeNetError(f"it has {len(self.points)} slice_points (expected {self.n_tops - 1} or none)")
        if any(after <= before for before, after in zip([0, *self.points], self.points, strict=False)):
            raise CaffeNetError(f"slice_point is {self.points} (expected numbers that rise from 1 on)")

    def forward(self, x: Variable) -> tuple[Variable, ...]:
        return F.split_axis(x, self.points or self.n_tops, self.axis)


class Split(Layer):
    """The bottom itself, under each of the tops' names."""

    tops = (1, None)

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        self.n_tops = len(definition.tops)

    def forward(self, x: Variable) -> tuple[Variable, ...]:
        return (x,) * self.n_tops


class Tile(Layer):
    """The bottom ``tiles`` times along ``axis``."""

    def __init__(self, definition: LayerDefinition) -> None:
        super().__init__(definition)
        parameters = definition.parameters("tile_param")
        self.axis, self.tiles = int(parameters.get("axis", 1)), int(parameters.get("tiles", 0))
        if self.tiles < 1:
            raise CaffeNetError(f"tiles is {self.tiles} (expected at least 1)")

    def forward(self, x: Variable) -> Variable:
        axis = normalize_axis("Tile", self.axis, x.ndim)
        return F.tile(x, (self.tiles,) + (1,) * (x.ndim - axis - 1))
