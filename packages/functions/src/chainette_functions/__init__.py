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
from chainette_functions.activation.hard_sigmoid import hard_sigmoid
from chainette_functions.activation.leaky_relu import leaky_relu
from chainette_functions.activation.log_softmax import log_softmax
from chainette_functions.activation.maxout import maxout
from chainette_functions.activation.mish import mish
from chainette_functions.activation.prelu import prelu
from chainette_functions.activation.relu import relu
from chainette_functions.activation.selu import selu
from chainette_functions.activation.sigmoid import sigmoid
from chainette_functions.activation.softmax import softmax, softmin
from chainette_functions.activation.softplus import softplus
from chainette_functions.activation.swish import silu, swish
from chainette_functions.activation.tanh import tanh
from chainette_functions.array.axes import moveaxis, rollaxis, swapaxes
from chainette_functions.array.concat import concat
from chainette_functions.array.expand_dims import expand_dims
from chainette_functions.array.repeat import broadcast, flip, repeat, tile
from chainette_functions.array.select_item import select_item
from chainette_functions.array.split_axis import split_axis
from chainette_functions.array.squeeze import flatten, squeeze
from chainette_functions.array.stack import dstack, hstack, separate, stack, vstack
from chainette_functions.array.where import where
from chainette_functions.connection.embed_id import embed_id
from chainette_functions.connection.linear import linear
from chainette_functions.evaluation.accuracy import accuracy
from chainette_functions.loss.elementwise_errors import absolute_error, mean_absolute_error, squared_error
from chainette_functions.loss.mean_squared_error import mean_squared_error
from chainette_functions.loss.sigmoid_cross_entropy import sigmoid_cross_entropy
from chainette_functions.loss.softmax_cross_entropy import softmax_cross_entropy
from chainette_functions.math.clip import clip
from chainette_functions.math.exp import exp
from chainette_functions.math.extremes import argmax, argmin, maximum, minimum
from chainette_functions.math.logsumexp import logsumexp
from chainette_functions.math.scale import add, bias, scale
from chainette_functions.math.sqrt import rsqrt, sqrt
from chainette_functions.math.square import square
from chainette_functions.math.trigonometric import cos, sin
from chainette_functions.noise.dropout import dropout

__all__ = [
    "absolute",
    "absolute_error",
    "accuracy",
    "add",
    "argmax",
    "argmin",
    "average",
    "bias",
    "broadcast",
    "broadcast_to",
    "cast",
    "clip",
    "clipped_relu",
    "concat",
    "copy",
    "cos",
    "dropout",
    "dstack",
    "elu",
    "embed_id",
    "exp",
    "expand_dims",
    "flatten",
    "flip",
    "get_item",
    "hard_sigmoid",
    "hstack",
    "leaky_relu",
    "linear",
    "log",
    "log_softmax",
    "logsumexp",
    "matmul",
    "max",
    "maximum",
    "maxout",
    "mean",
    "mean_absolute_error",
    "mean_squared_error",
    "min",
    "minimum",
    "mish",
    "moveaxis",
    "prelu",
    "relu",
    "repeat",
    "reshape",
    "rollaxis",
    "rsqrt",
    "scale",
    "select_item",
    "selu",
    "separate",
    "sigmoid",
    "sigmoid_cross_entropy",
    "silu",
    "sin",
    "softmax",
    "softmax_cross_entropy",
    "softmin",
    "softplus",
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
    "vstack",
    "where",
]
