"""What the networks that classify images share: layers by name, and images as their inputs."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette.errors import ArgumentError, ArrayTypeError, DtypeError, ShapeError
from chainette.initializers import Normal
from chainette.testing import fake_backend, isolated_plugins
from chainette_links.model import googlenet, images, resnet, vgg
from chainette_links.model.image_classifier import ImageClassifier


class Small(ImageClassifier):
    """Counts how often each layer is computed."""

    mean = (1.0, 2.0, 3.0)
    features = "pool"
    branches = {"side": "conv"}  # noqa: RUF012

    def __init__(self, pretrained_model="auto"):
        super().__init__(pretrained_model, "small_net", "the moon")
        with self.init_scope():
            self.conv = L.Convolution2D(3, 4, 8, stride=8, initialW=self._initial(Normal(0.002)))
            self.fc = L.Linear(4, 5, initialW=self._initial(None))
        self.calls = []
        self._load()

    @property
    def functions(self):
        def counted(name, *functions):
            return [lambda x: self.calls.append(name) or x, *functions]

        return {
            "conv": counted("conv", self.conv, F.relu),
            "pool": counted("pool", lambda x: F.mean(x, (2, 3)), F.dropout),
            "prob": counted("prob", self.fc, F.softmax),
            "side": counted("side", F.sigmoid),
        }


@pytest.fixture
def small():
    chainette.seed(0)
    return Small(None)


@pytest.mark.parametrize(
    ("layers", "computed"),
    [
        (None, ["conv", "pool", "prob"]),
        (["pool"], ["conv", "pool"]),
        (["side"], ["conv", "side"]),
        (["prob", "side", "conv", "prob"], ["conv", "pool", "prob", "side"]),
        ((name for name in ["conv"]), ["conv"]),
        ([], []),
    ],
)
def test_only_what_the_asked_layers_need_is_computed(small, layers, computed):
    x = np.ones((2, 3, 16, 16), "f")
    asked = ["prob"] if layers is None else computed if not isinstance(layers, list) else list(dict.fromkeys(layers))
    assert list(small(x, layers)) == asked
    assert small.calls == computed


def test_a_branch_starts_from_its_layer(small):
    x = np.random.default_rng(0).standard_normal((2, 3, 16, 16)).astype("f")
    y = small(x, layers=["side", "prob", "conv"])
    np.testing.assert_array_equal(y["side"].array, F.sigmoid(y["conv"]).array)
    y["prob"][0, 0].backward()
    assert small.conv.W.grad is not None


@pytest.mark.parametrize("layers", [["pool", "fc9"], "pool", [None]])
def test_a_layer_that_is_not_there_is_told(small, layers):
    with pytest.raises(
        ArgumentError, match=r"Small: layers=.* \(expected a list of names, out of conv, pool, prob, side"
    ):
        small(np.ones((1, 3, 8, 8), "f"), layers=layers)
    assert small.calls == []


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda net: net(0, test=True), "forward: the argument test= is gone: .*test_mode"),
        (lambda net: net(0, train=False), "the argument train= is gone"),
        (lambda net: net.extract([], volatile=True), "extract: the argument volatile= is gone: .*no_backprop_mode"),
        (lambda net: net.predict([], tests=True), "tests"),
    ],
)
def test_removed_and_misspelt_arguments_are_told(small, call, says):
    with pytest.raises(TypeError, match=says):
        call(small)


PHOTO = np.random.default_rng(0).integers(0, 256, (20, 30, 3), "uint8")


def test_extract_is_forward_of_prepared_images(small):
    x = np.stack([images.prepare(each, (24, 16), Small.mean) for each in (PHOTO, PHOTO[::-1])])
    assert x.shape == (2, 3, 16, 24)
    y = small.extract([PHOTO, PHOTO[::-1]], layers=["conv", "prob"], size=(24, 16))
    np.testing.assert_array_equal(y["conv"].array, small(x, ["conv"])["conv"].array)
    assert y["prob"].requires_grad
    with chainette.test_mode():
        assert list(small.extract([PHOTO])) == ["pool"]
        assert small.extract(np.stack([PHOTO]), size=None, layers=["conv"])["conv"].shape == (1, 4, 2, 3)
    chainette.seed(0)
    dropped = small.extract([PHOTO] * 9)["pool"].array
    assert (dropped == 0).any()  # config.train counts


def test_predict_is_the_mean_over_ten_views_in_test_mode(small):
    x = np.stack([images.prepare(each, (256, 256), Small.mean) for each in (PHOTO, PHOTO[::-1])])
    with chainette.test_mode():
        views = [
            crop[..., ::step]
            for crop in (x[..., :224, :224], x[..., :224, 32:], x[..., 32:, :224], x[..., 32:, 32:],
                         x[..., 16:240, 16:240])
            for step in (1, -1)
        ]  # fmt: skip
        each = [small(np.ascontiguousarray(view))["prob"].array for view in views]
    y = small.predict([PHOTO, PHOTO[::-1]])
    assert y.shape == (2, 5)
    assert not y.requires_grad
    np.testing.assert_allclose(y.array, np.mean(each, axis=0), rtol=1e-5)
    one = small.predict([PHOTO, PHOTO[::-1]], oversample=False)
    np.testing.assert_allclose(one.array, each[8], rtol=1e-5)
    assert abs(one.array - y.array).max() > 1e-3


def test_it_works_on_another_device_and_with_another_dtype(small):
    expected = small.predict([PHOTO]).array
    with isolated_plugins(fake_backend.plugin, installed=True):
        y = small.to_device("fake:1").predict([PHOTO])
        assert str(y.device) == "fake:1"
        np.testing.assert_allclose(chainette.to_device(y.array, "cpu"), expected, rtol=1e-5)
        small.to_device("cpu")
    with chainette.using_config("dtype", "float64"):
        assert Small(None).predict([PHOTO], oversample=False).dtype == np.float64


def test_copies_are_independent_networks(small):
    copied = small.copy("copy")
    copied.conv.W.array[...] = 0
    assert copied.functions["conv"][1] is copied.conv
    assert small.extract([PHOTO], ["conv"])["conv"].array.any()


# images


def scaled(x, size):
    """Bilinear interpolation along each axis between the centres of pixels."""
    for axis, new in enumerate(size):
        old = x.shape[axis]
        at = np.clip((np.arange(new) + 0.5) * old / new - 0.5, 0, old - 1)
        low = np.floor(at).astype(int)
        far = (at - low).reshape(-1, *[1] * (x.ndim - axis - 1))
        x = x.take(low, axis) * (1 - far) + x.take(np.minimum(low + 1, old - 1), axis) * far
    return x


@pytest.mark.parametrize(
    ("module", "mean"),
    [
        (vgg, (103.939, 116.779, 123.68)),
        (resnet, (103.063, 115.903, 123.152)),
        (googlenet, (104, 117, 123)),
    ],
)
def test_prepare_scales_reverses_the_colours_and_subtracts_the_mean(module, mean):
    y = module.prepare(PHOTO)
    assert (y.shape, y.dtype) == ((3, 224, 224), np.float32)
    expected = (scaled(PHOTO.astype("d"), (224, 224))[..., ::-1] - mean).transpose(2, 0, 1)
    np.testing.assert_allclose(y, expected, atol=1e-3)
    np.testing.assert_allclose(
        module.prepare(PHOTO, size=None), (PHOTO[..., ::-1] - np.array(mean)).transpose(2, 0, 1), atol=1e-4
    )
    assert module.prepare(PHOTO, (7, 5)).shape == (3, 5, 7)
    with chainette.using_config("dtype", "float16"):
        assert module.prepare(PHOTO).dtype == np.float16


class Pillow:
    """As much of an image of Pillow as prepare uses."""

    def __init__(self, array):
        self.array = array

    def convert(self, mode):
        assert mode == "RGB"
        return self.array


@pytest.mark.parametrize(
    "image",
    [
        PHOTO.transpose(2, 0, 1),
        PHOTO.astype("d"),
        PHOTO.astype("i8"),
        np.concatenate([PHOTO, PHOTO[..., :1]], axis=2),
        Pillow(PHOTO),
    ],
    ids=["channels first", "float", "int", "opacity", "Pillow"],
)
def test_images_come_in_several_forms(image):
    np.testing.assert_array_equal(vgg.prepare(image, (9, 8)), vgg.prepare(PHOTO, (9, 8)))


def test_a_grey_image_is_equally_blue_green_and_red():
    grey = PHOTO[..., 0]
    expected = vgg.prepare(np.stack([grey] * 3, axis=2))
    for each in (grey, grey[None], grey[..., None]):
        np.testing.assert_array_equal(vgg.prepare(each), expected)


def test_an_image_is_left_as_it_is():
    image = PHOTO.astype("f")
    before = image.copy()
    y = vgg.prepare(image, size=None)
    y[...] = 0
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("image", "error", "says"),
    [
        ("photo.jpg", ArrayTypeError, "got a str .expected an array, or an image of Pillow"),
        (PHOTO > 9, DtypeError, "the image is bool"),
        (PHOTO[None], ShapeError, r"shape \(1, 20, 30, 3\)"),
        (np.zeros((5, 6, 7)), ShapeError, r"shape \(5, 6, 7\).*with 1, 3 or 4 channels"),
        (np.zeros(5), ShapeError, r"shape \(5,\)"),
        (np.zeros((0, 4, 3)), ShapeError, "shape"),
    ],
)
def test_what_is_no_image_is_told(image, error, says):
    with pytest.raises(error, match=says):
        vgg.prepare(image)


@pytest.mark.parametrize("size", [(0, 5), (5,), (5.5, 5), "ab"])
def test_a_wrong_size_is_told(size):
    with pytest.raises(ArgumentError, match="prepare: size="):
        vgg.prepare(PHOTO, size)


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        (PHOTO, ArrayTypeError, "a single image came .*Write .image."),
        (Pillow(PHOTO), ArrayTypeError, "a single image came"),
        ([], ArgumentError, "the list is empty"),
        ([PHOTO, PHOTO[1:]], ShapeError, r"their sizes differ \(\(19, 30\), \(20, 30\)\). Give size"),
    ],
)
def test_lists_of_images_are_checked(small, given, error, says):
    with pytest.raises(error, match=says):
        small.extract(given, size=None)


def test_oversample_gives_corners_middle_and_their_mirror_images():
    x = np.random.default_rng(0).random((2, 3, 6, 7))
    y = images.oversample(x, (4, 3))
    assert y.shape == (20, 3, 4, 3)
    for n in range(2):
        for i, (top, left) in enumerate([(0, 0), (0, 4), (2, 0), (2, 4), (1, 2)]):
            crop = x[n, :, top : top + 4, left : left + 3]
            np.testing.assert_array_equal(y[10 * n + i], crop)
            np.testing.assert_array_equal(y[10 * n + i + 5], crop[..., ::-1])
    assert images.oversample(x, (6, 7)).shape == (20, 3, 6, 7)
    with pytest.raises(ShapeError, match=r"oversample: images has shape \(2, 3, 6, 7\) .* at least 7 x 7"):
        images.oversample(x, 7)
