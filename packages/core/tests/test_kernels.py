"""Kernels: which one runs, when it declines, and that tables are never inherited."""

from types import SimpleNamespace

import numpy as np
import pytest

from chainette import Function, Kernel, Variable, which_kernel
from chainette.hooks import hookimpl
from chainette.kernels import forget_kernels
from chainette.testing import isolated_plugins


class Double(Function):
    """2 x, which a kernel may compute."""

    def forward(self, x):
        return x + x

    def backward(self, gy):
        return DoubleGrad().gradient_of(self).apply(gy)


class DoubleGrad(Function):
    def forward(self, gy):
        return gy + gy


KEY = f"{Double.__module__.partition('.')[0]}:double"


def plugin(*kernels):
    @hookimpl
    def chainette_kernels(backend):
        return [kernel for kernel in kernels if kernel.backend == backend]

    return SimpleNamespace(__name__="kernels", chainette_api=1, chainette_kernels=chainette_kernels)


def kernel(name, result, priority=0, function=KEY):
    return Kernel(function, "cpu", name, lambda self, x: result(x), priority)


def test_a_kernel_runs_in_place_of_the_generic_code():
    with isolated_plugins(plugin(kernel("fast", lambda x: x * 20))):
        assert Double().apply(np.ones(1)).array == 20
        assert which_kernel(Double(), np.ones(1)) == "fast"
    assert Double().apply(np.ones(1)).array == 2
    assert which_kernel(Double(), np.ones(1)) == "generic"


def test_a_kernel_that_declines_leaves_it_to_the_next_and_in_the_end_to_the_generic_code():
    small = kernel("small", lambda x: x * 20 if x.size == 1 else NotImplemented, priority=1)
    single = kernel("single", lambda x: x * 30 if x.dtype == "f" else NotImplemented)
    with isolated_plugins(plugin(single, small)):
        assert Double().apply(np.ones(1)).array.tolist() == [20]
        assert Double().apply(np.ones(2, "f")).array.tolist() == [30, 30]
        assert Double().apply(np.ones(2)).array.tolist() == [2, 2]
        assert which_kernel(Double(), np.ones(2, "f")) == "single"
        assert which_kernel(Double(), np.ones(2)) == "generic"


def test_the_higher_priority_is_tried_first_and_ties_go_by_name():
    with isolated_plugins(plugin(kernel("b", lambda x: x * 2), kernel("a", lambda x: x * 3))):
        assert which_kernel(Double(), np.ones(1)) == "a"
    with isolated_plugins(plugin(kernel("b", lambda x: x * 2, priority=1), kernel("a", lambda x: x * 3))):
        assert which_kernel(Double(), np.ones(1)) == "b"


def test_a_subclass_that_overrides_forward_runs_its_own():
    class Halved(Double):
        def forward(self, x):
            return x / 2

    with isolated_plugins(plugin(kernel("fast", lambda x: x * 20))):
        assert Halved().apply(np.ones(1)).array == 0.5


def test_a_class_that_shares_a_name_does_not_share_the_kernel():
    class ReLU(Function):
        def forward(self, x):
            return x

    with isolated_plugins(plugin(kernel("relu of chainette", lambda x: x * 20, function="relu"))):
        assert ReLU().apply(np.ones(1)).array == 1


def test_a_kernel_may_retain_data_of_its_own_which_the_gradient_s_kernel_receives():
    def forward(self, x):
        self.retain(workspace="made by the kernel")
        return x + x

    seen = []

    def backward(self, gy):
        seen.append(self.primal.retained("workspace"))
        return gy * 2

    both = plugin(Kernel(KEY, "cpu", "fast", forward), Kernel(KEY + "_grad", "cpu", "fast", backward))
    with isolated_plugins(both):
        x = Variable(np.ones(1))
        Double().apply(x).backward()
    assert seen == ["made by the kernel"]
    assert x.grad == 2


def test_the_switch_turns_all_kernels_off(monkeypatch):
    with isolated_plugins(plugin(kernel("fast", lambda x: x * 20))):
        monkeypatch.setenv("CHAINETTE_KERNELS", "generic")
        forget_kernels()
        assert Double().apply(np.ones(1)).array == 2
    monkeypatch.delenv("CHAINETTE_KERNELS")


def test_a_number_before_the_array_finds_the_array_s_kernel():
    class Scale(Function):
        def forward(self, factor, x):
            return factor * x

    fast = Kernel(KEY.replace("double", "scale"), "cpu", "fast", lambda self, factor, x: x * 100)
    with isolated_plugins(plugin(fast)):
        assert Scale().apply(2.0, np.ones(1)).array == 100


def test_which_kernel_needs_an_array():
    with pytest.raises(ValueError, match="no array among the inputs"):
        which_kernel(Double(), 2.0)
