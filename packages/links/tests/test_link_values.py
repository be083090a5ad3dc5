"""What a Link does with the values and gradients below it, and what it shows."""

import numpy as np
import pytest

import chainette_links as L
from chainette import Parameter, Variable
from chainette.errors import ArgumentError, ShapeError
from chainette_links import Chain, ChainList, Link, Sequential


def network():
    """Two named children, of which the second is a list."""
    return Chain(l1=L.Linear(3, 2), deep=ChainList(L.Linear(2, 2, nobias=True), L.Linear(2, 1)))


def names(link):
    return [name for name, _ in link.namedparams()]


def test_gradients_are_cleared_and_zeroed_everywhere():
    model = network()
    assert all(p.grad is None for p in model.params())
    model.zerograds()
    assert all((p.grad == 0).all() for p in model.params())
    model.cleargrads()
    assert all(p.grad is None for p in model.params())


def test_open_parameters_have_no_gradient_to_zero():
    layer = L.Linear(None, 2)
    layer.zerograds()
    assert layer.W.grad is None
    assert layer.b.grad is not None


def test_shared_parameters_count_once_and_open_ones_as_nothing():
    layer = L.Linear(3, 2)
    assert ChainList(layer, layer, L.Linear(None, 5)).count_params() == 3 * 2 + 2 + 5


def test_copyparams_copies_values_and_persistents_but_no_gradients():
    source, target = network(), network()
    for link in (source, target):
        link.l1.add_persistent("mean", np.zeros(2))
        link.l1.add_persistent("seen", {"n": 0})
    source.l1.mean[...] = 5
    source.l1.seen["n"] = 7
    source.zerograds()
    target.copyparams(source)
    for mine, other in zip(target.params(), source.params(), strict=True):
        np.testing.assert_array_equal(mine.array, other.array)
        assert not np.shares_memory(mine.array, other.array)
        assert mine.grad is None
    assert target.l1.mean.tolist() == [5, 5]
    assert not np.shares_memory(target.l1.mean, source.l1.mean)
    assert target.l1.seen == {"n": 7}
    assert target.l1.seen is not source.l1.seen


def test_copyparams_may_leave_the_persistents():
    source, target = L.Linear(1, 1), L.Linear(1, 1)
    target.add_persistent("n", 1)
    target.copyparams(source, copy_persistent=False)
    assert target.n == 1


def test_copyparams_takes_the_open_shapes_from_the_other_link():
    source, target = L.Linear(3, 2), L.Linear(None, 2)
    target.copyparams(source)
    np.testing.assert_array_equal(target.W.array, source.W.array)
    target.copyparams(L.Linear(None, 2))
    np.testing.assert_array_equal(target.W.array, source.W.array)


def other_shape():
    return Chain(l1=L.Linear(3, 2), l2=L.Linear(2, 9))


def missing_child():
    return Chain(l1=L.Linear(3, 2))


def missing_persistent():
    return Chain(l1=L.Linear(3, 2), l2=L.Linear(2, 1))


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (other_shape, ShapeError, r"/l2/W has shape \(9, 2\) \(expected \(1, 2\)\)"),
        (missing_child, ArgumentError, "no parameter /l2/W"),
        (missing_persistent, ArgumentError, "no value /l2/n"),
    ],
)
def test_copyparams_copies_all_or_nothing(make, error, says):
    target = Chain(l1=L.Linear(3, 2), l2=L.Linear(2, 1))
    target.l1.add_persistent("n", 1)
    target.l2.add_persistent("n", 1)
    before = [p.array.copy() for p in target.params()]
    source = make()
    source.l1.add_persistent("n", 2)
    with pytest.raises(error, match=says):
        target.copyparams(source)
    for p, old in zip(target.params(), before, strict=True):
        np.testing.assert_array_equal(p.array, old)
    assert target.l1.n == 1


def with_gradients(link, value):
    for p in link.params():
        p.grad = np.full_like(p.array, value)
    return link


def test_addgrads_adds_by_path_and_passes_over_what_is_not_there():
    target, source = with_gradients(network(), 1), with_gradients(network(), 2)
    source.l1.b.cleargrad()
    target.deep[1].W.cleargrad()
    target.addgrads(source)
    assert (target.l1.W.grad == 3).all()
    assert (target.l1.b.grad == 1).all()
    assert (target.deep[1].W.grad == 2).all()
    assert not np.shares_memory(target.deep[1].W.grad, source.deep[1].W.grad)
    with pytest.raises(ArgumentError, match="no parameter /deep/0/W"):
        target.addgrads(Chain(l1=L.Linear(3, 2)))


def test_addgrads_adds_the_gradient_of_a_shared_parameter_once():
    layer = L.Linear(2, 1)
    model = with_gradients(Chain(a=layer, b=layer), 1)
    model.addgrads(with_gradients(model.copy("copy"), 2))
    assert (layer.W.grad == 3).all()


class Rule:
    """Stands for an optimizer's update rule."""

    enabled = True


def test_updates_are_switched_for_all_parameters_below():
    model = network()
    model.disable_update()
    assert not model.update_enabled
    for p in model.params():
        p.update_rule = Rule()
    assert model.update_enabled
    model.l1.disable_update()
    assert (model.l1.update_enabled, model.update_enabled) == (False, True)
    model.disable_update()
    assert not model.update_enabled
    model.enable_update()
    assert all(p.update_rule.enabled for p in model.params())


def test_it_shows_its_tree():
    model = Chain(l1=L.Linear(None, 1200), rest=Sequential(L.Linear(3, 2, nobias=True), abs), none=Link())
    assert repr(model) == (
        "Chain  1,206\n"
        "  l1: Linear  W (open), b (1200,)  1,200\n"
        "  rest: Sequential  6\n"
        "    0: Linear  W (2, 3)  6\n"
        "    1: abs\n"
        "  none: Link  0"
    )


def test_it_is_on_the_cpu_at_first():
    link = Link()
    assert (str(link.device), link.xp) == ("cpu", np)


def test_a_parameter_that_two_links_share_gets_both_gradients():
    W = Parameter(2.0, (1, 1))
    model = Chain(a=Link(), b=Link())
    for link in model.children():
        with link.init_scope():
            link.W = W
    (model.a.W * 3 + model.b.W * 4).sum().backward()
    assert W.grad.tolist() == [[7]]
    assert [p is W for p in model.params()] == [True, True]


def test_a_link_is_no_variable_and_not_turned_into_one():
    with pytest.raises(TypeError):
        Variable(L.Linear(1, 1))
