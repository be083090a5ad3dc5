"""The links of convolutions: one row each; the tests are those of the kit."""

import numpy as np

import chainette_links as L
from chainette.testing import LinkCase, LinkTests, arrays


def per_axis(value, ndim):
    return value if isinstance(value, tuple) else (value,) * ndim


def places(k, out, stride, dilate):
    """Where in the padded image the elements number k of all windows lie."""
    return tuple(slice(i * d, i * d + (o - 1) * s + 1, s) for i, o, s, d in zip(k, out, stride, dilate, strict=True))


def convolution(x, W, b=None, stride=1, pad=0, dilate=1, groups=1, cover_all=False):
    """One element of the windows after the other."""
    ndim, ins, outs = x.ndim - 2, W.shape[1], len(W) // groups
    stride, pad, dilate = (per_axis(each, ndim) for each in (stride, pad, dilate))
    room = [n + 2 * p - (k - 1) * d - 1 for n, k, p, d in zip(x.shape[2:], W.shape[2:], pad, dilate, strict=True)]
    out = [-(-r // s) + 1 if cover_all else r // s + 1 for r, s in zip(room, stride, strict=True)]
    x = np.pad(x, [(0, 0), (0, 0), *((p, p + s) for p, s in zip(pad, stride, strict=True))])
    y = np.zeros((len(x), len(W), *out))
    for k in np.ndindex(*W.shape[2:]):
        for g in range(groups):
            window = x[(slice(None), slice(g * ins, (g + 1) * ins), *places(k, out, stride, dilate))]
            o = slice(g * outs, (g + 1) * outs)
            y[:, o] += np.einsum("oc,nc...->no...", W[(o, slice(None), *k)], window)
    return y if b is None else y + b.reshape(-1, *[1] * ndim)


def deconvolution(x, W, b=None, stride=1, pad=0, dilate=1, groups=1, outsize=None):
    ndim, ins, outs, out = x.ndim - 2, len(W) // groups, W.shape[1], x.shape[2:]
    stride, pad, dilate = (per_axis(each, ndim) for each in (stride, pad, dilate))
    whole = [(o - 1) * s + (k - 1) * d + 1 for o, k, s, d in zip(out, W.shape[2:], stride, dilate, strict=True)]
    y = np.zeros((len(x), outs * groups, *(n + s for n, s in zip(whole, stride, strict=True))))
    for k in np.ndindex(*W.shape[2:]):
        for g in range(groups):
            i = slice(g * ins, (g + 1) * ins)
            where = (slice(None), slice(g * outs, (g + 1) * outs), *places(k, out, stride, dilate))
            y[where] += np.einsum("co,nc...->no...", W[(i, slice(None), *k)], x[:, i])
    size = outsize or [n - 2 * p for n, p in zip(whole, pad, strict=True)]
    y = y[(slice(None), slice(None), *(slice(p, p + n) for p, n in zip(pad, size, strict=True)))]
    return y if b is None else y + b.reshape(-1, *[1] * ndim)


def depthwise(x, W, b=None, **kwargs):
    W = W.swapaxes(0, 1).reshape(-1, 1, *W.shape[2:])
    return convolution(x, W, b, groups=x.shape[1], **kwargs)


def local(x, W, b=None, stride=(1, 1)):
    y = np.zeros((len(x), *W.shape[:3]))
    for i, j in np.ndindex(*W.shape[1:3]):
        top, left = i * stride[0], j * stride[1]
        window = x[:, :, top : top + W.shape[4], left : left + W.shape[5]]
        y[:, :, i, j] = np.einsum("ncuv,ocuv->no", window, W[:, i, j])
    return y if b is None else y + b


def nearness(position, size):
    return np.maximum(0, 1 - np.abs(position[:, None] - np.arange(size)[:, None, None]))


def deformable(v, x, stride=(1, 1), pad=(0, 0)):
    offset = convolution(x, v["/offset_conv/W"], v.get("/offset_conv/b"), stride, pad)
    W, b = v["/deform_conv/W"], v.get("/deform_conv/b", np.zeros(1))
    (kh, kw), (oh, ow), y = W.shape[2:], offset.shape[2:], 0
    i, j = np.arange(oh)[:, None] * stride[0] - pad[0], np.arange(ow) * stride[1] - pad[1]
    for u, w in np.ndindex(kh, kw):
        row, column = i + u + offset[:, kh * kw + u * kw + w], j + w + offset[:, u * kw + w]
        near = nearness(row, x.shape[2]), nearness(column, x.shape[3])
        y = y + np.einsum("oc,nchw,nhij,nwij->noij", W[:, :, u, w], x, *near)
    return y + b[:, None, None]


def relu(x):
    return np.maximum(x, 0)


def pool(x, stride, combine, fill):
    """Windows of 3 in the middle of which each element stands, for strides that cover nothing beyond the padding."""
    x = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=fill)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))[:, :, ::stride, ::stride]
    return combine(windows, axis=(-2, -1))


def inception(v, x):
    def conv(name, x, pad=0):
        return convolution(x, v[f"/{name}/W"], v[f"/{name}/b"], pad=pad)

    branches = [conv("conv1", x), conv("conv3", relu(conv("proj3", x)), 1), conv("conv5", relu(conv("proj5", x)), 2)]
    return relu(np.concatenate([*branches, conv("projp", pool(x, 1, np.max, -np.inf))], 1))


def inception_bn(combine, fill, stride=1):
    def reference(v, x):
        def conv(name, x, stride=1, pad=0):
            y = convolution(x, v[f"/{name}/W"], stride=stride, pad=pad)
            y = (y - y.mean((0, 2, 3), keepdims=True)) / np.sqrt(y.var((0, 2, 3), keepdims=True) + 2e-5)
            return relu(y * v[f"/{name}n/gamma"][:, None, None] + v[f"/{name}n/beta"][:, None, None])

        branches = [conv("conv1", x)] if "/conv1/W" in v else []
        branches.append(conv("conv3", conv("proj3", x), stride, 1))
        branches.append(conv("conv33b", conv("conv33a", conv("proj33", x), 1, 1), stride, 1))
        pooled = pool(x, stride, combine, fill)
        return np.concatenate([*branches, conv("poolp", pooled) if "/poolp/W" in v else pooled], 1)

    return reference


def row(make, shape, function, open=None, name="", **kwargs):
    """A case of a link with ``W`` and perhaps ``b``."""
    return LinkCase(make, [arrays.normal(shape)], lambda v, x: function(x, v["/W"], v.get("/b"), **kwargs),
                    open=open, name=name)  # fmt: skip


ALL = {"stride": 2, "pad": 1, "dilate": 2, "groups": 2}
ROUGH = {"float16": {"atol": 4e-2, "rtol": 4e-2}, "float32": {"atol": 1e-5, "rtol": 1e-4}}

CASES = [
    row(lambda: L.ConvolutionND(2, 4, 2, (1, 2), (2, 1), (0, 2), dilate=(1, 2), groups=2), (2, 4, 3, 4), convolution,
        lambda: L.ConvolutionND(2, None, 2, (1, 2), (2, 1), (0, 2), dilate=(1, 2), groups=2),
        stride=(2, 1), pad=(0, 2), dilate=(1, 2), groups=2),
    row(lambda: L.ConvolutionND(1, 2, 3, 2, 3, nobias=True, cover_all=True), (2, 2, 6), convolution,
        lambda: L.ConvolutionND(1, 3, 2, stride=3, nobias=True, cover_all=True),
        stride=3, cover_all=True, name="ConvolutionND that covers all"),
    row(lambda: L.Convolution1D(4, 2, 3, **ALL), (2, 4, 7), convolution, lambda: L.Convolution1D(None, 2, 3, **ALL),
        **ALL),
    row(lambda: L.Convolution1D(2, 3, 2, 3, nobias=True, cover_all=True), (2, 2, 6), convolution,
        stride=3, cover_all=True, name="Convolution1D that covers all"),
    row(lambda: L.Convolution2D(2, 3, 2), (2, 2, 3, 4), convolution, lambda: L.Convolution2D(3, 2)),
    row(lambda: L.Convolution2D(4, 2, (2, 1), **ALL), (2, 4, 3, 4), convolution,
        lambda: L.Convolution2D(None, 2, (2, 1), **ALL), **ALL, name="Convolution2D in groups"),
    row(lambda: L.Convolution2D(2, 3, (1, 2), nobias=True), (2, 2, 3, 4), convolution,
        name="Convolution2D without bias"),
    row(lambda: L.Convolution3D(2, 4, (2, 1, 2), **ALL), (1, 2, 3, 2, 4), convolution,
        lambda: L.Convolution3D(None, 4, (2, 1, 2), **ALL), **ALL),
    row(lambda: L.Convolution3D(2, 1, (2, 1, 2), 3, nobias=True, cover_all=True), (1, 2, 3, 2, 4), convolution,
        stride=3, cover_all=True, name="Convolution3D that covers all"),
    row(lambda: L.DeconvolutionND(2, 4, 2, (1, 2), (2, 1), (0, 1), dilate=(1, 2), groups=2), (2, 4, 2, 3),
        deconvolution, lambda: L.DeconvolutionND(2, None, 2, (1, 2), (2, 1), (0, 1), dilate=(1, 2), groups=2),
        stride=(2, 1), pad=(0, 1), dilate=(1, 2), groups=2),
    row(lambda: L.DeconvolutionND(1, 2, 3, 2, 3, 1, True, 5), (2, 2, 2), deconvolution,
        lambda: L.DeconvolutionND(1, 3, 2, stride=3, pad=1, nobias=True, outsize=5),
        stride=3, pad=1, outsize=(5,), name="DeconvolutionND of a size"),
    row(lambda: L.Deconvolution1D(4, 2, 3, outsize=8, **ALL), (2, 4, 3), deconvolution,
        lambda: L.Deconvolution1D(None, 2, 3, outsize=8, **ALL), outsize=(8,), **ALL),
    row(lambda: L.Deconvolution1D(2, 3, 3, nobias=True), (2, 2, 3), deconvolution,
        name="Deconvolution1D without bias"),
    row(lambda: L.Deconvolution2D(2, 3, 2), (2, 2, 3, 2), deconvolution, lambda: L.Deconvolution2D(3, 2)),
    row(lambda: L.Deconvolution2D(4, 2, (2, 1), outsize=(4, 2), **ALL), (2, 4, 2, 2), deconvolution,
        lambda: L.Deconvolution2D(None, 2, (2, 1), outsize=(4, 2), **ALL), outsize=(4, 2), **ALL,
        name="Deconvolution2D in groups"),
    row(lambda: L.Deconvolution2D(2, 3, (1, 2), nobias=True), (2, 2, 3, 2), deconvolution,
        name="Deconvolution2D without bias"),
    row(lambda: L.Deconvolution3D(2, 4, 2, outsize=(3, 4, 4), **ALL), (1, 2, 2, 2, 2), deconvolution,
        lambda: L.Deconvolution3D(None, 4, 2, outsize=(3, 4, 4), **ALL), outsize=(3, 4, 4), **ALL),
    row(lambda: L.Deconvolution3D(2, 1, (1, 2, 1), nobias=True), (1, 2, 1, 2, 2), deconvolution,
        name="Deconvolution3D without bias"),
    row(lambda: L.DepthwiseConvolution2D(3, 2, (2, 1), (2, 1), (1, 0)), (2, 3, 3, 2), depthwise,
        lambda: L.DepthwiseConvolution2D(None, 2, (2, 1), (2, 1), (1, 0)), stride=(2, 1), pad=(1, 0)),
    row(lambda: L.DepthwiseConvolution2D(2, 3, 2, nobias=True), (2, 2, 3, 2), depthwise,
        lambda: L.DepthwiseConvolution2D(None, 3, 2, nobias=True), name="DepthwiseConvolution2D without bias"),
    row(lambda: L.DilatedConvolution2D(2, 3, (2, 1), (2, 1), (1, 0), (2, 1)), (2, 2, 3, 2), convolution,
        lambda: L.DilatedConvolution2D(3, (2, 1), stride=(2, 1), pad=(1, 0), dilate=(2, 1)),
        stride=(2, 1), pad=(1, 0), dilate=(2, 1)),
    row(lambda: L.DilatedConvolution2D(2, 3, 2, dilate=2, nobias=True), (2, 2, 3, 4), convolution, dilate=2,
        name="DilatedConvolution2D without bias"),
    row(lambda: L.LocalConvolution2D(2, 3, (3, 4), (2, 3)), (2, 2, 3, 4), local,
        lambda: L.LocalConvolution2D(None, 3, None, (2, 3))),
    row(lambda: L.LocalConvolution2D(2, 3, 5, 2, (3, 1), nobias=True), (2, 2, 5, 5), local,
        lambda: L.LocalConvolution2D(2, 3, None, 2, (3, 1), nobias=True), stride=(3, 1),
        name="LocalConvolution2D with a stride, without bias"),
    LinkCase(lambda: L.DeformableConvolution2D(2, 3, (2, 1), (2, 1), (1, 0)), [arrays.normal((2, 2, 3, 4))],
             lambda v, x: deformable(v, x, (2, 1), (1, 0)), tolerance=ROUGH,
             open=lambda: L.DeformableConvolution2D(None, 3, (2, 1), (2, 1), (1, 0)),
             name="DeformableConvolution2D with stride and pad"),  # the name seeds: here no offset is near a kink
    LinkCase(lambda: L.DeformableConvolution2D(2, 3, (1, 2), offset_nobias=True, deform_nobias=True),
             [arrays.normal((2, 2, 3, 4))], deformable, tolerance=ROUGH, name="DeformableConvolution2D without biases"),
    LinkCase(lambda: L.MLPConvolution2D(2, (3, 2, 1), (2, 1), (1, 2), (0, 1)), [arrays.normal((2, 2, 3, 4))],
             lambda v, x: convolution(relu(convolution(relu(
                 convolution(x, v["/0/W"], v["/0/b"], (1, 2), (0, 1))), v["/1/W"], v["/1/b"])), v["/2/W"], v["/2/b"]),
             open=lambda: L.MLPConvolution2D((3, 2, 1), (2, 1), stride=(1, 2), pad=(0, 1))),
    LinkCase(lambda: L.MLPConvolution2D(2, (3, 2), 2, activation=np.negative), [arrays.normal((2, 2, 3, 4))],
             lambda v, x: convolution(-convolution(x, v["/0/W"], v["/0/b"]), v["/1/W"], v["/1/b"]),
             name="MLPConvolution2D with another activation"),
    LinkCase(lambda: L.Inception(2, 1, 2, 1, 1, 2, 3), [arrays.normal((1, 2, 4, 3))], inception, tolerance=ROUGH,
             open=lambda: L.Inception(None, 1, 2, 1, 1, 2, 3)),
    LinkCase(lambda: L.InceptionBN(2, 1, 2, 1, 3, 2, "max", 3), [arrays.normal((2, 2, 4, 3))],
             inception_bn(np.max, -np.inf), tolerance=ROUGH,
             open=lambda: L.InceptionBN(None, 1, 2, 1, 3, 2, "max", 3)),
    LinkCase(lambda: L.InceptionBN(2, 0, 2, 1, 3, 2, "avg", stride=2), [arrays.normal((2, 2, 4, 6))],
             inception_bn(np.mean, 0, 2), tolerance=ROUGH, name="InceptionBN that makes images smaller"),
    LinkCase(lambda: L.InceptionBN(2, 0, 2, 1, 3, 2, "max", 2, 2), [arrays.normal((2, 2, 4, 6))],
             inception_bn(np.max, -np.inf, 2), tolerance=ROUGH, name="InceptionBN with max pooling of every second"),
]  # fmt: skip


class TestConvolutionLinks(LinkTests):
    module = L
    public = (
        "Convolution1D", "Convolution2D", "Convolution3D", "ConvolutionND", "Deconvolution1D", "Deconvolution2D",
        "Deconvolution3D", "DeconvolutionND", "DeformableConvolution2D", "DepthwiseConvolution2D",
        "DilatedConvolution2D", "Inception", "InceptionBN", "LocalConvolution2D", "MLPConvolution2D",
    )  # fmt: skip
    cases = CASES
