"""Convolutions: one row each; the tests are those of the kit. The references add up one element at a time."""

from itertools import product

import numpy as np

import chainette_functions as F
from chainette.testing import Case, FunctionTests, arrays


def per_axis(value, ndim):
    return value if isinstance(value, tuple) else (value,) * ndim


def count(size, window, stride, pad, dilate, cover_all):
    """How many windows there are, found by moving one along until it reaches the end."""
    reach, found = (window - 1) * dilate + 1, 0
    while found * stride - pad + reach <= size + pad:
        found += 1
    uncovered = (found - 1) * stride - pad + reach < size + pad
    return found + (cover_all and uncovered)


def pairs(size, out, window, stride, pad, dilate):
    """Each (place in x, place in y, place in the window) that belong together."""
    for p in product(*map(range, out)):
        for k in product(*map(range, window)):
            i = tuple(p[a] * stride[a] + k[a] * dilate[a] - pad[a] for a in range(len(p)))
            if all(0 <= i[a] < size[a] for a in range(len(p))):
                yield i, p, k


def convolution(x, W, b=None, stride=1, pad=0, dilate=1, groups=1, cover_all=False):
    size, window = x.shape[2:], W.shape[2:]
    stride, pad, dilate = (per_axis(each, len(size)) for each in (stride, pad, dilate))
    out = [count(*axis, cover_all) for axis in zip(size, window, stride, pad, dilate, strict=True)]
    y = np.zeros((len(x), len(W), *out))
    for o in range(len(W)):
        first = o // (len(W) // groups) * W.shape[1]
        for c in range(W.shape[1]):
            for i, p, k in pairs(size, out, window, stride, pad, dilate):
                y[(slice(None), o, *p)] += W[(o, c, *k)] * x[(slice(None), first + c, *i)]
    return y if b is None else y + b.reshape(-1, *[1] * len(out))


def deconvolution(x, W, b=None, stride=1, pad=0, dilate=1, groups=1, outsize=None):
    out, window = x.shape[2:], W.shape[2:]
    stride, pad, dilate = (per_axis(each, len(out)) for each in (stride, pad, dilate))
    size = outsize or [stride[a] * (out[a] - 1) + dilate[a] * (window[a] - 1) + 1 - 2 * pad[a] for a in range(len(out))]
    y = np.zeros((len(x), W.shape[1] * groups, *size))
    for c in range(len(W)):
        first = c // (len(W) // groups) * W.shape[1]
        for o in range(W.shape[1]):
            for i, p, k in pairs(size, out, window, stride, pad, dilate):
                y[(slice(None), first + o, *i)] += W[(c, o, *k)] * x[(slice(None), c, *p)]
    return y if b is None else y + b.reshape(-1, *[1] * len(out))


def depthwise(x, W, b=None, **kwargs):
    """By the definition of the channels' order: c * multiplier + m."""
    y = [convolution(x[:, [c]], W[[m]][:, [c]], **kwargs) for c in range(x.shape[1]) for m in range(len(W))]
    return np.concatenate(y, 1) + (0 if b is None else b[:, None, None])


def row(function, reference, x, W, bias=None, name="", **kwargs):
    """A case of x and W of these shapes and, if it is not None, so many biases."""
    shapes = [x, W] if bias is None else [x, W, (bias,)]
    batched = [True, *[False] * (len(shapes) - 1)]
    return Case(function, [arrays.normal(shape) for shape in shapes], lambda *inputs: reference(*inputs, **kwargs),
                kwargs=kwargs, name=f"{function.__name__} {name}".strip(), batched=batched)  # fmt: skip


CASES = [
    row(F.convolution_2d, convolution, (2, 3, 4, 5), (2, 3, 2, 3), 2),
    row(F.convolution_2d, convolution, (2, 1, 3, 4), (2, 1, 2, 2), name="without bias"),
    row(F.convolution_2d, convolution, (2, 1, 5, 6), (2, 1, 3, 2), 2, stride=(2, 3), pad=(2, 1), name="sparse"),
    row(F.convolution_2d, convolution, (2, 3, 3, 4), (2, 3, 1, 1), 2, name="of single pixels"),
    row(F.convolution_2d, convolution, (2, 2, 3, 4), (3, 2, 1, 1), stride=2, pad=1, name="of every second pixel"),
    row(F.convolution_2d, convolution, (1, 2, 2, 2), (1, 2, 1, 1), stride=2, cover_all=True, name="of pixels beyond x"),
    row(F.convolution_2d, convolution, (2, 4, 3, 3), (6, 2, 2, 1), 6, groups=2, name="in groups"),
    row(F.convolution_2d, convolution, (2, 4, 2, 3), (2, 2, 1, 1), groups=2, name="of pixels in groups"),
    row(F.convolution_2d, convolution, (1, 2, 6, 5), (1, 2, 2, 3), 1, dilate=(3, 2), pad=(1, 0), name="with gaps"),
    row(F.convolution_2d, convolution, (2, 1, 4, 5), (2, 1, 3, 2), 2, stride=2, cover_all=True, name="of all"),
    row(F.convolution_2d, convolution, (2, 1, 4, 7), (2, 1, 2, 2), stride=(5, 3), name="that leaves gaps"),
    row(F.convolution_nd, convolution, (2, 2, 6), (3, 2, 3), 3, stride=2, pad=1, name="1-d"),
    row(F.convolution_nd, convolution, (1, 2, 3, 2, 4), (2, 1, 2, 1, 3), 2, stride=(2, 1, 3), pad=(1, 0, 2), groups=2,
        name="3-d"),
    row(F.convolution_nd, convolution, (1, 1, 2, 3, 2, 2), (1, 1, 2, 2, 1, 2), name="4-d"),
    row(F.convolution_nd, convolution, (2, 1, 8), (2, 1, 2), dilate=3, stride=2, cover_all=True, name="1-d of all"),
    row(F.convolution_1d, convolution, (2, 4, 7), (2, 2, 3), 2, stride=2, pad=1, dilate=2, groups=2),
    row(F.convolution_1d, convolution, (2, 2, 6), (2, 2, 3), stride=2, cover_all=True, name="of all"),
    row(F.convolution_3d, convolution, (1, 4, 2, 3, 4), (6, 2, 2, 1, 2), 6, stride=(1, 2, 2), pad=(1, 0, 1), groups=2,
        dilate=(1, 1, 2)),
    row(F.convolution_3d, convolution, (1, 1, 3, 2, 4), (1, 1, 2, 2, 3), stride=2, cover_all=True, name="of all"),
    row(F.dilated_convolution_2d, convolution, (2, 2, 6, 5), (2, 2, 2, 3), 2, stride=(2, 1), pad=(0, 1), dilate=(3, 2)),
    row(F.dilated_convolution_2d, convolution, (2, 1, 6, 5), (1, 1, 2, 2), stride=2, dilate=2, cover_all=True,
        name="of all"),
    row(F.depthwise_convolution_2d, depthwise, (2, 3, 4, 3), (2, 3, 2, 1), 6, stride=(2, 1), pad=(1, 0)),
    row(F.depthwise_convolution_2d, depthwise, (2, 2, 5, 3), (3, 2, 2, 2), stride=2, name="without bias"),
    row(F.deconvolution_2d, deconvolution, (2, 3, 3, 2), (3, 2, 2, 3), 2),
    row(F.deconvolution_2d, deconvolution, (2, 1, 2, 3), (1, 2, 2, 2), name="without bias"),
    row(F.deconvolution_2d, deconvolution, (2, 2, 3, 2), (2, 1, 3, 2), 1, stride=(2, 3), pad=(2, 0), name="sparse"),
    row(F.deconvolution_2d, deconvolution, (2, 2, 2, 3), (2, 1, 3, 2), 1, stride=(2, 3), pad=(1, 0), outsize=(4, 10),
        name="of a size"),
    row(F.deconvolution_2d, deconvolution, (2, 3, 3, 2), (3, 2, 1, 1), 2, name="of single pixels"),
    row(F.deconvolution_2d, deconvolution, (2, 4, 2, 3), (4, 3, 2, 1), 6, groups=2, name="in groups"),
    row(F.deconvolution_2d, deconvolution, (1, 2, 3, 2), (2, 1, 2, 3), 1, dilate=(3, 2), pad=(1, 0), name="with gaps"),
    row(F.deconvolution_nd, deconvolution, (2, 2, 4), (2, 3, 3), 3, stride=2, pad=1, outsize=(8,), name="1-d"),
    row(F.deconvolution_nd, deconvolution, (1, 2, 2, 1, 3), (2, 1, 2, 3, 1), 2, stride=(2, 1, 3), pad=(1, 0, 0),
        groups=2, name="3-d"),
    row(F.deconvolution_1d, deconvolution, (2, 4, 3), (4, 1, 3), 2, stride=3, pad=1, dilate=2, outsize=(11,), groups=2),
    row(F.deconvolution_3d, deconvolution, (1, 4, 2, 1, 2), (4, 1, 2, 1, 2), 2, stride=(1, 2, 2), pad=(1, 0, 1),
        dilate=(2, 1, 3), groups=2),
    row(F.deconvolution_3d, deconvolution, (1, 2, 2, 1, 2), (2, 1, 2, 1, 2), stride=(1, 2, 2), pad=(1, 0, 1),
        outsize=(1, 2, 3), dilate=(1, 1, 2), name="of a size"),
]  # fmt: skip


class TestConvolution(FunctionTests):
    module = F
    homes = (
        "chainette_functions.connection.convolution_2d",
        "chainette_functions.connection.convolution_nd",
        "chainette_functions.connection.deconvolution_2d",
        "chainette_functions.connection.deconvolution_nd",
        "chainette_functions.connection.dilated_convolution_2d",
        "chainette_functions.connection.depthwise_convolution_2d",
    )
    cases = CASES
