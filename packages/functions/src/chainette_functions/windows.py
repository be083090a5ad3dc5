"""Windows that slide over the last axes of an array: what convolution, pooling and im2col share.

``gather`` copies each window out, ``scatter`` adds each window back: the one is the gradient of the other. ``geometry``
says where the windows lie, and is checked before any work.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from operator import index, mul
from typing import Any

from chainette.errors import ArgumentError, ShapeError
from chainette.typing import Array, Shape

Sizes = int | Sequence[int]
"""One number for all spatial axes, or one for each."""

CACHED = 1 << 17  # elements: what is made of them in several passes stays near


@dataclass(frozen=True)
class Geometry:
    """Where windows lie: for each spatial axis its size, and the windows' size, distance, padding, gaps and number."""

    size: Shape
    ksize: Shape
    stride: Shape
    pad: Shape
    dilate: Shape
    out: Shape

    @property
    def padded(self) -> Shape:
        """The sizes with padding, and with what the last windows reach beyond it."""
        axes = zip(self.size, self.ksize, self.stride, self.pad, self.dilate, self.out, strict=True)
        return tuple(max(n + 2 * p, (o - 1) * s + (k - 1) * d + 1) for n, k, s, p, d, o in axes)

    @property
    def inside(self) -> tuple[slice, ...]:
        """Where in the padded array the array itself lies."""
        return tuple(slice(p, p + n) for n, p in zip(self.size, self.pad, strict=True))

    @property
    def pointwise(self) -> bool:
        """Whether each window is one element, in its place: then the windows are the array itself."""
        return self.padded == self.size == self.out and all(k == 1 for k in self.ksize)

    def over_batch(self, count: int) -> "Geometry":
        """The same windows where an axis of ``count`` samples comes before the spatial axes, each with its own."""
        return Geometry(
            (count, *self.size), (1, *self.ksize), (1, *self.stride), (0, *self.pad), (1, *self.dilate),
            (count, *self.out),
        )  # fmt: skip

    def offsets(self) -> list[tuple[Shape, tuple[slice, ...]]]:
        """For each position within a window, where in the padded array the windows' elements there lie."""
        axes = list(zip(self.stride, self.dilate, self.out, strict=True))
        return [
            (at, tuple(slice(i * d, i * d + (o - 1) * s + 1, s) for i, (s, d, o) in zip(at, axes, strict=True)))
            for at in product(*map(range, self.ksize))
        ]

    def spans(self, axis: int) -> list[tuple[slice, slice]]:
        """For each position within a window along one axis: which windows have it inside x, and where in x they do.

        Padding is left out, so that what works on these needs no padded copy.
        """
        n, s, o = self.size[axis], self.stride[axis], self.out[axis]
        found = []
        for i in range(self.ksize[axis]):
            shift = i * self.dilate[axis] - self.pad[axis]
            first = max(0, -(shift // s))
            count = max(0, min(o, (n - 1 - shift) // s + 1) - first)
            start = first * s + shift
            found.append((slice(first, first + count), slice(start, start + count * s, s)))
        return found

    def overlaps(self) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """The same along all axes, as indices of ``(..., *out)`` and ``(..., *size)``."""
        spans = product(*map(self.spans, range(len(self.size))))
        return [
            ((..., *(windows for windows, _ in each)), (..., *(elements for _, elements in each))) for each in spans
        ]


def geometry(
    function: str,
    size: Shape,
    ksize: Sizes,
    stride: Sizes = 1,
    pad: Sizes = 0,
    dilate: Sizes = 1,
    cover_all: bool = False,
) -> Geometry:
    """The windows of size ``ksize`` over spatial axes of the given sizes.

    ``out = floor((size + 2 pad - reach) / stride) + 1`` windows an axis, with ``reach = (ksize - 1) dilate + 1``;
    with ``cover_all`` the quotient is rounded up, so that every element is in a window.

    Raises:
        ArgumentError: a number is out of range, or there are not as many as spatial axes.
        ShapeError: no window fits.
    """
    ndim = len(size)
    k = per_axis(function, "ksize", ksize, ndim, 1)
    s = per_axis(function, "stride", stride, ndim, 1)
    p = per_axis(function, "pad", pad, ndim, 0)
    d = per_axis(function, "dilate", dilate, ndim, 1)
    out = []
    for n, k_i, s_i, p_i, d_i in zip(size, k, s, p, d, strict=True):
        room = n + 2 * p_i - (k_i - 1) * d_i - 1
        out.append((room + (s_i - 1 if cover_all else 0)) // s_i + 1)
    if any(o < 1 for o in out):
        raise ShapeError(
            f"{function}: windows of {k} do not fit into {tuple(size)} (stride={s}, pad={p}, dilate={d}). "
            "Give a smaller window or more padding."
        )
    return Geometry(tuple(size), k, s, p, d, tuple(out))


def per_axis(function: str, name: str, value: Sizes, ndim: int, low: int) -> Shape:
    """One number for each spatial axis, each at least ``low``."""
    given: Any = value
    try:
        numbers = tuple(map(index, given)) if hasattr(given, "__len__") else (index(given),) * ndim
    except TypeError:  # 1.5, "3", None
        numbers = ()
    if len(numbers) != ndim or any(each < low for each in numbers):
        raise ArgumentError(f"{function}: {name}={value} (expected {ndim} numbers of at least {low}, or one for all).")
    return numbers


def pieces(total: int, size: int) -> Iterator[slice]:
    """0 to ``total``, cut every ``size``, or at every number if that is less than 1."""
    step = max(size, 1)
    for start in range(0, total, step):
        yield slice(start, min(start + step, total))


def images_in_cache(shape: Shape) -> Iterator[slice]:
    """The batch of such an array in pieces of so many images as stay in the processor's cache."""
    return pieces(shape[0], CACHED // max(prod(shape[1:]), 1))


def with_padding(xp: Any, x: Array, g: Geometry, fill: float = 0) -> Array:
    """``(..., *padded)``: x, and ``fill`` around it; x itself where there is no padding."""
    if g.padded == g.size:
        return x
    padded = xp.full(x.shape[: x.ndim - len(g.size)] + g.padded, fill, x.dtype)
    padded[(..., *g.inside)] = x
    return padded


def gather(xp: Any, x: Array, g: Geometry, fill: float = 0) -> Array:
    """The windows of ``x``, ``(..., *size)``, as an array ``(..., *ksize, *out)``; outside of x they hold ``fill``."""
    padded = with_padding(xp, x, g, fill)
    windows = xp.empty(padded.shape[: x.ndim - len(g.size)] + g.ksize + g.out, x.dtype)
    every = (slice(None),) * len(g.size)
    for at, where in g.offsets():
        windows[(..., *at, *every)] = padded[(..., *where)]
    return windows


def scatter(xp: Any, windows: Array, g: Geometry) -> Array:
    """The sum of windows, ``(..., *ksize, *out)``, each added where ``gather`` took it from: ``(..., *size)``."""
    lead = windows.shape[: windows.ndim - 2 * len(g.size)]
    padded = xp.zeros(lead + g.padded, windows.dtype)
    every = (slice(None),) * len(g.size)
    for at, where in g.offsets():
        padded[(..., *where)] += windows[(..., *at, *every)]
    return padded[(..., *g.inside)]


def fold(xp: Any, x: Array, g: Geometry, combine: Any, start: float) -> Array:
    """What a ufunc makes of each window's elements, without padding: ``(..., *out)``. One axis after the other."""
    for axis in range(len(g.size)):
        before, after = around(x, axis, g)
        y = xp.full((*x.shape[:before], g.out[axis], *x.shape[before + 1 :]), start, x.dtype)
        for windows, elements in g.spans(axis):
            part = y[(..., windows, *after)]
            combine(part, x[(..., elements, *after)], out=part)
        x = y
    return x


def spread(xp: Any, y: Array, g: Geometry) -> Array:
    """Each window's value given to all its elements, ``(..., *size)``; where windows overlap, the sum of theirs."""
    for axis in reversed(range(len(g.size))):
        before, after = around(y, axis, g)
        x = xp.zeros((*y.shape[:before], g.size[axis], *y.shape[before + 1 :]), y.dtype)
        for windows, elements in g.spans(axis):
            x[(..., elements, *after)] += y[(..., windows, *after)]
        y = x
    return y


def around(x: Array, axis: int, g: Geometry) -> tuple[int, tuple[slice, ...]]:
    """How many axes of x stand before a spatial one, and the index of all that follow it."""
    later = len(g.size) - axis - 1
    return x.ndim - later - 1, (slice(None),) * later


def positions(xp: Any, numbers: Array, g: Geometry) -> Array:
    """Where in the flattened ``(..., *padded)`` each window's element of the given number lies.

    ``numbers`` is ``(..., *out)``, and so is the result. They count the elements of a window in row-major order.
    """
    lead = numbers.shape[: numbers.ndim - len(g.size)]
    steps = [prod(g.padded[axis + 1 :]) for axis in range(len(g.size))]
    within = [sum(map(mul, at, map(mul, g.dilate, steps))) for at in product(*map(range, g.ksize))]
    first = xp.zeros((), "int64")
    for o, s, step in zip(g.out, g.stride, steps, strict=True):
        first = first[..., None] + s * step * xp.arange(o)
    flat = xp.asarray(within, "int64")[numbers]
    flat += first
    flat += prod(g.padded) * xp.arange(prod(lead)).reshape(lead + (1,) * len(g.size))
    return flat
