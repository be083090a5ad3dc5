"""Where the networks that classify images take their weights from."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import chainette_functions as F
import chainette_links as L
from chainette.errors import LoadError, MissingPluginError
from chainette.hooks import hookimpl
from chainette.initializers import Constant, Initializer
from chainette.testing import isolated_plugins
from chainette_links import Chain, Link
from chainette_links.model import resnet, vgg
from chainette_links.model.image_classifier import ImageClassifier
from chainette_links.model.resnet import ResNetLayers


class Small(ImageClassifier):
    def __init__(self, pretrained_model="auto"):
        super().__init__(pretrained_model, "small_net", "the moon")
        with self.init_scope():
            self.conv = L.Convolution2D(3, 4, 2, initialW=self._initial(None), initial_bias=1)
            self.fc = L.Linear(4, 5, initialW=self._initial(None))
        self._load()

    @property
    def functions(self):
        return {"pool": [self.conv, lambda x: F.mean(x, (2, 3))], "prob": [self.fc, F.softmax]}


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


@pytest.fixture
def small():
    return Small(None)


@pytest.fixture(scope="module")
def nets():
    """Two whole networks, in which no two arrays are equal."""
    found = {"GoogLeNet": L.GoogLeNet(None), "ResNet50Layers": L.ResNet50Layers(None)}
    for model in found.values():
        for position, array in enumerate(values(model).values()):
            array[...] = np.resize(np.arange(7919, dtype="f") + position, array.shape)
    return found


def values(model):
    """Parameters and averages by path."""
    found = {path: parameter.array for path, parameter in model.namedparams()}
    for path, link in model.namedlinks():
        found.update({f"{path}/{name}": getattr(link, name) for name in link._persistent if name != "N"})
    return found


def same(model, other):
    for (path, array), (_, expected) in zip(values(model).items(), values(other).items(), strict=True):
        np.testing.assert_array_equal(array, expected, err_msg=path)


@pytest.fixture
def chainer_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CHAINER_DATASET_ROOT", str(tmp_path))
    folder = tmp_path / "pfnet" / "chainer" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("make", "file"),
    [
        (L.GoogLeNet, "bvlc_googlenet.caffemodel"),
        (L.VGG16Layers, "VGG_ILSVRC_16_layers.caffemodel"),
        (L.VGG19Layers, "VGG_ILSVRC_19_layers.caffemodel"),
        (L.ResNet50Layers, "ResNet-50-model.caffemodel"),
        (L.ResNet101Layers, "ResNet-101-model.caffemodel"),
        (L.ResNet152Layers, "ResNet-152-model.caffemodel"),
    ],
)
def test_nothing_is_downloaded_and_where_to_put_the_file_is_told(make, file, chainer_folder):
    with pytest.raises(FileNotFoundError) as caught:
        make()
    text = str(caught.value)
    for part in (make.__name__, "downloads nothing", file, "://", str(chainer_folder), "pretrained_model=None"):
        assert part in text


def test_the_place_where_chainer_kept_files_is_in_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("CHAINER_DATASET_ROOT", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(FileNotFoundError) as caught:
        Small()
    assert str(tmp_path / ".chainer" / "dataset" / "pfnet" / "chainer" / "models") in str(caught.value)


def test_an_npz_file_is_loaded_from_a_path_or_from_where_chainer_kept_it(small, chainer_folder):
    serializers = pytest.importorskip("chainette_serializers")
    path = chainer_folder / "small_net.npz"
    serializers.save_npz(path, small)
    for given in ("auto", path, str(path)):
        same(Small(given), small)


def test_an_npz_file_of_a_whole_network_is_loaded(nets, tmp_path):
    serializers = pytest.importorskip("chainette_serializers")
    model = nets["ResNet50Layers"]
    serializers.save_npz(tmp_path / "model.npz", model, compression=False)
    same(L.ResNet50Layers(tmp_path / "model.npz"), model)


def test_a_file_that_does_not_fit_or_is_not_there_is_told(nets, small, tmp_path):
    serializers = pytest.importorskip("chainette_serializers")
    serializers.save_npz(tmp_path / "small.npz", small)
    with pytest.raises(LoadError, match="GoogLeNet"):
        L.GoogLeNet(tmp_path / "small.npz")
    with pytest.raises(FileNotFoundError):
        Small(tmp_path / "nowhere.npz")


def test_without_serializers_it_says_what_to_install():
    with (
        isolated_plugins(),
        pytest.raises((ImportError, AttributeError), match="pip install chainette-serializers"),
    ):
        Small("small.npz")


# caffemodels


class Importer:
    """Reads nothing, and returns what it was told."""

    def recognizes(self, head, path):
        return True

    def load(self, path):
        return self.network


@pytest.fixture
def caffemodel(tmp_path, monkeypatch):
    """Call it with a network: gives the path of a file that contains this network."""
    reader = Importer()
    module = SimpleNamespace(reader=reader)
    monkeypatch.setitem(sys.modules, "reader_of_caffemodels", module)
    path = tmp_path / "net.caffemodel"
    path.touch()

    @hookimpl
    def chainette_importers():
        return {"caffemodel": "reader_of_caffemodels:reader"}

    def contains(network):
        reader.network = network
        return path

    plugin = SimpleNamespace(chainette_api=1, chainette_importers=chainette_importers, __name__="caffe")
    monkeypatch.setenv("CHAINETTE_DISABLE_PLUGINS", "caffe-import")  # which, where it is installed, comes first
    with isolated_plugins(plugin, installed=True):
        yield contains


def as_caffe(model, without=""):
    """A network with the values of the model under the names of the caffemodel."""
    caffe = Chain()
    for path, array in values(model).items():
        name = model._caffe_name(path)
        if name is None or path == without:
            continue
        *place, value = name.removeprefix("/").split("/")
        has_bias_child = place[-1] == "bias"
        layer = "/".join(place[:-1] if has_bias_child else place)
        if not hasattr(caffe, layer):
            caffe.add_link(layer, Chain())
        link = caffe[layer]
        if has_bias_child:
            link.add_link("bias", Link())
            link = link.bias
        if value.startswith("avg"):
            link.add_persistent(value, array.copy())
        else:
            link.add_param(value, array.shape, initializer=Constant(array))
    return caffe


@pytest.mark.parametrize("name", ["GoogLeNet", "ResNet50Layers"])
def test_a_caffemodel_is_loaded_through_an_importer(name, nets, caffemodel):
    model = nets[name]
    same(type(model)(caffemodel(as_caffe(model))), model)


def test_the_layers_of_vgg_have_the_names_of_caffe(untouched):
    model = L.VGG16Layers(None)
    assert {model._caffe_name(path) for path in values(model)} == set(values(model))


@pytest.mark.parametrize(
    ("path", "caffe"),
    [
        ("/conv1/W", "/conv1/7x7_s2/W"),
        ("/conv2_reduce/b", "/conv2/3x3_reduce/b"),
        ("/conv2/W", "/conv2/3x3/W"),
        ("/inc3a/conv1/W", "/inception_3a/1x1/W"),
        ("/inc4e/proj3/W", "/inception_4e/3x3_reduce/W"),
        ("/inc4e/conv3/b", "/inception_4e/3x3/b"),
        ("/inc5b/proj5/W", "/inception_5b/5x5_reduce/W"),
        ("/inc5b/conv5/W", "/inception_5b/5x5/W"),
        ("/inc5b/projp/W", "/inception_5b/pool_proj/W"),
        ("/loss1_conv/W", "/loss1/conv/W"),
        ("/loss2_fc1/W", "/loss2/fc/W"),
        ("/loss2_fc2/b", "/loss2/classifier/b"),
        ("/loss3_fc/W", "/loss3/classifier/W"),
    ],
)
def test_the_layers_of_googlenet_by_their_names_in_caffe(path, caffe, nets):
    assert nets["GoogLeNet"]._caffe_name(path) == caffe
    assert path in values(nets["GoogLeNet"])


@pytest.mark.parametrize(
    ("n_layers", "path", "caffe"),
    [
        (50, "/conv1/W", "/conv1/W"),
        (50, "/conv1/b", "/conv1/b"),
        (101, "/conv1/b", None),
        (50, "/bn1/N", None),
        (50, "/bn1/avg_mean", "/bn_conv1/avg_mean"),
        (152, "/bn1/gamma", "/scale_conv1/W"),
        (50, "/bn1/beta", "/scale_conv1/bias/b"),
        (50, "/fc6/b", "/fc1000/b"),
        (152, "/fc6/b", "/fc1000/b"),
        (50, "/res2/a/conv4/W", "/res2a_branch1/W"),
        (50, "/res2/a/bn4/avg_var", "/bn2a_branch1/avg_var"),
        (101, "/res2/b2/conv1/W", "/res2c_branch2a/W"),
        (50, "/res4/b5/bn3/gamma", "/scale4f_branch2c/W"),
        (101, "/res4/b22/conv2/W", "/res4b22_branch2b/W"),
        (101, "/res4/a/conv2/W", "/res4a_branch2b/W"),
        (152, "/res3/b7/bn2/beta", "/scale3b7_branch2b/bias/b"),
        (152, "/res5/b1/bn1/avg_mean", "/bn5b_branch2a/avg_mean"),
    ],
)
def test_the_layers_of_residual_networks_by_their_names_in_caffe(n_layers, path, caffe, untouched):
    model = ResNetLayers(None, n_layers)
    assert model._caffe_name(path) == caffe
    names = [model._caffe_name(each) for each in values(model)]
    assert len(set(names)) == len(names)


def test_a_caffemodel_of_another_network_is_told(small, caffemodel):
    path = caffemodel(as_caffe(small, without="/conv/b"))
    with pytest.raises(
        LoadError, match=r"net.caffemodel does not hold.*: /conv/b from /conv/b. Take the file small_net"
    ):
        Small(path)
    other = as_caffe(small)
    other.fc.W.array = np.zeros((5, 3), "f")
    with pytest.raises(LoadError, match="another shape: /fc/W from /fc/W"):
        Small(caffemodel(other))


def test_without_an_importer_it_says_what_to_install(tmp_path):
    (tmp_path / "net.caffemodel").touch()
    with isolated_plugins(), pytest.raises(MissingPluginError, match="pip install chainette-caffe-import"):
        Small(str(tmp_path / "net.caffemodel"))


def test_a_caffemodel_is_converted_into_an_npz_file(small, caffemodel, chainer_folder):
    pytest.importorskip("chainette_serializers")
    path = caffemodel(as_caffe(small))
    Small.convert_caffemodel_to_npz(path, chainer_folder / "small_net.npz")
    same(Small(), small)


def test_the_file_of_chainer_counts_before_the_caffemodel(small, caffemodel, chainer_folder):
    path = caffemodel(as_caffe(small))
    path.rename(chainer_folder / "small_net.caffemodel")
    same(Small(), small)
    (chainer_folder / "small_net.npz").write_bytes(b"no zip")
    with pytest.raises((LoadError, ImportError)):
        Small()
