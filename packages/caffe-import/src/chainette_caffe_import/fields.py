"""Which fields a message has: their numbers in a binary file, their names in a text file, their types."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

# A message a line: name, number, type of each field. Number 0: known from text files only, the forks that have the
# field do not agree on its number. A name alone: known, but no result depends on it; skipped without a warning.
# A star: so is whatever else a file says there (layers that read data are not built, and every fork adds to them).
_MESSAGES = """
BlobShape: dim 1 int
FillerParameter: type 1 string, value 2 float, min 3 float, max 4 float, mean 5 float, std 6 float, sparse 7 int,
  variance_norm 8 Variance
NetState: phase 1 Phase, level 2 int, stage 3 string
NetStateRule: phase 1 Phase, min_level 2 int, max_level 3 int, stage 4 string, not_stage 5 string
ParamSpec: name 1 string, share_mode 2 DimCheck, lr_mult 3 float, decay_mult 4 float
NetParameter: name 1 string, layers 2 V1LayerParameter, input 3 string, input_dim 4 int, force_backward 5 bool,
  state 6 NetState, input_shape 8 BlobShape, layer 100 LayerParameter, debug_info
LayerParameter: name 1 string, type 2 string, bottom 3 string, top 4 string, loss_weight 5 float, param 6 ParamSpec,
  blobs 7 BlobProto, include 8 NetStateRule, exclude 9 NetStateRule, phase 10 Phase, propagate_down 11 bool,
  transform_param 100 TransformationParameter, loss_param 101 LossParameter, accuracy_param 102 AccuracyParameter,
  argmax_param 103 ArgMaxParameter, concat_param 104 ConcatParameter,
  contrastive_loss_param 105 ContrastiveLossParameter, convolution_param 106 ConvolutionParameter,
  data_param 107 DataParameter, dropout_param 108 DropoutParameter, dummy_data_param 109 DummyDataParameter,
  eltwise_param 110 EltwiseParameter, exp_param 111 ExpParameter, hdf5_data_param 112 HDF5DataParameter,
  hdf5_output_param 113 HDF5OutputParameter, hinge_loss_param 114 HingeLossParameter,
  image_data_param 115 ImageDataParameter, infogain_loss_param 116 InfogainLossParameter,
  inner_product_param 117 InnerProductParameter, lrn_param 118 LRNParameter,
  memory_data_param 119 MemoryDataParameter, mvn_param 120 MVNParameter, pooling_param 121 PoolingParameter,
  power_param 122 PowerParameter, relu_param 123 ReLUParameter, softmax_param 125 SoftmaxParameter,
  slice_param 126 SliceParameter, threshold_param 128 ThresholdParameter, window_data_param 129 WindowDataParameter,
  python_param 130 PythonParameter, prelu_param 131 PReLUParameter, spp_param 132 SPPParameter,
  reshape_param 133 ReshapeParameter, log_param 134 LogParameter, flatten_param 135 FlattenParameter,
  reduction_param 136 ReductionParameter, embed_param 137 EmbedParameter, tile_param 138 TileParameter,
  batch_norm_param 139 BatchNormParameter, elu_param 140 ELUParameter, bias_param 141 BiasParameter,
  scale_param 142 ScaleParameter, input_param 143 InputParameter, crop_param 144 CropParameter,
  parameter_param 145 ParameterParameter, recurrent_param 146 RecurrentParameter, swish_param 147 SwishParameter,
  clip_param 148 ClipParameter, permute_param 202 PermuteParameter, prior_box_param 203 PriorBoxParameter,
  detection_output_param 204 DetectionOutputParameter, norm_param 206 NormalizeParameter,
  roi_pooling_param 8266711 ROIPoolingParameter, interp_param 0 InterpParameter, upsample_param 0 UpsampleParameter,
  sigmoid_param, tanh_param
V1LayerParameter: layer 1 V0LayerParameter, bottom 2 string, top 3 string, name 4 string, type 5 V1Type,
  blobs 6 BlobProto, blobs_lr 7 float, weight_decay 8 float, concat_param 9 ConcatParameter,
  convolution_param 10 ConvolutionParameter, data_param 11 DataParameter, dropout_param 12 DropoutParameter,
  hdf5_data_param 13 HDF5DataParameter, hdf5_output_param 14 HDF5OutputParameter,
  image_data_param 15 ImageDataParameter, infogain_loss_param 16 InfogainLossParameter,
  inner_product_param 17 InnerProductParameter, lrn_param 18 LRNParameter, pooling_param 19 PoolingParameter,
  window_data_param 20 WindowDataParameter, power_param 21 PowerParameter, memory_data_param 22 MemoryDataParameter,
  argmax_param 23 ArgMaxParameter, eltwise_param 24 EltwiseParameter, threshold_param 25 ThresholdParameter,
  dummy_data_param 26 DummyDataParameter, accuracy_param 27 AccuracyParameter, hinge_loss_param 29 HingeLossParameter,
  relu_param 30 ReLUParameter, slice_param 31 SliceParameter, include 32 NetStateRule, exclude 33 NetStateRule,
  mvn_param 34 MVNParameter, loss_weight 35 float, transform_param 36 TransformationParameter,
  softmax_param 39 SoftmaxParameter, contrastive_loss_param 40 ContrastiveLossParameter, exp_param 41 ExpParameter,
  loss_param 42 LossParameter, param 1001 string, blob_share_mode 1002 DimCheck, sigmoid_param, tanh_param
V0LayerParameter: name 1 string, type 2 string, num_output 3 int, biasterm 4 bool, pad 7 int, kernelsize 8 int,
  group 9 int, stride 10 int, pool 11 Pool, dropout_ratio 12 float, local_size 13 int, alpha 14 float, beta 15 float,
  source 16 string, batchsize 19 int, k 22 float, blobs 50 BlobProto, blobs_lr 51 float, weight_decay 52 float,
  concat_dim 65 int, weight_filler, bias_filler, meanfile, scale, cropsize, mirror, rand_skip
TransformationParameter: scale 1 float, mirror 2 bool, crop_size 3 int, mean_file 4 string, mean_value 5 float, *
DataParameter: source 1 string, batch_size 4 int, backend 8 Backend, *
MemoryDataParameter: batch_size 1 int, channels 2 int, height 3 int, width 4 int, *
LossParameter: ignore_label 1 int, normalize 2 bool, normalization 3 Norm
AccuracyParameter: top_k 1 int, axis 2 int, ignore_label 3 int
ArgMaxParameter: out_max_val 1 bool, top_k 2 int, axis 3 int
ConcatParameter: concat_dim 1 int, axis 2 int
ContrastiveLossParameter: margin 1 float, legacy_version 2 bool
ConvolutionParameter: num_output 1 int, bias_term 2 bool, pad 3 int, kernel_size 4 int, group 5 int, stride 6 int,
  weight_filler 7 FillerParameter, bias_filler 8 FillerParameter, pad_h 9 int, pad_w 10 int, kernel_h 11 int,
  kernel_w 12 int, stride_h 13 int, stride_w 14 int, engine 15 Engine, axis 16 int, force_nd_im2col 17 bool,
  dilation 18 int
DropoutParameter: dropout_ratio 1 float
EltwiseParameter: operation 1 Eltwise, coeff 2 float, stable_prod_grad
ExpParameter: base 1 float, scale 2 float, shift 3 float
LogParameter: base 1 float, scale 2 float, shift 3 float
HingeLossParameter: norm 1 Hinge
InnerProductParameter: num_output 1 int, bias_term 2 bool, weight_filler 3 FillerParameter,
  bias_filler 4 FillerParameter, axis 5 int, transpose 6 bool
LRNParameter: local_size 1 int, alpha 2 float, beta 3 float, norm_region 4 Region, k 5 float, engine
MVNParameter: normalize_variance 1 bool, across_channels 2 bool, eps 3 float
PoolingParameter: pool 1 Pool, kernel_size 2 int, stride 3 int, pad 4 int, kernel_h 5 int, kernel_w 6 int,
  stride_h 7 int, stride_w 8 int, pad_h 9 int, pad_w 10 int, global_pooling 12 bool, round_mode 13 Round,
  ceil_mode 0 bool, engine
PowerParameter: power 1 float, scale 2 float, shift 3 float
ReLUParameter: negative_slope 1 float, engine
SoftmaxParameter: engine 1 Engine, axis 2 int
SliceParameter: slice_dim 1 int, slice_point 2 int, axis 3 int
ThresholdParameter: threshold 1 float
PReLUParameter: filler 1 FillerParameter, channel_shared 2 bool
SPPParameter: pyramid_height 1 int, pool 2 Pool, engine
ReshapeParameter: shape 1 BlobShape, axis 2 int, num_axes 3 int
FlattenParameter: axis 1 int, end_axis 2 int
ReductionParameter: operation 1 Reduction, axis 2 int, coeff 3 float
EmbedParameter: num_output 1 int, input_dim 2 int, bias_term 3 bool, weight_filler 4 FillerParameter,
  bias_filler 5 FillerParameter
TileParameter: axis 1 int, tiles 2 int
BatchNormParameter: use_global_stats 1 bool, moving_average_fraction 2 float, eps 3 float
ELUParameter: alpha 1 float
BiasParameter: axis 1 int, num_axes 2 int, filler 3 FillerParameter
ScaleParameter: axis 1 int, num_axes 2 int, filler 3 FillerParameter, bias_term 4 bool, bias_filler 5 FillerParameter
InputParameter: shape 1 BlobShape
CropParameter: axis 1 int, offset 2 int
ParameterParameter: shape 1 BlobShape
RecurrentParameter: num_output 1 int, weight_filler 2 FillerParameter, bias_filler 3 FillerParameter,
  expose_hidden 5 bool, debug_info
SwishParameter: beta 1 float
ClipParameter: min 1 float, max 2 float
PermuteParameter: order 1 int
NormalizeParameter: across_spatial 1 bool, scale_filler 2 FillerParameter, channel_shared 3 bool, eps 4 float
PriorBoxParameter: min_size 1 float, max_size 2 float, aspect_ratio 3 float, flip 4 bool, clip 5 bool,
  variance 6 float, img_size 7 int, img_h 8 int, img_w 9 int, step 10 float, step_h 11 float, step_w 12 float,
  offset 13 float
NonMaximumSuppressionParameter: nms_threshold 1 float, top_k 2 int, eta 3 float
DetectionOutputParameter: num_classes 1 int, share_location 2 bool, background_label_id 3 int,
  nms_param 4 NonMaximumSuppressionParameter, code_type 6 Code, keep_top_k 7 int, variance_encoded_in_target 8 bool,
  confidence_threshold 9 float, save_output_param, visualize, visualize_threshold, save_file
BlobProto: num 1 int, channels 2 int, height 3 int, width 4 int, data 5 float, diff 6 float, shape 7 BlobShape,
  double_data 8 double, double_diff 9 double, raw_data_type 10 RawType, raw_data 12 bytes
DummyDataParameter: *
HDF5DataParameter: *
HDF5OutputParameter: *
ImageDataParameter: *
WindowDataParameter: *
InfogainLossParameter: source 1 string, axis 2 int
PythonParameter: module 1 string, layer 2 string, param_str 3 string, share_in_parallel 4 bool
ROIPoolingParameter: pooled_h 1 int, pooled_w 2 int, spatial_scale 3 float
InterpParameter: height 0 int, width 0 int, zoom_factor 0 int, shrink_factor 0 int, pad_beg 0 int, pad_end 0 int
UpsampleParameter: scale 0 int, scale_h 0 int, scale_w 0 int, pad_out_h 0 bool, pad_out_w 0 bool, upsample_h 0 int,
  upsample_w 0 int
"""

_ENUMS = """
Phase: TRAIN 0, TEST 1
DimCheck: STRICT 0, PERMISSIVE 1
Engine: DEFAULT 0, CAFFE 1, CUDNN 2
Backend: LEVELDB 0, LMDB 1
Variance: FAN_IN 0, FAN_OUT 1, AVERAGE 2
RawType: DOUBLE 0, FLOAT 1, FLOAT16 2, INT 3, UINT 4
Norm: FULL 0, VALID 1, BATCH_SIZE 2, NONE 3
Eltwise: PROD 0, SUM 1, MAX 2
Hinge: L1 1, L2 2
Region: ACROSS_CHANNELS 0, WITHIN_CHANNEL 1
Pool: MAX 0, AVE 1, STOCHASTIC 2
Round: CEIL 0, FLOOR 1
Reduction: SUM 1, ASUM 2, SUMSQ 3, MEAN 4
Code: CORNER 1, CENTER_SIZE 2, CORNER_SIZE 3
V1Type: NONE 0, ACCURACY 1, BNLL 2, CONCAT 3, CONVOLUTION 4, DATA 5, DROPOUT 6, EUCLIDEAN_LOSS 7, FLATTEN 8,
  HDF5_DATA 9, HDF5_OUTPUT 10, IM2COL 11, IMAGE_DATA 12, INFOGAIN_LOSS 13, INNER_PRODUCT 14, LRN 15,
  MULTINOMIAL_LOGISTIC_LOSS 16, POOLING 17, RELU 18, SIGMOID 19, SOFTMAX 20, SOFTMAX_LOSS 21, SPLIT 22, TANH 23,
  WINDOW_DATA 24, ELTWISE 25, POWER 26, SIGMOID_CROSS_ENTROPY_LOSS 27, HINGE_LOSS 28, MEMORY_DATA 29, ARGMAX 30,
  THRESHOLD 31, DUMMY_DATA 32, SLICE 33, MVN 34, ABSVAL 35, SILENCE 36, CONTRASTIVE_LOSS 37, EXP 38, DECONVOLUTION 39
"""

SCALARS = ("int", "bool", "float", "double", "string", "bytes")


@dataclass(frozen=True)
class Field:
    """A field of a message.

    Args:
        name: its name.
        number: its number in a binary file, 0 if only text files have it.
        type: ``"int"``, ``"bool"``, ``"float"``, ``"double"``, ``"string"``, ``"bytes"``, ``"enum"``, ``"message"`` or
            ``"skipped"``.
        kind: which enumeration or message; empty for the others.
    """

    name: str
    number: int
    type: str
    kind: str = ""


@cache
def _lines(table: str) -> dict[str, str]:
    """What follows the colon, by what precedes it."""
    joined = table.replace("\n  ", " ").strip()
    return {kind: rest.strip() for kind, rest in (line.split(":") for line in joined.splitlines())}


@cache
def _enum(kind: str) -> dict[str, int]:
    entries = (entry.split() for entry in _lines(_ENUMS)[kind].split(","))
    return {name: int(number) for name, number in entries}


@cache
def _names(kind: str) -> dict[int, str]:
    return {number: name for name, number in _enum(kind).items()}


@cache
def fields_by_name(kind: str) -> dict[str, Field]:
    """The fields of a message by name.

    >>> fields_by_name("PoolingParameter")["pool"]
    Field(name='pool', number=1, type='enum', kind='Pool')
    """
    found = {}
    for entry in filter(None, _lines(_MESSAGES)[kind].split(",")):
        name, number, type_ = entry.split() if " " in entry.strip() else (entry.strip(), "0", "skipped")
        if type_ in SCALARS or type_ == "skipped":
            found[name] = Field(name, int(number), type_)
        else:
            found[name] = Field(name, int(number), "enum" if type_ in _lines(_ENUMS) else "message", type_)
    return found


@cache
def fields_by_number(kind: str) -> dict[int, Field]:
    """The fields of a message by their numbers in a binary file.

    >>> fields_by_number("BlobShape")
    {1: Field(name='dim', number=1, type='int', kind='')}
    """
    return {field.number: field for field in fields_by_name(kind).values() if field.number}


def enum_name(kind: str, number: int) -> str | int:
    """The name of a value of an enumeration, or the number if it has none.

    >>> enum_name("Pool", 1), enum_name("Pool", 7)
    ('AVE', 7)
    """
    return _names(kind).get(number, number)


def enum_number(kind: str, name: str) -> int:
    """The number of a value of an enumeration.

    Raises:
        KeyError: there is none of that name.

    >>> enum_number("V1Type", "CONVOLUTION")
    4
    """
    return _enum(kind)[name]


def enum_names(kind: str) -> list[str]:
    """The names of an enumeration.

    >>> enum_names("Round")
    ['CEIL', 'FLOOR']
    """
    return list(_enum(kind))
