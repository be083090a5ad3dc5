"""Where attention goes wrong: targets that see nothing, lengths that differ, dropout outside of training."""

import numpy as np
import pytest

import chainette
import chainette_functions as F
from chainette import Variable

RANDOM = np.random.default_rng(0)
QUERY, KEY, VALUE = (RANDOM.standard_normal(shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 6)))


def attend(**options):
    """The result's array and the gradients of query, key and value."""
    inputs = [Variable(x) for x in (QUERY, KEY, VALUE)]
    y = F.scaled_dot_product_attention(*inputs, **options)
    F.sum(y).backward(enable_double_backprop=True)
    grads = [x.grad_var for x in inputs]
    F.sum(sum(F.sum(gx * gx) for gx in grads)).backward()
    assert all(np.isfinite(x.grad).all() for x in inputs)
    return y.array, [gx.array for gx in grads]


@pytest.mark.parametrize("kind", ["bool", "float"])
def test_a_target_that_sees_nothing_gets_zeros_and_gives_no_gradient(kind):
    seen = np.ones((3, 5), "?")
    seen[1] = seen[2, 3:] = False
    y, (gquery, gkey, gvalue) = attend(mask=seen if kind == "bool" else np.where(seen, 0.0, -np.inf))
    assert not y[:, 1].any()
    assert not gquery[:, 1].any()
    assert all(np.isfinite(gx).all() for gx in (gkey, gvalue))
    np.testing.assert_allclose(gvalue[..., 0].sum(-1), 2)
    short = F.scaled_dot_product_attention(QUERY[:, 2:], KEY[:, :3], VALUE[:, :3]).array
    np.testing.assert_allclose(y[:, 2:], short)


def test_causal_targets_see_the_sources_up_to_their_own_number_and_what_the_mask_leaves():
    y, _ = attend(causal=True)
    np.testing.assert_allclose(y[:, 0], VALUE[:, 0])
    first_hidden = np.array([False, True, True, True, True])
    y, _ = attend(causal=True, mask=first_hidden)
    assert not y[:, 0].any()
    np.testing.assert_allclose(y[:, 1], VALUE[:, 1])


def test_added_numbers_get_a_gradient_also_where_they_hide():
    mask = Variable(np.array([[0.0, -np.inf, 1.0, -1.0, 0.0]]))
    y = F.scaled_dot_product_attention(QUERY, KEY, VALUE, mask=mask)
    F.sum(y * y).backward()
    assert mask.grad[0, 1] == 0
    assert (mask.grad[0, [0, 2, 3, 4]] != 0).all()


@pytest.mark.parametrize("mask", [np.array([True, True, False]), np.array([0.0, 0.0, -1e9])])
def test_a_mask_does_not_widen_float16(mask):
    query = key = value = np.eye(3, dtype="e")
    y = F.scaled_dot_product_attention(query, key, value, mask=mask, scale=100.0)
    assert y.dtype == "float16"
    np.testing.assert_allclose(y.array, [[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]], atol=1e-3)


def test_large_scores_do_not_overflow():
    query = key = np.array([[1000.0, 0.0], [0.0, -1000.0]], "f")
    y = F.scaled_dot_product_attention(query, key, np.eye(2, dtype="f"))
    np.testing.assert_array_equal(y.array, np.eye(2))


def test_without_sources_there_are_zeros():
    y = F.scaled_dot_product_attention(QUERY, KEY[:, :0], VALUE[:, :0])
    np.testing.assert_array_equal(y.array, np.zeros((2, 3, 6)))
    assert F.scaled_dot_product_attention(QUERY[..., :0], KEY[..., :0], VALUE).shape == (2, 3, 6)


def test_weights_are_dropped_in_training_only(seeded):
    plain = F.scaled_dot_product_attention(QUERY, KEY, VALUE).array
    assert (F.scaled_dot_product_attention(QUERY, KEY, VALUE, dropout=0.5).array != plain).any()
    with chainette.test_mode():
        np.testing.assert_array_equal(F.scaled_dot_product_attention(QUERY, KEY, VALUE, dropout=0.5).array, plain)
