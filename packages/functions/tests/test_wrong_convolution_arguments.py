"""Wrong arguments of convolutions are told before any work, with all shapes."""

import numpy as np
import pytest

import chainette_functions as F
from chainette.errors import ArgumentError, DtypeError, ShapeError

X = np.ones((8, 4, 6, 6))
W = np.ones((9, 4, 3, 3))
V = np.ones((4, 9, 3, 3))  # of a deconvolution

WRONG = [
    ("channels", lambda: F.convolution_2d(X, W[:, :3]), ShapeError,
     r"convolution_2d: W has 3 input channels but x has 4 \(x: \(8, 4, 6, 6\), W: \(9, 3, 3, 3\), groups=1\)"),
    ("channels of groups", lambda: F.convolution_2d(X, W[:8], groups=2), ShapeError, "W has 8 input .* groups=2"),
    ("outputs of groups", lambda: F.convolution_2d(X, W[:, :2], groups=2), ShapeError,
     r"the 9 output channels of W do not divide into 2 groups \(x: \(8, 4, 6, 6\)"),
    ("x axes", lambda: F.convolution_2d(X[0], W), ShapeError,
     r"x has 3 axes \(expected batch, channels, 2 spatial axes\) \(x: \(4, 6, 6\), W: \(9, 4, 3, 3\), groups=1\)"),
    ("W axes", lambda: F.convolution_2d(X, W[0]), ShapeError, r"W has 3 axes \(expected out, in / groups, 2 spatial"),
    ("no window", lambda: F.convolution_2d(X, W[..., :0]), ShapeError, r"windows of W have no elements .*3, 0\)"),
    ("large window", lambda: F.convolution_2d(X, np.ones((9, 4, 7, 3))), ShapeError,
     r"convolution_2d: windows of \(7, 3\) do not fit into \(6, 6\)"),
    ("b", lambda: F.convolution_2d(X, W, np.ones(4)), ShapeError,
     r"b has shape \(4,\) \(expected \(9,\)\) \(x: \(8, 4, 6, 6\), W: \(9, 4, 3, 3\), groups=1\)"),
    ("b axes", lambda: F.convolution_2d(X, W, np.ones((9, 1, 1))), ShapeError, r"b has shape \(9, 1, 1\)"),
    ("b number", lambda: F.convolution_2d(X, W, 1.0), ShapeError, r"b has shape \(\)"),
    ("groups 0", lambda: F.convolution_2d(X, W, groups=0), ArgumentError, "groups=0 .expected an integer of at least"),
    ("groups float", lambda: F.convolution_2d(X, W, groups=1.0), ArgumentError, "groups=1.0"),
    ("stride", lambda: F.convolution_2d(X, W, None, 0), ArgumentError, "convolution_2d: stride=0"),
    ("strides", lambda: F.convolution_2d(X, W, None, (1, 1, 1)), ArgumentError, r"stride=\(1, 1, 1\)"),
    ("pad", lambda: F.convolution_2d(X, W, pad=-1), ArgumentError, "convolution_2d: pad=-1"),
    ("dilate", lambda: F.convolution_2d(X, W, dilate=0), ArgumentError, "convolution_2d: dilate=0"),
    ("integers", lambda: F.convolution_2d(X.astype("i"), W), DtypeError, "convolution_2d: x is int32"),
    ("W integers", lambda: F.convolution_2d(X, W.astype("i")), DtypeError, "convolution_2d: W is int32"),
    ("dtypes", lambda: F.convolution_2d(X.astype("f"), W), DtypeError, "W is float64 but x is float32"),
    ("dtype of b", lambda: F.convolution_2d(X, W, np.ones(9, "f")), DtypeError, "b is float32 but x is float64"),
    ("positional", lambda: F.convolution_2d(X, W, None, 1, 0, False, 1), TypeError, "positional"),
    ("use_cudnn", lambda: F.convolution_2d(X, W, use_cudnn=True), TypeError, "use_cudnn= is gone"),
    ("deterministic", lambda: F.convolution_2d(X, W, deterministic=True), TypeError, "chainette.config.deterministic"),
    ("nd x", lambda: F.convolution_nd(np.ones((2, 3)), np.ones((2, 3))), ShapeError, "convolution_nd: x has 2 axes"),
    ("nd W", lambda: F.convolution_nd(X, W[0]), ShapeError, "convolution_nd: W has 3 axes .* 2 spatial"),
    ("nd use_cudnn", lambda: F.convolution_nd(X, W, use_cudnn=True), TypeError, "use_cudnn="),
    ("1d", lambda: F.convolution_1d(X, W), ShapeError, "convolution_1d: x has 4 axes .* 1 spatial"),
    ("3d", lambda: F.convolution_3d(X, W), ShapeError, "convolution_3d: x has 4 axes .* 3 spatial"),
    ("dilated", lambda: F.dilated_convolution_2d(X, W, dilate=3), ShapeError, "dilated_convolution_2d: windows of"),
    ("dilated use_cudnn", lambda: F.dilated_convolution_2d(X, W, use_cudnn=True), TypeError, "use_cudnn="),
    ("depthwise x", lambda: F.depthwise_convolution_2d(X[0], W), ShapeError, r"depthwise_convolution_2d: x has shape"),
    ("depthwise W", lambda: F.depthwise_convolution_2d(X, W[0]), ShapeError, r"W has shape \(4, 3, 3\)"),
    ("depthwise channels", lambda: F.depthwise_convolution_2d(X, W[:, :3]), ShapeError, r"W has shape \(9, 3, 3, 3\)"),
    ("depthwise none", lambda: F.depthwise_convolution_2d(X[:, :0], W[:, :0]), ShapeError, "x has shape .8, 0"),
    ("depthwise b", lambda: F.depthwise_convolution_2d(X, W, np.ones(9)), ShapeError, r"expected \(36,\)"),
    ("de channels", lambda: F.deconvolution_2d(X, V[:3]), ShapeError,
     r"deconvolution_2d: W has 3 input channels but x has 4 \(x: \(8, 4, 6, 6\), W: \(3, 9, 3, 3\), groups=1\)"),
    ("de groups", lambda: F.deconvolution_2d(X, V, groups=3), ShapeError, "the 4 input channels of W do not divide"),
    ("de W axes", lambda: F.deconvolution_2d(X, V[0]), ShapeError, "W has 3 axes .expected in, out / groups, 2"),
    ("de b", lambda: F.deconvolution_2d(X, V, np.ones(9), groups=2), ShapeError, r"b has shape \(9,\) .expected \(18"),
    ("de stride", lambda: F.deconvolution_2d(X, V, stride=0), ArgumentError, "deconvolution_2d: stride=0"),
    ("de pad", lambda: F.deconvolution_2d(X, V, pad=-1), ArgumentError, "deconvolution_2d: pad=-1"),
    ("de pads", lambda: F.deconvolution_2d(X, V, pad=4), ShapeError, r"gives a result of size \(0, 0\)"),
    ("de no pixels", lambda: F.deconvolution_2d(X[..., :0], V), ShapeError, r"x of size \(6, 0\)"),
    ("de dilate", lambda: F.deconvolution_2d(X, V, dilate=0), ArgumentError, "deconvolution_2d: dilate=0"),
    ("de large", lambda: F.deconvolution_2d(X, V, stride=2, outsize=(13, 15)), ShapeError,
     r"outsize=\(13, 15\) does not fit x of size \(6, 6\) .*expected \(13, 13\) to \(14, 14\)"),
    ("de small", lambda: F.deconvolution_2d(X, V, outsize=7), ShapeError, r"outsize=\(7, 7\) does not fit"),
    ("de outsize", lambda: F.deconvolution_2d(X, V, outsize=(8, 8, 8)), ArgumentError, r"outsize=\(8, 8, 8\)"),
    ("de positional", lambda: F.deconvolution_2d(X, V, None, 1, 0, None, 1), TypeError, "positional"),
    ("de 1.7", lambda: F.deconvolution_2d(X, V, None, 1, 0, None, use_cudnn=True), TypeError, "use_cudnn= is gone"),
    ("de deterministic", lambda: F.deconvolution_2d(X, V, deterministic=True), TypeError, "config.deterministic"),
    ("de dtypes", lambda: F.deconvolution_2d(X, V.astype("e")), DtypeError, "W is float16 but x is float64"),
    ("de nd", lambda: F.deconvolution_nd(X[0, 0], V), ShapeError, "deconvolution_nd: x has 2 axes"),
    ("de 1d", lambda: F.deconvolution_1d(X, V), ShapeError, "deconvolution_1d: x has 4 axes"),
    ("de 3d", lambda: F.deconvolution_3d(X, V), ShapeError, "deconvolution_3d: x has 4 axes"),
    ("im2col axes", lambda: F.im2col(X[0], 2), ShapeError, r"im2col: x has shape \(4, 6, 6\)"),
    ("im2col large", lambda: F.im2col(X, 7), ShapeError, r"im2col: windows of \(7, 7\)"),
    ("im2col ksize", lambda: F.im2col(X, 0), ArgumentError, "im2col: ksize=0"),
    ("im2col dilate", lambda: F.im2col(X, 2, dilate=(0, 1)), ArgumentError, "im2col: dilate="),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
