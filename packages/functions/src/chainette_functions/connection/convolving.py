"""How the three functions of convolution are computed: by matrix products, block by block.

A block is one image, a part of a large one or several small ones, so that what lies between x and y stays in the
processor's cache. Beyond the result there are at any time, of one block: its padded images, one matrix of windows, and
what comes of it; or a band, in which both are one. Each has at most ``ELEMENTS`` elements, or those of one image, or of
one row of its windows, where that is more. Nothing is as large as the windows of the whole batch. Besides there may be
a copy of W in another order, and ``Depthwise`` makes float32 of all of a float16 batch.

``variant`` says what computes which convolution; docs/performance.md has the measurements.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from math import ceil, prod
from typing import Any

from chainette.typing import Array, Shape
from chainette_functions.windows import Geometry, images_in_cache, pieces

POSITIONS = 1024  # of windows in a block: enough for BLAS to be at its best, few enough for the cache
POINTS = 512  # the same for windows of one element
ELEMENTS = 1 << 22  # of a block, at most: 16 MB of float32
BAND = 1 << 20  # the same of a band: smaller ones copy more rows twice


def variant(g: Geometry, W: Shape, groups: int, batch: int) -> Any:
    """The class that computes with these windows of so many images and a W of this shape, ``(out, in / groups, ...)``.

    * ``Pointwise`` where windows are the elements themselves: the images are the matrices, and nothing is copied.
    * ``Depthwise`` where a channel of y sees one of x: there is no sum over channels to make a matrix product of.
    * ``Bands`` where there are few channels: its pieces are rows of y, and those of ``Windows`` the channels of x.
    * ``Windows`` for all others.
    """
    if g.pointwise:
        return Pointwise
    if groups > 1 and W[1] == 1 and W[0] <= 2 * groups:
        return Depthwise
    wide = len(g.size) > 1 and 2 * g.out[-1] >= W[1] and batch * prod(g.out[1:]) >= 2 * W[1]
    return Bands if wide else Windows


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
        if (mirrored := _mirrored(g)) is not None:
            turned = _by_group(W, groups).swapaxes(1, 2)[..., ::-1]
            turned = turned.reshape(groups * W.shape[1], len(W) // groups, *W.shape[2:])
            chosen = variant(mirrored, turned.shape, groups, len(gy))
            if chosen is Bands or turned.shape[1] <= W.shape[1]:  # else there is more to gather than to scatter
                gx: Array = chosen.convolve(xp, gy, turned, b, mirrored, groups)
                return gx
        return _scatter(xp, gy, _channels_last(W, groups), b, g)

    @staticmethod
    def correlate(xp: Any, x: Array, gy: Array, g: Geometry, groups: int) -> Array:
        ins, outs = x.shape[1] // groups, gy.shape[1] // groups
        count, length = _block(g, x.shape[1] * prod(g.ksize), x.shape[1])

        def products() -> Iterator[Array]:
            copy, padded = Space(xp.empty, x), Space(xp.zeros, x)
            for images in pieces(len(x), count):
                windows = _windows(xp, x[images], g, groups, padded)
                for rows in pieces(g.out[0], length):
                    yield xp.matmul(_rows(gy[images, :, rows], groups), _matrix(windows[:, :, rows], copy))

        gW = _total(xp, products(), (groups, outs, prod(g.ksize) * ins), x)
        return xp.moveaxis(gW.reshape(groups * outs, *g.ksize, ins), -1, 1)


class Bands(Windows):
    """Any windows, some rows of them at a time. Rows come first in the copy of x, then channels, then the images.

    So the windows of one row in all images are one matrix that is a view, and those of the next row a view of nearly
    the same elements: they are copied for each position along the other axes, and not along the first.
    """

    @staticmethod
    def convolve(xp: Any, x: Array, W: Array, b: Array | None, g: Geometry, groups: int) -> Array:
        outs = len(W) // groups
        y = xp.empty((len(x), len(W), *g.out), x.dtype)
        matrices, space = _channels_last(W, groups)[:, None], Space(xp.empty, x)
        for images, rows, columns in _bands(xp, x, g, groups, outs):
            shape = (groups, columns.shape[1], outs, columns.shape[3])
            values = xp.matmul(matrices, columns, out=space.array(shape))
            values = values.reshape(*shape[:3], images.stop - images.start, *g.out[1:])
            _put(xp, xp.moveaxis(values, 1, 3), b, y[images, :, rows])
        return y

    @staticmethod
    def correlate(xp: Any, x: Array, gy: Array, g: Geometry, groups: int) -> Array:
        ins, outs = x.shape[1] // groups, gy.shape[1] // groups

        def products() -> Iterator[Array]:
            for images, rows, columns in _bands(xp, x, g, groups, outs):
                gradient = _by_row(xp, _wide(gy[images, :, rows]), groups)
                gradient = gradient.reshape(*gradient.shape[:3], columns.shape[3])
                yield xp.matmul(columns, gradient.swapaxes(2, 3)).sum(1)

        gW = _total(xp, products(), (groups, prod(g.ksize) * ins, outs), x).swapaxes(1, 2)
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
    padded, copy, values = Space(xp.zeros, x), Space(xp.empty, x), Space(xp.empty, x)
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
    sums, products = Space(xp.empty, gy), Space(xp.empty, gy)
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


def _bands(xp: Any, x: Array, g: Geometry, groups: int, outs: int) -> Iterator[tuple[slice, slice, Array]]:
    """Some images, some rows of their windows, and the matrices of these rows.

    The matrices are ``(groups, rows, window size * in / groups, images * *out[1:])``: views of a copy that the next
    band overwrites.
    """
    source = _by_row(xp, x, groups)
    ins, stride, reach = source.shape[2], g.stride[0], (g.ksize[0] - 1) * g.dilate[0] + 1
    offsets = list(product(*[g.spans(axis) for axis in range(1, len(g.size))]))
    count, length = _band(g, groups, ins, outs, len(x))
    copy = Space(xp.zeros, x).array((groups, (length - 1) * stride + reach, len(offsets), ins, count, *g.out[1:]))
    for images in pieces(len(x), count):
        part = source[:, :, :, images]
        for rows in pieces(g.out[0], length):
            first = rows.start * stride - g.pad[0]  # of the rows of x that the band sees; some may be padding
            band = copy[:, : (rows.stop - rows.start - 1) * stride + reach, :, :, : part.shape[3]]
            start = min(max(-first, 0), band.shape[1])
            stop = max(min(g.size[0] - first, band.shape[1]), start)
            band[:, :start] = 0
            band[:, stop:] = 0
            for i, offset in enumerate(offsets):
                windows, elements = ([*each] for each in zip(*offset, strict=True))
                inside = part[(slice(None), slice(first + start, first + stop), ..., *elements)]
                band[(slice(None), slice(start, stop), i, ..., *windows)] = inside
            below = xp.lib.stride_tricks.sliding_window_view(band, reach, 1)[:, ::stride, ..., :: g.dilate[0]]
            shape = (groups, below.shape[1], prod(g.ksize) * ins, part.shape[3] * prod(g.out[1:]))
            yield images, rows, xp.moveaxis(below, -1, 2).reshape(shape)


def _band(g: Geometry, groups: int, ins: int, outs: int, batch: int) -> tuple[int, int]:
    """How many images, and how many rows of windows of each, make a band; a group has so many channels of x and y."""
    count = max(1, min(batch, POSITIONS // prod(g.out[1:])))
    columns = count * prod(g.out[1:])
    row = groups * max(prod(g.ksize[1:]) * ins * columns, outs * columns, prod(g.ksize) * ins * outs)
    seen = BAND // max(row, 1) - (g.ksize[0] - 1) * g.dilate[0]  # rows, of which the last ones are the next band's too
    return count, max(1, min(g.out[0], (seen - 1) // g.stride[0] + 1))


class Space:
    """Memory that one block after the other uses: to fetch it anew each time would cost more than to fill it.

    ``new`` makes it; with ``xp.zeros`` there are zeros at first, then what was left there.
    """

    def __init__(self, new: Any, like: Array) -> None:
        self.new = new
        self.memory: Array = new(0, "f" if like.dtype == "e" else like.dtype)

    def array(self, shape: Shape) -> Array:
        if self.memory.size < prod(shape):
            self.memory = self.new(prod(shape), self.memory.dtype)
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


def _by_row(xp: Any, x: Array, groups: int) -> Array:
    """A view of x as ``(groups, rows, channels / groups, batch, ...)``."""
    return xp.moveaxis(x.reshape(len(x), groups, x.shape[1] // groups, *x.shape[2:]), (1, 3, 2, 0), (0, 1, 2, 3))


def _by_group(W: Array, groups: int) -> Array:
    """W as ``(groups, out / groups, in / groups, window size)``."""
    return _wide(W).reshape(groups, len(W) // groups, W.shape[1], prod(W.shape[2:]))


def _mirrored(g: Geometry) -> Geometry | None:
    """The windows through which each element of x sees those of y that see it; None where these lie at intervals."""
    pad = tuple((k - 1) * d - p for k, d, p in zip(g.ksize, g.dilate, g.pad, strict=True))
    return replace(g, size=g.out, pad=pad, out=g.size) if max(g.stride) == 1 and min(pad) >= 0 else None


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
