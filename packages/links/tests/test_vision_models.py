"""The networks that classify images: names and shapes of parameters, and values, beside Chainer's."""

from itertools import chain

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette.errors import ArgumentError, ShapeError
from chainette.initializers import Initializer
from chainette_links.model import resnet, vgg
from chainette_links.model.resnet import Bottleneck, ResNetLayers
from chainette_links.model.vgg import VGGLayers

# What Chainer 7.8.1 computes with the weights of `filled` for `picture`: by layer its shape without the batch, the mean
# of the magnitudes, and the product with NOISE.
CHAINER = {
    "GoogLeNet": """
        conv1 64x112x112 28.174 14.236
        pool1 64x56x56 57.011 34.272
        conv2_reduce 64x56x56 28.315 0.66017
        conv2 192x56x56 19.979 21.358
        pool2 192x28x28 35.909 8.2516
        inception_3a 256x28x28 24.191 14.589
        inception_3b 480x28x28 21.249 -14.846
        pool3 480x14x14 32.456 -14.483
        inception_4a 512x14x14 23.092 -38.137
        inception_4b 512x14x14 19.307 38.112
        inception_4c 512x14x14 17.711 19.844
        inception_4d 528x14x14 14.788 18.911
        inception_4e 832x14x14 13.058 -8.4522
        pool4 832x7x7 21.898 34.161
        inception_5a 832x7x7 13.858 -43.486
        inception_5b 1024x7x7 11.225 -9.0887
        pool5 1024x1x1 11.225 13.194
        loss3_fc 1000 15.933 1.5803
        prob 1000 0.001 -0.0089776
        loss1_fc2 1000 33.397 -34.103
        loss2_fc2 1000 21.017 18.984
    """,
    "ResNet50Layers": """
        conv1 64x32x32 11.725 -6.6988
        pool1 64x16x16 42.903 -8.2807
        res2 256x16x16 13.245 0.5572
        res3 512x8x8 7.1909 -14.266
        res4 1024x4x4 3.3608 6.5559
        res5 2048x2x2 1.3125 -0.98418
        pool5 2048 1.3125 2.6585
        fc6 1000 1.949 -0.7345
        prob 1000 0.001 -0.0076694
    """,
    "ResNet50Layers fb": """
        conv1 64x32x32 11.725 -6.6988
        pool1 64x16x16 42.903 -8.2807
        res2 256x16x16 13.245 0.5572
        res3 512x8x8 7.1963 -14.889
        res4 1024x4x4 3.3532 5.9208
        res5 2048x2x2 1.3136 -0.62046
        pool5 2048 1.3136 2.5283
        fc6 1000 1.9673 -0.7191
        prob 1000 0.001 -0.00563
    """,
    "VGG16Layers": """
        conv1_1 64x224x224 28.677 -464.31
        conv1_2 64x224x224 25.563 449.85
        pool1 64x112x112 64.047 55.972
        conv2_1 128x112x112 31.662 -18.191
        conv2_2 128x112x112 25.645 47.901
        pool2 128x56x56 56.555 39.905
        conv3_1 256x56x56 32.375 105.33
        conv3_2 256x56x56 27.002 11.201
        conv3_3 256x56x56 25.161 41.553
        pool3 256x28x28 49.093 4.5442
        conv4_1 512x28x28 26.204 37.251
        conv4_2 512x28x28 22.106 -19.883
        conv4_3 512x28x28 18.531 70.427
        pool4 512x14x14 37.188 34.867
        conv5_1 512x14x14 19.87 17.594
        conv5_2 512x14x14 16.099 -10.239
        conv5_3 512x14x14 14.286 -15.822
        pool5 512x7x7 30.689 -20.981
        fc6 4096 17.77 -9.2325
        fc7 4096 17.259 57.723
        fc8 1000 30.141 2.5662
        prob 1000 0.001 -0.031365
    """,
}

NOISE = np.sqrt(2) * np.sin(np.arange(9973.0) ** 2)  # mean 0, deviation 1


def noise(shape, shift=0):
    return np.resize(np.roll(NOISE, shift).astype("f"), shape)


def values(model):
    """Parameters and averages by path."""
    found = {path: parameter.array for path, parameter in model.namedparams()}
    for path, link in model.namedlinks():
        found.update({f"{path}/{name}": getattr(link, name) for name in link._persistent if name != "N"})
    return found


def filled(model):
    """The model, with weights that are the same everywhere, and differ from layer to layer."""
    for shift, (path, array) in enumerate(sorted(values(model).items())):
        name = path.rpartition("/")[2]
        if name == "W":
            array[...] = noise(array.shape, shift) * np.sqrt(2 / np.prod(array.shape[1:]))
        elif name == "gamma":
            array[...] = 0.5 + 0.2 * noise(array.shape, shift)
        elif name == "avg_var":
            array[...] = 1 + 0.5 * abs(noise(array.shape, shift))
        else:
            array[...] = 0.1 * noise(array.shape, shift)
    return model


def picture(size):
    return 50 * noise((1, 3, size, size))


class Untouched(Initializer):
    """Leaves memory as it is, which for much of it takes no time."""

    def __init__(self, *args):
        super().__init__()

    def __call__(self, array):
        pass


@pytest.fixture
def untouched(monkeypatch):
    """Networks with pretrained_model=None are made at once, and with values that mean nothing."""
    monkeypatch.setattr(vgg, "Normal", Untouched)
    monkeypatch.setattr(resnet, "HeNormal", Untouched)


# names and shapes


def shapes(model):
    return {path: array.shape for path, array in values(model).items()}


def weights(path, out, *shape):
    return {f"{path}/W": (out, *shape), f"{path}/b": (out,)}


@pytest.mark.parametrize(
    ("make", "groups", "count"),
    [
        (L.VGG16Layers, (2, 2, 3, 3, 3), 138_357_544),
        (L.VGG19Layers, (2, 2, 4, 4, 4), 143_667_240),
        (VGGLayers, (2, 2, 3, 3, 3), 138_357_544),
    ],
)
def test_vgg_has_the_parameters_of_chainer(make, groups, count, untouched):
    expected = weights("/fc6", 4096, 25088) | weights("/fc7", 4096, 4096) | weights("/fc8", 1000, 4096)
    below = 3
    for group, (convolutions, channels) in enumerate(zip(groups, (64, 128, 256, 512, 512), strict=True), 1):
        for i in range(1, convolutions + 1):
            expected |= weights(f"/conv{group}_{i}", channels, below, 3, 3)
            below = channels
    model = make(pretrained_model=None)
    assert shapes(model) == expected
    assert model.count_params() == count
    layers = [[*(f"conv{g}_{i}" for i in range(1, n + 1)), f"pool{g}"] for g, n in enumerate(groups, 1)]
    assert model.available_layers == [*chain.from_iterable(layers), "fc6", "fc7", "fc8", "prob"]


@pytest.mark.parametrize(
    ("make", "units", "count"),
    [
        (L.ResNet50Layers, (3, 4, 6, 3), 25_557_096),
        (L.ResNet101Layers, (3, 4, 23, 3), 44_549_224),
        (L.ResNet152Layers, (3, 8, 36, 3), 60_192_872),
        (lambda pretrained_model: ResNetLayers(pretrained_model, 50), (3, 4, 6, 3), 25_557_096),
    ],
    ids=["50", "101", "152", "base"],
)
def test_resnet_has_the_parameters_and_averages_of_chainer(make, units, count, untouched):
    def normalization(path, size):
        return {f"{path}/{name}": (size,) for name in ("gamma", "beta", "avg_mean", "avg_var")}

    expected = weights("/conv1", 64, 3, 7, 7) | normalization("/bn1", 64) | weights("/fc6", 1000, 2048)
    below = 64
    for block, (n, middle) in enumerate(zip(units, (64, 128, 256, 512), strict=True), 2):
        for unit in ("a", *(f"b{i}" for i in range(1, n))):
            path, outer = f"/res{block}/{unit}", 4 * middle
            convolutions = [(middle, below, 1, 1), (middle, middle, 3, 3), (outer, middle, 1, 1)]
            if unit == "a":
                convolutions.append((outer, below, 1, 1))
            for i, shape in enumerate(convolutions, 1):
                expected[f"{path}/conv{i}/W"] = shape
                expected |= normalization(f"{path}/bn{i}", shape[0])
            below = outer
    model = make(pretrained_model=None)
    assert shapes(model) == expected
    assert model.count_params() == count


def test_googlenet_has_the_parameters_of_chainer(nets):
    model = nets("GoogLeNet")
    found = shapes(model)
    parts = {"conv1": 1, "proj3": 1, "conv3": 3, "proj5": 1, "conv5": 5, "projp": 1}
    modules = {"3a": 192, "3b": 256, "4a": 480, "4b": 512, "4c": 512, "4d": 512, "4e": 528, "5a": 832, "5b": 832}
    for module, channels in modules.items():
        for part, k in parts.items():
            out, below, *window = found.pop(f"/inc{module}/{part}/W")
            assert window == [k, k]
            assert part in ("conv3", "conv5") or below == channels
            assert found.pop(f"/inc{module}/{part}/b") == (out,)
    assert found == (
        weights("/conv1", 64, 3, 7, 7) | weights("/conv2_reduce", 64, 64, 1, 1) | weights("/conv2", 192, 64, 3, 3)
        | weights("/loss1_conv", 128, 512, 1, 1) | weights("/loss2_conv", 128, 528, 1, 1)
        | weights("/loss1_fc1", 1024, 2048) | weights("/loss2_fc1", 1024, 2048)
        | weights("/loss1_fc2", 1000, 1024) | weights("/loss2_fc2", 1000, 1024) | weights("/loss3_fc", 1000, 1024)
    )  # fmt: skip
    beside = sum(p.size for path, p in model.namedparams() if path.startswith(("/loss1", "/loss2")))
    assert (model.count_params(), model.count_params() - beside) == (13_378_280, 6_998_552)


# values


@pytest.fixture(scope="module")
def nets():
    """Each network is made once."""
    made = {}

    def net(name):
        if name not in made:
            kind, _, fb = name.partition(" ")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(vgg, "Normal", Untouched)
                patch.setattr(resnet, "HeNormal", Untouched)
                made[name] = filled(getattr(L, kind)(None, **({"downsample_fb": True} if fb else {})))
        return made[name]

    yield net
    made.clear()


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("GoogLeNet", 224),
        ("ResNet50Layers", 64),
        ("ResNet50Layers fb", 64),
        pytest.param("VGG16Layers", 224, marks=pytest.mark.full),
    ],
)
def test_every_layer_gives_what_chainer_gives(name, size, nets):
    model = nets(name)
    rows = [line.split() for line in CHAINER[name].strip().splitlines()]
    assert model.available_layers == [layer for layer, *_ in rows]
    with chainette.test_mode(), chainette.no_backprop_mode():
        y = model(picture(size), layers=model.available_layers)
    assert list(y) == model.available_layers
    for layer, shape, magnitude, product in rows:
        array = y[layer].array.astype("d")
        assert array.shape == (1, *map(int, shape.split("x"))), layer
        scale = float(magnitude)
        np.testing.assert_allclose(abs(array).mean(), scale, rtol=2e-4, err_msg=layer)
        found = (array * np.resize(NOISE, array.shape)).sum() / np.sqrt(array.size)
        np.testing.assert_allclose(found, float(product), rtol=1e-3, atol=2e-3 * scale, err_msg=layer)


def test_random_weights_have_the_deviations_of_chainer():
    chainette.seed(0)
    model = L.GoogLeNet(pretrained_model=None)
    weights = {path: parameter.array for path, parameter in model.namedparams() if path.endswith("/W")}
    for path, fan in (("/conv2/W", 576), ("/loss1_fc1/W", 2048), ("/inc3a/conv3/W", 864)):
        W = weights[path] * np.sqrt(fan)
        assert abs(W.std() - 1) < 0.02
        assert (abs(W).max() > np.sqrt(3)) == ("inc" in path)  # normal there, else uniform
    block = resnet.BuildingBlock(2, 64, 64, 256, 2, resnet.HeNormal())
    for path, fan in (("a/conv2", 576), ("b1/conv1", 256), ("a/conv4", 64)):
        unit, name = path.split("/")
        assert abs(block[unit][name].W.array.std() * np.sqrt(fan / 2) - 1) < 0.02
    assert all((p.array == 0).all() for path, p in model.namedparams() if path.endswith("/b"))


@pytest.mark.parametrize("project", [False, True])
@pytest.mark.parametrize("fb", [False, True])
def test_a_residual_unit_adds_to_its_input(project, fb):
    unit = filled(Bottleneck(8, 2, 8, 2 if project else 1, project, downsample_fb=fb))
    x = noise((2, 8, 5, 5))
    with chainette.test_mode():
        h = F.relu(unit.bn1(F.convolution_2d(x, unit.conv1.W, stride=2 if project and not fb else 1)))
        h = F.relu(unit.bn2(F.convolution_2d(h, unit.conv2.W, stride=2 if project and fb else 1, pad=1)))
        h = unit.bn3(F.convolution_2d(h, unit.conv3.W))
        shortcut = unit.bn4(F.convolution_2d(x, unit.conv4.W, stride=2)) if project else x
        y = unit(x)
    assert y.shape == ((2, 8, 3, 3) if project else x.shape)
    np.testing.assert_allclose(y.array, np.maximum((h + shortcut).array, 0), rtol=1e-5, atol=1e-6)


def test_residual_networks_take_images_of_any_size(nets):
    with chainette.test_mode(), chainette.no_backprop_mode():
        assert nets("ResNet50Layers")(noise((2, 3, 33, 40)))["prob"].shape == (2, 1000)


# wrong arguments


@pytest.mark.parametrize(
    ("make", "says"),
    [(lambda: VGGLayers(None, 11), "n_layers=11 .expected 16 or 19"), (lambda: ResNetLayers(None, 18), "n_layers=18")],
)
def test_a_number_of_layers_that_is_not_there_is_told(make, says):
    with pytest.raises(ArgumentError, match=says):
        make()


def test_an_image_of_another_size_is_told_where_sizes_are_fixed(nets):
    with chainette.test_mode(), pytest.raises(ShapeError):
        nets("GoogLeNet")(np.zeros((1, 3, 64, 64), "f"))
