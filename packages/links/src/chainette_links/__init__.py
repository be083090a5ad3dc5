"""The parameterized parts of networks, shown as ``chainette.links``; and what they are made of."""

from chainette_links.batch_normalization import BatchNormalization
from chainette_links.batch_renormalization import BatchRenormalization
from chainette_links.bias import Bias
from chainette_links.bilinear import Bilinear
from chainette_links.black_out import BlackOut
from chainette_links.chain import Chain as Chain, ChainList as ChainList
from chainette_links.classifier import Classifier
from chainette_links.convolution_2d import Convolution2D
from chainette_links.convolution_nd import Convolution1D, Convolution3D, ConvolutionND
from chainette_links.crf1d import CRF1d
from chainette_links.deconvolution_2d import Deconvolution2D
from chainette_links.deconvolution_nd import Deconvolution1D, Deconvolution3D, DeconvolutionND
from chainette_links.decorrelated_batch_normalization import DecorrelatedBatchNormalization
from chainette_links.deformable_convolution_2d import DeformableConvolution2D
from chainette_links.depthwise_convolution_2d import DepthwiseConvolution2D
from chainette_links.dilated_convolution_2d import DilatedConvolution2D
from chainette_links.embed_id import EmbedID
from chainette_links.group_normalization import GroupNormalization
from chainette_links.gru import GRU, StatefulGRU, StatelessGRU
from chainette_links.hierarchical_softmax import BinaryHierarchicalSoftmax
from chainette_links.highway import Highway
from chainette_links.inception import Inception
from chainette_links.inception_bn import InceptionBN
from chainette_links.lambda_link import Lambda
from chainette_links.layer_normalization import LayerNormalization
from chainette_links.linear import Linear
from chainette_links.link import Link as Link
from chainette_links.link_hook import LinkHook as LinkHook
from chainette_links.local_convolution_2d import LocalConvolution2D
from chainette_links.lstm import LSTM, StatelessLSTM
from chainette_links.maxout import Maxout
from chainette_links.mgu import StatefulMGU, StatelessMGU
from chainette_links.mlp_convolution_2d import MLPConvolution2D
from chainette_links.model.googlenet import GoogLeNet
from chainette_links.model.resnet import ResNet50Layers, ResNet101Layers, ResNet152Layers
from chainette_links.model.vgg import VGG16Layers, VGG19Layers
from chainette_links.multihead_attention import MultiheadAttention
from chainette_links.n_step_rnn import (
    NStepBiGRU,
    NStepBiLSTM,
    NStepBiRNNReLU,
    NStepBiRNNTanh,
    NStepGRU,
    NStepLSTM,
    NStepRNNReLU,
    NStepRNNTanh,
)
from chainette_links.negative_sampling import NegativeSampling
from chainette_links.parameter import Parameter
from chainette_links.peephole_lstm import StatefulPeepholeLSTM
from chainette_links.prelu import PReLU
from chainette_links.rms_norm import RMSNorm
from chainette_links.scale import Scale
from chainette_links.sequential import Sequential as Sequential
from chainette_links.simplified_dropconnect import SimplifiedDropconnect
from chainette_links.swish import Swish
from chainette_links.transformer_encoder_layer import TransformerEncoderLayer
from chainette_links.tree_lstm import ChildSumTreeLSTM, NaryTreeLSTM
from chainette_links.zoneout_lstm import StatefulZoneoutLSTM

__all__ = [
    "GRU",
    "LSTM",
    "BatchNormalization",
    "BatchRenormalization",
    "Bias",
    "Bilinear",
    "BinaryHierarchicalSoftmax",
    "BlackOut",
    "CRF1d",
    "ChildSumTreeLSTM",
    "Classifier",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
    "ConvolutionND",
    "Deconvolution1D",
    "Deconvolution2D",
    "Deconvolution3D",
    "DeconvolutionND",
    "DecorrelatedBatchNormalization",
    "DeformableConvolution2D",
    "DepthwiseConvolution2D",
    "DilatedConvolution2D",
    "EmbedID",
    "GoogLeNet",
    "GroupNormalization",
    "Highway",
    "Inception",
    "InceptionBN",
    "Lambda",
    "LayerNormalization",
    "Linear",
    "LocalConvolution2D",
    "MLPConvolution2D",
    "Maxout",
    "MultiheadAttention",
    "NStepBiGRU",
    "NStepBiLSTM",
    "NStepBiRNNReLU",
    "NStepBiRNNTanh",
    "NStepGRU",
    "NStepLSTM",
    "NStepRNNReLU",
    "NStepRNNTanh",
    "NaryTreeLSTM",
    "NegativeSampling",
    "PReLU",
    "Parameter",
    "RMSNorm",
    "ResNet50Layers",
    "ResNet101Layers",
    "ResNet152Layers",
    "Scale",
    "SimplifiedDropconnect",
    "StatefulGRU",
    "StatefulMGU",
    "StatefulPeepholeLSTM",
    "StatefulZoneoutLSTM",
    "StatelessGRU",
    "StatelessLSTM",
    "StatelessMGU",
    "Swish",
    "TransformerEncoderLayer",
    "VGG16Layers",
    "VGG19Layers",
]
