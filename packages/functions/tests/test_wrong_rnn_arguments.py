"""Wrong arguments to functions along sequences, and to those that draw, are told before any work."""

import numpy as np
import pytest

import chainette_functions as F
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError, ShapeError

A = np.ones((2, 3))
INTEGERS = A.astype("i")
C, X = np.ones((2, 3)), np.ones((2, 12))
XS = [np.ones((2, 3)), np.ones((2, 3)), np.ones((1, 3))]
W = {4: [np.ones((2, 3))] * 4 + [np.ones((2, 2))] * 4, 3: [np.ones((2, 3))] * 3 + [np.ones((2, 2))] * 3,
     1: [np.ones((2, 3)), np.ones((2, 2))]}  # fmt: skip
B = {gates: [np.ones(2)] * 2 * gates for gates in W}
H = np.ones((1, 2, 2))


def rnn(n_layers=1, dropout_ratio=0.0, hx=None, ws=(W[1],), bs=(B[1],), xs=XS, **kwargs):
    return F.n_step_rnn(n_layers, dropout_ratio, hx, ws, bs, xs, **kwargs)


WRONG = [
    # noise
    ("gaussian shape", lambda: F.gaussian(A, A[0]), ShapeError, "gaussian: mean and ln_var must have one shape"),
    ("gaussian dtype", lambda: F.gaussian(INTEGERS, A), DtypeError, "gaussian: mean is int32"),
    ("gaussian ln_var", lambda: F.gaussian(A, INTEGERS), DtypeError, "gaussian: ln_var is int32"),
    ("gaussian eps", lambda: F.gaussian(A, A, eps=A[0]), ShapeError, "gaussian: mean and eps must have one shape"),
    ("gaussian eps list", lambda: F.gaussian(A, A, eps=[1.0]), ArrayTypeError, "list"),
    ("gaussian positional", lambda: F.gaussian(A, A, A), TypeError, "positional"),
    ("zoneout high", lambda: F.zoneout(A, A, 1.1), ArgumentError, r"zoneout: ratio=1\.1 is out of range"),
    ("zoneout low", lambda: F.zoneout(A, A, -0.1), ArgumentError, r"zoneout: ratio=-0\.1 is out of range"),
    ("zoneout shape", lambda: F.zoneout(A, A[0]), ShapeError, "zoneout: h and x must have one shape"),
    ("zoneout h", lambda: F.zoneout(INTEGERS, A), DtypeError, "zoneout: h is int32"),
    ("zoneout x", lambda: F.zoneout(A, INTEGERS), DtypeError, "zoneout: x is int32"),
    ("zoneout mask", lambda: F.zoneout(A, A, mask=A[0] > 0), ShapeError, "zoneout: h and mask must have one shape"),
    ("zoneout mask dtype", lambda: F.zoneout(A, A, mask=A), DtypeError, "zoneout: mask is float64"),
    ("zoneout train", lambda: F.zoneout(A, A, train=True), TypeError, "zoneout: the argument train= is gone"),
    ("gumbel tau", lambda: F.gumbel_softmax(A, 0), ArgumentError, "gumbel_softmax: tau=0"),
    ("gumbel nan", lambda: F.gumbel_softmax(A, float("nan")), ArgumentError, "gumbel_softmax: tau=nan"),
    ("gumbel dtype", lambda: F.gumbel_softmax(INTEGERS), DtypeError, "gumbel_softmax: log_pi is int32"),
    ("gumbel axis", lambda: F.gumbel_softmax(A[0]), ShapeError, "gumbel_softmax: axis 1"),
    ("connect ratio", lambda: F.simplified_dropconnect(A, A, ratio=1), ArgumentError, "ratio=1 is out of range"),
    ("connect low", lambda: F.simplified_dropconnect(A, A, ratio=-1), ArgumentError, "ratio=-1 is out of range"),
    ("connect x", lambda: F.simplified_dropconnect(INTEGERS, A), DtypeError, "simplified_dropconnect: x is int32"),
    ("connect W", lambda: F.simplified_dropconnect(A, INTEGERS), DtypeError, "simplified_dropconnect: W is int32"),
    ("connect 0-d", lambda: F.simplified_dropconnect(A.sum(), A), ShapeError, r"x has shape \(\)"),
    ("connect vector", lambda: F.simplified_dropconnect(A, A[0]), ShapeError, r"W has shape \(3,\)"),
    ("connect sizes", lambda: F.simplified_dropconnect(A, A.T), ShapeError, r"W has shape \(3, 2\) \(expected \(3, 3"),
    ("connect b", lambda: F.simplified_dropconnect(A, A, A[0]), ShapeError, r"b has shape \(3,\) \(expected \(2,"),
    ("connect mask", lambda: F.simplified_dropconnect(A, A, mask=A), ShapeError, r"mask .* \(expected \(2, 2, 3\)"),
    ("connect one mask", lambda: F.simplified_dropconnect(A, A, mask=A[:1], use_batchwise_mask=False), ShapeError,
     r"mask .* \(expected \(2, 3\)"),
    # sequences
    ("transpose nothing", lambda: F.transpose_sequence([]), ArgumentError, "transpose_sequence: xs is empty"),
    ("transpose order", lambda: F.transpose_sequence([A, A, np.ones((3, 3))]), ShapeError,
     r"xs\[2\] has length 3, after one of 2 \(expected descending lengths\)"),
    ("transpose shape", lambda: F.transpose_sequence([A, A.T]), ShapeError,
     r"transpose_sequence: xs\[1\] has shape \(3, 2\) \(expected \(length, 3\)"),
    ("transpose 0-d", lambda: F.transpose_sequence([A.sum()]), ShapeError, r"xs\[0\] has shape \(\)"),
    ("pad nothing", lambda: F.pad_sequence([]), ArgumentError, "pad_sequence: xs is empty"),
    ("pad shape", lambda: F.pad_sequence([A[0], A]), ShapeError, r"xs\[1\] has shape \(2, 3\) \(expected \(length\)"),
    ("pad 0-d", lambda: F.pad_sequence([A.sum()]), ShapeError, r"xs\[0\] has shape \(\)"),
    ("pad length", lambda: F.pad_sequence([A, A[:1]], 1), ShapeError, "length=1, but a sequence has 2"),
    ("pad unsigned", lambda: F.pad_sequence([A.astype("u1")], padding=-1), ArgumentError, "padding=-1 .* uint8"),
    ("pad fraction", lambda: F.pad_sequence([INTEGERS], padding=0.5), ArgumentError, r"padding=0\.5 .* int32"),
    ("pad nan", lambda: F.pad_sequence([INTEGERS], padding=float("nan")), ArgumentError, "padding=nan .* int32"),
    ("pad large", lambda: F.pad_sequence([A.astype("i1")], padding=128), ArgumentError, "padding=128 .* int8"),
    # steps
    ("lstm c", lambda: F.lstm(INTEGERS, X), DtypeError, "lstm: c_prev is int32"),
    ("lstm x", lambda: F.lstm(C, X.astype("i")), DtypeError, "lstm: x is int32"),
    ("lstm vector", lambda: F.lstm(C[0], X[0]), ShapeError, r"lstm: c_prev has shape \(3,\)"),
    ("lstm rows", lambda: F.lstm(C[:1], X), ShapeError, r"lstm: x has shape \(2, 12\) \(expected \(at most 1, 12\)"),
    ("lstm channels", lambda: F.lstm(C, X[:, :11]), ShapeError, r"lstm: x has shape \(2, 11\) \(expected .*, 12\)"),
    ("lstm ndim", lambda: F.lstm(C, X[:, :, None]), ShapeError, r"lstm: x has shape \(2, 12, 1\)"),
    ("lstm trailing", lambda: F.lstm(np.ones((2, 3, 5)), np.ones((2, 12, 4))), ShapeError, r"\(at most 2, 12, 5\)"),
    ("slstm c", lambda: F.slstm(C, C[:1], X, X), ShapeError, "slstm: c_prev1 and c_prev2 must have one shape"),
    ("slstm x1", lambda: F.slstm(C, C, X[:1], X), ShapeError, r"slstm: x1 has shape \(1, 12\) \(expected \(2, 12\)"),
    ("slstm x2", lambda: F.slstm(C, C, X, X[:, :4]), ShapeError, r"slstm: x2 has shape \(2, 4\) \(expected \(2, 12\)"),
    ("slstm vector", lambda: F.slstm(C[0], C[0], X[0], X[0]), ShapeError, r"slstm: c_prev1 has shape \(3,\)"),
    ("slstm dtype", lambda: F.slstm(C, C, X, X.astype("i")), DtypeError, "slstm: x2 is int32"),
    ("tree nothing", lambda: F.tree_lstm(), ArgumentError, "tree_lstm: got 0 inputs"),
    ("tree leaf", lambda: F.tree_lstm(X), ArgumentError, "tree_lstm: got 1 inputs .* at least a child's cell"),
    ("tree c", lambda: F.tree_lstm(C, INTEGERS, np.ones((2, 15))), DtypeError, "tree_lstm: c2 is int32"),
    ("tree x", lambda: F.tree_lstm(C, np.ones((2, 12), "i")), DtypeError, "tree_lstm: x is int32"),
    ("tree vector", lambda: F.tree_lstm(C[0], X[0]), ShapeError, r"tree_lstm: c1 has shape \(3,\)"),
    ("tree rows", lambda: F.tree_lstm(C, C[:1], X), ShapeError, "tree_lstm: c1 and c2 must have one shape"),
    ("tree channels", lambda: F.tree_lstm(C, C, X), ShapeError,
     r"tree_lstm: x has shape \(2, 12\) \(expected \(2, 15\), since there are 2 children of shape \(2, 3\)"),
    # whole sequences
    ("layers", lambda: rnn(0), ArgumentError, "n_step_rnn: n_layers=0"),
    ("ratio", lambda: rnn(dropout_ratio=1.0), ArgumentError, r"n_step_rnn: dropout_ratio=1\.0"),
    ("ratio below", lambda: rnn(dropout_ratio=-0.5), ArgumentError, r"n_step_rnn: dropout_ratio=-0\.5"),
    ("nothing", lambda: rnn(xs=[]), ArgumentError, "n_step_rnn: xs is empty"),
    ("integers", lambda: rnn(xs=[XS[0], np.ones((1, 3), "i")]), DtypeError, r"n_step_rnn: xs\[1\] is int32"),
    ("xs shape", lambda: rnn(xs=[XS[0], A.T]), ShapeError, r"n_step_rnn: xs\[1\] has shape \(3, 2\)"),
    ("xs vectors", lambda: rnn(xs=[A[0]]), ShapeError, r"xs\[0\] has shape \(3,\) \(expected \(rows, in_size\)"),
    ("xs growing", lambda: rnn(xs=XS[::-1]), ShapeError, r"xs\[1\] has 2 rows, after 1 .*transpose_seq"),
    ("xs images", lambda: rnn(xs=[A[:, :, None]]), ShapeError, r"xs\[0\] has shape \(2, 3, 1\)"),
    ("lists", lambda: rnn(2), ArgumentError, r"ws has lists of \[2\] arrays \(expected 2 lists of 2"),
    ("lists of b", lambda: rnn(bs=[]), ArgumentError, r"bs has lists of \[\] arrays \(expected 1 lists of 2"),
    ("count", lambda: rnn(ws=[W[1] * 2]), ArgumentError, r"ws has lists of \[4\] arrays \(expected 1 lists of 2"),
    ("W", lambda: rnn(ws=[[A.T, A]]), ShapeError, r"ws\[0\]\[0\] has shape \(3, 2\) \(expected \(3, 3\)"),
    ("W 0-d", lambda: rnn(ws=[[A.sum(), A]]), ShapeError, r"ws\[0\]\[0\] has shape \(\)"),
    ("U", lambda: rnn(ws=[[A, A]]), ShapeError, r"ws\[0\]\[1\] has shape \(2, 3\) \(expected \(2, 2\)"),
    ("deep W", lambda: rnn(2, ws=[W[1]] * 2, bs=[B[1]] * 2), ShapeError, r"ws\[1\]\[0\] .* \(expected \(2, 2\)"),
    ("b", lambda: rnn(bs=[[np.ones(2), np.ones(3)]]), ShapeError, r"bs\[0\]\[1\] has shape \(3,\) \(expected \(2,"),
    ("hx", lambda: rnn(hx=H[0]), ShapeError, r"n_step_rnn: hx has shape \(2, 2\) \(expected \(1, 2, 2\)"),
    ("hx batch", lambda: rnn(hx=H[:, :1]), ShapeError, r"hx has shape \(1, 1, 2\) \(expected \(1, 2, 2\)"),
    ("hx dtype", lambda: rnn(hx=H.astype("i")), DtypeError, "n_step_rnn: hx is int32"),
    ("activation", lambda: rnn(activation="gelu"), ArgumentError, "n_step_rnn: activation='gelu'"),
    ("train", lambda: rnn(train=True), TypeError, "n_step_rnn: the argument train= is gone"),
    ("use_cudnn", lambda: rnn(use_cudnn=True), TypeError, "n_step_rnn: the argument use_cudnn= is gone"),
    ("birnn", lambda: F.n_step_birnn(1, 0.0, H, [W[1]] * 2, [B[1]] * 2, XS), ShapeError,
     r"n_step_birnn: hx has shape \(1, 2, 2\) \(expected \(2, 2, 2\)"),
    ("birnn lists", lambda: F.n_step_birnn(1, 0.0, None, [W[1]], [B[1]], XS), ArgumentError,
     "n_step_birnn: .* 2 lists"),
    ("birnn deep", lambda: F.n_step_birnn(2, 0.0, None, [W[1]] * 4, [B[1]] * 4, XS), ShapeError,
     r"ws\[2\]\[0\] has shape \(2, 3\) \(expected \(2, 4\)"),
    ("birnn activation", lambda: F.n_step_birnn(1, 0.0, None, [W[1]], [B[1]], XS, "elu"), ArgumentError,
     "n_step_birnn: activation='elu'"),
    ("gru", lambda: F.n_step_gru(1, 0.0, None, [W[4]], [B[3]], XS), ArgumentError, "n_step_gru: ws .* lists of 6"),
    ("bigru", lambda: F.n_step_bigru(1, 0.0, H, [W[3]] * 2, [B[3]] * 2, XS), ShapeError, "n_step_bigru: hx has shape"),
    ("lstm b", lambda: F.n_step_lstm(1, 0.0, H, H, [W[4]], [B[3]], XS), ArgumentError, "n_step_lstm: bs .* lists of 8"),
    ("cx", lambda: F.n_step_lstm(1, 0.0, H, H[0], [W[4]], [B[4]], XS), ShapeError, r"n_step_lstm: cx has shape \(2, 2"),
    ("bilstm", lambda: F.n_step_bilstm(1, 0.0, H, H, [W[4]] * 2, [B[4]] * 2, XS), ShapeError, "n_step_bilstm: hx has"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
