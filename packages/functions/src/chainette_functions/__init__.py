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
from chainette_functions.activation.log_softmax import log_softmax
from chainette_functions.activation.relu import relu
from chainette_functions.activation.sigmoid import sigmoid
from chainette_functions.activation.softmax import softmax
from chainette_functions.activation.tanh import tanh
from chainette_functions.array.concat import concat
from chainette_functions.array.expand_dims import expand_dims
from chainette_functions.array.split_axis import split_axis
from chainette_functions.array.where import where
from chainette_functions.connection.embed_id import embed_id
from chainette_functions.connection.linear import linear
from chainette_functions.evaluation.accuracy import accuracy
from chainette_functions.loss.mean_squared_error import mean_squared_error
from chainette_functions.loss.sigmoid_cross_entropy import sigmoid_cross_entropy
from chainette_functions.loss.softmax_cross_entropy import softmax_cross_entropy
from chainette_functions.math.clip import clip
from chainette_functions.math.exp import exp
from chainette_functions.math.sqrt import sqrt
from chainette_functions.noise.dropout import dropout

__all__ = [
    "absolute",
    "accuracy",
    "average",
    "broadcast_to",
    "cast",
    "clip",
    "concat",
    "copy",
    "dropout",
    "embed_id",
    "exp",
    "expand_dims",
    "get_item",
    "linear",
    "log",
    "log_softmax",
    "matmul",
    "max",
    "mean",
    "mean_squared_error",
    "min",
    "relu",
    "reshape",
    "sigmoid",
    "sigmoid_cross_entropy",
    "softmax",
    "softmax_cross_entropy",
    "split_axis",
    "sqrt",
    "sum",
    "sum_to",
    "tanh",
    "transpose",
    "where",
]
