"""The same stories on another device: the kit's fake backend, which is as strict as an accelerator."""

import copy
import pickle
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, optimizer_hooks, optimizers, serializers, to_device
from chainette.testing import fake_backend

EXAMPLES = Path(__file__).parents[1] / "examples"
X = np.random.default_rng(0).random((40, 6), dtype="f")
T = (X[:, 0] > X[:, 1]).astype("i")
OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(lr=0.1),
    "MomentumSGD": lambda: optimizers.MomentumSGD(lr=0.1),
    "Adam": lambda: optimizers.Adam(alpha=0.01),
}


@pytest.fixture(autouse=True)
def fake(isolated_plugins, seeded):
    with isolated_plugins(fake_backend.plugin, installed=True):
        yield


class Tied(Chain):
    """Two layers with one weight, and a persistent array."""

    def __init__(self):
        super().__init__(first=L.Linear(6, 6), second=L.Linear(6, 6), last=L.Linear(None, 2))
        with self.second.init_scope():
            self.second.W = self.first.W
        self.add_persistent("mean", np.zeros(6, "f"))

    def forward(self, x):
        self.mean += 0.1 * (x.mean(axis=0) - self.mean)
        h = F.relu(self.first(x - self.mean))
        return self.last(F.tanh(self.second(h)))


def started(name="Adam"):
    """A classifier whose shapes are all known, and its optimizer."""
    model = L.Classifier(Tied())
    model(X, T)
    optimizer = OPTIMIZERS[name]().setup(model)
    optimizer.add_hook(optimizer_hooks.WeightDecay(1e-3))
    optimizer.add_hook(optimizer_hooks.GradientClipping(0.5))
    return model, optimizer


def train(model, optimizer, steps):
    x, t = to_device(X, model.device), to_device(T, model.device)
    losses = []
    with model.device.use():  # the net computes with arrays of its own
        for _ in range(steps):
            optimizer.update(model, x, t)
            losses.append(model.loss.item())
    return losses


def places(link):
    return {str(parameter.device) for parameter in link.params()}


def assert_same(one, other):
    for (path, mine), theirs in zip(one.namedparams(), other.params(), strict=True):
        values = [to_device(parameter.array, "cpu") for parameter in (mine, theirs)]
        np.testing.assert_allclose(*values, rtol=1e-5, atol=1e-6, err_msg=path)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("device", ["fake:0", "fake:1"])
def test_training_on_a_device_is_training_on_the_cpu(name, device):
    here, optimizer = started(name)
    there, its_optimizer = copy.deepcopy((here, optimizer))
    there.to_device(device)
    np.testing.assert_allclose(train(there, its_optimizer, 10), train(here, optimizer, 10), rtol=1e-5)
    assert places(there) == {device}
    assert_same(there, here)
    np.testing.assert_allclose(to_device(there.predictor.mean, "cpu"), here.predictor.mean, rtol=1e-5)


def test_a_model_may_change_its_device_in_the_middle_of_training():
    stays, optimizer = started()
    travels, its_optimizer = copy.deepcopy((stays, optimizer))
    for device in ("fake:1", "cpu", "fake:0", "fake:1"):
        travels.to_device(device)
        np.testing.assert_allclose(train(travels, its_optimizer, 3), train(stays, optimizer, 3), rtol=1e-4)
        state = travels.predictor.last.W.update_rule.state
        assert {str(chainette.backend.device_of(array)) for array in state.values()} == {device}
    assert_same(travels, stays)


@pytest.mark.parametrize("kind", ["npz", "hdf5"])
@pytest.mark.parametrize(("saved_on", "loaded_on"), [("fake:1", "cpu"), ("cpu", "fake:1"), ("fake:0", "fake:1")])
def test_what_one_device_saved_goes_on_on_another(tmp_path, kind, saved_on, loaded_on):
    save, load = getattr(serializers, f"save_{kind}"), getattr(serializers, f"load_{kind}")
    model, optimizer = started()
    model.to_device(saved_on)
    train(model, optimizer, 4)
    save(tmp_path / "model", model)
    save(tmp_path / "optimizer", optimizer)
    losses = train(model, optimizer, 4)

    fresh, its_optimizer = started()
    fresh.to_device(loaded_on)
    load(tmp_path / "model", fresh)
    load(tmp_path / "optimizer", its_optimizer)
    assert places(fresh) == {loaded_on}
    np.testing.assert_allclose(train(fresh, its_optimizer, 4), losses, rtol=1e-4)
    assert_same(fresh, model)


def test_an_open_model_is_sent_to_a_device_and_loaded_there(tmp_path):
    model, _ = started()
    serializers.save_npz(tmp_path / "model.npz", model)
    fresh = L.Classifier(Tied()).to_device("fake:1")
    assert not fresh.predictor.last.W.is_initialized
    serializers.load_npz(tmp_path / "model.npz", fresh)
    assert places(fresh) == {"fake:1"}
    assert_same(fresh, model)


COPIES = {
    "share": lambda link: link.copy("share"),
    "copy": lambda link: link.copy("copy"),
    "init": lambda link: link.copy("init"),
    "deepcopy": copy.deepcopy,
    "pickle": lambda link: pickle.loads(pickle.dumps(link)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_parameter_that_two_links_share_is_shared_wherever_the_model_goes(how):
    model = Tied().to_device("fake:1")
    assert model.first.W is model.second.W
    copied = COPIES[how](model)
    for device in ("fake:1", "cpu", "fake:0"):
        copied.to_device(device)
        assert copied.first.W is copied.second.W
        assert copied.first.W is not model.first.W
        assert places(copied) == {device}
        assert str(copied.device) == device
    assert places(model) == {"fake:1"}


def test_a_shared_parameter_is_updated_once_on_a_device():
    model, optimizer = started("SGD")
    optimizer.remove_hook("WeightDecay")
    optimizer.remove_hook("GradientClipping")
    model.to_device("fake:1")
    W = model.predictor.first.W
    before = to_device(W.array, "cpu").copy()
    train(model, optimizer, 1)
    np.testing.assert_allclose(to_device(W.array, "cpu"), before - 0.1 * to_device(W.grad, "cpu"), rtol=1e-5, atol=1e-7)
    assert W.update_rule.t == 1


# -- the programs ----------------------------------------------------------------------------------------------------


@pytest.fixture
def program(monkeypatch):
    """Import a script of the examples, by its path among them."""
    monkeypatch.setattr(sys, "path", [str(EXAMPLES / "digits"), *sys.path])

    def load(path):
        spec = util.spec_from_file_location(Path(path).stem, EXAMPLES / path)
        module = util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    before = "digits" in sys.modules
    yield load
    if not before:
        sys.modules.pop("digits", None)


def test_the_recurrent_net_learns_on_a_device_as_on_the_cpu(program):
    rnn = program("programs/rnn.py")
    here = rnn.SimpleRNN(len(rnn.LETTERS), 10)
    there = copy.deepcopy(here).to_device("fake:1")
    code = np.array([rnn.LETTERS.index(letter) for letter in rnn.TEXT])
    for net in here, there:
        letters = to_device(code, net.device)
        optimizer = optimizers.SGD(lr=0.1).setup(net)
        accum_loss = 0
        for step in range(1, 31):
            with net.device.use():
                x, t = letters[step - 1 : step], letters[step : step + 1]
            accum_loss += F.softmax_cross_entropy(net(x), t)
            if step % 3 == 0:
                net.zerograds()
                accum_loss.backward()
                accum_loss.unchain_backward()
                optimizer.update()
                accum_loss = 0
    assert str(there.h.device) == "fake:1"
    assert_same(there, here)


def test_the_network_of_stochastic_depth_learns_on_a_device_as_on_the_cpu(program):
    here = program("programs/stochastic_depth.py").StochasticDepth(6, 8)
    there = copy.deepcopy(here).to_device("fake:1")
    x = np.linspace(0, 1, 5 * 64, dtype="f").reshape(5, 64)
    for net in here, there:
        optimizer = optimizers.Adam().setup(net)
        for _ in range(10):
            optimizer.update(lambda net=net: F.mean(net(to_device(x, net.device)) ** 2))
    assert_same(there, here)


@pytest.mark.filterwarnings("default")
def test_the_main_job_runs_on_a_device(program, tmp_path, monkeypatch, capsys):
    pytest.importorskip("matplotlib")
    pytest.importorskip("rich")
    outputs = []
    for device in ("cpu", "fake:1"):
        arguments = ["--device", device, "--epochs", "1", "--units", "20", "--out", str(tmp_path / device[:3])]
        monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
        program("digits/train.py").main()
        outputs.append(capsys.readouterr().out)
    assert "test images right" in outputs[1]
