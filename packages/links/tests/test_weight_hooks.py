"""The hooks that replace a weight: what they compute with, and that the parameter is there again afterwards."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
import chainette_links as L
from chainette import Parameter, Variable
from chainette.errors import ArgumentError, HookError, ShapeError
from chainette.testing import check_backward, fake_backend, isolated_plugins
from chainette_links import Link, LinkHook
from chainette_links.link_hooks import SpectralNormalization, WeightNorm, WeightStandardization

X = np.random.default_rng(0).standard_normal((4, 3)).astype("f")
MAKE = {
    "spectral": lambda: SpectralNormalization(),
    "standardized": lambda: WeightStandardization(),
    "norm": lambda: WeightNorm(),
}
weight_hooks = pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)


def weight(link):
    """What the link computes with."""
    seen = []

    class Look(LinkHook):
        name = "look"

        def forward_preprocess(self, args):
            seen.append(args.link.W.array)

    link.add_hook(Look())
    inputs = link.W.shape[0 if isinstance(link, L.Deconvolution2D) else 1]
    with chainette.test_mode():
        link(np.ones((1, inputs, *(5,) * (link.W.ndim - 2)), "f"))
    link.delete_hook("look")
    return seen[0]


@weight_hooks
def test_outside_the_call_the_weight_is_the_parameter(make):
    link = L.Linear(3, 2).add_hook(make())
    W = link.W
    F.sum(link(X) ** 2).backward()
    assert link.W is W
    assert isinstance(W, Parameter)
    assert W.grad is not None
    assert dict(link.namedparams())["/W"] is W
    with pytest.raises(ShapeError):
        link(X[:, :2])
    assert link.W is W


@weight_hooks
def test_an_open_weight_is_initialized_by_the_first_call(make):
    link, known = L.Linear(None, 2).add_hook(make()), L.Linear(3, 2).add_hook(make())
    with pytest.raises(ShapeError):
        link(np.ones(()))
    assert not link.W.is_initialized
    link(X)
    assert {path: p.shape for path, p in link.namedparams()} == {path: p.shape for path, p in known.namedparams()}
    link.copyparams(known)
    with chainette.test_mode():
        np.testing.assert_array_equal(link(X).array, known(X).array)


@weight_hooks
def test_an_open_link_loads_what_was_saved(make):
    saved, link = L.Linear(3, 2).add_hook(make()), L.Linear(None, 2).add_hook(make())
    entries = {}
    saved.serialize(lambda key, value: entries.setdefault(key, None if value is None else value.copy()))
    link.serialize(lambda key, value: entries[key])
    with chainette.test_mode():
        np.testing.assert_array_equal(link(X).array, saved(X).array)


@weight_hooks
def test_gradients_of_the_parameters_equal_numerics(make):
    link = L.Linear(3, 2, initialW=np.random.default_rng(1).standard_normal((2, 3))).add_hook(make())
    for parameter in link.params():
        parameter.array = parameter.array.astype("d")
    if "W_u" in vars(link):  # u and v count as constants, and are those of the largest singular value here
        left, _, _ = np.linalg.svd(link.W.array)
        link.W_u = left[:, 0]
    with chainette.test_mode():
        check_backward(link, X.astype("d"), np.ones((4, 2)), params=list(link.params()))


@weight_hooks
def test_gradients_of_gradients_go_through(make):
    link = L.Linear(3, 2).add_hook(make())
    x = Variable(X)
    F.sum(link(x) ** 2).backward(enable_double_backprop=True)
    gradient = F.sum(x.grad_var**2)
    link.cleargrads()
    gradient.backward()
    assert np.isfinite(link.W.grad).all()
    assert link.W.grad.any()


@weight_hooks
def test_the_dtype_stays(make):
    for dtype in ("float16", "float64"):
        with chainette.using_config("dtype", dtype):
            link = L.Linear(3, 2).add_hook(make())
        x = Variable(X.astype(dtype))
        y = link(x)
        F.sum(y).backward()
        assert (y.dtype, link.W.grad.dtype, x.grad.dtype) == (dtype,) * 3


@weight_hooks
def test_weights_are_replaced_on_every_device(make):
    with isolated_plugins(fake_backend.plugin, installed=True):
        link, x = L.Linear(3, 2).add_hook(make()), chainette.to_device(X, "fake:1")
        with chainette.test_mode():
            expected = link(X).array
            np.testing.assert_allclose(
                chainette.to_device(link.to_device("fake:1")(x).array, "cpu"), expected, rtol=1e-5, atol=1e-6
            )
        opened = L.Linear(None, 2).add_hook(make()).to_device("fake:1")
        F.sum(opened(x)).backward()
        assert all(str(p.device) == "fake:1" for p in opened.params())


@weight_hooks
def test_a_checkpoint_computes_with_the_same_weight_again(make):
    link, x = L.Linear(3, 2).add_hook(make()), Variable(X)
    entries = {}
    link.serialize(lambda key, value: entries.setdefault(key, value.copy()))
    grads, vectors = [], []
    for run in (F.checkpoint, lambda function, x: function(x)):
        link.serialize(lambda key, value: entries[key].copy() if value.ndim else value)
        link.cleargrads()
        F.sum(run(link, x) ** 3).backward()
        grads.append(link.W.grad)
        vectors.append(getattr(link, "W_u", None))
    np.testing.assert_allclose(*grads, rtol=1e-5)
    np.testing.assert_array_equal(*vectors)


@weight_hooks
def test_a_checkpoint_may_be_what_initializes_the_link(make):
    link = L.Linear(None, 2).add_hook(make())
    F.sum(F.checkpoint(lambda x: F.dropout(link(F.dropout(x))), Variable(X)) ** 2).backward()
    assert link.W.grad is not None


@weight_hooks
def test_a_weight_hook_is_not_for_all_links(make):
    with pytest.raises(HookError, match=r"this hook is for one link\. Install it with link\.add_hook"), make():
        pass
    hook = make()
    hook.weight_name = "V"
    with pytest.raises(ArgumentError, match="Link has no parameter 'V'"):
        Link(W=(2, 3)).add_hook(hook)


def test_hooks_of_one_weight_come_one_after_the_other():
    link = L.Linear(3, 2).add_hook(WeightStandardization()).add_hook(WeightNorm())
    W = link.W
    expected = W.array - W.array.mean(1, keepdims=True)
    expected *= link.W_g.array[:, None] / np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(weight(link), expected, rtol=1e-5)
    assert link.W is W


def test_hooks_of_two_weights_are_told_apart_by_their_names():
    link = L.Bilinear(3, 4, 2)
    link.add_hook(WeightNorm("V1")).add_hook(WeightNorm("V2", name="other"))
    assert link(X, np.ones((4, 4), "f")).shape == (4, 2)
    assert {"V1_g", "V2_g"} < {name.strip("/") for name, _ in link.namedparams()}
    link.delete_hook("other")
    assert not hasattr(link, "V2_g")


# Spectral normalization


def singular_value(matrix):
    return np.linalg.svd(matrix, compute_uv=False)[0]


@pytest.mark.parametrize(
    ("link", "matrix"),
    [
        (lambda: L.Linear(5, 4), lambda W: W),
        (lambda: L.Convolution2D(3, 4, (2, 3)), lambda W: W.reshape(4, -1)),
        (lambda: L.Deconvolution2D(3, 4, (2, 3)), lambda W: W.swapaxes(0, 1).reshape(4, -1)),
    ],
    ids=["Linear", "Convolution2D", "Deconvolution2D"],
)
def test_the_largest_singular_value_is_one(link, matrix):
    link = link().add_hook(SpectralNormalization(n_power_iteration=200))
    assert link.W_u.shape == (4,)
    assert singular_value(matrix(weight(link))) == pytest.approx(1, abs=1e-4)


def test_the_power_iteration_goes_on_from_call_to_call_in_training():
    link = L.Linear(3, 2).add_hook(SpectralNormalization())
    before = link.W_u
    with chainette.test_mode():
        link(X)
    assert link.W_u is before
    W = link.W.array
    v = W.T @ before
    u = W @ (v / np.linalg.norm(v))
    np.testing.assert_allclose(link(X).array, X @ W.T / np.linalg.norm(u), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(link.W_u, u / np.linalg.norm(u), rtol=1e-4)
    for _ in range(50):
        link(X)
    assert singular_value(weight(link)) == pytest.approx(1, abs=1e-4)


def test_gradients_of_an_earlier_call_do_not_see_the_later_iteration():
    link = L.Linear(3, 2).add_hook(SpectralNormalization())
    start = link.W_u
    F.sum(link(X) ** 2).backward()
    expected = link.W.grad.copy()
    link.cleargrads()
    link.W_u = start
    with chainette.using_config("debug", True):
        loss = F.sum(link(X) ** 2)
        link(X)
        loss.backward()
    np.testing.assert_allclose(link.W.grad, expected, rtol=1e-5)


def test_gamma_starts_where_the_link_computes_what_it_did():
    link = L.Linear(3, 2)
    before = link(X).array
    link.add_hook(SpectralNormalization(n_power_iteration=100, use_gamma=True))
    np.testing.assert_allclose(link(X).array, before, rtol=1e-4, atol=1e-5)
    assert link.gamma.shape == ()
    assert [name for name, _ in link.namedparams()] == ["/W", "/b", "/gamma"]
    F.sum(link(X)).backward()
    assert link.gamma.grad is not None


def test_a_factor_scales_the_weight():
    link = L.Linear(3, 2).add_hook(SpectralNormalization(n_power_iteration=100, factor=0.5))
    assert singular_value(weight(link)) == pytest.approx(0.5, abs=1e-4)


def test_a_weight_of_zeros_stays_so():
    link = L.Linear(3, 2, initialW=0).add_hook(SpectralNormalization())
    assert not weight(link).any()
    link = L.Linear(3, 2, initialW=0).add_hook(WeightNorm())
    F.sum(link(X)).backward()
    assert not weight(link).any()
    assert np.isfinite(link.W.grad).all()


def test_the_vector_is_saved_and_all_of_it_goes_with_the_hook():
    link = L.Linear(3, 2).add_hook(SpectralNormalization(use_gamma=True))
    link(X)
    assert list(link._persistent) == ["W_u"]
    link.delete_hook("SpectralNormalization")
    assert list(link._persistent) == []
    assert [name for name, _ in link.namedparams()] == ["/W", "/b"]
    assert not [name for name in vars(link) if "_u" in name]
    link.add_hook(SpectralNormalization(use_gamma=True))


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: SpectralNormalization(0), ArgumentError, "n_power_iteration=0"),
        (lambda: SpectralNormalization(eps=0), ArgumentError, "SpectralNormalization: eps=0"),
        (lambda: WeightStandardization(eps=0), ArgumentError, "WeightStandardization: eps=0"),
        (lambda: L.Linear(0, 2).add_hook(SpectralNormalization()), ShapeError, r"W of shape \(2, 0\) has no singular"),
        (
            lambda: L.Linear(3, 2).add_hook(WeightStandardization(weight_name="b")),
            ShapeError,
            r"b has shape \(2,\) \(expected at least two axes",
        ),
        (lambda: L.Linear(3, 2).add_hook(WeightNorm(axis=2)), ShapeError, "WeightNorm: axis 2 is out of range"),
        (lambda: L.Linear(3, 2, nobias=True).add_hook(WeightNorm("b")), ArgumentError, "no parameter 'b'"),
    ],
)
def test_wrong_arguments_are_told(call, error, says):
    with pytest.raises(error, match=says):
        call()


# Weight standardization and weight normalization


@pytest.mark.parametrize(
    ("link", "axes"),
    [
        (lambda: L.Linear(5, 4), (1,)),
        (lambda: L.Convolution2D(3, 4, 2), (1, 2, 3)),
        (lambda: L.Deconvolution2D(3, 4, 2), (0, 2, 3)),
    ],
    ids=["Linear", "Convolution2D", "Deconvolution2D"],
)
def test_the_weights_of_each_output_have_the_length_of_the_parameter(link, axes):
    link = link().add_hook(WeightNorm())
    np.testing.assert_allclose(weight(link), link.W.array, rtol=1e-4)
    link.W_g.array[...] = [1, 2, 3, 4]
    np.testing.assert_allclose(np.sqrt((weight(link) ** 2).sum(axes)), [1, 2, 3, 4], rtol=1e-5)


@pytest.mark.parametrize(
    "make", [lambda: L.Linear(5, 4), lambda: L.Convolution2D(3, 4, 2), lambda: L.Deconvolution2D(4, 3, 2)]
)
def test_weights_are_standardized_over_all_axes_but_the_first(make):
    W = weight(make().add_hook(WeightStandardization(eps=1e-9))).reshape(4, -1)
    np.testing.assert_allclose(W.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(W.std(1), 1, atol=1e-4)


def test_the_eps_of_weight_standardization_is_added_to_the_variance():
    link = L.Linear(3, 2).add_hook(WeightStandardization(eps=0.3))
    W = link.W.array
    expected = (W - W.mean(1, keepdims=True)) / np.sqrt(W.var(1, keepdims=True) + 0.3)
    np.testing.assert_allclose(weight(link), expected, rtol=1e-5)


def test_the_lengths_may_lie_along_another_axis():
    link = L.Linear(3, 2).add_hook(WeightNorm(axis=-1))
    np.testing.assert_allclose(link.W_g.array, np.linalg.norm(link.W.array, axis=0), rtol=1e-6)
    np.testing.assert_allclose(weight(link), link.W.array, rtol=1e-5)


def test_deleting_weight_normalization_gives_the_lengths_to_the_weight():
    link = L.Linear(3, 2).add_hook(WeightNorm())
    link.W_g.array[...] = [3, 4]
    expected = link(X).array
    link.delete_hook("WeightNorm")
    np.testing.assert_allclose(link(X).array, expected, rtol=1e-5)
    assert [name for name, _ in link.namedparams()] == ["/W", "/b"]
    opened = L.Linear(None, 2).add_hook(WeightNorm())
    opened.delete_hook("WeightNorm")
    assert opened(X).shape == (4, 2)
