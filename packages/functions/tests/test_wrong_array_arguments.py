"""Wrong arguments of functions that rearrange, and of checkpoints' and bilinear's, are told before any work."""

import numpy as np
import pytest

import chainette_functions as F
from chainette import Variable
from chainette.errors import ArgumentError, DtypeError, ShapeError

A = np.ones((2, 3))
IMAGES = np.ones((2, 4, 6, 8))
E1, E2, W = np.ones((2, 3)), np.ones((2, 4)), np.ones((3, 4, 5))
V1, V2, B = np.ones((3, 5)), np.ones((4, 5)), np.ones(5)

WRONG = [
    (lambda: F.depth2space(A, 2), ShapeError, r"depth2space: X has shape \(2, 3\)"),
    (lambda: F.depth2space(IMAGES, 3), ShapeError, "4 channels .* multiple of r .* 9"),
    (lambda: F.depth2space(IMAGES, 0), ArgumentError, "depth2space: r=0"),
    (lambda: F.depth2space(IMAGES, 2.0), ArgumentError, r"depth2space: r=2\.0"),
    (lambda: F.space2depth(A, 2), ShapeError, r"space2depth: X has shape \(2, 3\)"),
    (lambda: F.space2depth(IMAGES, 4), ShapeError, "6 x 8 pixels .* multiples of r=4"),
    (lambda: F.space2depth(IMAGES, 3), ShapeError, "multiples of r=3"),
    (lambda: F.space2depth(IMAGES, -1), ArgumentError, "space2depth: r=-1"),
    (lambda: F.pad(A, 1, "mirror"), ArgumentError, "pad: mode='mirror' .*'wrap'"),
    (lambda: F.pad(A, -1, "constant"), ArgumentError, "pad: pad_width=-1"),
    (lambda: F.pad(A, 1.5, "edge"), ArgumentError, r"pad: pad_width=1\.5"),
    (lambda: F.pad(A, "1", "edge"), ArgumentError, "pad: pad_width=1"),
    (lambda: F.pad(A, ((1, 1), (1, 1), (1, 1)), "edge"), ShapeError, r"does not fit x of shape \(2, 3\)"),
    (lambda: F.pad(A, (1, 2, 3), "constant"), ShapeError, "or 2 pairs"),
    (lambda: F.pad(A, ((1, 2), (3,)), "constant"), ShapeError, "pad: pad_width="),
    (lambda: F.pad(A, 1, "constant", constant_values=(1, 2, 3)), ShapeError, "constant_values="),
    (lambda: F.pad(A, 1, "edge", constant_values=1), ArgumentError, "constant_values means nothing with mode='edge'"),
    (lambda: F.pad(A, 1, "reflect", reflect_type="odd"), ArgumentError, "reflect_type means nothing"),
    (lambda: F.pad(A, 1, "constant", end_values=1), ArgumentError, "end_values means nothing"),
    (lambda: F.pad(A[:0], 1, "edge"), ShapeError, "axis 0 of x .* no elements"),
    (lambda: F.scatter_add(A, (0, 3), 1.0), ShapeError, r"slices does not fit a of shape \(2, 3\)"),
    (lambda: F.scatter_add(A, np.array([0, 2]), 1.0), ShapeError, "slices does not fit"),
    (lambda: F.scatter_add(A, (0, 0, 0), 1.0), ShapeError, "too many indices"),
    (lambda: F.scatter_add(A, np.ones(3, "?"), 1.0), ShapeError, "slices does not fit"),
    (lambda: F.scatter_add(A, ([0, 1], [0, 1, 2]), 1.0), ShapeError, "slices does not fit"),
    (lambda: F.scatter_add(A, 0.5, 1.0), ShapeError, "slices does not fit"),
    (lambda: F.scatter_add(A, Variable(np.array([0])), 1.0), ArgumentError, "slices holds a Variable"),
    (lambda: F.scatter_add(A, (slice(None), Variable(np.array([0]))), 1.0), ArgumentError, "holds a Variable"),
    (lambda: F.scatter_add(A, 0, np.ones(2)), ShapeError, r"b has shape \(2,\) .*broadcasts to a\[slices\], \(3,\)"),
    (lambda: F.scatter_add(A, 0, np.ones((1, 3))), ShapeError, r"b has shape \(1, 3\)"),
    (lambda: F.scatter_add(A.astype("i"), 0, np.ones(3)), DtypeError, "b is float64 and a is int32"),
    (lambda: F.one_hot(A, 3), DtypeError, "one_hot: t is float64"),
    (lambda: F.one_hot(np.array([0, 3]), 3), ArgumentError, r"one_hot: t holds 3 \(expected 0 to 2\)"),
    (lambda: F.one_hot(np.array([-1]), 3), ArgumentError, "one_hot: t holds -1"),
    (lambda: F.one_hot(np.array([-2]), 3, ignore_label=-1), ArgumentError, "t holds -2 .* or -1 to ignore"),
    (lambda: F.one_hot(np.array([0]), 0), ArgumentError, "num_classes=0"),
    (lambda: F.one_hot(np.array([0]), 2.0), ArgumentError, r"num_classes=2\.0"),
    (lambda: F.one_hot(np.array([0]), 2, axis=2), ShapeError, "one_hot: axis 2"),
    (lambda: F.resize_images(A, (2, 2)), ShapeError, r"resize_images: x has shape \(2, 3\)"),
    (lambda: F.resize_images(IMAGES[:, :, :0], (2, 2)), ShapeError, "resize_images: x has shape"),
    (lambda: F.resize_images(IMAGES.astype("i"), (2, 2)), DtypeError, "resize_images: x is int32"),
    (lambda: F.resize_images(IMAGES, (2, 0)), ArgumentError, r"output_shape=\(2, 0\)"),
    (lambda: F.resize_images(IMAGES, (2,)), ArgumentError, r"output_shape=\(2,\)"),
    (lambda: F.resize_images(IMAGES, 2), ArgumentError, "output_shape=2"),
    (lambda: F.resize_images(IMAGES, (2.5, 2)), ArgumentError, r"output_shape=\(2\.5, 2\)"),
    (lambda: F.resize_images(IMAGES, (2, 2), mode="cubic"), ArgumentError, "mode='cubic'"),
    (lambda: F.resize_images(IMAGES, (2, 2), "nearest"), TypeError, "positional"),
    (lambda: F.bilinear(E1, E2, W, V1), ArgumentError, r"bilinear: only V1 given \(expected V1, V2 and b"),
    (lambda: F.bilinear(E1, E2, W, V1, b=B), ArgumentError, "only V1 and b given"),
    (lambda: F.bilinear(E1[:1], E2, W), ShapeError, "e1 has 1 rows and e2 has 2"),
    (lambda: F.bilinear(np.array(1.0), E2, W), ShapeError, r"e1 has shape \(\)"),
    (lambda: F.bilinear(E1, np.array(1.0), W), ShapeError, r"e2 has shape \(\)"),
    (lambda: F.bilinear(E2, E1, W), ShapeError, r"W has shape \(3, 4, 5\) \(expected \(4, 3, out_size\)\)"),
    (lambda: F.bilinear(E1, E2, W[0]), ShapeError, r"W has shape \(4, 5\)"),
    (lambda: F.bilinear(E1, E2, W, V2, V2, B), ShapeError, r"V1 has shape \(4, 5\) \(expected \(3, 5\)\)"),
    (lambda: F.bilinear(E1, E2, W, V1, V1, B), ShapeError, r"V2 has shape \(3, 5\)"),
    (lambda: F.bilinear(E1, E2, W, V1, V2, B[:1]), ShapeError, r"b has shape \(1,\)"),
]


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
