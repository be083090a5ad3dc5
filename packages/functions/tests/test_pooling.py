"""Pooling functions: one row each; the tests are those of the kit. The references look at each window by itself."""

from itertools import product

import numpy as np

import chainette
import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def windows(size, out, ksize, stride, pad):
    """Of each window its place in the result, an index of its elements in x, and their numbers within the window."""
    for at in np.ndindex(*out):
        reach = [range(o * s - p, o * s - p + k) for o, k, s, p in zip(at, ksize, stride, pad, strict=True)]
        inside = [[i for i in axis if 0 <= i < n] for axis, n in zip(reach, size, strict=True)]
        places = set(product(*inside))
        numbers = [n for n, place in enumerate(product(*reach)) if place in places]
        yield (..., *at), (..., *np.ix_(*inside)), numbers


def pool(take, out, ksize, stride, pad):
    """What ``take`` makes of the elements of each window, padding left out, and of their numbers."""

    def reference(x):
        y = np.zeros((*x.shape[:2], *out), int if take is number_of_largest else float)
        for at, elements, numbers in windows(x.shape[2:], out, ksize, stride, pad):
            y[at] = take(x[elements].reshape(*x.shape[:2], len(numbers)), numbers)
        return y

    return reference


def largest(elements, numbers):
    return elements.max(-1)


def number_of_largest(elements, numbers):
    return np.array(numbers)[elements.argmax(-1)]


def mean(elements, numbers):
    return elements.mean(-1)


def mean_of(count):
    return lambda elements, numbers: elements.sum(-1) / count


def unpool(size, ksize, stride, pad):
    def reference(x):
        y = np.zeros((*x.shape[:2], *size))
        for at, elements, _ in windows(size, x.shape[2:], ksize, stride, pad):
            y[elements] += x[at].reshape(*x.shape[:2], *(1,) * len(size))
        return y

    return reference


def upsample(size, ksize, stride, pad):
    def reference(x, indexes):
        y = np.zeros((*x.shape[:2], *size))
        for n, c, i, j in np.ndindex(*x.shape):
            place = divmod(int(indexes[n, c, i, j]), ksize[1])
            row, column = i * stride[0] - pad[0] + place[0], j * stride[1] - pad[1] + place[1]
            if 0 <= row < size[0] and 0 <= column < size[1]:
                y[n, c, row, column] += x[n, c, i, j]
        return y

    return reference


def pyramid(*levels):
    """Of levels (bins, ksize, pad) one behind the other."""

    def reference(x):
        pooled = [pool(largest, (bins, bins), ksize, ksize, pad)(x) for bins, ksize, pad in levels]
        return np.concatenate([y.reshape(len(x), x.shape[1] * y.shape[2] ** 2, 1, 1) for y in pooled], 1)

    return reference


def regions(outh, outw, scale):
    def bins(first, last, count, size):
        reach = max(last - first + 1, 1) / count
        ends = [(first + np.floor(i * reach), first + np.ceil((i + 1) * reach)) for i in range(count)]
        return [[n for n in range(size) if low <= n < high] for low, high in ends]

    def reference(x, rois):
        y = np.zeros((len(rois), x.shape[1], outh, outw))
        for r, (image, *corners) in enumerate(rois):
            x1, y1, x2, y2 = (round(corner * scale) for corner in corners)
            for i, rows in enumerate(bins(y1, y2, outh, x.shape[2])):
                for j, columns in enumerate(bins(x1, x2, outw, x.shape[3])):
                    if rows and columns:
                        y[r, :, i, j] = x[int(image)][:, rows][:, :, columns].max((1, 2))
        return y

    return reference


def with_indices(x):
    y, indexes = F.max_pooling_2d(x, (2, 3), 2, (1, 0), return_indices=True)
    return y, chainette.as_variable(indexes)


CORNERS = [0, 0, 4, 3], [1, 2, 3, 4], [3, 2, 11, 9], [2, 2, 1, 0], [8, 0, 9, 3], [-2, -3, 1, 1]
ROIS = arrays.values(*([n % 2, *corners] for n, corners in enumerate(CORNERS)), dtype="int32")

CASES = [
    Case(F.max_pooling_2d, [arrays.distinct((2, 3, 5, 4))], pool(largest, (3, 2), (2, 2), (2, 2), (0, 0)),
         kwargs={"ksize": 2}),
    Case(F.max_pooling_2d, [arrays.distinct((2, 3, 5, 4))], pool(largest, (2, 2), (2, 2), (2, 2), (0, 0)),
         kwargs={"ksize": 2, "cover_all": False}, name="max_pooling_2d without cover_all"),
    Case(F.max_pooling_2d, [arrays.distinct((2, 2, 6, 4))], pool(largest, (4, 3), (3, 3), (2, 2), (1, 1)),
         kwargs={"ksize": 3, "stride": 2, "pad": 1}, name="max_pooling_2d with pad"),
    Case(F.max_pooling_2d, [arrays.distinct((2, 2, 5, 4))], pool(largest, (6, 2), (2, 3), (1, 2), (1, 1)),
         kwargs={"ksize": (2, 3), "stride": (1, 2), "pad": 1, "cover_all": False}, name="max_pooling_2d unequal"),
    Case(F.max_pooling_2d, [arrays.distinct((2, 2, 4, 5))],
         lambda x: tuple(pool(take, (3, 2), (2, 3), (2, 2), (1, 0))(x) for take in (largest, number_of_largest)),
         call=with_indices, name="max_pooling_2d with indices"),
    Case(F.max_pooling_1d, [arrays.distinct((3, 2, 7))], pool(largest, (3,), (4,), (2,), (0,)),
         kwargs={"ksize": 4, "stride": 2}),
    Case(F.max_pooling_3d, [arrays.distinct((2, 1, 3, 4, 2))],
         pool(largest, (2, 3, 2), (2, 3, 1), (1, 2, 1), (0, 1, 0)),
         kwargs={"ksize": (2, 3, 1), "stride": (1, 2, 1), "pad": (0, 1, 0)}),
    Case(F.max_pooling_nd, [arrays.distinct((2, 2, 3, 3))], pool(largest, (2, 3), (2, 1), (1, 1), (0, 0)),
         kwargs={"ksize": (2, 1), "stride": 1}),
    Case(F.average_pooling_2d, [arrays.normal((2, 3, 5, 4))], pool(mean_of(4), (2, 2), (2, 2), (2, 2), (0, 0)),
         kwargs={"ksize": 2}),
    Case(F.average_pooling_2d, [arrays.normal((2, 2, 5, 4))], pool(mean_of(9), (3, 2), (3, 3), (2, 2), (1, 1)),
         kwargs={"ksize": 3, "stride": 2, "pad": 1}, name="average_pooling_2d with pad"),
    Case(F.average_pooling_2d, [arrays.normal((2, 2, 4, 5))], pool(mean_of(6), (5, 2), (2, 3), (1, 2), (1, 0)),
         kwargs={"ksize": (2, 3), "stride": (1, 2), "pad": (1, 0)}, name="average_pooling_2d unequal"),
    Case(F.average_pooling_1d, [arrays.normal((3, 2, 7))], pool(mean_of(3), (3,), (3,), (2,), (0,)),
         kwargs={"ksize": 3, "stride": 2}),
    Case(F.average_pooling_1d, [arrays.normal((3, 2, 5))], pool(mean, (4,), (3,), (2,), (2,)),
         kwargs={"ksize": 3, "stride": 2, "pad": 2, "pad_value": None}, name="average_pooling_1d of what is there"),
    Case(F.average_pooling_3d, [arrays.normal((2, 1, 3, 4, 2))],
         pool(mean_of(6), (2, 2, 2), (2, 3, 1), (1, 2, 1), (0, 1, 0)),
         kwargs={"ksize": (2, 3, 1), "stride": (1, 2, 1), "pad": (0, 1, 0)}),
    Case(F.average_pooling_3d, [arrays.normal((2, 1, 3, 4, 2))], pool(mean, (2, 2, 2), (2, 3, 1), (1, 2, 1), (0, 1, 0)),
         kwargs={"ksize": (2, 3, 1), "stride": (1, 2, 1), "pad": (0, 1, 0), "pad_value": None},
         name="average_pooling_3d of what is there"),
    Case(F.average_pooling_nd, [arrays.normal((2, 2, 3, 3))], pool(mean_of(2), (2, 3), (2, 1), (1, 1), (0, 0)),
         kwargs={"ksize": (2, 1), "stride": 1}),
    Case(F.average_pooling_nd, [arrays.normal((2, 2, 5, 4))], pool(mean, (3, 2), (3, 3), (2, 2), (1, 1)),
         kwargs={"ksize": 3, "stride": 2, "pad": 1, "pad_value": None}, name="average_pooling_nd of what is there"),
    Case(F.unpooling_2d, [arrays.normal((2, 3, 2, 3))], unpool((3, 5), (2, 2), (2, 2), (0, 0)), kwargs={"ksize": 2}),
    Case(F.unpooling_2d, [arrays.normal((2, 3, 2, 3))], unpool((4, 6), (2, 2), (2, 2), (0, 0)),
         kwargs={"ksize": 2, "cover_all": False}, name="unpooling_2d without cover_all"),
    Case(F.unpooling_2d, [arrays.normal((2, 3, 2, 3))], unpool((3, 4), (3, 2), (2, 1), (1, 0)),
         kwargs={"ksize": (3, 2), "stride": (2, 1), "pad": (1, 0), "cover_all": False}, name="unpooling_2d unequal"),
    Case(F.unpooling_2d, [arrays.normal((2, 3, 2, 3))], unpool((4, 7), (2, 2), (2, 2), (0, 0)),
         kwargs={"ksize": 2, "outsize": (4, 7)}, name="unpooling_2d with outsize"),
    Case(F.unpooling_1d, [arrays.normal((2, 3, 3))], unpool((6,), (3,), (2,), (0,)), kwargs={"ksize": 3, "stride": 2}),
    Case(F.unpooling_3d, [arrays.normal((2, 1, 2, 1, 2))], unpool((3, 1, 5), (2, 1, 3), (1, 2, 2), (0, 0, 0)),
         kwargs={"ksize": (2, 1, 3), "stride": (1, 2, 2), "cover_all": False}),
    Case(F.unpooling_nd, [arrays.normal((2, 3, 3, 2))], unpool((3, 2), (1, 2), (1, 2), (0, 1)),
         kwargs={"ksize": (1, 2), "pad": (0, 1), "cover_all": False}),
    Case(F.upsampling_2d, [arrays.normal((2, 3, 2, 3)), arrays.integers((2, 3, 2, 3), 0, 4)],
         upsample((3, 5), (2, 2), (2, 2), (0, 0)), kwargs={"ksize": 2}),
    Case(F.upsampling_2d, [arrays.normal((2, 3, 2, 3)), arrays.integers((2, 3, 2, 3), 0, 6, "uint8")],
         upsample((3, 4), (3, 2), (2, 1), (1, 0)),
         kwargs={"ksize": (3, 2), "stride": (2, 1), "pad": (1, 0), "cover_all": False}, name="upsampling_2d unequal"),
    Case(F.upsampling_2d, [arrays.normal((2, 3, 2, 3)), arrays.integers((2, 3, 2, 3), 0, 4, "int64")],
         upsample((4, 7), (2, 2), (2, 2), (0, 0)), kwargs={"ksize": 2, "outsize": (4, 7)},
         name="upsampling_2d with outsize"),
    Case(F.spatial_pyramid_pooling_2d, [arrays.distinct((2, 2, 3, 5))],
         pyramid((1, (3, 5), (0, 0)), (2, (2, 3), (0, 0))), kwargs={"pyramid_height": 2}),
    Case(F.spatial_pyramid_pooling_2d, [arrays.distinct((2, 1, 6, 7))],
         pyramid((1, (6, 7), (0, 0)), (2, (3, 4), (0, 0)), (4, (2, 2), (1, 0))),
         kwargs={"pyramid_height": 3, "pooling": "max"}, name="spatial_pyramid_pooling_2d of three levels"),
    Case(F.roi_pooling_2d, [arrays.distinct((2, 2, 5, 6)), ROIS], regions(2, 3, 1),
         kwargs={"outh": 2, "outw": 3, "spatial_scale": 1}, batched=False),
    Case(F.roi_pooling_2d, [arrays.distinct((2, 2, 4, 3)), ROIS], regions(3, 2, 0.5),
         kwargs={"outh": 3, "outw": 2, "spatial_scale": 0.5}, batched=False, name="roi_pooling_2d scaled"),
]  # fmt: skip


class TestPooling(FunctionTests):
    module = F
    homes = ("chainette_functions.pooling",)
    cases = CASES
