"""Sequential: a list of layers, which is called."""

import numpy as np
import pytest

import chainette_functions as F
import chainette_links as L
from chainette.errors import ArgumentError
from chainette_links import Chain, Link, Sequential


def names(link):
    return [name for name, _ in link.namedparams()]


def test_each_layer_is_applied_to_what_the_one_before_gives():
    a, b = L.Linear(3, 4), L.Linear(4, 2)
    x = np.ones((5, 3), "f")
    np.testing.assert_array_equal(Sequential(a, F.relu, b)(x).array, b(F.relu(a(x))).array)


def test_a_tuple_is_spread_over_the_next_layer_s_arguments():
    model = Sequential(lambda a, b: (a + b, a * b), lambda s, p: s - p)
    assert model(2, 5) == -3
    assert Sequential(lambda x: (x, x))(1) == (1, 1)
    assert Sequential(lambda x: [x, x], len)(1) == 2


def test_an_empty_one_gives_back_what_it_takes():
    assert Sequential()(3) == 3
    assert Sequential()(3, 4) == (3, 4)


def test_functions_count_for_the_names():
    model = Sequential(F.relu, L.Linear(1, 1), F.relu, L.Linear(1, 1))
    assert names(model) == ["/1/W", "/1/b", "/3/W", "/3/b"]
    assert [child.name for child in model.children()] == ["1", "3"]


def test_it_is_a_list():
    a, b, c, d = (L.Linear(1, 1, nobias=True) for _ in range(4))
    model = Sequential(a)
    model.append(b)
    model.extend([F.relu, c])
    model.insert(0, d)
    assert list(model) == [d, a, b, F.relu, c]
    assert (len(model), model[1], model[-1]) == (5, a, c)
    assert names(model) == ["/0/W", "/1/W", "/2/W", "/4/W"]
    assert model.pop() is c
    assert model.pop(0) is d
    model[0] = c
    del model[1]
    assert list(model) == [c, F.relu]
    assert names(model) == ["/0/W"]
    model.remove(F.relu)
    assert list(model) == [c]
    with pytest.raises(ArgumentError, match="not in it"):
        model.remove(F.relu)
    model.clear()
    assert (list(model), names(model)) == ([], [])


def test_slices_and_sums_are_sequentials_of_the_same_layers():
    a, b, c = L.Linear(1, 1), L.Linear(1, 1), L.Linear(1, 1)
    model = Sequential(a, b, c)
    tail = model[1:]
    assert isinstance(tail, Sequential)
    assert list(tail) == [b, c]
    assert list(tail + model) == [b, c, a, b, c]
    del model[:2]
    assert list(model) == [c]
    with pytest.raises(TypeError):
        model + [a]


def test_taking_a_slice_changes_no_name_in_the_whole():
    model = Sequential(L.Linear(1, 1), L.Linear(1, 1))
    model[1:]
    assert names(model) == ["/0/W", "/0/b", "/1/W", "/1/b"]
    assert repr(model).splitlines()[2].strip().startswith("1: Linear")


def test_flatten_takes_the_layers_of_sequentials_inside_at_any_depth():
    a, b, c = L.Linear(1, 1), L.Linear(1, 1), Chain()
    model = Sequential(a, Sequential(F.relu, Sequential(b)), c)
    assert list(model.flatten()) == [a, F.relu, b, c]
    assert len(model) == 3


@pytest.mark.parametrize(
    "put",
    [lambda m: m.append(3), lambda m: m.insert(0, 3), lambda m: m.extend([3]), lambda m: m.__setitem__(0, 3)],
    ids=["append", "insert", "extend", "assignment"],
)
def test_what_cannot_be_called_is_no_layer(put):
    model = Sequential(F.relu)
    with pytest.raises(ArgumentError, match="got a int"):
        put(model)
    assert list(model) == [F.relu]


def test_a_layer_may_stand_in_it_twice():
    layer = L.Linear(2, 2)
    model = Sequential(layer, layer)
    assert names(model) == ["/0/W", "/0/b", "/1/W", "/1/b"]
    assert model.count_params() == 6
    model.remove(layer)
    assert list(model) == [layer]


def test_copies_keep_functions_and_copy_links():
    model = Sequential(L.Linear(2, 2), F.relu)
    copied = model.copy("copy")
    assert copied[0] is not model[0]
    assert copied[1] is F.relu


def test_it_may_have_parameters_of_its_own():
    model = Sequential(L.Linear(1, 1, nobias=True))
    model.add_param("scale", (1,))
    assert names(model) == ["/scale", "/0/W"]


def test_it_can_be_a_part_of_a_chain():
    model = Chain(body=Sequential(L.Linear(1, 1, nobias=True)), head=Link())
    assert names(model) == ["/body/0/W"]


def test_it_shows_functions_by_their_names():
    class Halve:
        def __call__(self, x):
            return x / 2

        def __repr__(self):
            return "halve"

    assert repr(Sequential(F.relu, Halve())) == "Sequential  0\n  0: relu\n  1: halve"
