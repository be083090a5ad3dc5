"""Wrong arguments of mathematical and normalizing functions and of attention, told before any work."""

import numpy as np
import pytest

import chainette_functions as F
from chainette.errors import ArgumentError, DtypeError, ShapeError

A, B = np.ones((2, 3)), np.ones((4, 2, 3))
INTEGERS = np.ones((2, 3), "i")
TWO, THREE = np.ones(2), np.ones(3)

WRONG = [
    (lambda: F.identity(), ArgumentError, "identity: there are no inputs"),
    (lambda: F.batch_matmul(TWO, A), ShapeError, r"batch_matmul: a has shape \(2,\)"),
    (lambda: F.batch_matmul(A, np.ones((1, 1, 1, 1))), ShapeError, r"batch_matmul: b has shape \(1, 1, 1, 1\)"),
    (lambda: F.batch_matmul(B, A), ShapeError, "batch_matmul: the batch sizes differ"),
    (lambda: F.batch_matmul(B, B), ShapeError, "batch_matmul: the inner sizes differ, 3 and 2"),
    (lambda: F.batch_matmul(A, A), ShapeError, "batch_matmul: the inner sizes differ, 1 and 3"),
    (lambda: F.inv(A), ShapeError, r"inv: a has shape \(2, 3\) \(expected \(n, n\)\)"),
    (lambda: F.inv(np.ones((1, 2, 2))), ShapeError, r"inv: a has shape \(1, 2, 2\)"),
    (lambda: F.batch_inv(np.eye(2)), ShapeError, r"batch_inv: a has shape \(2, 2\) \(expected \(batch, n, n\)\)"),
    (lambda: F.inv(np.eye(2, dtype="i")), DtypeError, "inv: a is int32"),
    (lambda: F.inv(np.zeros((2, 2))), ArgumentError, "inv: a is singular"),
    (lambda: F.det(A), ShapeError, r"det: a has shape \(2, 3\)"),
    (lambda: F.batch_det(np.eye(2)), ShapeError, "batch_det: a has shape"),
    (lambda: F.det(np.eye(2, dtype="i")), DtypeError, "det: a is int32"),
    (lambda: F.batch_l2_norm_squared(np.ones(())), ShapeError, r"batch_l2_norm_squared: .*\(batch, \.\.\.\)"),
    (lambda: F.batch_l2_norm_squared(INTEGERS), DtypeError, "batch_l2_norm_squared: x is int32"),
    (lambda: F.cosine_similarity(A, TWO), ShapeError, r"cosine_similarity: x0 of shape \(2, 3\) and x1 of shape"),
    (lambda: F.cosine_similarity(A, A, axis=2), ShapeError, "cosine_similarity: axis 2"),
    (lambda: F.cosine_similarity(A, A, eps=0), ArgumentError, "cosine_similarity: eps=0"),
    (lambda: F.cosine_similarity(A, INTEGERS), DtypeError, "cosine_similarity: x1 is int32"),
    (lambda: F.erf(INTEGERS), DtypeError, "erf: x is int32"),
    (lambda: F.erfc(INTEGERS), DtypeError, "erfc: x is int32"),
    (lambda: F.gelu(INTEGERS), DtypeError, "gelu: x is int32"),
    (lambda: F.gelu(A, "sigmoid"), ArgumentError, "gelu: approximate='sigmoid'"),
    (lambda: F.rrelu(INTEGERS), DtypeError, "rrelu: x is int32"),
    (lambda: F.rrelu(A, 0.5, 0.1), ArgumentError, "rrelu: l=0.5 and u=0.1"),
    (lambda: F.rrelu(A, r=THREE), ShapeError, "rrelu: x and r must have one shape"),
    (lambda: F.rrelu(A, r=INTEGERS), DtypeError, "rrelu: r is int32"),
    (lambda: F.normalize(A, axis=2), ShapeError, "normalize: axis 2"),
    (lambda: F.normalize(A, axis=(1, 1)), ShapeError, "normalize: .* twice"),
    (lambda: F.normalize(A, 0), ArgumentError, "normalize: eps=0"),
    (lambda: F.normalize(INTEGERS), DtypeError, "normalize: x is int32"),
    (lambda: F.batch_normalization(A, TWO, TWO), ShapeError, r"gamma has shape \(2,\) \(expected \(3,\)"),
    (lambda: F.batch_normalization(A, THREE, TWO), ShapeError, r"beta has shape \(2,\) \(expected \(3,\)"),
    (lambda: F.batch_normalization(B, A, A, axis=(0, 1)), ShapeError, r"expected \(3,\), .* without axes \(0, 1\)"),
    (lambda: F.batch_normalization(A, THREE, THREE, axis=2), ShapeError, "batch_normalization: axis 2"),
    (lambda: F.batch_normalization(np.ones(()), TWO, TWO), ShapeError, r"batch_normalization: x has shape \(\)"),
    (lambda: F.batch_normalization(INTEGERS, THREE, THREE), DtypeError, "batch_normalization: x is int32"),
    (lambda: F.batch_normalization(A, THREE.astype("i"), THREE), DtypeError, "batch_normalization: gamma is int32"),
    (lambda: F.batch_normalization(A, THREE, THREE, 0), ArgumentError, "batch_normalization: eps=0"),
    (lambda: F.batch_normalization(A, THREE, THREE, decay=1.5), ArgumentError, "batch_normalization: decay=1.5"),
    (lambda: F.batch_normalization(A, THREE, THREE, running_mean=TWO), ShapeError, "running_mean has shape"),
    (lambda: F.batch_normalization(A, THREE, THREE, running_var=THREE.astype("i")), DtypeError, "running_var is int32"),
    (lambda: F.batch_normalization(A, THREE, THREE, use_cudnn=True), TypeError, "use_cudnn= is gone"),
    (lambda: F.fixed_batch_normalization(A, THREE, THREE, TWO, THREE), ShapeError, "fixed_batch_.*: mean has shape"),
    (lambda: F.fixed_batch_normalization(A, THREE, THREE, THREE, A), ShapeError, "fixed_batch_.*: var has shape"),
    (lambda: F.fixed_batch_normalization(A, *[THREE] * 4, -1), ArgumentError, "fixed_batch_normalization: eps=-1"),
    (lambda: F.fixed_batch_normalization(A, *[THREE] * 4, use_cudnn=True), TypeError, "use_cudnn= is gone"),
    (lambda: F.layer_normalization(A, TWO, TWO), ShapeError, r"gamma has shape \(2,\) \(expected how x's \(2, 3\)"),
    (lambda: F.layer_normalization(A, np.ones(()), np.ones(())), ShapeError, r"layer_.*: gamma has shape \(\)"),
    (lambda: F.layer_normalization(THREE, A, A), ShapeError, r"layer_.*: gamma has shape \(2, 3\)"),
    (lambda: F.layer_normalization(A, THREE, TWO), ShapeError, "layer_normalization: gamma and beta must have one"),
    (lambda: F.layer_normalization(A, THREE, THREE, 0), ArgumentError, "layer_normalization: eps=0"),
    (lambda: F.layer_normalization(INTEGERS, THREE, THREE), DtypeError, "layer_normalization: x is int32"),
    (lambda: F.group_normalization(A, 2, THREE, THREE), ShapeError, "3 channels do not divide into groups=2"),
    (lambda: F.group_normalization(A, 0, THREE, THREE), ArgumentError, "group_normalization: groups=0"),
    (lambda: F.group_normalization(THREE, 1, THREE, THREE), ShapeError, r"group_normalization: x has shape \(3,\)"),
    (lambda: F.group_normalization(A, 3, TWO, THREE), ShapeError, "group_normalization: gamma has shape"),
    (lambda: F.group_normalization(A, 3, THREE, TWO), ShapeError, "group_normalization: beta has shape"),
    (lambda: F.group_normalization(A, 3, THREE, THREE, 0), ArgumentError, "group_normalization: eps=0"),
    (lambda: F.group_normalization(INTEGERS, 3, THREE, THREE), DtypeError, "group_normalization: x is int32"),
    (lambda: F.local_response_normalization(THREE), ShapeError, r"local_.*: x has shape \(3,\)"),
    (lambda: F.local_response_normalization(A, 0), ArgumentError, "local_response_normalization: n=0"),
    (lambda: F.local_response_normalization(A, k=0), ArgumentError, "local_response_normalization: k=0"),
    (lambda: F.local_response_normalization(INTEGERS), DtypeError, "local_response_normalization: x is int32"),
    (lambda: F.scaled_dot_product_attention(THREE, A, A), ShapeError, r"attention: query has shape \(3,\)"),
    (lambda: F.scaled_dot_product_attention(A, A.T, A), ShapeError, "attention: query has depth 3 but key has 2"),
    (lambda: F.scaled_dot_product_attention(A, A, A.T), ShapeError, "attention: there are 2 keys but 3 values"),
    (lambda: F.scaled_dot_product_attention(B, B[:3], A), ShapeError, "attention: the leading axes do not broadcast"),
    (lambda: F.scaled_dot_product_attention(A, A, INTEGERS), DtypeError, "attention: value is int32"),
    (lambda: F.scaled_dot_product_attention(A, A, A, mask=A > 0), ShapeError, r"attention: mask of shape \(2, 3\)"),
    (lambda: F.scaled_dot_product_attention(A, A, A, mask=np.ones((2, 2), "i")), DtypeError, "mask is int32"),
    (lambda: F.scaled_dot_product_attention(A, A, A, dropout=1.0), ArgumentError, "attention: dropout=1.0"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
