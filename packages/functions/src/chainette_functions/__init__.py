"""Every differentiable function of chainette, shown as ``chainette.functions``.

One function a file; the folder says what it is for. ``activation/relu.py`` is the place to start reading.
"""

from chainette.operators import (
    absolute,
    broadcast_to,
    cast,
    copy,
    get_item,
    log,
    matmul,
    max,
    mean,
    mean as average,
    min,
    reshape,
    sum,
    sum_to,
    transpose,
)
from chainette_functions.activation.clipped_relu import clipped_relu
from chainette_functions.activation.elu import elu
from chainette_functions.activation.gelu import gelu
from chainette_functions.activation.hard_sigmoid import hard_sigmoid
from chainette_functions.activation.leaky_relu import leaky_relu
from chainette_functions.activation.log_softmax import log_softmax
from chainette_functions.activation.maxout import maxout
from chainette_functions.activation.mish import mish
from chainette_functions.activation.prelu import prelu
from chainette_functions.activation.relu import relu
from chainette_functions.activation.rrelu import rrelu
from chainette_functions.activation.selu import selu
from chainette_functions.activation.sigmoid import sigmoid
from chainette_functions.activation.softmax import softmax, softmin
from chainette_functions.activation.softplus import softplus
from chainette_functions.activation.swish import silu, swish
from chainette_functions.activation.tanh import tanh
from chainette_functions.array.axes import moveaxis, rollaxis, swapaxes
from chainette_functions.array.concat import concat
from chainette_functions.array.depth_and_space import depth2space, space2depth
from chainette_functions.array.expand_dims import expand_dims
from chainette_functions.array.im2col import im2col
from chainette_functions.array.one_hot import one_hot
from chainette_functions.array.pad import pad
from chainette_functions.array.pad_sequence import pad_sequence
from chainette_functions.array.repeat import broadcast, flip, repeat, tile
from chainette_functions.array.resize_images import resize_images
from chainette_functions.array.scatter_add import scatter_add
from chainette_functions.array.select_item import select_item
from chainette_functions.array.spatial_transformer import spatial_transformer_grid, spatial_transformer_sampler
from chainette_functions.array.split_axis import split_axis
from chainette_functions.array.squeeze import flatten, squeeze
from chainette_functions.array.stack import dstack, hstack, separate, stack, vstack
from chainette_functions.array.transpose_sequence import transpose_sequence
from chainette_functions.array.where import where
from chainette_functions.connection.bilinear import bilinear
from chainette_functions.connection.convolution_2d import convolution_2d
from chainette_functions.connection.convolution_nd import convolution_1d, convolution_3d, convolution_nd
from chainette_functions.connection.deconvolution_2d import deconvolution_2d
from chainette_functions.connection.deconvolution_nd import deconvolution_1d, deconvolution_3d, deconvolution_nd
from chainette_functions.connection.deformable_convolution_2d_sampler import deformable_convolution_2d_sampler
from chainette_functions.connection.depthwise_convolution_2d import depthwise_convolution_2d
from chainette_functions.connection.dilated_convolution_2d import dilated_convolution_2d
from chainette_functions.connection.embed_id import embed_id
from chainette_functions.connection.linear import linear
from chainette_functions.connection.local_convolution_2d import local_convolution_2d
from chainette_functions.connection.scaled_dot_product_attention import scaled_dot_product_attention
from chainette_functions.evaluation.accuracy import accuracy
from chainette_functions.evaluation.binary_accuracy import binary_accuracy
from chainette_functions.loss.black_out import black_out
from chainette_functions.loss.connectionist_temporal_classification import connectionist_temporal_classification
from chainette_functions.loss.contrastive import contrastive
from chainette_functions.loss.crf1d import argmax_crf1d, crf1d
from chainette_functions.loss.cross_covariance import cross_covariance
from chainette_functions.loss.elementwise_errors import absolute_error, mean_absolute_error, squared_error
from chainette_functions.loss.hinge import hinge
from chainette_functions.loss.huber_loss import huber_loss, smooth_l1_loss
from chainette_functions.loss.mean_squared_error import mean_squared_error
from chainette_functions.loss.negative_sampling import negative_sampling
from chainette_functions.loss.nll_loss import nll_loss
from chainette_functions.loss.sigmoid_cross_entropy import sigmoid_cross_entropy
from chainette_functions.loss.softmax_cross_entropy import softmax_cross_entropy
from chainette_functions.loss.vae import bernoulli_nll, gaussian_kl_divergence, gaussian_nll
from chainette_functions.math.batch_l2_norm_squared import batch_l2_norm_squared
from chainette_functions.math.batch_matmul import batch_matmul
from chainette_functions.math.clip import clip
from chainette_functions.math.cosine_similarity import cosine_similarity
from chainette_functions.math.det import batch_det, det
from chainette_functions.math.erf import erf, erfc
from chainette_functions.math.exp import exp
from chainette_functions.math.extremes import argmax, argmin, maximum, minimum
from chainette_functions.math.identity import identity
from chainette_functions.math.inv import batch_inv, inv
from chainette_functions.math.logsumexp import logsumexp
from chainette_functions.math.scale import add, bias, scale
from chainette_functions.math.sqrt import rsqrt, sqrt
from chainette_functions.math.square import square
from chainette_functions.math.trigonometric import cos, sin
from chainette_functions.noise.dropout import dropout
from chainette_functions.noise.gaussian import gaussian
from chainette_functions.noise.gumbel_softmax import gumbel_softmax
from chainette_functions.noise.simplified_dropconnect import simplified_dropconnect
from chainette_functions.noise.zoneout import zoneout
from chainette_functions.normalization.batch_normalization import batch_normalization
from chainette_functions.normalization.batch_renormalization import batch_renormalization, fixed_batch_renormalization
from chainette_functions.normalization.decorrelated_batch_normalization import (
    decorrelated_batch_normalization,
    fixed_decorrelated_batch_normalization,
)
from chainette_functions.normalization.fixed_batch_normalization import fixed_batch_normalization
from chainette_functions.normalization.group_normalization import group_normalization
from chainette_functions.normalization.l2_normalization import normalize
from chainette_functions.normalization.layer_normalization import layer_normalization
from chainette_functions.normalization.local_response_normalization import local_response_normalization
from chainette_functions.normalization.rms_normalization import rms_normalization
from chainette_functions.pooling.average_pooling_2d import average_pooling_2d
from chainette_functions.pooling.average_pooling_nd import average_pooling_1d, average_pooling_3d, average_pooling_nd
from chainette_functions.pooling.max_pooling_2d import max_pooling_2d
from chainette_functions.pooling.max_pooling_nd import max_pooling_1d, max_pooling_3d, max_pooling_nd
from chainette_functions.pooling.roi_pooling_2d import roi_pooling_2d
from chainette_functions.pooling.spatial_pyramid_pooling_2d import spatial_pyramid_pooling_2d
from chainette_functions.pooling.unpooling_2d import unpooling_2d
from chainette_functions.pooling.unpooling_nd import unpooling_1d, unpooling_3d, unpooling_nd
from chainette_functions.pooling.upsampling_2d import upsampling_2d
from chainette_functions.rnn.lstm import lstm
from chainette_functions.rnn.n_step_gru import n_step_bigru, n_step_gru
from chainette_functions.rnn.n_step_lstm import n_step_bilstm, n_step_lstm
from chainette_functions.rnn.n_step_rnn import n_step_birnn, n_step_rnn
from chainette_functions.rnn.slstm import slstm
from chainette_functions.rnn.tree_lstm import tree_lstm
from chainette_functions.util.checkpoint import checkpoint
from chainette_functions.util.forget import forget

__all__ = [
    "absolute",
    "absolute_error",
    "accuracy",
    "add",
    "argmax",
    "argmax_crf1d",
    "argmin",
    "average",
    "average_pooling_1d",
    "average_pooling_2d",
    "average_pooling_3d",
    "average_pooling_nd",
    "batch_det",
    "batch_inv",
    "batch_l2_norm_squared",
    "batch_matmul",
    "batch_normalization",
    "batch_renormalization",
    "bernoulli_nll",
    "bias",
    "bilinear",
    "binary_accuracy",
    "black_out",
    "broadcast",
    "broadcast_to",
    "cast",
    "checkpoint",
    "clip",
    "clipped_relu",
    "concat",
    "connectionist_temporal_classification",
    "contrastive",
    "convolution_1d",
    "convolution_2d",
    "convolution_3d",
    "convolution_nd",
    "copy",
    "cos",
    "cosine_similarity",
    "crf1d",
    "cross_covariance",
    "deconvolution_1d",
    "deconvolution_2d",
    "deconvolution_3d",
    "deconvolution_nd",
    "decorrelated_batch_normalization",
    "deformable_convolution_2d_sampler",
    "depth2space",
    "depthwise_convolution_2d",
    "det",
    "dilated_convolution_2d",
    "dropout",
    "dstack",
    "elu",
    "embed_id",
    "erf",
    "erfc",
    "exp",
    "expand_dims",
    "fixed_batch_normalization",
    "fixed_batch_renormalization",
    "fixed_decorrelated_batch_normalization",
    "flatten",
    "flip",
    "forget",
    "gaussian",
    "gaussian_kl_divergence",
    "gaussian_nll",
    "gelu",
    "get_item",
    "group_normalization",
    "gumbel_softmax",
    "hard_sigmoid",
    "hinge",
    "hstack",
    "huber_loss",
    "identity",
    "im2col",
    "inv",
    "layer_normalization",
    "leaky_relu",
    "linear",
    "local_convolution_2d",
    "local_response_normalization",
    "log",
    "log_softmax",
    "logsumexp",
    "lstm",
    "matmul",
    "max",
    "max_pooling_1d",
    "max_pooling_2d",
    "max_pooling_3d",
    "max_pooling_nd",
    "maximum",
    "maxout",
    "mean",
    "mean_absolute_error",
    "mean_squared_error",
    "min",
    "minimum",
    "mish",
    "moveaxis",
    "n_step_bigru",
    "n_step_bilstm",
    "n_step_birnn",
    "n_step_gru",
    "n_step_lstm",
    "n_step_rnn",
    "negative_sampling",
    "nll_loss",
    "normalize",
    "one_hot",
    "pad",
    "pad_sequence",
    "prelu",
    "relu",
    "repeat",
    "reshape",
    "resize_images",
    "rms_normalization",
    "roi_pooling_2d",
    "rollaxis",
    "rrelu",
    "rsqrt",
    "scale",
    "scaled_dot_product_attention",
    "scatter_add",
    "select_item",
    "selu",
    "separate",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "simplified_dropconnect",
    "sin",
    "slstm",
    "smooth_l1_loss",
    "softmax",
    "softmax_cross_entropy",
    "softmin",
    "softplus",
    "space2depth",
    "spatial_pyramid_pooling_2d",
    "spatial_transformer_grid",
    "spatial_transformer_sampler",
    "split_axis",
    "sqrt",
    "square",
    "squared_error",
    "squeeze",
    "stack",
    "sum",
    "sum_to",
    "swapaxes",
    "swish",
    "tanh",
    "tile",
    "transpose",
    "transpose_sequence",
    "tree_lstm",
    "unpooling_1d",
    "unpooling_2d",
    "unpooling_3d",
    "unpooling_nd",
    "upsampling_2d",
    "vstack",
    "where",
    "zoneout",
]
