"""What the four programs of the original presentation mean: gradients, graphs and memory, looked at from inside."""

import gc
import importlib.util
import sys
import tracemalloc
import weakref
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import chainette
import chainette.functions as F
from chainette import Function, FunctionHook, Parameter, Variable, optimizers

PROGRAMS = Path(__file__).parents[1] / "examples" / "programs"


@pytest.fixture
def program(monkeypatch, seeded):
    """Import one of the programs: ``program("rnn")``. Nothing of it is left behind in ``sys``."""

    def load(name):
        monkeypatch.setattr(sys, "path", list(sys.path))
        spec = importlib.util.spec_from_file_location(f"program_{name}", PROGRAMS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    before = set(sys.modules)
    yield load
    for name in set(sys.modules) & {"digits"} - before:
        del sys.modules[name]


class Names(FunctionHook):
    """Notes the names of the functions that run."""

    name = "names"

    def __init__(self):
        self.forward, self.backward = [], []

    def forward_postprocess(self, function, in_data):
        self.forward.append(function.name)

    def backward_postprocess(self, function, in_data, out_grad):
        self.backward.append(function.name)


def living():
    """How many functions and variables exist that are no parameters."""
    return sum(isinstance(each, (Function, Variable)) and not isinstance(each, Parameter) for each in gc.get_objects())


# -- 1: the graph ----------------------------------------------------------------------------------------------------


def test_the_graph_is_what_ran_and_gives_the_gradients_by_hand(program, capsys):
    graph = program("graph")
    assert graph.d.item() == graph.b.item() * graph.a.item() + 1
    assert (graph.a.grad, graph.b.grad) == (graph.b.array, graph.a.array)
    assert (graph.c.creator.name, graph.d.creator.name) == ("mul", "add")
    assert graph.a.creator is None
    assert graph.c.grad is None  # only leaves keep theirs unless asked
    assert capsys.readouterr().out.count("\n") == 3


def test_a_second_walk_over_the_same_graph_adds_to_the_gradients(program):
    graph = program("graph")
    graph.d.cleargrad()
    graph.d.backward()
    assert graph.a.grad == 2 * graph.b.array


# -- 2: the MLP ------------------------------------------------------------------------------------------------------


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.random((20, 784), dtype="f"), rng.integers(0, 10, 20)


def test_the_classifier_of_the_user_returns_and_keeps_loss_and_accuracy(program, batch):
    mlp = program("mlp")
    model = mlp.Classifier(mlp.MLP2())
    loss, accuracy = model(*batch)
    assert loss is model.loss
    assert accuracy is model.accuracy
    assert model.count_params() == 784 * 100 + 100 + 100 * 10 + 10
    assert [path for path, _ in model.namedparams()] == [
        f"/predictor/{link}/{name}" for link in ("l1", "l2") for name in ("W", "b")
    ]


def test_the_gradients_of_the_mlp_are_those_worked_out_by_hand(program, batch):
    mlp = program("mlp")
    model = mlp.Classifier(mlp.MLP2())
    x, t = batch
    model.zerograds()
    loss, _ = model(x, t)
    loss.backward()

    l1, l2 = model.predictor.l1, model.predictor.l2
    h = np.maximum(x @ l1.W.array.T + l1.b.array, 0)
    y = h @ l2.W.array.T + l2.b.array
    p = np.exp(y) / np.exp(y).sum(axis=1, keepdims=True)
    gy = (p - np.eye(10)[t]) / len(t)
    gh = gy @ l2.W.array * (h > 0)
    np.testing.assert_allclose(loss.array, -np.log(p[range(20), t]).mean(), rtol=1e-5)
    for parameter, gradient in (l2.W, gy.T @ h), (l2.b, gy.sum(0)), (l1.W, gh.T @ x), (l1.b, gh.sum(0)):
        np.testing.assert_allclose(parameter.grad, gradient, rtol=1e-4, atol=1e-6)


def test_zerograds_keeps_gradients_of_two_steps_apart(program, batch):
    mlp = program("mlp")
    model = mlp.Classifier(mlp.MLP2())
    gradients = []
    for clear in (True, True, False):
        if clear:
            model.zerograds()
        model(*batch)[0].backward()
        gradients.append(model.predictor.l1.W.grad.copy())
    np.testing.assert_array_equal(gradients[0], gradients[1])
    np.testing.assert_allclose(gradients[2], 2 * gradients[0], rtol=1e-6)


def test_the_loop_of_the_mlp_takes_the_steps_of_gradient_descent(program, batch):
    mlp = program("mlp")
    model = mlp.Classifier(mlp.MLP2())
    optimizer = optimizers.SGD(lr=0.05)
    optimizer.setup(model)
    losses = []
    for _ in range(5):
        model.zerograds()
        loss, _ = model(*batch)
        loss.backward()
        before = {path: parameter.array.copy() for path, parameter in model.namedparams()}
        optimizer.update()
        for path, parameter in model.namedparams():
            np.testing.assert_allclose(parameter.array, before[path] - 0.05 * parameter.grad, rtol=1e-5, atol=1e-7)
        losses.append(loss.item())
    assert losses == sorted(losses, reverse=True)


# -- 3: the recurrent net --------------------------------------------------------------------------------------------


class Reader:
    """The recurrent program's net, which reads its text for as many steps as asked; its loop, without printing."""

    def __init__(self, rnn, unchain=True):
        self.net = rnn.SimpleRNN(len(rnn.LETTERS), 8)
        self.optimizer = optimizers.SGD(lr=0.1)
        self.optimizer.setup(self.net)
        self.code = np.array([rnn.LETTERS.index(letter) for letter in rnn.TEXT])
        self.unchain = unchain
        self.step = 0

    def loss(self):
        at, self.step = self.step % (len(self.code) - 1), self.step + 1
        return F.softmax_cross_entropy(self.net(self.code[at : at + 1]), self.code[at + 1 : at + 2])

    def read(self, steps):
        accum_loss = 0
        for i in range(1, steps + 1):
            accum_loss += self.loss()
            if i % 3 == 0:
                self.net.zerograds()
                accum_loss.backward()
                if self.unchain:
                    accum_loss.unchain_backward()
                self.optimizer.update()
                accum_loss = 0


@pytest.mark.parametrize("steps", [999, pytest.param(10_000, marks=pytest.mark.full)])
def test_truncated_backprop_keeps_memory_flat(program, steps):
    reader = Reader(program("rnn"))
    reader.read(300)  # what is made once has been made
    gc.collect()
    gc.disable()  # so that a reference cycle would show
    tracemalloc.start()
    try:
        for _ in range(3):  # a leak shows each time; what another thread of the test runner allocates does not
            reader.read(99)
            objects, (memory, _) = living(), tracemalloc.get_traced_memory()
            reader.read(steps // 3 * 3)
            assert living() == objects
            growth = tracemalloc.get_traced_memory()[0] - memory
            if growth < 20_000:
                break
        assert growth < 20_000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_without_the_cut_the_graph_grows_with_every_step(program):
    reader = Reader(program("rnn"), unchain=False)
    reader.read(30)
    objects = living()
    reader.read(30)
    assert living() - objects >= 30 * 3


def test_the_cut_frees_the_whole_graph_and_leaves_the_state_as_a_leaf(program):
    gc.collect()
    gc.disable()
    try:
        reader = Reader(program("rnn"))
        before = living()
        accum_loss = reader.loss()
        first = weakref.ref(reader.net.h.creator)
        accum_loss += reader.loss()
        assert first() is not None  # held by the second step's graph alone
        value = reader.net.h.array.copy()
        accum_loss.backward()
        accum_loss.unchain_backward()
        assert first() is None
        assert reader.net.h.creator is None
        np.testing.assert_array_equal(reader.net.h.array, value)
        del accum_loss
        reader.net.h = None
        reader.net.cleargrads()
        assert living() == before
    finally:
        gc.enable()


def test_no_gradient_crosses_the_cut(program):
    """After the cut the gradients are those of a net that starts from the same state as from a constant."""
    reader = Reader(program("rnn"))
    accum_loss = reader.loss() + reader.loss() + reader.loss()
    accum_loss.backward()
    accum_loss.unchain_backward()
    state, step = reader.net.h.array.copy(), reader.step

    def gradients():
        reader.net.cleargrads()
        (reader.loss() + reader.loss() + reader.loss()).backward()
        return {path: parameter.grad.copy() for path, parameter in reader.net.namedparams()}

    after_the_cut = gradients()
    reader.net.h, reader.step = Variable(state, requires_grad=False), step
    for path, gradient in gradients().items():
        np.testing.assert_array_equal(after_the_cut[path], gradient)


def test_the_sum_of_losses_may_begin_with_the_number_0(program):
    reader = Reader(program("rnn"))
    accum_loss = 0
    accum_loss += reader.loss()
    assert isinstance(accum_loss, Variable)
    assert accum_loss.dtype == np.float32


def test_backward_walks_only_the_steps_since_the_cut(program):
    reader = Reader(program("rnn"))
    walked = []
    for _ in range(4):
        with Names() as names:
            reader.read(3)
        walked.append(Counter(names.backward)["tanh"])
    assert walked == [3, 3, 3, 3]


# -- 4: stochastic depth ---------------------------------------------------------------------------------------------


@pytest.fixture
def deep(program):
    return program("stochastic_depth").StochasticDepth(6, 8)


X = np.linspace(0, 1, 5 * 64, dtype="f").reshape(5, 64)


def test_the_graph_differs_from_step_to_step_in_training(deep):
    lengths = set()
    for _ in range(20):
        with Names() as names:
            deep(X)
        lengths.add(len(names.forward))
    assert len(lengths) > 2


def test_the_graph_is_always_the_whole_one_in_the_test(deep):
    graphs = set()
    for _ in range(10):
        with Names() as names, chainette.test_mode():
            deep(X)
        graphs.add(tuple(names.forward))
    assert len(graphs) == 1
    assert Counter(graphs.pop())["linear"] == 8


def test_a_layer_that_did_not_take_part_gets_no_gradient_and_is_not_updated(deep):
    optimizer = optimizers.Adam()
    optimizer.setup(deep)
    seen = set()
    for _ in range(20):
        deep.cleargrads()
        before = [layer.W.array.copy() for layer in deep.f]
        with Names() as names:
            F.sum(deep(X) ** 2).backward()
        took_part = [layer.W.grad is not None for layer in deep.f]
        optimizer.update()
        moved = [bool((layer.W.array != old).any()) for layer, old in zip(deep.f, before, strict=True)]
        assert moved == took_part
        assert Counter(names.forward)["linear"] == 2 + sum(took_part)
        seen.add(tuple(took_part))
    assert len(seen) > 3


def test_the_layers_in_the_list_are_trained_and_saved_with_the_network(deep):
    paths = [path for path, _ in deep.namedparams()]
    assert [path for path in paths if path.startswith("/f/")] == [f"/f/{i}/{name}" for i in range(6) for name in "Wb"]


def test_a_graph_that_changes_leaves_no_memory_behind(deep):
    def steps(count):
        for _ in range(count):
            deep.cleargrads()
            F.sum(deep(X) ** 2).backward()
        deep.cleargrads()

    steps(5)
    gc.collect()
    gc.disable()
    try:
        objects = living()
        steps(100)
        assert living() == objects
    finally:
        gc.enable()
