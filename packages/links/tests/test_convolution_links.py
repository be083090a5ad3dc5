"""What the rows of the convolutions' links cannot say: sizes left out, initial values, paths, wrong arguments."""

import math

import numpy as np
import pytest

import chainette
import chainette_links as L
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError, ShapeError
from chainette.testing import fake_backend, isolated_plugins

IMAGES = np.ones((2, 4, 6, 6), "f")


@pytest.mark.parametrize(
    ("short", "shape"),
    [
        (lambda: L.Convolution2D(8, 3), (8, 4, 3, 3)),
        (lambda: L.Convolution2D(8, ksize=3), (8, 4, 3, 3)),
        (lambda: L.ConvolutionND(2, 8, (3, 2)), (8, 4, 3, 2)),
        (lambda: L.Deconvolution2D(8, 3), (4, 8, 3, 3)),
        (lambda: L.DeconvolutionND(2, 8, ksize=3), (4, 8, 3, 3)),
        (lambda: L.DilatedConvolution2D(8, 3), (8, 4, 3, 3)),
        (lambda: L.MLPConvolution2D((8, 2), 3)[0], (8, 4, 3, 3)),
    ],
)
def test_in_channels_may_be_left_out(short, shape):
    layer = short()
    assert layer.in_channels is None
    assert not layer.W.is_initialized
    layer(IMAGES)
    assert (layer.W.shape, layer.in_channels, layer.out_channels) == (shape, 4, 8)


OPEN = {
    "Convolution2D": lambda: L.Convolution2D(None, 8, 3),
    "DeconvolutionND": lambda: L.DeconvolutionND(2, None, 8, 3),
    "DepthwiseConvolution2D": lambda: L.DepthwiseConvolution2D(None, 2, 3),
    "LocalConvolution2D": lambda: L.LocalConvolution2D(None, 2, None, 3),
}
UNFIT = {
    "no batch": (IMAGES[0], ShapeError),
    "3 spatial axes": (IMAGES[..., None], ShapeError),
    "integers": (IMAGES.astype("i"), DtypeError),
    "a list": ([1.0], ArrayTypeError),
}


@pytest.mark.parametrize("make", OPEN.values(), ids=OPEN)
@pytest.mark.parametrize(("x", "error"), UNFIT.values(), ids=UNFIT)
def test_an_input_that_does_not_fit_leaves_the_sizes_open(make, x, error):
    layer = make()
    with pytest.raises(error):
        layer(x)
    assert (layer.W.is_initialized, layer.in_channels) == (False, None)


def test_channels_that_do_not_divide_into_groups_leave_the_sizes_open():
    layer = L.Convolution2D(None, 6, 3, groups=3)
    with pytest.raises(ShapeError, match="Convolution2D: in_channels=4 does not divide into 3 groups"):
        layer(IMAGES)
    assert (layer.W.is_initialized, layer.in_channels) == (False, None)


def test_a_known_size_is_held_against_the_first_input():
    for layer in (L.LocalConvolution2D(3, 2, None, 3), L.LocalConvolution2D(None, 2, (6, 5), 3)):
        with pytest.raises(ShapeError, match=r"LocalConvolution2D: x has shape \(2, 4, 6, 6\) \(expected \(batch, "):
            layer(IMAGES)


def test_an_open_layer_closes_on_the_device_it_was_sent_to():
    with isolated_plugins(fake_backend.plugin, installed=True):
        layer = L.DepthwiseConvolution2D(None, 2, 3).to_device("fake:1")
        y = layer(chainette.to_device(IMAGES, "fake:1"))
        assert {str(each.device) for each in (y, layer.W, layer.b)} == {"fake:1"}


@pytest.mark.parametrize(
    ("make", "fan"),
    [
        (lambda: L.Convolution1D(40, 60, 9), 40 * 9),
        (lambda: L.Convolution2D(20, 60, (3, 5), groups=2), 10 * 15),
        (lambda: L.Convolution2D(None, 600, (3, 5)), 4 * 15),
        (lambda: L.Deconvolution2D(40, 60, 4, groups=2), 30 * 16),
        (lambda: L.DepthwiseConvolution2D(40, 60, 3), 40 * 9),
        (lambda: L.DilatedConvolution2D(40, 60, 3, dilate=2), 40 * 9),
        (lambda: L.LocalConvolution2D(8, 40, 6, 3), 8 * 9),
        (lambda: L.DeformableConvolution2D(40, 60, 3).deform_conv, 40 * 9),
        (lambda: L.DeformableConvolution2D(40, 6, 7).offset_conv, 40 * 49),
    ],
)
def test_weights_start_from_the_deviation_that_keeps_the_variance(make, fan):
    chainette.seed(0)
    layer = make()
    if not layer.W.is_initialized:
        layer(IMAGES)
    assert abs(layer.W.array.std() * math.sqrt(fan) - 1) < 4 / math.sqrt(2 * layer.W.size)
    assert not layer.b.array.any()


@pytest.mark.parametrize(
    "layer",
    [
        L.Convolution2D(4, 2, 3, initialW=np.ones((2, 4, 3, 3)), initial_bias=np.ones(2)),
        L.ConvolutionND(2, 4, 2, 3, 1, 0, False, 1, 1),
        L.Convolution3D(4, 2, 3, 1, 0, False, 1, 1),
        L.DeconvolutionND(2, 4, 2, 3, 1, 0, False, None, 1, 1),
        L.Deconvolution1D(4, 2, 3, 1, 0, False, None, 1, 1),
        L.Deconvolution2D(4, 2, 3, 1, 0, False, None, 1, 1),
        L.DepthwiseConvolution2D(4, 2, 3, 1, 0, False, 1, 1),
        L.DilatedConvolution2D(4, 2, 3, 1, 0, 1, False, 1, 1),
        L.LocalConvolution2D(4, 2, 6, 3, 1, False, chainette.initializers.One(), 1),
        L.MLPConvolution2D(4, (2, 3), 3, conv_init=1, bias_init=1),
        L.Inception(4, 1, 2, 3, 4, 5, 6, 1, 1),
        L.DeformableConvolution2D(4, 2, 3, 1, 0, False, 1, 1, False, 1, 1),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_weights_and_biases_start_from_what_is_given(layer):
    for path, parameter in layer.namedparams():
        assert (parameter.array == 1).all(), path


def test_the_deformed_weights_and_the_offsets_start_from_arguments_of_their_own():
    layer = L.DeformableConvolution2D(4, 2, 3, 1, 0, False, 2, 3, False, 4, 5)
    first = {path: parameter.array.ravel()[0] for path, parameter in layer.namedparams()}
    assert first == {"/offset_conv/W": 2, "/offset_conv/b": 3, "/deform_conv/W": 4, "/deform_conv/b": 5}


def test_offsets_that_start_from_zero_make_a_plain_convolution():
    deformed = L.DeformableConvolution2D(4, 8, 3, pad=1, offset_initialW=0)
    plain = L.Convolution2D(4, 8, 3, pad=1, initialW=deformed.deform_conv.W.array)
    x = np.random.default_rng(0).standard_normal((2, 4, 6, 5)).astype("f")
    np.testing.assert_allclose(deformed(x).array, plain(x).array, rtol=1e-4, atol=1e-5)


def paths(link):
    return {path for path, _ in link.namedparams()}


def test_parameters_have_the_paths_of_chainer():
    assert paths(L.MLPConvolution2D(2, (3, 4), 1)) == {"/0/W", "/0/b", "/1/W", "/1/b"}
    names = ["conv1", "proj3", "conv3", "proj5", "conv5", "projp"]
    assert paths(L.Inception(2, 1, 2, 3, 4, 5, 6)) == {f"/{name}/{each}" for name in names for each in "Wb"}
    names = ["conv1", "proj3", "conv3", "proj33", "conv33a", "conv33b", "poolp"]
    expected = {f"/{name}/W" for name in names} | {f"/{name}n/{each}" for name in names for each in ("gamma", "beta")}
    assert paths(L.InceptionBN(2, 1, 2, 3, 4, 5, "max", 6)) == expected
    less = {path for path in expected if not path.startswith(("/conv1", "/poolp"))}
    assert paths(L.InceptionBN(2, 0, 2, 3, 4, 5, "max")) == less


def test_at_test_time_the_inception_module_normalizes_by_its_averages():
    layer = L.InceptionBN(4, 1, 2, 3, 4, 5, "avg", 6)
    x = np.random.default_rng(0).standard_normal(IMAGES.shape).astype("f")
    with chainette.using_config("train", False):
        before = layer(x).array
        np.testing.assert_array_equal(layer(x).array, before)
    layer(x)
    with chainette.using_config("train", False):
        assert not np.allclose(layer(x).array, before)


def test_the_last_layer_of_mlp_convolution_has_no_activation():
    layer = L.MLPConvolution2D(4, (3, 2), 1, conv_init=-1)
    assert (layer(-IMAGES).array < 0).all()


def test_the_normalizations_of_inception_take_the_dtype():
    layer = L.InceptionBN(2, 1, 2, 3, 4, 5, "max", 6, dtype="float64")
    assert layer.conv3n.gamma.dtype == np.float64


ND = (L.ConvolutionND, L.DeconvolutionND)
ALL = (*ND, L.Convolution1D, L.Convolution2D, L.Convolution3D, L.Deconvolution1D, L.Deconvolution2D, L.Deconvolution3D,
       L.DilatedConvolution2D, L.DepthwiseConvolution2D)  # fmt: skip


@pytest.mark.parametrize("link", ALL)
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"wscale": 2}, "{}: the argument wscale= is gone: .*LeCunNormal"),
        ({"bias": 1}, "{}: the argument bias= is gone: give initial_bias="),
        ({"use_cudnn": True}, "{}: the argument use_cudnn= is gone"),
        ({"deterministic": True}, "{}: the argument deterministic= is gone: write chainette.config.deterministic"),
        ({"nobias": 1}, "{}: nobias=1 .expected True or False.. wscale, which stood here, is gone"),
        ({"nobais": True}, "nobais"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_arguments_that_are_gone_are_told(link, arguments, says):
    with pytest.raises(TypeError, match=says.format(link.__name__)):
        link(*([2] if link in ND else []), 4, 8, 3, **arguments)


WRONG = [
    ("ksize", lambda: L.Convolution2D(8), TypeError,
     r"Convolution2D: ksize is missing. Write Convolution2D\(in_channels, out_channels, ksize\)"),
    ("out_channels", lambda: L.Convolution2D(None, None, 3), TypeError, "Convolution2D: out_channels is missing"),
    ("nd ksize", lambda: L.DeconvolutionND(2, 8), TypeError, "DeconvolutionND: ksize is missing"),
    ("dilated ksize", lambda: L.DilatedConvolution2D(8), TypeError, "DilatedConvolution2D: ksize is missing"),
    ("mlp ksize", lambda: L.MLPConvolution2D((8, 8)), TypeError, "MLPConvolution2D: ksize is missing"),
    ("channels", lambda: L.Convolution2D(4, 8.0, 3), ArgumentError,
     r"Convolution2D: out_channels=8.0 \(expected an integer of at least 1\)"),
    ("channels 0", lambda: L.Convolution2D(0, 8, 3), ArgumentError, "in_channels=0"),
    ("multiplier", lambda: L.DepthwiseConvolution2D(4, 0, 3), ArgumentError, "channel_multiplier=0"),
    ("window", lambda: L.Convolution2D(4, 8, 0), ArgumentError, "Convolution2D: ksize=0"),
    ("windows", lambda: L.Convolution3D(4, 8, (3, 3)), ArgumentError, r"Convolution3D: ksize=\(3, 3\) .expected 3"),
    ("stride", lambda: L.Convolution2D(4, 8, 3, 0), ArgumentError, "Convolution2D: stride=0"),
    ("pad", lambda: L.Deconvolution2D(4, 8, 3, 1, -1), ArgumentError, "Deconvolution2D: pad=-1"),
    ("dilate", lambda: L.DilatedConvolution2D(4, 8, 3, dilate=0), ArgumentError, "DilatedConvolution2D: dilate=0"),
    ("outsize", lambda: L.Deconvolution2D(4, 8, 3, outsize=(3, 3, 3)), ArgumentError, r"outsize=\(3, 3, 3\)"),
    ("ndim", lambda: L.ConvolutionND(0, 4, 8, 3), ArgumentError, "ConvolutionND: ndim=0"),
    ("groups", lambda: L.Convolution2D(4, 8, 3, groups=0), ArgumentError, "Convolution2D: groups=0"),
    ("inputs", lambda: L.Convolution2D(4, 9, 3, groups=3), ShapeError, "in_channels=4 does not divide into 3 groups"),
    ("outputs", lambda: L.Convolution2D(None, 8, 3, groups=3), ShapeError, "out_channels=8 does not divide into 3"),
    ("channels of x", lambda: L.Convolution2D(3, 8, 3)(IMAGES), ShapeError, "W has 3 input channels but x has 4"),
    ("axes of x", lambda: L.Convolution1D(4, 8, 3)(IMAGES), ShapeError, "convolution_1d: x has 4 axes"),
    ("local ksize", lambda: L.LocalConvolution2D(4, 8, 6), TypeError, "LocalConvolution2D: ksize is missing"),
    ("local window", lambda: L.LocalConvolution2D(4, 8, 2, 3), ShapeError, r"windows of \(3, 3\) do not fit into"),
    ("local size", lambda: L.LocalConvolution2D(4, 8, (6, 6, 6), 3), ArgumentError, r"in_size=\(6, 6, 6\)"),
    ("local images", lambda: L.LocalConvolution2D(4, 8, 5, 3)(IMAGES), ShapeError, r"\(3, 3\) windows but x has"),
    ("mlp channels", lambda: L.MLPConvolution2D(4, 8, 3), ArgumentError, r"out_channels=8 \(expected a tuple"),
    ("mlp no layers", lambda: L.MLPConvolution2D(4, (), 3), ArgumentError, r"out_channels=\(\)"),
    ("mlp activation", lambda: L.MLPConvolution2D(4, (8, 8), 3, 1, 0, 1), TypeError, "activation=1 .*wscale"),
    ("mlp wscale", lambda: L.MLPConvolution2D(4, (8, 8), 3, wscale=1), TypeError, "wscale= is gone: .*conv_init="),
    ("mlp use_cudnn", lambda: L.MLPConvolution2D(4, (8, 8), 3, use_cudnn=False), TypeError, "use_cudnn= is gone"),
    ("pooltype", lambda: L.InceptionBN(4, 1, 2, 3, 4, 5, "min", 6), ArgumentError, "pooltype='min'"),
    ("stride of out1", lambda: L.InceptionBN(4, 1, 2, 3, 4, 5, "max", 6, 2), ArgumentError, "out1=1 with stride=2"),
    ("projection", lambda: L.InceptionBN(4, 1, 2, 3, 4, 5, "max"), ArgumentError, "proj_pool=None .expected"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "says"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_argument_is_told(call, error, says):
    with pytest.raises(error, match=says):
        call()
