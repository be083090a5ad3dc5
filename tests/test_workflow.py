"""A user's whole story across the distributions: build, train, save, load, go on, copy, share."""

import copy
import pickle

import numpy as np
import pytest

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Chain, ChainList, Parameter, Sequential, optimizer_hooks, optimizers, random, serializers

rng = np.random.default_rng(0)
X = rng.random((60, 6), dtype="f")
T = (X[:, :2].sum(axis=1) > X[:, 2:4].sum(axis=1)).astype("i")

SAVE_AND_LOAD = {
    "npz": (serializers.save_npz, serializers.load_npz),
    "hdf5": (serializers.save_hdf5, serializers.load_hdf5),
}
OPTIMIZERS = {
    "SGD": lambda: optimizers.SGD(lr=0.1),
    "MomentumSGD": lambda: optimizers.MomentumSGD(lr=0.1),
    "Adam": lambda: optimizers.Adam(alpha=0.01),
    "AMSGrad": lambda: optimizers.Adam(alpha=0.01, amsgrad=True, weight_decay_rate=0.01),
}

pytestmark = pytest.mark.usefixtures("seeded")


class Net(Chain):
    """Open shapes, a list of links, dropout, and a persistent value that changes in training."""

    def __init__(self):
        super().__init__(first=L.Linear(None, 8), middle=ChainList(L.Linear(8, 8), L.Linear(8, 8)), last=L.Linear(8, 2))
        self.add_persistent("mean", np.zeros(6, "f"))
        self.add_persistent("steps", 0)

    def forward(self, x):
        if chainette.config.train:
            self.mean += 0.1 * (x.mean(axis=0) - self.mean)
            self.steps += 1
        h = F.relu(self.first(x - self.mean))
        for layer in self.middle:
            h = F.dropout(F.relu(layer(h)), 0.2) + h
        return self.last(h)


def started(make_optimizer=OPTIMIZERS["Adam"]):
    """A model and an optimizer with its hooks, as a program makes them when it starts."""
    model = L.Classifier(Net())
    optimizer = make_optimizer().setup(model)
    optimizer.add_hook(optimizer_hooks.WeightDecay(1e-3))
    optimizer.add_hook(optimizer_hooks.GradientClipping(1.0))
    return model, optimizer


def train(model, optimizer, steps, start=0):
    """Steps through the data in order; the losses."""
    losses = []
    for step in range(start, start + steps):
        batch = np.arange(step * 20, step * 20 + 20) % len(X)
        loss = model(X[batch], T[batch])
        model.cleargrads()
        loss.backward()
        optimizer.update()
        losses.append(loss.item())
    return losses


def arrays(link):
    """Every parameter by its path, then every persistent value."""
    values = {path: parameter.array.copy() for path, parameter in link.namedparams()}
    net = link.predictor
    return {**values, "mean": net.mean.copy(), "steps": np.array(net.steps)}


def assert_same(ones, others):
    assert ones.keys() == others.keys()
    for name in ones:
        np.testing.assert_array_equal(ones[name], others[name], err_msg=name)


# -- stop and go on --------------------------------------------------------------------------------------------------


def test_a_model_learns():
    model, optimizer = started()
    losses = train(model, optimizer, 100)
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) / 2
    with chainette.test_mode(), chainette.no_backprop_mode():
        model(X, T)
    assert model.accuracy.item() > 0.9


@pytest.mark.parametrize("kind", SAVE_AND_LOAD)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_that_was_saved_and_loaded_goes_on_bit_for_bit_like_one_that_was_not(tmp_path, name, kind):
    save, load = SAVE_AND_LOAD[kind]
    model, optimizer = started(OPTIMIZERS[name])
    train(model, optimizer, 7)
    optimizer.new_epoch()
    save(tmp_path / "model", model)
    save(tmp_path / "optimizer", optimizer)
    drawn_so_far = random.get_state()
    losses = train(model, optimizer, 7, start=7)

    chainette.seed(99)  # so that nothing but the files makes the two equal
    fresh, fresh_optimizer = started(OPTIMIZERS[name])
    load(tmp_path / "model", fresh)
    load(tmp_path / "optimizer", fresh_optimizer)
    assert (fresh_optimizer.t, fresh_optimizer.epoch) == (7, 1)
    random.set_state(drawn_so_far)
    assert train(fresh, fresh_optimizer, 7, start=7) == losses
    assert_same(arrays(fresh), arrays(model))


def test_the_optimizer_state_matters_when_a_run_goes_on(tmp_path):
    model, optimizer = started()
    train(model, optimizer, 7)
    serializers.save_npz(tmp_path / "model.npz", model)
    drawn_so_far = random.get_state()
    train(model, optimizer, 7, start=7)

    fresh, fresh_optimizer = started()
    serializers.load_npz(tmp_path / "model.npz", fresh)
    random.set_state(drawn_so_far)
    train(fresh, fresh_optimizer, 7, start=7)
    assert (arrays(fresh)["/predictor/last/W"] != arrays(model)["/predictor/last/W"]).any()


def test_both_formats_hold_the_same_values_under_the_same_names(tmp_path):
    import h5py

    model, optimizer = started()
    train(model, optimizer, 3)
    for name, obj in ("model", model), ("optimizer", optimizer):
        serializers.save_npz(tmp_path / "file.npz", obj)
        serializers.save_hdf5(tmp_path / "file.h5", obj)
        found = {}
        with np.load(tmp_path / "file.npz", allow_pickle=False) as npz, h5py.File(tmp_path / "file.h5") as hdf5:
            hdf5.visititems(
                lambda key, item, found=found: found.update({key: item}) if hasattr(item, "shape") else None
            )
            assert set(found) == set(npz.files), name
            for key in npz.files:
                np.testing.assert_array_equal(found[key][()], npz[key], err_msg=key)
        (tmp_path / "file.h5").unlink()


def test_a_file_of_another_network_changes_neither_model_nor_optimizer(tmp_path):
    model, optimizer = started()
    train(model, optimizer, 3)
    other = L.Classifier(Sequential(L.Linear(6, 4), F.relu, L.Linear(4, 2)))
    serializers.save_npz(tmp_path / "other.npz", other)
    before, t = arrays(model), optimizer.t
    for obj in model, optimizer:
        with pytest.raises(chainette.errors.LoadError):
            serializers.load_npz(tmp_path / "other.npz", obj)
    assert_same(arrays(model), before)
    assert optimizer.t == t


def test_update_with_a_loss_function_is_the_written_out_loop():
    model, optimizer = started()
    drawn_so_far = random.get_state()
    twin, twin_optimizer = pickle.loads(pickle.dumps((model, optimizer)))
    train(model, optimizer, 3)
    random.set_state(drawn_so_far)
    for step in range(3):
        batch = np.arange(step * 20, step * 20 + 20) % len(X)
        twin_optimizer.update(twin, X[batch], T[batch])
    assert_same(arrays(twin), arrays(model))


# -- copies ----------------------------------------------------------------------------------------------------------


def test_a_shared_copy_sees_the_updates_but_collects_gradients_of_its_own():
    model, optimizer = started()
    train(model, optimizer, 2)
    shared = model.copy("share")
    train(model, optimizer, 2)
    for parameter, its_twin in zip(model.params(), shared.params(), strict=True):
        assert parameter is not its_twin
        assert parameter.array is its_twin.array
    model.cleargrads()
    shared.cleargrads()
    shared(X, T).backward()
    assert all(parameter.grad is None for parameter in model.params())
    assert all(parameter.grad is not None for parameter in shared.params())


def test_a_copied_copy_goes_its_own_way():
    model, optimizer = started()
    train(model, optimizer, 2)
    before = arrays(model)
    copied = model.copy("copy")
    assert_same(arrays(copied), before)
    train(model, optimizer, 2)
    assert_same(arrays(copied), before)
    trained = arrays(model)
    train(copied, OPTIMIZERS["SGD"]().setup(copied), 2)
    assert_same(arrays(model), trained)


def test_an_initialized_copy_starts_anew():
    model, optimizer = started()
    train(model, optimizer, 2)
    trained = arrays(model)
    anew = model.copy("init")
    assert_same(arrays(model), trained)
    shapes = {path: parameter.shape for path, parameter in anew.namedparams()}
    assert shapes == {path: parameter.shape for path, parameter in model.namedparams()}
    assert (anew.predictor.last.W.array != model.predictor.last.W.array).any()
    assert not anew.predictor.last.b.array.any()
    losses = train(anew, OPTIMIZERS["Adam"]().setup(anew), 60)
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize(
    "twin",
    [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))],
    ids=["deepcopy", "pickle"],
)
def test_model_and_optimizer_copied_together_go_on_alike_and_apart(twin):
    model, optimizer = started()
    train(model, optimizer, 3)
    drawn_so_far = random.get_state()
    before = arrays(model)
    other, other_optimizer = twin((model, optimizer))
    assert other_optimizer.target is other
    losses = train(model, optimizer, 3)
    assert_same(arrays(other), before)
    random.set_state(drawn_so_far)
    assert train(other, other_optimizer, 3) == losses
    assert_same(arrays(other), arrays(model))


def test_gradients_of_two_workers_add_up_to_that_of_the_whole_batch():
    model = L.Classifier(Sequential(L.Linear(6, 8), F.tanh, L.Linear(8, 2)))
    workers = [model.copy("copy") for _ in range(2)]
    for worker, part in zip(workers, (slice(0, 30), slice(30, 60)), strict=True):
        (worker(X[part], T[part]) / 2).backward()
    model.cleargrads()
    for worker in workers:
        model.addgrads(worker)
    whole = model.copy("copy")
    whole.cleargrads()
    whole(X, T).backward()
    for (path, one), other in zip(model.namedparams(), whole.params(), strict=True):
        np.testing.assert_allclose(one.grad, other.grad, rtol=1e-4, atol=1e-6, err_msg=path)


# -- shared parameters and links ---------------------------------------------------------------------------------------


class Tied(Chain):
    """A link that stands in two places, and a parameter that two links hold."""

    def __init__(self):
        layer = L.Linear(6, 6)
        super().__init__(down=layer, twin=L.Linear(6, 6), last=L.Linear(6, 2))
        with self.twin.init_scope():
            self.twin.W = layer.W

    def forward(self, x):
        return self.last(F.tanh(self.twin(F.tanh(self.down(x)))))


COPIES = {
    "share": lambda link: link.copy("share"),
    "copy": lambda link: link.copy("copy"),
    "init": lambda link: link.copy("init"),
    "deepcopy": copy.deepcopy,
    "pickle": lambda link: pickle.loads(pickle.dumps(link)),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_parameter_that_two_links_share_is_shared_in_the_copy(how):
    model = Tied()
    copied = COPIES[how](model)
    assert copied.twin.W is copied.down.W
    assert copied.twin.W is not model.twin.W
    assert copied.twin.b is not copied.down.b
    assert copied.count_params() == 6 * 6 + 6 + 6 + 6 * 2 + 2


def test_the_gradient_of_a_shared_parameter_is_the_sum_of_those_it_would_have_apart():
    model = Tied()
    apart = copy.deepcopy(model)
    with apart.twin.init_scope():
        apart.twin.W = Parameter(apart.down.W.array.copy())
    for net in model, apart:
        F.softmax_cross_entropy(net(X), T).backward()
    np.testing.assert_allclose(model.down.W.grad, apart.down.W.grad + apart.twin.W.grad, rtol=1e-4, atol=1e-7)


def test_a_shared_parameter_is_updated_once():
    model = L.Classifier(Tied())
    optimizer = optimizers.SGD(lr=0.1).setup(model)
    W = model.predictor.down.W
    updated = []
    W.update_rule.add_hook(lambda rule, param: updated.append(param), name="note")
    model.cleargrads()
    model(X, T).backward()
    before = W.array.copy()
    optimizer.update()
    assert len(updated) == 1
    np.testing.assert_allclose(W.array, before - 0.1 * W.grad, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", SAVE_AND_LOAD)
def test_a_shared_parameter_is_shared_after_a_reload_and_learns_on_alike(tmp_path, kind):
    save, load = SAVE_AND_LOAD[kind]
    model = L.Classifier(Tied())
    optimizer = optimizers.Adam(alpha=0.01).setup(model)
    train(model, optimizer, 4)
    save(tmp_path / "model", model)
    save(tmp_path / "optimizer", optimizer)
    losses = train(model, optimizer, 4, start=4)

    fresh = L.Classifier(Tied())
    fresh_optimizer = optimizers.Adam(alpha=0.01).setup(fresh)
    load(tmp_path / "model", fresh)
    load(tmp_path / "optimizer", fresh_optimizer)
    assert fresh.predictor.twin.W is fresh.predictor.down.W
    assert train(fresh, fresh_optimizer, 4, start=4) == losses
    np.testing.assert_array_equal(fresh.predictor.twin.W.array, model.predictor.down.W.array)


def test_a_link_that_stands_in_two_places_is_one_link_in_every_copy():
    layer = L.Linear(4, 4)
    model = ChainList(layer, L.Linear(4, 4), layer)
    for how in COPIES.values():
        copied = how(model)
        assert copied[0] is copied[2]
        assert copied[0] is not copied[1]


@pytest.mark.parametrize("normalization", [L.BatchNormalization, L.LayerNormalization, L.RMSNorm, None])
def test_mixed16_trains_in_half_precision_and_keeps_what_must_be_finer(normalization):
    chainette.seed(0)
    with chainette.using_config("dtype", chainette.mixed16):
        layers = [L.Linear(None, 16), F.relu, L.Linear(16, 2)]
        if normalization is not None:
            layers.insert(1, normalization(16))
        model = L.Classifier(Sequential(*layers))
        optimizer = optimizers.Adam(alpha=0.01).setup(model)
        optimizer.loss_scaling()
        losses = []
        for _ in range(60):
            optimizer.update(model, X.astype(chainette.get_dtype()), T)
            losses.append(model.loss.item())
    assert losses[-1] < 0.4 * losses[0]
    assert model.y.dtype == np.float16
    for name, parameter in model.namedparams():
        fine = name.endswith(("gamma", "beta"))
        assert parameter.dtype == (np.float32 if fine else np.float16)
        assert ("fp32_param" in parameter.update_rule.state) or fine
