"""What single optimizers promise beside their formulas."""

import numpy as np
import pytest

import chainette
from chainette_optimizers import AdaBound, Adam, RAdam, RMSpropGraves
from chainette_optimizers.adam import AdamRule
from chainette_optimizers.radam import rectify


def test_adam_in_half_precision_does_not_divide_by_a_square_that_underflowed():
    W = chainette.Parameter(np.zeros(3, np.float16))
    W.grad = np.array([0, 1e-4, -2e-5], np.float16)
    Adam(alpha=0.01).setup([W]).update()
    np.testing.assert_allclose(W.array, [0, -0.01, 0.01], rtol=0.02)


def test_the_rate_of_adam_is_that_of_the_latest_step():
    W = chainette.Parameter(np.zeros(1))
    optimizer = Adam(alpha=0.5, beta1=0.5, beta2=0.75).setup([W])
    with pytest.raises(RuntimeError, match="Read alpha"):
        _ = optimizer.lr
    W.grad = np.ones(1)
    optimizer.update()
    optimizer.update()
    assert optimizer.lr == pytest.approx(0.5 * (1 - 0.75**2) ** 0.5 / (1 - 0.5**2))
    assert W.update_rule.lr == optimizer.lr
    with pytest.raises(AttributeError, match="Set alpha"):
        optimizer.lr = 0.1


def test_amsgrad_may_be_switched_on_and_off_on_the_way():
    W = chainette.Parameter(np.zeros(2))
    optimizer = Adam().setup([W])
    for amsgrad, scale in [(False, 1), (True, 5), (True, 0), (False, 0), (True, 0)]:
        optimizer.amsgrad = amsgrad
        W.grad = np.full(2, float(scale))
        optimizer.update()
    assert list(W.update_rule.state) == ["m", "v", "vhat"]
    assert (W.update_rule.state["vhat"] > W.update_rule.state["v"]).all()


def test_the_bounds_of_adabound_meet_in_the_final_rate():
    W = chainette.Parameter(np.zeros(1))
    AdaBound(gamma=1.0, final_lr=0.2).setup([W])
    W.grad = np.ones(1)
    W.update()
    assert W.update_rule.bounds == pytest.approx((0.1, 0.4))
    W.update_rule.t = 10**6
    assert W.update_rule.bounds == pytest.approx((0.2, 0.2), rel=1e-5)


def test_the_final_rate_of_adabound_changes_with_alpha_after_setup():
    W = chainette.Parameter(np.zeros(1))
    optimizer = AdaBound()
    optimizer.alpha = 0.5
    optimizer.setup([W])
    optimizer.alpha = 0.25
    W.grad = np.ones(1)
    optimizer.update()
    assert W.update_rule.bounds == pytest.approx((4.995004995004971e-05, 50.05))  # Chainer's


def test_adabound_may_start_from_a_rate_of_zero():
    W = chainette.Parameter(np.zeros(1))
    optimizer = AdaBound(alpha=0).setup([W])
    W.grad = np.ones(1)
    optimizer.update()
    assert W.update_rule.bounds == pytest.approx((0.1 * (1 - 1 / 1.001), 100.1))
    assert np.isfinite(W.array).all()
    assert AdamRule(final_lr=0.1).initial_alpha == 0


@pytest.mark.parametrize("gamma", [0, -1e-3])
def test_bounds_that_never_close_are_refused(gamma):
    with pytest.raises(ValueError, match=r"AdaBound: gamma is .* \(expected 0 < gamma\)"):
        AdaBound(gamma=gamma)


def test_the_variance_of_graves_is_not_negative_where_gradients_hardly_differ():
    W = chainette.Parameter(np.zeros(1000, np.float32))
    optimizer = RMSpropGraves().setup([W])
    for _ in range(300):
        W.grad = np.linspace(1000, 3000, 1000, dtype=np.float32)
        optimizer.update()
    n, g = W.update_rule.state["n"], W.update_rule.state["g"]
    assert (n - g * g + 1e-4 < 0).any()  # of which there would be no root
    assert np.isfinite(W.array).all()


def test_radam_does_not_divide_by_the_mean_square_in_its_first_steps():
    W = chainette.Parameter(np.zeros(2))
    optimizer = RAdam(alpha=0.5).setup([W])
    W.grad = np.array([1.0, 100.0])
    optimizer.update()
    np.testing.assert_allclose(W.array, [-0.5, -50.0])
    assert [rectify(0.999, t) is None for t in (1, 4, 5, 6)] == [True, True, False, False]
    assert rectify(0.999, 10**5) == pytest.approx(1)
    assert rectify(0.5, 10**5) is None  # a mean over so few gradients is never reliable
