"""Wrong arguments of pooling functions are told before any work, by the function's name and the argument's."""

import numpy as np
import pytest

import chainette_functions as F
from chainette.errors import ArgumentError, DtypeError, ShapeError

A = np.ones((1, 2, 4, 4))
I = np.zeros((1, 2, 4, 4), "i")
LINE = A[..., 0]
ROIS = np.zeros((1, 5))


def roi(x=A, rois=ROIS, outh=2, outw=2, spatial_scale=1.0):
    return F.roi_pooling_2d(x, rois, outh, outw, spatial_scale)


WRONG = [
    (lambda: F.max_pooling_2d(LINE, 2), ShapeError, r"max_pooling_2d: x has shape \(1, 2, 4\) .*height, width"),
    (lambda: F.max_pooling_1d(A, 2), ShapeError, r"max_pooling_1d: x has shape .*\(batch, channels, length\)"),
    (lambda: F.max_pooling_3d(A, 2), ShapeError, "max_pooling_3d: x has shape .*depth, height, width"),
    (lambda: F.max_pooling_nd(A[0, 0], 2), ShapeError, r"max_pooling_nd: x has shape \(4, 4\)"),
    (lambda: F.max_pooling_2d(I, 2), DtypeError, "max_pooling_2d: x is int32"),
    (lambda: F.max_pooling_2d(A, 0), ArgumentError, "max_pooling_2d: ksize=0"),
    (lambda: F.max_pooling_2d(A, (2, 2, 2)), ArgumentError, r"max_pooling_2d: ksize=\(2, 2, 2\) \(expected 2 numbers"),
    (lambda: F.max_pooling_2d(A, 1.5), ArgumentError, "max_pooling_2d: ksize=1.5"),
    (lambda: F.max_pooling_2d(A, 2, 0), ArgumentError, "max_pooling_2d: stride=0"),
    (lambda: F.max_pooling_2d(A, 2, 2, -1), ArgumentError, "max_pooling_2d: pad=-1"),
    (lambda: F.max_pooling_2d(A, 5, cover_all=False), ShapeError, r"max_pooling_2d: windows of \(5, 5\) do not fit"),
    (lambda: F.max_pooling_2d(A, 2, 2, 2), ShapeError, "max_pooling_2d: .* padding .*Give less padding"),
    (lambda: F.max_pooling_2d(A, 1, 2), ShapeError, "max_pooling_2d: .* padding .*Give cover_all=False"),
    (lambda: F.max_pooling_2d(A[:, :, :0], 2, 2, 1), ShapeError, "max_pooling_2d: .* nothing but padding"),
    (lambda: F.max_pooling_2d(A, 2, 2, 0, True, True), TypeError, "positional arguments"),
    (lambda: F.max_pooling_2d(A, 2, use_cudnn=False), TypeError, "max_pooling_2d: the argument use_cudnn= is gone"),
    (lambda: F.max_pooling_1d(LINE, 2, use_cudnn=False), TypeError, "max_pooling_1d: the argument use_cudnn= is gone"),
    (lambda: F.max_pooling_nd(A, 2, use_cudnn=False), TypeError, "max_pooling_nd: the argument use_cudnn= is gone"),
    (lambda: F.average_pooling_2d(LINE, 2), ShapeError, "average_pooling_2d: x has shape"),
    (lambda: F.average_pooling_1d(A, 2), ShapeError, "average_pooling_1d: x has shape"),
    (lambda: F.average_pooling_3d(A, 2), ShapeError, "average_pooling_3d: x has shape"),
    (lambda: F.average_pooling_nd(A[0, 0], 2), ShapeError, "average_pooling_nd: x has shape"),
    (lambda: F.average_pooling_2d(I, 2), DtypeError, "average_pooling_2d: x is int32"),
    (lambda: F.average_pooling_2d(A, 5), ShapeError, "average_pooling_2d: windows .* do not fit"),
    (lambda: F.average_pooling_2d(A, 2, pad=(1,)), ArgumentError, r"average_pooling_2d: pad=\(1,\)"),
    (lambda: F.average_pooling_nd(A, 2, pad_value=1), ArgumentError, "average_pooling_nd: pad_value=1"),
    (
        lambda: F.average_pooling_nd(A, 1, 1, 1, pad_value=None),
        ShapeError,
        "average_pooling_nd: .* nothing but padding",
    ),
    (lambda: F.average_pooling_nd(A, 2, 2, 0, None), TypeError, "positional arguments"),
    (lambda: F.average_pooling_2d(A, 2, use_cudnn=True), TypeError, "average_pooling_2d: the argument use_cudnn="),
    (lambda: F.average_pooling_nd(A, 2, use_cudnn=True), TypeError, "average_pooling_nd: the argument use_cudnn="),
    (lambda: F.unpooling_2d(LINE, 2), ShapeError, "unpooling_2d: x has shape"),
    (lambda: F.unpooling_1d(A, 2), ShapeError, "unpooling_1d: x has shape"),
    (lambda: F.unpooling_3d(A, 2), ShapeError, "unpooling_3d: x has shape"),
    (lambda: F.unpooling_nd(A[0, 0], 2), ShapeError, "unpooling_nd: x has shape"),
    (lambda: F.unpooling_2d(A, 0), ArgumentError, r"unpooling_2d: ksize=0 \(expected 2 numbers of at least 1"),
    (lambda: F.unpooling_2d(A, 2, 0), ArgumentError, r"unpooling_2d: stride=0 \(expected 2 numbers of at least 1"),
    (lambda: F.unpooling_2d(A, 2, pad=-1), ArgumentError, "unpooling_2d: pad=-1"),
    (lambda: F.unpooling_2d(A, 2, pad=4), ShapeError, r"unpooling_2d: .* output of \(-1, -1\)"),
    (lambda: F.unpooling_2d(A[:, :, :0], 2), ShapeError, r"unpooling_2d: x of shape \(1, 2, 0, 4\)"),
    (
        lambda: F.unpooling_2d(A, 2, outsize=0),
        ArgumentError,
        r"unpooling_2d: outsize=0 \(expected 2 numbers of at least 1",
    ),
    (lambda: F.unpooling_2d(A, 2, outsize=(8, 10)), ShapeError, r"outsize=\(8, 10\) .* 7 to 9, 7 to 9"),
    (lambda: F.upsampling_2d(LINE, LINE.astype("i"), 2), ShapeError, "upsampling_2d: x has shape"),
    (lambda: F.upsampling_2d(A, A, 2), DtypeError, "upsampling_2d: indexes is float64"),
    (lambda: F.upsampling_2d(A, I[0], 2), ShapeError, "upsampling_2d: x and indexes must have one shape"),
    (lambda: F.upsampling_2d(A, I + 4, 2), ArgumentError, r"upsampling_2d: indexes holds 4 \(expected 0 to 3"),
    (lambda: F.upsampling_2d(A, I - 1, 2), ArgumentError, "upsampling_2d: indexes holds -1"),
    (lambda: F.upsampling_2d(A, I, 2, outsize=6), ShapeError, "upsampling_2d: outsize=6"),
    (lambda: F.spatial_pyramid_pooling_2d(LINE, 2), ShapeError, "spatial_pyramid_pooling_2d: x has shape"),
    (lambda: F.spatial_pyramid_pooling_2d(I, 2), DtypeError, "spatial_pyramid_pooling_2d: x is int32"),
    (lambda: F.spatial_pyramid_pooling_2d(A, 0), ArgumentError, "spatial_pyramid_pooling_2d: pyramid_height=0"),
    (lambda: F.spatial_pyramid_pooling_2d(A, 1.5), ArgumentError, "spatial_pyramid_pooling_2d: pyramid_height=1.5"),
    (lambda: F.spatial_pyramid_pooling_2d(A, 2, pooling="mean"), ArgumentError, "pooling='mean'"),
    (lambda: F.spatial_pyramid_pooling_2d(A, 2, pooling_class=object), TypeError, "write pooling='max'"),
    (lambda: F.spatial_pyramid_pooling_2d(A, 2, use_cudnn=True), TypeError, "the argument use_cudnn= is gone"),
    (lambda: F.spatial_pyramid_pooling_2d(A, 4), ShapeError, "pyramid_pooling_2d: 8 bins a side leave one empty"),
    (lambda: F.spatial_pyramid_pooling_2d(np.ones((1, 1, 4, 5)), 3), ShapeError, "4 bins a side leave one empty"),
    (lambda: F.spatial_pyramid_pooling_2d(A[:, :, :, :0], 1), ShapeError, "1 bins a side leave one empty"),
    (lambda: roi(x=LINE), ShapeError, "roi_pooling_2d: x has shape"),
    (lambda: roi(x=I), DtypeError, "roi_pooling_2d: x is int32"),
    (lambda: roi(x=A[:, :, :0]), ShapeError, r"roi_pooling_2d: x of shape \(1, 2, 0, 4\)"),
    (lambda: roi(rois=ROIS[0]), ShapeError, r"roi_pooling_2d: rois has shape \(5,\)"),
    (lambda: roi(rois=ROIS[:, 1:]), ShapeError, r"roi_pooling_2d: rois has shape \(1, 4\)"),
    (lambda: roi(rois=ROIS.astype("D")), DtypeError, "roi_pooling_2d: rois is complex128"),
    (lambda: roi(rois=ROIS + 1), ArgumentError, r"roi_pooling_2d: rois\[:, 0\] holds 1.0 \(expected 0 to 0"),
    (lambda: roi(rois=ROIS - 1), ArgumentError, r"roi_pooling_2d: rois\[:, 0\] holds -1"),
    (lambda: roi(rois=np.array([[0, 1, np.nan, 2, 2]])), ArgumentError, "roi_pooling_2d: rois hold NaN"),
    (lambda: roi(rois=np.array([[0, 1, 1, np.inf, 2]])), ArgumentError, "roi_pooling_2d: rois hold NaN or an infinity"),
    (lambda: roi(rois=np.array([[np.nan, 1, 1, 2, 2]])), ArgumentError, "roi_pooling_2d: rois hold NaN"),
    (lambda: roi(outh=0), ArgumentError, "roi_pooling_2d: outh=0"),
    (lambda: roi(outw=1.5), ArgumentError, "roi_pooling_2d: outw=1.5"),
    (lambda: roi(spatial_scale=0), ArgumentError, "roi_pooling_2d: spatial_scale=0"),
    (lambda: roi(spatial_scale=np.inf), ArgumentError, "roi_pooling_2d: spatial_scale=inf"),
]


@pytest.mark.parametrize(("call", "error", "says"), WRONG, ids=[row[2] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
