"""What the package shows as a whole: the links of Chainer 7.8, and those that today's users expect."""

import importlib
from pathlib import Path

import pytest

import chainette_links as L
from chainette import initializers

CHAINER = """
BatchNormalization BatchRenormalization Bias Bilinear BinaryHierarchicalSoftmax BlackOut CRF1d ChildSumTreeLSTM
Classifier Convolution1D Convolution2D Convolution3D ConvolutionND Deconvolution1D Deconvolution2D Deconvolution3D
DeconvolutionND DecorrelatedBatchNormalization DeformableConvolution2D DepthwiseConvolution2D DilatedConvolution2D
EmbedID GRU GoogLeNet GroupNormalization Highway Inception InceptionBN LSTM LayerNormalization Linear
LocalConvolution2D MLPConvolution2D Maxout NStepBiGRU NStepBiLSTM NStepBiRNNReLU NStepBiRNNTanh NStepGRU NStepLSTM
NStepRNNReLU NStepRNNTanh NaryTreeLSTM NegativeSampling PReLU Parameter ResNet101Layers ResNet152Layers ResNet50Layers
Scale SimplifiedDropconnect StatefulGRU StatefulMGU StatefulPeepholeLSTM StatefulZoneoutLSTM StatelessGRU
StatelessLSTM StatelessMGU Swish VGG16Layers VGG19Layers
"""

BEYOND_CHAINER = "Lambda MultiheadAttention RMSNorm TransformerEncoderLayer"

INITIALIZERS = """
Constant DownsamplingConvFilter GlorotNormal GlorotUniform HeNormal HeUniform Identity LeCunNormal LeCunUniform NaN
Normal One Orthogonal Uniform UpsamplingDeconvFilter Zero
"""

LARGE = {"GoogLeNet", "ResNet101Layers", "ResNet152Layers", "ResNet50Layers", "VGG16Layers", "VGG19Layers"}
"""Networks, which have tests of their own: test_vision_models.py."""


@pytest.mark.parametrize("name", CHAINER.split() + BEYOND_CHAINER.split())
def test_the_link_is_there(name):
    assert name in L.__all__
    assert isinstance(getattr(L, name), type)


@pytest.mark.parametrize("name", INITIALIZERS.split())
def test_the_initializer_is_there(name):
    assert issubclass(getattr(initializers, name), initializers.Initializer)


def test_the_lists_are_whole():
    assert (len(CHAINER.split()), len(INITIALIZERS.split())) == (61, 16)


def test_every_public_link_has_a_row():
    files = [path.stem for path in Path(__file__).parent.glob("test_*.py") if "\nCASES = [" in path.read_text()]
    tables = [importlib.import_module(f".{name}", __package__) for name in files]
    rows = {case.link_name for table in tables for case in table.CASES}
    assert sorted(set(L.__all__) - LARGE - rows) == []


def test_each_name_is_there_once():
    assert len(set(L.__all__)) == len(L.__all__)
