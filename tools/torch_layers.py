"""What the functions with windows, weights and statistics are in PyTorch: more rows for against_torch.py."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as T
from torch_rows import SIGNALS, Row, X

import chainette_functions as F
from chainette.testing.arrays import integers, normal, positive, values
from chainette_functions.rnn.n_step import over_sequences

IMAGES = normal((2, 4, 6, 7))
VOLUMES = normal((2, 4, 4, 5, 4))

CONNECTION = [
    Row("bilinear", [X, normal((3, 5)), normal((4, 5, 2)), normal((4, 2)), normal((5, 2)), normal((2,))],
        lambda a, b, W, V1, V2, c: T.bilinear(a, b, W.permute(2, 0, 1), c) + a @ V1 + b @ V2),
    Row("convolution_1d", [SIGNALS, normal((6, 2, 3)), normal((6,))], lambda x, W, b: T.conv1d(x, W, b, 2, 1, 2, 2),
        lambda x, W, b: F.convolution_1d(x, W, b, 2, 1, dilate=2, groups=2)),
    Row("convolution_2d", [IMAGES, normal((6, 4, 3, 2)), normal((6,))], T.conv2d),
    Row("convolution_2d", [IMAGES, normal((6, 2, 3, 2)), normal((6,))],
        lambda x, W, b: T.conv2d(x, W, b, (2, 1), (1, 0), (1, 2), 2),
        lambda x, W, b: F.convolution_2d(x, W, b, (2, 1), (1, 0), dilate=(1, 2), groups=2)),
    Row("convolution_3d", [VOLUMES, normal((3, 4, 2, 3, 2))], lambda x, W: T.conv3d(x, W, None, 2, 1),
        lambda x, W: F.convolution_3d(x, W, None, 2, 1)),
    Row("convolution_nd", [VOLUMES, normal((3, 4, 2, 3, 2))], T.conv3d),
    Row("deconvolution_1d", [SIGNALS, normal((4, 2, 3)), normal((4,))],
        lambda x, W, b: T.conv_transpose1d(x, W, b, 2, 1, 0, 2),
        lambda x, W, b: F.deconvolution_1d(x, W, b, 2, 1, groups=2)),
    Row("deconvolution_2d", [IMAGES, normal((4, 3, 3, 2)), normal((3,))], T.conv_transpose2d),
    Row("deconvolution_2d", [IMAGES, normal((4, 3, 3, 2)), normal((6,))],
        lambda x, W, b: T.conv_transpose2d(x, W, b, (2, 1), (1, 0), (1, 0), 2, (1, 2)),
        lambda x, W, b: F.deconvolution_2d(x, W, b, (2, 1), (1, 0), (12, 9), dilate=(1, 2), groups=2)),
    Row("deconvolution_3d", [VOLUMES, normal((4, 3, 2, 3, 2))], lambda x, W: T.conv_transpose3d(x, W, None, 2, 1),
        lambda x, W: F.deconvolution_3d(x, W, None, 2, 1)),
    Row("deconvolution_nd", [VOLUMES, normal((4, 3, 2, 3, 2))], T.conv_transpose3d),
    Row("depthwise_convolution_2d", [IMAGES, normal((2, 4, 3, 2)), normal((8,))],
        lambda x, W, b: T.conv2d(x, W.transpose(0, 1).reshape(8, 1, 3, 2), b, groups=4)),
    Row("dilated_convolution_2d", [IMAGES, normal((6, 4, 3, 2)), normal((6,))],
        lambda x, W, b: T.conv2d(x, W, b, 1, 1, 2),
        lambda x, W, b: F.dilated_convolution_2d(x, W, b, 1, 1, 2)),
    Row("embed_id", [integers((3, 2), 0, 5, "int64"), normal((5, 4))], T.embedding),
    Row("embed_id", [values(2, 0, -1, dtype="int64"), normal((5, 4))],
        lambda x, W: T.embedding(x % 5, W) * (x != -1)[:, None],
        lambda x, W: F.embed_id(x, W, ignore_label=-1)),
    Row("embed_id", [values(2, 0, 1, dtype="int64"), normal((5, 4))], lambda x, W: T.embedding(x, W, padding_idx=0),
        lambda x, W: F.embed_id(x, W, ignore_label=0),
        differs="ignore_label gives zeros here; PyTorch's padding_idx gives the row, and only stops its gradient"),
    Row("linear", [X, normal((2, 4)), normal((2,))], T.linear),
    Row("linear", [SIGNALS, normal((2, 9)), normal((2,))], T.linear, lambda x, W, b: F.linear(x, W, b, n_batch_axes=2)),
    Row("linear", [normal((3, 2, 2)), normal((2, 4))], lambda x, W: T.linear(x.flatten(1), W)),
    Row("local_convolution_2d", [IMAGES, normal((3, 4, 5, 4, 3, 3)), normal((3, 4, 5))],
        lambda x, W, b: torch.einsum("ncuvij,oijcuv->noij", T.unfold(x, 3).reshape(2, 4, 3, 3, 4, 5), W) + b),
    Row("scaled_dot_product_attention", [normal((2, 3, 5, 4)), normal((2, 3, 6, 4)), normal((2, 3, 6, 4))],
        T.scaled_dot_product_attention),
    Row("scaled_dot_product_attention", [normal((2, 3, 5, 4)), normal((2, 3, 5, 4)), normal((2, 3, 5, 4))],
        lambda q, k, v: T.scaled_dot_product_attention(q, k, v, is_causal=True, scale=0.3),
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, causal=True, scale=0.3)),
    Row("scaled_dot_product_attention",
        [normal((2, 5, 4)), normal((2, 6, 4)), normal((2, 6, 4)), values([True, False, True, True, True, False])],
        lambda q, k, v, mask: T.scaled_dot_product_attention(q, k, v, mask.expand(5, 6).bool()),
        lambda q, k, v, mask: F.scaled_dot_product_attention(q, k, v, mask=mask.array.astype(bool))),
]  # fmt: skip


def trained(ones: Callable[..., Any], function: Callable[..., Any], x: Any, gamma: Any, beta: Any) -> tuple[Any, ...]:
    """Batch normalization in training, and what becomes of the running statistics."""
    mean, var = ones(4, dtype=x.dtype), ones(4, dtype=x.dtype)
    if ones is torch.ones:
        return function(x, mean, var, gamma, beta, True, 0.2, 1e-3), mean, var
    return function(x, gamma, beta, eps=1e-3, running_mean=mean, running_var=var, decay=0.8), mean, var


NORMALIZATION = [
    Row("batch_normalization", [IMAGES, normal((4,)), normal((4,))], lambda *xs: trained(torch.ones, T.batch_norm, *xs),
        lambda *xs: trained(np.ones, F.batch_normalization, *xs),
        note="decay is 1 - momentum; both keep the unbiased variance"),
    Row("fixed_batch_normalization", [IMAGES, normal((4,)), normal((4,)), normal((4,)), positive((4,))],
        lambda x, gamma, beta, mean, var: T.batch_norm(x, mean.detach(), var.detach(), gamma, beta, False, 0, 2e-5),
        lambda x, gamma, beta, mean, var: F.fixed_batch_normalization(x, gamma, beta, mean.array, var.array),
        note="mean and variance have gradients here, and cannot have them there"),
    Row("batch_normalization", [X, normal((4,)), normal((4,))],
        lambda x, gamma, beta: T.batch_norm(x, None, None, gamma, beta, True),
        differs="eps is 2e-5 by default here, and 1e-5 there"),
    Row("group_normalization", [IMAGES, normal((4,)), normal((4,))],
        lambda x, gamma, beta: T.group_norm(x, 2, gamma, beta),
        lambda x, gamma, beta: F.group_normalization(x, 2, gamma, beta)),
    Row("layer_normalization", [X, normal((4,)), normal((4,))],
        lambda x, gamma, beta: T.layer_norm(x, (4,), gamma, beta)),
    Row("rms_normalization", [X, normal((4,))], lambda x, gamma: T.rms_norm(x, (4,), gamma, 1e-5),
        lambda x, gamma: F.rms_normalization(x, gamma, eps=1e-5)),
    Row("local_response_normalization", [IMAGES], lambda x: T.local_response_norm(x, 3, 3 * 0.1, 0.75, 2),
        lambda x: F.local_response_normalization(x, 3, 2, 0.1)),
    Row("local_response_normalization", [IMAGES], lambda x: T.local_response_norm(x, 3, 0.1, 0.75, 2),
        lambda x: F.local_response_normalization(x, 3, 2, 0.1),
        differs="alpha multiplies the sum of squares here, as in the paper; PyTorch divides it by n first"),
    Row("normalize", [X], lambda x: x / (x.norm(dim=1, keepdim=True) + 1e-5)),
    Row("normalize", [X], lambda x: T.normalize(x, eps=1e-5),
        differs="divides by norm + eps here, by max(norm, eps) there"),
]  # fmt: skip

POOLING = [
    Row("average_pooling_1d", [SIGNALS], lambda x: T.avg_pool1d(x, 3, 2, 1),
        lambda x: F.average_pooling_1d(x, 3, 2, 1)),
    Row("average_pooling_2d", [IMAGES], lambda x: T.avg_pool2d(x, (3, 2), 2, (1, 0)),
        lambda x: F.average_pooling_2d(x, (3, 2), 2, (1, 0)), note="padding counts, as with count_include_pad=True"),
    Row("average_pooling_3d", [VOLUMES], lambda x: T.avg_pool3d(x, 2, 1), lambda x: F.average_pooling_3d(x, 2, 1)),
    Row("average_pooling_nd", [IMAGES], lambda x: T.avg_pool2d(x, 3, 2, 1, count_include_pad=False),
        lambda x: F.average_pooling_nd(x, 3, 2, 1, pad_value=None), note="pad_value=None is count_include_pad=False"),
    Row("max_pooling_1d", [SIGNALS], lambda x: T.max_pool1d(x, 2, ceil_mode=True), lambda x: F.max_pooling_1d(x, 2)),
    Row("max_pooling_2d", [IMAGES], lambda x: T.max_pool2d(x, 3, 2, 1), lambda x: F.max_pooling_2d(x, 3, 2, 1, False)),
    Row("max_pooling_2d", [IMAGES], lambda x: T.max_pool2d(x, 2, ceil_mode=True), lambda x: F.max_pooling_2d(x, 2),
        note="cover_all=True, the default here, is ceil_mode=True; PyTorch's default is False"),
    Row("max_pooling_3d", [VOLUMES], lambda x: T.max_pool3d(x, 2, ceil_mode=True), lambda x: F.max_pooling_3d(x, 2)),
    Row("max_pooling_nd", [VOLUMES], lambda x: T.max_pool3d(x, 2, 1), lambda x: F.max_pooling_nd(x, 2, 1)),
    Row("spatial_pyramid_pooling_2d", [normal((2, 3, 8, 8))],
        lambda x: torch.cat([T.adaptive_max_pool2d(x, n).flatten(1) for n in (1, 2, 4)], 1)[:, :, None, None],
        lambda x: F.spatial_pyramid_pooling_2d(x, 3)),
    Row("unpooling_1d", [SIGNALS], lambda x: T.interpolate(x, scale_factor=2),
        lambda x: F.unpooling_1d(x, 2, cover_all=False)),
    Row("unpooling_2d", [IMAGES], lambda x: T.interpolate(x, scale_factor=2),
        lambda x: F.unpooling_2d(x, 2, cover_all=False)),
    Row("unpooling_3d", [VOLUMES], lambda x: T.interpolate(x, scale_factor=2),
        lambda x: F.unpooling_3d(x, 2, cover_all=False)),
    Row("unpooling_nd", [VOLUMES], lambda x: T.interpolate(x, scale_factor=2),
        lambda x: F.unpooling_nd(x, 2, cover_all=False)),
    Row("upsampling_2d", [normal((2, 3, 4, 6))], lambda x: T.max_unpool2d(*T.max_pool2d(x, 2, return_indices=True), 2),
        lambda x: F.upsampling_2d(*F.max_pooling_2d(x, 2, return_indices=True), 2, cover_all=False),
        note="indexes count within a window here, within the image there"),
]  # fmt: skip


def lstm_cell(c: Any, x: Any) -> tuple[Any, Any]:
    """PyTorch's LSTM cell, whose weights do no more than hand on the gates: a, i, f, o of each unit in turn."""
    a, i, f, o = x.reshape(len(x), -1, 4).unbind(2)
    gates, zeros = torch.cat([i, f, a, o], 1), torch.zeros_like(c)
    h, c = torch.lstm_cell(gates, (zeros, c), torch.eye(16).to(c), torch.zeros(16, 4).to(c))
    return c, h


def recurrent(kind: str, gates: Sequence[int], n_layers: int, both: bool) -> Row:
    """A row for a stack of recurrent layers, run on sequences of lengths 4, 3 and 1.

    ``gates`` is the order in which PyTorch wants our gates.
    """
    n, size, units, ways = len(gates), 5, 3, 1 + both
    widths = [size if layer == 0 else units * ways for layer in range(n_layers) for _ in range(ways)]
    states = [normal((n_layers * ways, 3, units)) for _ in range(1 + (kind == "lstm"))]
    weights = [normal((units, width if j < n else units), 0.5) for width in widths for j in range(2 * n)]
    biases = [normal((units,)) for _ in weights]
    sequences = [normal((length, size)) for length in (4, 3, 1)]

    def split(arrays: Sequence[Any]) -> list[Sequence[Any]]:
        ends = np.cumsum([len(states), len(weights), len(biases), 3])
        return [
            arrays[end - len(part) : end] for end, part in zip(ends, (states, weights, biases, sequences), strict=True)
        ]

    def ours(*arrays: Any) -> Any:
        hs, ws, bs, xs = split(arrays)
        layers = [[list(each[i : i + 2 * n]) for i in range(0, len(each), 2 * n)] for each in (ws, bs)]
        name = f"n_step_{'bi' if both else ''}{kind.split('_')[0]}"
        return over_sequences(getattr(F, name), n_layers, 0.0, *hs, *layers, list(xs))

    def theirs(*arrays: Any) -> Any:
        hs, ws, bs, xs = split(arrays)
        flat = []
        for start in range(0, len(ws), 2 * n):
            for each in (ws, bs):
                flat += [torch.cat([each[start + first + gate] for gate in gates]) for first in (0, n)]
        order = [flat[i + j] for i in range(0, len(flat), 4) for j in (0, 1, 2, 3)]
        packed = torch.nn.utils.rnn.pack_sequence(list(xs))
        run = getattr(torch, kind)
        y, *last = run(
            packed.data, packed.batch_sizes, hs if kind == "lstm" else hs[0], order, True, n_layers, 0.0, True, both
        )
        return *last, torch.nn.utils.rnn.unpack_sequence(packed._replace(data=y))

    name = f"n_step_{'bi' if both else ''}{kind.split('_')[0]}"
    return Row(name, [*states, *weights, *biases, *sequences], theirs, ours)


RNN = [
    Row("lstm", [normal((3, 4)), normal((3, 16))], lstm_cell,
        note="the gates of a unit stand side by side, a i f o a i f o ...; in PyTorch in four blocks, i f a o"),
    *[recurrent("lstm", (0, 1, 2, 3), layers, both) for layers, both in ((1, False), (2, False), (2, True))],
    *[recurrent("gru", (0, 1, 2), layers, both) for layers, both in ((1, False), (2, False), (2, True))],
    *[recurrent("rnn_tanh", (0,), layers, both) for layers, both in ((1, False), (2, False), (2, True))],
]  # fmt: skip
