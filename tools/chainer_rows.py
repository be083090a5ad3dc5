"""What both frameworks are asked to compute: one line a call. ``F`` is chainer.functions or chainette.functions.

Inputs are shapes, which stand for normally distributed numbers; or arrays, which are given as they are. This file runs
under Chainer's Python too.
"""

import numpy as np

T = np.array([2, 0, 1, 2], "i")
T_MAP = np.array([[-1, 2], [0, 1], [2, 2], [1, 0]], "i")
BITS = np.array([[1, 0, -1, 1], [0, 0, 1, 1], [1, -1, 0, 1]], "i")
LABELS = np.array([[1, 2, 3], [3, 1, 2]], "i")
SAMPLES = np.array([[0, 1, 2, 3], [1, 4, 0, 0], [2, 2, 1, 3], [4, 0, 3, 1]], "i")
ROIS = np.array([[0, 1, 1, 6, 6], [1, 0, 2, 4, 9], [0, 2, 0, 3, 3]], "d")
WEIGHT = np.array([0.5, 1.0, 2.0])
FRAMES = np.array([5, 4], "i"), np.array([2, 1], "i")
IMAGE = (2, 3, 6, 7)


def layers(gates, directions):
    """The shapes of the matrices and vectors of two layers, for inputs of 3 and states of 2."""
    shapes = []
    for layer in range(2):
        size = 2 * directions if layer else 3
        shapes += [((2, size), (2, 2))] * directions
    return [shape for first, second in shapes for shape in [first] * gates + [second] * gates + [(2,)] * 2 * gates]


def recurrent(name, gates, directions, states, **options):
    """A call of n_step_*: the states, two sequences of 3 steps and one of 1 by time, then all parameters."""

    def call(F, *arrays):
        begin, xs, rest = arrays[:states], arrays[states : states + 3], arrays[states + 3 :]
        per = 4 * gates
        groups = [rest[i : i + per] for i in range(0, len(rest), per)]
        ws, bs = [list(g[: 2 * gates]) for g in groups], [list(g[2 * gates :]) for g in groups]
        return getattr(F, name)(2, 0.0, *begin, ws, bs, list(xs), **options)

    label = " ".join([name, *map(str, options.values())])
    return label, call, *[(2 * directions, 3, 2)] * states, (3, 3), (2, 3), (2, 3), *layers(gates, directions)


ROWS = [
    ("clipped_relu", lambda F, x: F.clipped_relu(x, 0.5), (3, 4)),
    ("elu", lambda F, x: F.elu(x, 0.3), (3, 4)),
    ("erf, erfc", lambda F, x: (F.erf(x), F.erfc(x)), (3, 4)),
    ("hard_sigmoid", lambda F, x: F.hard_sigmoid(3 * x), (3, 4)),
    ("maxout", lambda F, x: F.maxout(x, 2), (3, 6)),
    ("prelu", lambda F, x, W: F.prelu(x, W), (2, 3, 4), (3,)),
    ("selu", lambda F, x: F.selu(x), (3, 4)),
    ("softplus", lambda F, x: F.softplus(x, 2.0), (3, 4)),
    ("swish", lambda F, x, beta: F.swish(x, beta), (2, 3, 4), (3,)),
    ("im2col", lambda F, x: F.im2col(x, (2, 3), stride=2, pad=1, cover_all=True), IMAGE),
    ("pad", lambda F, x: F.pad(x, ((1, 2), (0, 1)), "constant", constant_values=3), (2, 3)),
    ("pad_sequence", lambda F, *xs: F.pad_sequence(list(xs), padding=-2), (4, 3), (2, 3), (1, 3)),
    ("transpose_sequence", lambda F, *xs: F.transpose_sequence(list(xs)), (4, 3), (2, 3), (1, 3)),
    ("depth2space", lambda F, x: F.depth2space(x, 2), (2, 12, 2, 3)),
    ("space2depth", lambda F, x: F.space2depth(x, 2), (2, 3, 4, 6)),
    ("repeat", lambda F, x: F.repeat(x, (1, 2, 0), 0), (3, 4)),
    ("rollaxis", lambda F, x: F.rollaxis(x, 2, 0), (2, 3, 4)),
    ("scatter_add", lambda F, a, b: F.scatter_add(a, [0, 2, 0], b), (4, 2), (3, 2)),
    ("separate", lambda F, x: F.separate(x, 1), (3, 4)),
    ("spatial_transformer_grid", lambda F, theta: F.spatial_transformer_grid(theta, (3, 4)), (2, 2, 3)),
    ("spatial_transformer_sampler", lambda F, x, g: F.spatial_transformer_sampler(x, 0.5 * g), (2, 3, 4, 5), (2, 2, 3, 3)),
    ("convolution_2d", lambda F, x, W, b: F.convolution_2d(x, W, b, (2, 1), (1, 2), dilate=(1, 2)), IMAGE, (4, 3, 3, 2), (4,)),
    ("convolution_2d groups", lambda F, x, W: F.convolution_2d(x, W, groups=3, pad=1), IMAGE, (6, 1, 3, 3)),
    ("convolution_2d cover_all", lambda F, x, W: F.convolution_2d(x, W, stride=2, cover_all=True), IMAGE, (2, 3, 3, 3)),
    ("convolution_nd", lambda F, x, W, b: F.convolution_nd(x, W, b, stride=2, pad=1), (2, 3, 5), (4, 3, 3), (4,)),
    ("deconvolution_2d", lambda F, x, W, b: F.deconvolution_2d(x, W, b, stride=2, pad=1), IMAGE, (3, 4, 3, 4), (4,)),
    ("deconvolution_2d outsize", lambda F, x, W: F.deconvolution_2d(x, W, None, 3, 1, (17, 20)), IMAGE, (3, 4, 3, 4)),
    ("deconvolution_2d groups", lambda F, x, W: F.deconvolution_2d(x, W, stride=2, groups=3), IMAGE, (3, 2, 3, 2)),
    ("deconvolution_nd", lambda F, x, W: F.deconvolution_nd(x, W, stride=2, pad=1), (2, 3, 3, 4, 3), (3, 2, 3, 2, 3)),
    ("depthwise_convolution_2d", lambda F, x, W, b: F.depthwise_convolution_2d(x, W, b, 2, 1), IMAGE, (2, 3, 3, 3), (6,)),
    ("dilated_convolution_2d", lambda F, x, W: F.dilated_convolution_2d(x, W, pad=2, dilate=2), IMAGE, (2, 3, 3, 3)),
    ("local_convolution_2d", lambda F, x, W, b: F.local_convolution_2d(x, W, b, (2, 2)), (2, 3, 5, 5), (4, 2, 2, 3, 3, 3), (4, 2, 2)),
    ("linear", lambda F, x, W: F.linear(x, W, n_batch_axes=2), (2, 3, 4), (5, 4)),
    ("accuracy", lambda F, x: F.accuracy(x, T, ignore_label=1), (4, 3)),
    ("binary_accuracy", lambda F, x: F.binary_accuracy(x, BITS), (3, 4)),
    *[(f"{name} {reduce}", lambda F, x, y, n=name, r=reduce: getattr(F, n)(*([F.sigmoid(x)] if n[0] == "b" else [x]), y, reduce=r),
       (3, 4), (3, 4)) for name in ("bernoulli_nll", "gaussian_kl_divergence") for reduce in ("sum", "mean", "no")],
    *[(f"gaussian_nll {r}", lambda F, x, m, v, r=r: F.gaussian_nll(x, m, v, reduce=r), (3, 4), (3, 4), (3, 4)) for r in ("sum", "mean", "no")],
    ("connectionist_temporal_classification",
     lambda F, *xs: F.connectionist_temporal_classification(xs, LABELS, 0, *FRAMES), *[(2, 4)] * 5),
    ("contrastive", lambda F, a, b: F.contrastive(a, b, np.array([1, 0, 1, 0], "i"), margin=2), (4, 3), (4, 3)),
    ("cross_covariance", lambda F, y, z: (F.cross_covariance(y, z), F.cross_covariance(y, z, "no")), (4, 3), (4, 2)),
    ("hinge", lambda F, x: (F.hinge(x, T), F.hinge(x, T, "L2", "no")), (4, 3)),
    ("huber_loss", lambda F, x, t: (F.huber_loss(x, t, 0.7), F.huber_loss(x, t, 0.7, "no")), (3, 4), (3, 4)),
    ("negative_sampling", lambda F, x, W: F.negative_sampling(x, T, W, lambda shape: SAMPLES.copy(), 3), (4, 3), (5, 3)),
    ("sigmoid_cross_entropy", lambda F, x: F.sigmoid_cross_entropy(x, BITS), (3, 4)),
    *[(f"softmax_cross_entropy {sorted(kw)}", lambda F, x, kw=kw: F.softmax_cross_entropy(x, T_MAP, **kw), (4, 3, 2))
      for kw in ({}, {"normalize": False}, {"reduce": "no"}, {"class_weight": WEIGHT}, {"class_weight": WEIGHT, "normalize": False})],
    ("average", lambda F, x, w: F.average(x, axis=1, weights=w * w), (3, 4), (4,)),
    ("batch_det", lambda F, a: F.batch_det(a), (2, 3, 3)),
    ("batch_inv", lambda F, a: F.batch_inv(a), (2, 3, 3)),
    ("batch_l2_norm_squared", lambda F, x: F.batch_l2_norm_squared(x), (2, 3, 4)),
    ("bias", lambda F, x, y: F.bias(x, y), (2, 3, 4), (3,)),
    ("logsumexp", lambda F, x: F.logsumexp(x, axis=1), (3, 4)),
    ("matmul", lambda F, a, b: F.matmul(a, b, transb=True), (2, 3, 4), (2, 5, 4)),
    ("scale", lambda F, x, y: F.scale(x, y, axis=1), (2, 3, 4), (3,)),
    ("batch_normalization", lambda F, x, g, b: F.batch_normalization(x, g, b), IMAGE, (3,), (3,)),
    ("batch_normalization axis", lambda F, x, g, b: F.batch_normalization(x, g, b, axis=(0, 2)), (4, 3, 5), (3,), (3,)),
    ("fixed_batch_normalization", lambda F, x, g, b, m, v: F.fixed_batch_normalization(x, g, b, m, F.exp(v)), IMAGE, *[(3,)] * 4),
    ("group_normalization", lambda F, x, g, b: F.group_normalization(x, 3, g, b), (2, 6, 3), (6,), (6,)),
    ("layer_normalization", lambda F, x, g, b: F.layer_normalization(x, g, b), (3, 4), (4,), (4,)),
    ("local_response_normalization", lambda F, x: F.local_response_normalization(x, n=3, alpha=0.5), IMAGE),
    ("normalize", lambda F, x: (F.normalize(x), F.normalize(x, axis=(1, 2))), (3, 4, 2)),
    *[(f"{name} {sorted(kw.items())}", lambda F, x, n=name, kw=kw: getattr(F, n)(x, **kw), IMAGE)
      for name in ("max_pooling_2d", "average_pooling_2d", "unpooling_2d")
      for kw in ({"ksize": 3, "stride": 2}, {"ksize": 2}, {"ksize": (3, 2), "stride": (1, 2), "pad": (1, 0)})],
    ("max_pooling_2d indices", lambda F, x: F.max_pooling_2d(x, 3, stride=2, return_indices=True), IMAGE),
    ("average_pooling_nd", lambda F, x: F.average_pooling_nd(x, 2, pad=1, pad_value=None), (2, 2, 5, 4)),
    *[(f"spatial_pyramid_pooling_2d {h}", lambda F, x, h=h: F.spatial_pyramid_pooling_2d(x, h, pooling="max"), (2, 3, 8, 9)) for h in (1, 2, 3)],
    ("roi_pooling_2d", lambda F, x: F.roi_pooling_2d(x, ROIS, 3, 2, 0.6), (2, 3, 6, 8)),
    ("lstm", lambda F, c, x: F.lstm(c, x), (3, 2), (2, 8)),
    ("slstm", lambda F, c1, c2, x1, x2: F.slstm(c1, c2, x1, x2), (3, 2), (3, 2), (3, 8), (3, 8)),
    ("tree_lstm", lambda F, a, b, x: F.tree_lstm(a, b, x), (3, 2), (3, 2), (3, 10)),
    recurrent("n_step_lstm", 4, 1, 2),
    recurrent("n_step_bilstm", 4, 2, 2),
    recurrent("n_step_gru", 3, 1, 1),
    recurrent("n_step_bigru", 3, 2, 1),
    recurrent("n_step_rnn", 1, 1, 1),
    recurrent("n_step_birnn", 1, 2, 1, activation="relu"),
]  # fmt: skip
