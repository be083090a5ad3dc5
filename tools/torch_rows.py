"""What each function is in PyTorch: the rows that against_torch.py compares.

A row with ``differs`` says where the two rightly do not agree, and is expected not to; next to it stands, where there
is one, the row of the call that does agree. Functions that PyTorch does not have are left to the tests of values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as T

import chainette
import chainette_functions as F
from chainette import Variable
from chainette.testing.arrays import (
    Recipe,
    away_from_zero,
    booleans,
    distinct,
    integers,
    normal,
    positive,
    uniform,
    values,
)


@dataclass
class Row:
    """A function of ours and what it is in PyTorch.

    Args:
        name: the function's name here.
        inputs: recipes of ``chainette.testing.arrays``.
        theirs: called with tensors.
        ours: called with Variables; None for the function itself.
        gradient: whether gradients are compared too.
        differs: why the two do not agree.
        note: what had to be rearranged for them to agree.
    """

    name: str
    inputs: Sequence[Recipe]
    theirs: Callable[..., Any]
    ours: Callable[..., Any] | None = None
    gradient: bool = True
    differs: str = ""
    note: str = ""


def by_channel(x: Any, r: int) -> Any:
    """Channels counted (block position, channel) counted (channel, block position) instead."""
    return x.unflatten(1, (r * r, -1)).transpose(1, 2).flatten(1, 2)


def by_block(x: Any, r: int) -> Any:
    """The other way round."""
    return x.unflatten(1, (-1, r * r)).transpose(1, 2).flatten(1, 2)


def lengths(*sizes: int) -> list[Any]:
    return [torch.tensor([size, size]) for size in sizes]


def parts(z: Any) -> tuple[Any, Any]:
    return z.real, z.imag


def testing(function: Callable[..., Any], *inputs: Any) -> Any:
    with chainette.using_config("train", False):
        return function(*inputs)


def positive_definite(a: Any) -> Any:
    """A symmetric matrix with positive eigenvalues, from any."""
    return a @ a.swapaxes(-1, -2) + np.eye(3) if isinstance(a, Variable) else a @ a.mT + torch.eye(3, dtype=a.dtype)


X = normal((3, 4))
K = away_from_zero((3, 4))
P = positive((3, 4))
D = distinct((3, 4))
U = uniform((3, 4), -0.9, 0.9)
SIGNALS = normal((2, 4, 9))
IMAGES = normal((2, 4, 6, 7))
SQUARES = normal((2, 3, 3))
LABELS = integers((3,), 0, 4, "int64")
TIES = values([1.0, 1.0, 0.0], [0.0, 2.0, 2.0])

ACTIVATION = [
    Row("clipped_relu", [K], lambda x: torch.clamp(x, 0, 0.9), lambda x: F.clipped_relu(x, 0.9)),
    Row("crelu", [K], lambda x: torch.cat([torch.relu(x), torch.relu(-x)], 1)),
    Row("elu", [X], lambda x: T.elu(x, 0.3), lambda x: F.elu(x, 0.3)),
    Row("gelu", [X], T.gelu),
    Row("gelu", [X], lambda x: T.gelu(x, approximate="tanh"), lambda x: F.gelu(x, "tanh")),
    Row("hard_sigmoid", [normal((3, 4), 3)], lambda x: torch.clamp(0.2 * x + 0.5, 0, 1)),
    Row("hard_sigmoid", [X], T.hardsigmoid, differs="the slope is 0.2 here, as in Theano and Chainer, and 1/6 there"),
    Row("leaky_relu", [K], lambda x: T.leaky_relu(x, 0.2)),
    Row("leaky_relu", [K], T.leaky_relu, differs="slope is 0.2 by default here, and 0.01 there"),
    Row("log_softmax", [SIGNALS], lambda x: T.log_softmax(x, 1)),
    Row("maxout", [distinct((2, 6, 3))], lambda x: x.reshape(2, 3, 2, 3).amax(2), lambda x: F.maxout(x, 2)),
    Row("mish", [X], T.mish),
    Row("prelu", [away_from_zero((2, 3, 4)), normal((3,))], T.prelu),
    Row("prelu", [values([0.0]), values(0.5)], T.prelu, differs="the gradient at exactly 0 is 1 here, and W there"),
    Row("relu", [K], torch.relu),
    Row("relu", [values(-1.0, 0.0, 1.0)], torch.relu),
    Row("relu6", [normal((3, 4), 5)], T.relu6),
    Row("rrelu", [K], lambda x: T.rrelu(x, training=False), lambda x: testing(F.rrelu, x)),
    Row("selu", [X], T.selu),
    Row("sigmoid", [X], torch.sigmoid),
    Row("silu", [X], T.silu),
    Row("softmax", [SIGNALS], lambda x: torch.softmax(x, 1)),
    Row("softmin", [SIGNALS], lambda x: T.softmin(x, 1)),
    Row("softplus", [X], lambda x: T.softplus(x, 2), lambda x: F.softplus(x, 2)),
    Row("swish", [X, normal((4,))], lambda x, beta: x * torch.sigmoid(beta * x)),
    Row("tanh", [X], torch.tanh),
]  # fmt: skip

ARRAY = [
    Row("as_strided", [X], lambda x: torch.as_strided(x, (2, 3), (4, 1), 1),
        lambda x: F.as_strided(x, (2, 3), (4, 1), 1)),
    Row("broadcast", [normal((3, 1)), normal((4,))], lambda *xs: torch.broadcast_tensors(*xs)),
    Row("broadcast_to", [normal((3, 1))], lambda x: x.expand(2, 3, 4), lambda x: F.broadcast_to(x, (2, 3, 4))),
    Row("cast", [X], lambda x: x.to(torch.float32), lambda x: F.cast(x, "float32")),
    Row("concat", [SIGNALS, normal((2, 3, 9))], lambda *xs: torch.cat(xs, 1), lambda *xs: F.concat(xs)),
    Row("copy", [X], torch.clone),
    Row("depth2space", [normal((2, 12, 2, 3))], lambda x: T.pixel_shuffle(by_channel(x, 2), 2),
        lambda x: F.depth2space(x, 2)),
    Row("depth2space", [normal((2, 12, 2, 3))], lambda x: T.pixel_shuffle(x, 2), lambda x: F.depth2space(x, 2),
        differs="channel (i r + j) C + c goes to pixel (i, j) here, as in TensorFlow; channel c r r + i r + j there"),
    Row("diagonal", [SIGNALS], lambda x: torch.diagonal(x, 1, 0, 2), lambda x: F.diagonal(x, 1, 0, 2)),
    Row("dstack", [X, X], lambda *xs: torch.dstack(xs), lambda *xs: F.dstack(xs)),
    Row("expand_dims", [X], lambda x: x.unsqueeze(1), lambda x: F.expand_dims(x, 1)),
    Row("flatten", [SIGNALS], torch.flatten),
    Row("flip", [SIGNALS], lambda x: torch.flip(x, (1,)), lambda x: F.flip(x, 1)),
    Row("fliplr", [X], torch.fliplr),
    Row("flipud", [X], torch.flipud),
    Row("get_item", [X], lambda x: x[[0, 0, 2], 1:], lambda x: F.get_item(x, ([0, 0, 2], slice(1, None)))),
    Row("hstack", [X, X], lambda *xs: torch.hstack(xs), lambda *xs: F.hstack(xs)),
    Row("im2col", [IMAGES], lambda x: T.unfold(x, (3, 2), (1, 2), (0, 1), 2).reshape(2, 24, 2, 4),
        lambda x: F.im2col(x, (3, 2), (2, 2), (0, 1), dilate=(1, 2))),
    Row("moveaxis", [SIGNALS], lambda x: torch.movedim(x, (0, 1), (2, 0)), lambda x: F.moveaxis(x, (0, 1), (2, 0))),
    Row("one_hot", [LABELS], lambda t: T.one_hot(t, 4).to(torch.float32), lambda t: F.one_hot(t, 4), gradient=False),
    Row("pad", [X], lambda x: T.pad(x, (2, 0, 0, 1), value=0.5),
        lambda x: F.pad(x, ((0, 1), (2, 0)), "constant", constant_values=0.5)),
    Row("pad", [SIGNALS], lambda x: T.pad(x, (2, 3), mode="reflect"),
        lambda x: F.pad(x, ((0, 0), (0, 0), (2, 3)), "reflect")),
    Row("pad_sequence", [normal((n, 2)) for n in (4, 3, 1)],
        lambda *xs: torch.nn.utils.rnn.pad_sequence(xs, True, 0.5), lambda *xs: F.pad_sequence(xs, padding=0.5)),
    Row("permutate", [X], lambda x: x[[2, 0, 1]], lambda x: F.permutate(x, np.array([2, 0, 1]))),
    Row("repeat", [X], lambda x: torch.repeat_interleave(x, 2, 1), lambda x: F.repeat(x, 2, 1)),
    Row("reshape", [X], lambda x: x.reshape(2, -1), lambda x: F.reshape(x, (2, -1))),
    Row("resize_images", [IMAGES], lambda x: T.interpolate(x, (5, 9), mode="bilinear", align_corners=True),
        lambda x: F.resize_images(x, (5, 9))),
    Row("resize_images", [IMAGES], lambda x: T.interpolate(x, (5, 9), mode="bilinear"),
        lambda x: F.resize_images(x, (5, 9)),
        differs="align_corners is True by default here, and False there"),
    Row("resize_images", [IMAGES], lambda x: T.interpolate(x, (7, 3), mode="nearest"),
        lambda x: F.resize_images(x, (7, 3), mode="nearest", align_corners=False)),
    Row("resize_images", [IMAGES], lambda x: T.interpolate(x, (7, 3), mode="bilinear"),
        lambda x: F.resize_images(x, (7, 3), align_corners=False)),
    Row("rollaxis", [SIGNALS], lambda x: torch.movedim(x, 2, 0), lambda x: F.rollaxis(x, 2)),
    Row("scatter_add", [X, normal((3, 4))], lambda a, b: torch.index_add(a, 0, torch.tensor([0, 0, 2]), b),
        lambda a, b: F.scatter_add(a, [0, 0, 2], b)),
    Row("select_item", [X, LABELS], lambda x, t: x.gather(1, t[:, None])[:, 0]),
    Row("separate", [X], lambda x: torch.unbind(x, 1), lambda x: F.separate(x, 1)),
    Row("space2depth", [normal((2, 3, 4, 6))], lambda x: by_block(T.pixel_unshuffle(x, 2), 2),
        lambda x: F.space2depth(x, 2),
        note="channels in the order of depth2space"),
    Row("spatial_transformer_grid", [normal((2, 2, 3))],
        lambda a: T.affine_grid(a, [2, 1, 4, 5], align_corners=True).permute(0, 3, 1, 2),
        lambda a: F.spatial_transformer_grid(a, (4, 5))),
    Row("spatial_transformer_sampler", [IMAGES, uniform((2, 2, 4, 5), -1.2, 1.2)],
        lambda x, grid: T.grid_sample(x, grid.permute(0, 2, 3, 1), align_corners=True)),
    Row("split_axis", [SIGNALS], lambda x: torch.tensor_split(x, [1, 4], 2), lambda x: F.split_axis(x, [1, 4], 2)),
    Row("squeeze", [normal((3, 1, 4))], lambda x: x.squeeze(1), lambda x: F.squeeze(x, 1)),
    Row("stack", [X, X], lambda *xs: torch.stack(xs, 1), lambda *xs: F.stack(xs, 1)),
    Row("swapaxes", [SIGNALS], lambda x: x.swapaxes(0, 2), lambda x: F.swapaxes(x, 0, 2)),
    Row("tile", [X], lambda x: torch.tile(x, (2, 3)), lambda x: F.tile(x, (2, 3))),
    Row("transpose", [SIGNALS], lambda x: x.permute(2, 0, 1), lambda x: F.transpose(x, (2, 0, 1))),
    Row("vstack", [X, X], lambda *xs: torch.vstack(xs), lambda *xs: F.vstack(xs)),
    Row("where", [booleans((3, 4)), X, normal((4,))], torch.where),
]  # fmt: skip

LOSS = [
    Row("absolute_error", [X, normal((3, 4))], lambda x, t: T.l1_loss(x, t, reduction="none")),
    Row("bernoulli_nll", [uniform((3, 4), 0, 1), X],
        lambda x, y: T.binary_cross_entropy_with_logits(y, x, reduction="sum")),
    Row("connectionist_temporal_classification", [normal((5, 2, 4)), values([1, 2], [3, 3], dtype="int64")],
        lambda x, t: T.ctc_loss(x.log_softmax(2), t, *lengths(5, 2), reduction="none").mean(),
        lambda x, t: F.connectionist_temporal_classification(F.separate(x), t, 0),
        note="takes scores, and applies softmax itself; PyTorch takes log-probabilities"),
    Row("connectionist_temporal_classification", [normal((5, 2, 4)), values([1, 2], [3, 3], dtype="int64")],
        lambda x, t: T.ctc_loss(x.log_softmax(2), t, *lengths(5, 2)),
        lambda x, t: F.connectionist_temporal_classification(F.separate(x), t, 0),
        differs="the mean is that of the sequences' losses; PyTorch first divides each by the length of its target"),
    Row("cosine_similarity", [X, normal((3, 4))], lambda a, b: T.cosine_similarity(a, b, 1)),
    Row("cosine_similarity", [SIGNALS, normal((2, 4, 9))], lambda a, b: T.cosine_similarity(a, b, 2),
        lambda a, b: F.cosine_similarity(a, b, axis=2)),
    Row("gaussian_kl_divergence", [X, normal((3, 4))], lambda mean, v: torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, torch.exp(v / 2)), torch.distributions.Normal(0, 1)).sum()),
    Row("gaussian_nll", [X, normal((3, 4)), normal((3, 4))],
        lambda x, mean, v: T.gaussian_nll_loss(mean, x, torch.exp(v), full=True, reduction="sum"),
        note="takes the logarithm of the variance, and sums; PyTorch takes the variance"),
    Row("hinge", [X, LABELS], lambda x, t: torch.relu(1 + x * (1 - 2 * T.one_hot(t, 4))).sum() / 3),
    Row("hinge", [X, LABELS], T.multi_margin_loss,
        differs="each class against the rest; multi_margin_loss compares each score with that of the true class"),
    Row("huber_loss", [X, normal((3, 4))], lambda x, t: T.huber_loss(x, t, reduction="none", delta=0.7).sum(1),
        lambda x, t: F.huber_loss(x, t, 0.7), note="sums over the second axis; PyTorch takes the mean of all"),
    Row("mean_absolute_error", [X, normal((3, 4))], T.l1_loss),
    Row("mean_squared_error", [X, normal((3, 4))], T.mse_loss),
    Row("nll_loss", [SIGNALS, integers((2, 9), -1, 4, "int64")], lambda x, t: T.nll_loss(x, t, ignore_index=-1)),
    Row("sigmoid_cross_entropy", [X, integers((3, 4), 0, 2, "int64")],
        lambda x, t: T.binary_cross_entropy_with_logits(x, t.to(x))),
    Row("smooth_l1_loss", [X, normal((3, 4))], lambda x, t: T.smooth_l1_loss(x, t, beta=0.7),
        lambda x, t: F.smooth_l1_loss(x, t, beta=0.7)),
    Row("softmax_cross_entropy", [X, LABELS], T.cross_entropy),
    Row("softmax_cross_entropy", [SIGNALS, integers((2, 9), -1, 4, "int64")],
        lambda x, t: T.cross_entropy(x, t, ignore_index=-1)),
    Row("softmax_cross_entropy", [X, uniform((3, 4), 0, 0.5)], T.cross_entropy),
    Row("softmax_cross_entropy", [X, LABELS],
        lambda x, t: T.cross_entropy(x, t, torch.tensor([1, 2, 3, 4]).to(x), reduction="none"),
        lambda x, t: F.softmax_cross_entropy(x, t, class_weight=np.array([1.0, 2, 3, 4]), reduce="no")),
    Row("softmax_cross_entropy", [X, LABELS], lambda x, t: T.cross_entropy(x, t, torch.tensor([1, 2, 3, 4]).to(x)),
        lambda x, t: F.softmax_cross_entropy(x, t, class_weight=np.array([1.0, 2, 3, 4])),
        differs="with class weights the sum is divided by the number of labels here, by the sum of the weights there"),
    Row("softmax_cross_entropy", [SIGNALS, integers((2, 9), -1, 4, "int64")],
        lambda x, t: T.cross_entropy(x, t, ignore_index=-1, label_smoothing=0.1),
        lambda x, t: F.softmax_cross_entropy(x, t, label_smoothing=0.1)),
    Row("softmax_cross_entropy", [X, LABELS],
        lambda x, t: T.kl_div(x.log_softmax(1), T.one_hot(t, 4).to(x) / 2 + 0.125, reduction="batchmean"),
        lambda x, t: F.softmax_cross_entropy(
            x, np.eye(4, dtype=x.dtype)[t] / 2 + 0.125, soft_target_loss="kl-divergence")),
    Row("squared_error", [X, normal((3, 4))], lambda x, t: T.mse_loss(x, t, reduction="none")),
    Row("triplet", [X, X, X], lambda a, p, n: torch.relu(((a - p) ** 2 - (a - n) ** 2).sum(1) + 0.2).mean()),
    Row("triplet", [X, X, X], lambda a, p, n: T.triplet_margin_loss(a, p, n, 0.2),
        differs="distances are squared here, as in FaceNet, and not there"),
]  # fmt: skip

UNARY = {
    "absolute": K, "arccos": U, "arcsin": U, "arctan": X, "arctanh": U, "ceil": X, "cos": X, "cosh": X, "digamma": P,
    "erf": X, "erfc": X, "erfcx": X, "erfinv": U, "exp": X, "expm1": X, "fix": X, "floor": X, "lgamma": P, "log": P,
    "log10": P, "log1p": P, "log2": P, "log_ndtr": X, "ndtr": X, "ndtri": uniform((3, 4), 0.1, 0.9), "rsqrt": P,
    "sign": K, "sin": X, "sinh": X, "sqrt": P, "square": X, "tan": U,
}  # fmt: skip

MATH = [
    *[Row(name, [x], getattr(torch, name, None) or getattr(torch.special, name)) for name, x in UNARY.items()],
    Row("absolute", [values(0.0)], torch.abs),
    Row("accuracy", [X, LABELS], lambda y, t: (y.argmax(1) == t).to(y).mean(), gradient=False),
    Row("add", [X, normal((4,)), normal((3, 1))], lambda a, b, c: a + b + c),
    Row("arctan2", [K, away_from_zero((3, 4))], torch.atan2),
    Row("argmax", [D], lambda x: x.argmax(1), lambda x: F.argmax(x, 1), gradient=False),
    Row("argmin", [D], lambda x: x.argmin(1), lambda x: F.argmin(x, 1), gradient=False),
    Row("batch_inv", [SQUARES], torch.linalg.inv),
    Row("batch_det", [SQUARES], torch.linalg.det),
    Row("batch_matmul", [normal((2, 3, 4)), normal((2, 4, 5))], torch.bmm),
    Row("bias", [SIGNALS, normal((4,))], lambda x, y: x + y[:, None]),
    Row("cholesky", [SQUARES], lambda a: torch.linalg.cholesky(positive_definite(a)),
        lambda a: F.cholesky(positive_definite(a))),
    Row("clip", [X], lambda x: torch.clamp(x, -0.5, 0.8), lambda x: F.clip(x, -0.5, 0.8)),
    Row("clip", [values(-1.0, 0.0, 0.5, 1.0, 2.0)], lambda x: torch.clamp(x, 0, 1), lambda x: F.clip(x, 0.0, 1.0)),
    Row("cumprod", [P], lambda x: torch.cumprod(x, 1), lambda x: F.cumprod(x, 1)),
    Row("cumsum", [X], lambda x: torch.cumsum(x, 1), lambda x: F.cumsum(x, 1)),
    Row("det", [normal((3, 3))], torch.linalg.det),
    Row("einsum", [normal((2, 3, 4)), normal((2, 4, 5))], lambda a, b: torch.einsum("bij,bjk->ik", a, b),
        lambda a, b: F.einsum("bij,bjk->ik", a, b)),
    Row("erfcinv", [uniform((3, 4), 0.1, 1.9)], lambda x: torch.erfinv(1 - x)),
    Row("fft", [X, normal((3, 4))], lambda a, b: parts(torch.fft.fft(torch.complex(a, b))), lambda a, b: F.fft((a, b))),
    Row("ifft", [X, normal((3, 4))], lambda a, b: parts(torch.fft.ifft(torch.complex(a, b))),
        lambda a, b: F.ifft((a, b))),
    Row("fmod", [X, positive((3, 4))], torch.fmod),
    Row("inv", [normal((3, 3))], torch.linalg.inv),
    Row("linear_interpolate", [U, X, normal((3, 4))], lambda p, x, y: torch.lerp(y, x, p)),
    Row("logsumexp", [SIGNALS], lambda x: torch.logsumexp(x, (0, 2)), lambda x: F.logsumexp(x, (0, 2))),
    Row("matmul", [normal((2, 3, 4)), normal((4, 5))], torch.matmul),
    Row("matmul", [normal((2, 4, 3)), normal((2, 5, 4))], lambda a, b: a.mT @ b.mT,
        lambda a, b: F.matmul(a, b, True, True)),
    Row("max", [D], lambda x: x.amax(1), lambda x: F.max(x, 1)),
    Row("max", [TIES], lambda x: x.amax(1), lambda x: F.max(x, 1),
        differs="each of several equal maxima gets the whole gradient here; amax divides it, max gives it to one"),
    Row("maximum", [K, away_from_zero((3, 4))], torch.maximum),
    Row("maximum", [values(1.0), values(1.0)], torch.maximum,
        differs="of two equal values the first gets the gradient here; there each gets half of it"),
    Row("mean", [SIGNALS], lambda x: x.mean((0, 2)), lambda x: F.mean(x, (0, 2))),
    Row("min", [D], lambda x: x.amin(1), lambda x: F.min(x, 1)),
    Row("min", [values(1.0, 1.0, 2.0)], torch.amin, differs="equal minima: as max"),
    Row("minimum", [K, away_from_zero((3, 4))], torch.minimum),
    Row("minimum", [values(1.0), values(1.0)], torch.minimum, differs="equal values: as maximum"),
    Row("polygamma", [P], lambda x: torch.polygamma(2, x), lambda x: F.polygamma(np.full((3, 4), 2), x)),
    Row("prod", [X], lambda x: x.prod(1), lambda x: F.prod(x, 1)),
    Row("scale", [SIGNALS, normal((4,))], lambda x, y: x * y[:, None]),
    Row("squared_difference", [X, normal((3, 4))], lambda a, b: (a - b) ** 2),
    Row("sum", [SIGNALS], lambda x: x.sum((0, 2), keepdim=True), lambda x: F.sum(x, (0, 2), keepdims=True)),
    Row("sum_to", [SIGNALS], lambda x: x.sum_to_size(4, 1), lambda x: F.sum_to(x, (4, 1))),
    Row("tensordot", [normal((2, 3, 4)), normal((4, 3, 5))], lambda a, b: torch.tensordot(a, b, ((1, 2), (1, 0))),
        lambda a, b: F.tensordot(a, b, ((1, 2), (1, 0)))),
    Row("zeta", [P], lambda q: torch.special.zeta(torch.full_like(q, 2.5), q),
        lambda q: F.zeta(np.full(q.shape, 2.5, q.dtype), q)),
]  # fmt: skip
