"""How the three functions of convolution are computed: by matrix products, block by block.

A block is one image, a part of a large one or several small ones, so that what lies between x and y stays in the
processor's cache. Beyond the result there are at any time, of one block: its padded images, one matrix of windows, and
what comes of it. Each has at most ``ELEMENTS`` elements, or those of one image, or of one row of its windows, where
that is more. Nothing is as large as the windows of the whole batch. Besides there may be a copy of W in another order,
and ``Depthwise`` makes float32 of all of a float16 batch.

``variant`` says what computes which convolution; docs/performance.md has the measurements.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, prod
from typing import Any

from chainette.typing import Array, Shape
from chainette_functions.windows import Geometry, images_in_cache, pieces

POSITIONS = 1024  # of windows in a block: enough for BLAS to be at its best, few enough for the cache
POINTS = 512  # the same for windows of one element
ELEMENTS = 1 << 22  # of a block, at most: 16 MB of float32


def variant(g: Geometry, W: Shape, groups: int) -> Any:
    """The class that computes with these windows and a W of this shape, ``(out, in / groups, window size, ...)``.

    * ``Pointwise`` where windows are the elements themselves: the images are the matrices, and nothing is copied.
    * ``Depthwise`` where a channel of y sees one of x: there is no sum over channels to make a matrix product of.
    * ``Windows`` for all others.
    """
    if g.pointwise:
        return Pointwise
    return Depthwise if groups > 1 and W[1] == 1 and W[0] <= 2 * groups else Windows


class Pointwise:
    """Windows of one element: products with the images as they lie there; small ones are put side by side."""

    @staticmethod
    def convolve(xp: Any, x: Array, W: Array, b: Array | None, g: Geometry, groups: int) -> Array:
        return _transform(xp, _by_group(W, groups)[..., 0], x, b, g.size)

    @staticmethod
    def deconvolve(xp: Any, gy: Array, W: Array, b: Array | None, g: Geometry, groups: int) -> Array:
        return _transform(xp, _by_group(W, groups)[..., 0].swapaxes(1, 2), gy, b, g.size)

    @staticmethod
    def correlate(xp: Any, x: Array, gy: Array, g: Geometry, groups: int) -> Array:
        def products() -> Iterator[Array]:
            for images in pieces(len(x), POINTS // prod(g.size)):
                yield xp.matmul(_rows(gy[images], groups), _rows(x[images], groups).swapaxes(1, 2))

        gW = _total(xp, products(), (groups, gy.shape[1] // groups, x.shape[1] // groups), x)
        return gW.reshape(gy.shape[1], x.shape[1] // groups, *g.ksize)


def _transform(xp: Any, matrices: Array, x: Array, b: Array | None, size: Shape) -> Array:
    """The matrices, one a group, times the channels of x, plus b."""
    groups, outs, _ = matrices.shape
    y = xp.empty((len(x), groups * outs, *size), x.dtype)
    for images in pieces(len(x), POINTS // prod(size)):
        _put(xp, xp.matmul(matrices, _rows(x[images], groups)), b, y[images])
    return y


class Windows:
    """Any windows. Channels come last in the padded images: a window is then a few long pieces, quickly copied."""

    @staticmethod
    def convolve(xp: Any, x: Array, W: Array, b: Array | None, g: Geometry, groups: int) -> Array:
        return _gather(xp, x, _channels_last(W, groups), b, g)

    @staticmethod
    def deconvolve(xp: Any, gy: Array, W: Array, b: Array | None, g: Geometry, groups: int) -> Array:
        return _scatter(xp, gy, _channels_last(W, groups), b, g)

    @staticmethod
    def correlate(xp: Any, x: Array, gy: Array, g: Geometry, groups: int) -> Array:
        ins, outs = x.shape[1] // groups, gy.shape[1] // groups
        count, length = _block(g, x.shape[1] * prod(g.ksize), x.shape[1])

        def products() -> Iterator[Array]:
            copy, padded = Space(xp, x), Space(xp, x)
            for images in pieces(len(x), count):
                windows = _windows(xp, x[images], g, groups, padded)
                for rows in pieces(g.out[0], length):
                    yield xp.matmul(_rows(gy[images, :, rows], groups), _matrix(windows[:, :, rows], copy))

        gW = _total(xp, products(), (groups, outs, prod(g.ksize) * ins), x)
        return xp.moveaxis(gW.reshape(groups * outs, *g.ksize, ins), -1, 1)


class Depthwise:
    """Each position in a window is a product of whole images: arrays are ``(batch, groups, out / groups, ...)``."""

    @staticmethod
    def convolve(xp: Any, x: Array, W: Array, b: Array | None, g: Geometry, groups: int) -> Array:
        x, factors = _wide(x)[:, :, None], _factors(W, g, groups)
        y = xp.zeros((len(x), *factors[0].shape[:2], *g.out), x.dtype)
        for images in images_in_cache(y.shape):
            part, target = x[images], y[images]
            for factor, (windows, elements) in zip(factors, g.overlaps(), strict=True):
                target[windows] += part[elements] * factor
        y = y.reshape(len(x), len(W), *g.out)
        if b is not None:
            y += b.reshape(len(b), *[1] * len(g.out))
        return y

    @staticmethod
    def deconvolve(xp: Any, gy: Array, W: Array, b: Array | None, g: Geometry, groups: int) -> Array:
        factors = _factors(W, g, groups)
        gy = _wide(gy).reshape(len(gy), *factors[0].shape[:2], *g.out)
        gx = xp.zeros((len(gy), groups, *g.size), gy.dtype)
        for images in images_in_cache(gy.shape):
            part, target = gy[images], gx[images]
            for factor, (windows, elements) in zip(factors, g.overlaps(), strict=True):
                target[elements] += (part[windows] * factor).sum(2)
        if b is not None:
            gx += b.reshape(len(b), *[1] * len(g.out))
        return gx

    @staticmethod
    def correlate(xp: Any, x: Array, gy: Array, g: Geometry, groups: int) -> Array:
        x = _wide(x)[:, :, None]
        gy = _wide(gy).reshape(len(gy), groups, gy.shape[1] // groups, *g.out)
        gW = xp.zeros((prod(g.ksize), *gy.shape[1:3]), x.dtype)
        axes = (0, *range(3, gy.ndim))
        for images in images_in_cache(gy.shape):
            part, gradient = x[images], gy[images]
            for i, (windows, elements) in enumerate(g.overlaps()):
                gW[i] += (part[elements] * gradient[windows]).sum(axes)
        return xp.moveaxis(gW, 0, -1).reshape(prod(gy.shape[1:3]), 1, *g.ksize)


def _factors(W: Array, g: Geometry, groups: int) -> list[Array]:
    """For each position in a window the factors of the channels, ``(groups, out / groups, 1, ...)``."""
    factors = _by_group(W, groups)[:, :, 0]
    return [factors[..., i].reshape(*factors.shape[:2], *[1] * len(g.size)) for i in range(factors.shape[2])]


def _gather(xp: Any, x: Array, matrices: Array, b: Array | None, g: Geometry) -> Array:
    """The matrices, ``(groups, out / groups, window size * in / groups)``, times the windows of x, plus b."""
    groups, outs, inner = matrices.shape
    y = xp.empty((len(x), groups * outs, *g.out), x.dtype)
    count, length = _block(g, groups * max(inner, outs), x.shape[1])
    padded, copy, values = Space(xp, x), Space(xp, x), Space(xp, x)
    for images in pieces(len(x), count):
        windows = _windows(xp, x[images], g, groups, padded)
        for rows in pieces(g.out[0], length):
            columns = _matrix(windows[:, :, rows], copy).swapaxes(1, 2)
            products = values.array((groups, outs, columns.shape[2]))
            _put(xp, xp.matmul(matrices, columns, out=products), b, y[images, :, rows])
    return y


def _scatter(xp: Any, gy: Array, matrices: Array, b: Array | None, g: Geometry) -> Array:
    """gy times the matrices, added up where the windows lie, plus b."""
    groups, outs, inner = matrices.shape
    ins = inner // prod(g.ksize)
    gx = xp.empty((len(gy), groups * ins, *g.size), gy.dtype)
    count, length = _block(g, groups * max(inner, outs), groups * ins)
    sums, products = Space(xp, gy), Space(xp, gy)
    for images in pieces(len(gy), count):
        padded = sums.array((len(gy[images]), *g.padded, groups, ins))
        padded[...] = 0
        for rows in pieces(g.out[0], length):
            part = gy[images, :, rows]
            columns = _rows(part, groups).swapaxes(1, 2)
            windows = xp.matmul(columns, matrices, out=products.array((groups, columns.shape[1], inner)))
            windows = windows.reshape(groups, len(part), *part.shape[2:], *g.ksize, ins)
            windows = xp.moveaxis(windows, 0, -2)
            below = padded[:, rows.start * g.stride[0] :]
            for at, where in replace(g, out=part.shape[2:]).offsets():
                below[(slice(None), *where)] += windows[(*[slice(None)] * (1 + len(at)), *at)]
        inside = padded[(slice(None), *g.inside)].reshape(len(padded), *g.size, groups * ins)
        _put(xp, xp.moveaxis(inside, -1, 0), b, gx[images])
    return gx


class Space:
    """Memory that one block after the other uses: to fetch it anew each time would cost more than to fill it."""

    def __init__(self, xp: Any, like: Array) -> None:
        self.xp = xp
        self.memory: Array = xp.zeros(0, "f" if like.dtype == "e" else like.dtype)

    def array(self, shape: Shape) -> Array:
        """Of that shape; zeros at first, then what was left there."""
        if self.memory.size < prod(shape):
            self.memory = self.xp.zeros(prod(shape), self.memory.dtype)
        return self.memory[: prod(shape)].reshape(shape)


def _windows(xp: Any, x: Array, g: Geometry, groups: int, space: Space) -> Array:
    """The windows of x, ``(groups, batch, *out, *ksize, in / groups)``: a view of its padded copy."""
    axes = tuple(range(1, 1 + len(g.size)))
    padded = space.array((len(x), *g.padded, x.shape[1]))
    padded[(slice(None), *g.inside)] = xp.moveaxis(x, 1, -1)
    padded = padded.reshape(len(x), *g.padded, groups, x.shape[1] // groups)
    reach = tuple((k - 1) * d + 1 for k, d in zip(g.ksize, g.dilate, strict=True))
    windows = xp.lib.stride_tricks.sliding_window_view(padded, reach, axes)
    first = [slice(0, (o - 1) * s + 1, s) for o, s in zip(g.out, g.stride, strict=True)]
    windows = windows[(slice(None), *first, ..., *[slice(None, None, d) for d in g.dilate])]
    return xp.moveaxis(windows, (len(axes) + 1, len(axes) + 2), (0, -1))


def _matrix(windows: Array, space: Space) -> Array:
    """A copy of such windows as ``(groups, batch * positions, window size * in / groups)``."""
    shape, inner = windows.shape, windows.ndim // 2 + 1
    copy = space.array(shape)
    copy[...] = windows
    return copy.reshape(shape[0], prod(shape[1:inner]), prod(shape[inner:]))


def _rows(y: Array, groups: int) -> Array:
    """y as ``(groups, channels / groups, batch * positions)``."""
    batch, channels = y.shape[:2]
    return _wide(y).swapaxes(0, 1).reshape(groups, channels // groups, batch * prod(y.shape[2:]))


def _by_group(W: Array, groups: int) -> Array:
    """W as ``(groups, out / groups, in / groups, window size)``."""
    return _wide(W).reshape(groups, len(W) // groups, W.shape[1], prod(W.shape[2:]))


def _channels_last(W: Array, groups: int) -> Array:
    """W as ``(groups, out / groups, window size * in / groups)``."""
    matrices = _by_group(W, groups).swapaxes(2, 3)
    return matrices.reshape(*matrices.shape[:2], prod(W.shape[1:]))


def _put(xp: Any, values: Array, b: Array | None, y: Array) -> None:
    """Write what has the channels first into ``(batch, channels, ...)``, with b added."""
    target = y.swapaxes(0, 1)
    values = values.reshape(target.shape)
    if b is None:
        target[...] = values
    else:
        xp.add(values, b.reshape(len(b), *[1] * (y.ndim - 1)), out=target)


def _total(xp: Any, products: Iterator[Array], shape: Shape, like: Array) -> Array:
    """The sum of matrices of that shape, in the dtype of ``like``."""
    total = next(products, None)
    if total is None:
        return xp.zeros(shape, like.dtype)
    for each in products:
        total += each
    return total.astype(like.dtype, copy=False)


def _block(g: Geometry, elements: int, channels: int) -> tuple[int, int]:
    """How many images, and how many of the first axis' windows of each, make a block.

    A matrix has so many ``elements`` for each window, and padded images have so many ``channels``.
    """
    limit = max(1, min(POSITIONS, ELEMENTS // max(elements, 1)))
    parts = ceil(prod(g.out) / limit)
    images = min(limit // prod(g.out), ELEMENTS // max(channels * prod(g.padded), 1))
    return max(images, 1), ceil(g.out[0] / parts)


def _wide(x: Array) -> Array:
    """float32 for float16, in which sums would lose digits and overflow."""
    return x.astype("f") if x.dtype == "e" else x
