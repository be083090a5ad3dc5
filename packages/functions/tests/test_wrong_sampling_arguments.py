"""Wrong arguments of local convolution and of what samples images are told before any work."""

import numpy as np
import pytest

import chainette_functions as F
from chainette.errors import ArgumentError, DtypeError, ShapeError

X = np.ones((2, 4, 6, 5))
LOCAL = np.ones((3, 4, 4, 4, 3, 2))
GRID = np.ones((2, 2, 3, 3))
W = np.ones((3, 4, 3, 2))
OFFSET = np.ones((2, 12, 4, 4))

WRONG = [
    ("local x", lambda: F.local_convolution_2d(X[0], LOCAL), ShapeError,
     r"local_convolution_2d: x has 3 axes \(expected batch, in, height, width\) \(x: \(4, 6, 5\), W: \(3, 4, 4, 4"),
    ("local W", lambda: F.local_convolution_2d(X, LOCAL[0]), ShapeError, "local_convolution_2d: W has 5 axes"),
    ("local channels", lambda: F.local_convolution_2d(X[:, 1:], LOCAL), ShapeError,
     "local_convolution_2d: W has 4 input channels but x has 3"),
    ("local windows", lambda: F.local_convolution_2d(X, LOCAL[:, 1:]), ShapeError,
     r"local_convolution_2d: W is for \(3, 4\) windows but x has \(4, 4\)"),
    ("local stride", lambda: F.local_convolution_2d(X, LOCAL, stride=2), ShapeError, r"\(4, 4\) windows .* \(2, 2\)"),
    ("local stride 0", lambda: F.local_convolution_2d(X, LOCAL, None, 0), ArgumentError, "stride=0"),
    ("local large", lambda: F.local_convolution_2d(X[..., :1], LOCAL), ShapeError, r"windows of \(3, 2\) do not fit"),
    ("local b", lambda: F.local_convolution_2d(X, LOCAL, np.ones(3)), ShapeError, r"b has shape \(3,\) .*\(3, 4, 4\)"),
    ("local integers", lambda: F.local_convolution_2d(X.astype("i"), LOCAL), DtypeError, "x is int32"),
    ("local dtypes", lambda: F.local_convolution_2d(X, LOCAL.astype("f")), DtypeError, "W is float32 but x is float64"),
    ("local dtype of b", lambda: F.local_convolution_2d(X, LOCAL, np.ones((3, 4, 4), "e")), DtypeError, "b is float16"),
    ("grid theta", lambda: F.spatial_transformer_grid(np.ones((2, 3)), (3, 3)), ShapeError,
     r"spatial_transformer_grid: theta has shape \(2, 3\) \(expected \(batch, 2, 3\)\)"),
    ("grid 3 by 2", lambda: F.spatial_transformer_grid(np.ones((2, 3, 2)), (3, 3)), ShapeError, r"\(2, 3, 2\)"),
    ("grid integers", lambda: F.spatial_transformer_grid(np.ones((2, 2, 3), "i"), (3, 3)), DtypeError, "theta is"),
    ("grid size", lambda: F.spatial_transformer_grid(np.ones((2, 2, 3)), (3, 0)), ArgumentError, "output_shape="),
    ("grid sizes", lambda: F.spatial_transformer_grid(np.ones((2, 2, 3)), (3, 3, 3)), ArgumentError, "2 numbers"),
    ("grid use_cudnn", lambda: F.spatial_transformer_grid(np.ones((2, 2, 3)), (3, 3), use_cudnn=True), TypeError,
     "use_cudnn= is gone"),
    ("sampler x", lambda: F.spatial_transformer_sampler(X[0], GRID), ShapeError,
     r"spatial_transformer_sampler: x has shape \(4, 6, 5\)"),
    ("sampler grid", lambda: F.spatial_transformer_sampler(X, GRID[0]), ShapeError, r"grid has shape \(2, 3, 3\)"),
    ("sampler batch", lambda: F.spatial_transformer_sampler(X, GRID[:1]), ShapeError,
     r"grid has shape \(1, 2, 3, 3\) \(expected \(2, 2, out height, out width\), since x is \(2, 4, 6, 5\)\)"),
    ("sampler axes", lambda: F.spatial_transformer_sampler(X, np.ones((2, 3, 3, 2))), ShapeError, "grid has shape"),
    ("sampler integers", lambda: F.spatial_transformer_sampler(X, GRID.astype("i")), DtypeError, "grid is int32"),
    ("sampler dtypes", lambda: F.spatial_transformer_sampler(X, GRID.astype("f")), DtypeError,
     "grid is float32 but x is float64"),
    ("sampler use_cudnn", lambda: F.spatial_transformer_sampler(X, GRID, use_cudnn=True), TypeError, "use_cudnn="),
    ("deformable x", lambda: F.deformable_convolution_2d_sampler(X[0], OFFSET, W), ShapeError,
     "deformable_convolution_2d_sampler: x has 3 axes"),
    ("deformable W", lambda: F.deformable_convolution_2d_sampler(X, OFFSET, W[:, 1:]), ShapeError, "W has 3 input"),
    ("deformable offset", lambda: F.deformable_convolution_2d_sampler(X, OFFSET[:, :6], W), ShapeError,
     r"offset has shape \(2, 6, 4, 4\) \(expected \(2, 12, 4, 4\)\)"),
    ("deformable stride", lambda: F.deformable_convolution_2d_sampler(X, OFFSET, W, stride=2), ShapeError,
     r"offset has shape \(2, 12, 4, 4\) \(expected \(2, 12, 2, 2\)\)"),
    ("deformable pad", lambda: F.deformable_convolution_2d_sampler(X, OFFSET, W, pad=-1), ArgumentError, "pad=-1"),
    ("deformable b", lambda: F.deformable_convolution_2d_sampler(X, OFFSET, W, np.ones(4)), ShapeError, "b has shape"),
    ("deformable dtype", lambda: F.deformable_convolution_2d_sampler(X, OFFSET.astype("f"), W), DtypeError,
     "offset is float32 but x is float64"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
