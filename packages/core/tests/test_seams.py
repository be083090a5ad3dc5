"""The three seams: function hooks (see test_function_hooks), retention, interception."""

import numpy as np
import pytest

import chainette
from chainette import Function, Variable
from chainette.function_hooks import FunctionHook


def test_retention_decides_how_arrays_are_kept_and_come_back():
    packed, unpacked = [], []

    def pack(array):
        packed.append(array.shape)
        return array.astype("e")

    def unpack(small):
        unpacked.append(small.shape)
        return small.astype("d")

    x = Variable(np.array([1.0, 2.0]))
    with chainette.retention(pack, unpack):
        y = x * x
    assert packed == [(2,), (2,)]
    assert unpacked == []
    y.sum().backward()
    assert unpacked == [(2,), (2,)]
    assert x.grad.tolist() == [2, 4]


def test_what_retention_brings_back_is_still_connected():
    x = Variable(np.array(3.0))
    with chainette.retention(lambda a: a.copy(), lambda a: a):
        y = x * x * x
    (gx,) = chainette.grad([y], [x], enable_double_backprop=True)
    (ggx,) = chainette.grad([gx], [x])
    assert (gx.item(), ggx.item()) == (27, 18)


def test_retention_frees_what_it_packs():
    import weakref

    x = Variable(np.ones(2))
    with chainette.retention(lambda a: a.tobytes(), lambda b: np.frombuffer(b).copy()):
        h = x + 1
        array = weakref.ref(h.array)
        y = h * h
        del h
    assert array() is None
    y.sum().backward()
    assert x.grad.tolist() == [4, 4]


def test_an_interceptor_sees_each_application_before_it_runs():
    seen = []

    def watch(function, inputs):
        seen.append((function.name, len(inputs)))
        return NotImplemented

    x = Variable(np.ones(2))
    with chainette.interception(watch):
        y = x * 2 + x
    assert seen == [("mul", 2), ("add", 2)]
    assert y.array.tolist() == [3, 3]
    x + x
    assert len(seen) == 2


def test_an_interceptor_may_answer_in_the_function_s_place_and_apply_functions_itself():
    def doubled(function, inputs):
        return type(function)().apply(*inputs) * 2 if function.name == "add" else NotImplemented

    x = Variable(np.ones(2))
    with chainette.interception(doubled):
        y = x + x
    y.sum().backward()
    assert y.array.tolist() == [4, 4]
    assert x.grad.tolist() == [4, 4]


def test_seams_belong_to_one_thread_and_leave_nothing_behind():
    import threading

    names = []

    class Names(FunctionHook):
        name = "names"

        def forward_preprocess(self, function, in_data):
            names.append(function.name)

    def work():
        Variable(np.ones(2)) * 2

    with Names():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    work()
    assert names == []
    assert not chainette.config.__dict__["_target"]()._watched


def test_nothing_is_packed_when_no_graph_is_recorded():
    with chainette.retention(lambda a: pytest.fail("packed"), lambda a: a):
        Variable(np.ones(2), requires_grad=False) * np.ones(2)


def test_an_error_inside_a_seam_takes_it_away():
    with pytest.raises(ZeroDivisionError), chainette.interception(lambda function, inputs: NotImplemented):
        raise ZeroDivisionError
    assert chainette.config.__dict__["_target"]()._interceptor is None
    assert isinstance(Variable(np.ones(1)) + 1, Variable)
    assert issubclass(Function, object)
