"""Function hooks: when they are called, for which functions, and what TimerHook and PrintHook tell."""

import io
import re
import time

import numpy as np
import pytest

import chainette
from chainette import Function, Variable, get_function_hooks
from chainette.errors import HookError
from chainette.function_hooks import FunctionHook, PrintHook, TimerHook
from chainette.testing import fake_backend, isolated_plugins


class Log(FunctionHook):
    """Notes every call."""

    def __init__(self, name="log", log=None):
        self.name = name
        self.log = [] if log is None else log

    def note(self, what, function):
        self.log.append(f"{self.name} {what} {function.name}")

    def added(self, function):
        self.log.append(f"{self.name} added to {getattr(function, 'name', 'all')}")

    def deleted(self, function):
        self.log.append(f"{self.name} deleted from {getattr(function, 'name', 'all')}")

    def forward_preprocess(self, function, in_data):
        self.note("before", function)

    def forward_postprocess(self, function, in_data):
        self.note("after", function)

    def backward_preprocess(self, function, in_data, out_grad):
        self.note("before backward of", function)

    def backward_postprocess(self, function, in_data, out_grad):
        self.note("after backward of", function)


class Twice(Function):
    def forward(self, x):
        return 2 * x

    def backward(self, gy):
        return 2 * gy


def test_a_hook_is_called_around_each_application_and_each_step_of_backward():
    x = Variable(np.ones(2))
    with Log() as hook:
        y = Twice().apply(x).sum()
        hook.log.append("backward")
        y.backward()
    assert hook.log[:6] == ["log added to all", "log before twice", "log after twice", "log before sum",
                            "log after sum", "backward"]  # fmt: skip
    backward = [line for line in hook.log if "backward of" in line]
    assert backward == ["log before backward of sum", "log after backward of sum", "log before backward of twice",
                        "log after backward of twice"]  # fmt: skip
    assert hook.log[-1] == "log deleted from all"
    assert hook.log.count("log before mul") == 1, "what backward applies is seen too"


def test_hooks_nest_like_brackets():
    log = []
    with Log("a", log), Log("b", log):
        Twice().apply(np.ones(2))
    assert [line for line in log if "twice" in line] == ["a before twice", "b before twice", "b after twice",
                                                         "a after twice"]  # fmt: skip


def test_a_hook_sees_inputs_gradients_and_none_for_what_was_not_kept():
    class Look(FunctionHook):
        name = "look"
        seen = None

        def forward_preprocess(self, function, in_data):
            self.inputs = in_data

        def backward_preprocess(self, function, in_data, out_grad):
            self.seen = self.seen or (in_data, out_grad)

    a, b = Variable(np.array([2.0])), np.array([3.0])
    with Look() as look:
        y = a * b
        assert look.inputs == (a.array, b)
        y.backward()
    in_data, out_grad = look.seen
    assert in_data[0] is None
    assert in_data[1] is b
    assert out_grad[0].tolist() == [1]


def test_hooks_are_those_installed_in_this_thread_by_name():
    assert get_function_hooks() == {}
    with Log("a") as a, Log("b") as b:
        assert get_function_hooks() == {"a": a, "b": b}
        get_function_hooks().clear()
        assert list(get_function_hooks()) == ["a", "b"]
    assert get_function_hooks() == {}


def test_two_hooks_of_one_name_are_an_error_and_the_first_stays():
    with Log() as first:
        with pytest.raises(HookError, match=r"^a function hook named 'log' is installed already\. Give"), Log():
            pass
        assert get_function_hooks() == {"log": first}
    assert isinstance(HookError(), KeyError)


def test_a_hook_is_removed_after_an_error_and_can_be_installed_again():
    hook = Log()
    with pytest.raises(ZeroDivisionError), hook:
        _ = 1 / 0
    assert get_function_hooks() == {}
    with hook:
        Twice().apply(np.ones(2))
    assert "log after twice" in hook.log


def test_a_hook_of_one_function_is_called_for_that_one_only():
    hook, function = Log(), Twice()
    x = Variable(np.ones(()))
    function.add_hook(hook)
    Twice().apply(function.apply(x)).backward()
    assert hook.log == ["log added to twice", "log before twice", "log after twice", "log before backward of twice",
                        "log after backward of twice"]  # fmt: skip


def test_hooks_of_one_function_run_inside_those_of_all():
    log, function = [], Twice()
    function.add_hook(Log("local", log))
    with Log("global", log):
        function.apply(np.ones(2))
    assert [line.split()[0] for line in log if "twice" in line] == ["local", "global", "local", "local", "global"]


def test_local_hooks_have_names_too_and_are_removed_by_them():
    function, hook = Twice(), Log()
    function.add_hook(hook)
    with pytest.raises(HookError, match="twice: a hook named 'log' is there already"):
        function.add_hook(Log())
    function.add_hook(Log(), name="other")
    function.delete_hook("log")
    with pytest.raises(HookError, match=r"twice: no hook named 'log' \(there are: other\)"):
        function.delete_hook("log")
    function.apply(np.ones(2))
    assert not [line for line in hook.log if "before" in line]


def test_a_local_hook_is_told_that_it_was_removed():
    function, hook = Twice(), Log()
    function.add_hook(hook)
    function.delete_hook("log")
    assert hook.log == ["log added to twice", "log deleted from twice"]


def test_an_error_in_forward_reaches_the_user_with_hooks_as_without():
    class Fails(Function):
        def forward(self, x):
            raise ValueError("no way")

    with Log(), pytest.raises(ValueError, match="no way"):
        Fails().apply(np.ones(2))


def test_a_plain_hook_does_nothing():
    with FunctionHook():
        y = Twice().apply(Variable(np.ones(())))
        y.backward()


# TimerHook


class Slow(Function):
    def forward(self, x):
        time.sleep(0.02)
        return x.copy()

    def backward(self, gy):
        time.sleep(0.01)
        return gy


def test_timer_hook_measures_each_call_and_sums_up():
    hook = TimerHook()
    with hook:
        y = Slow().apply(Slow().apply(Variable(np.ones(()))))
        y.backward()
    calls = [name for name, _ in hook.call_history if name.startswith("slow")]
    assert calls == ["slow", "slow", "slow backward", "slow backward"]
    summary = hook.summary()
    assert (summary["slow"]["occurrence"], summary["slow backward"]["occurrence"]) == (2, 2)
    assert summary["slow"]["total_time"] > 0.03
    assert hook.total_time() == pytest.approx(sum(row["total_time"] for row in summary.values()))
    assert hook.total_time() < 5


def test_timer_hook_times_a_function_that_applies_another_and_survives_errors():
    class Outer(Function):
        def forward(self, x):
            return Slow().apply(x).array

    class Fails(Function):
        def forward(self, x):
            raise ValueError("on purpose")

    hook = TimerHook()
    with hook:
        with pytest.raises(ValueError, match="on purpose"):
            Fails().apply(np.ones(()))
        Outer().apply(np.ones(()))
    seconds = dict(hook.call_history)
    assert list(seconds) == ["slow", "outer"]
    assert 0.015 < seconds["slow"] <= seconds["outer"] < 5


def test_timer_hook_prints_the_most_expensive_first():
    hook, out = TimerHook(), io.StringIO()
    hook.call_history = [("cheap", 0.25), ("dear", 2.0), ("cheap", 0.25)]
    hook.print_report(out)
    assert [re.split(r"\s{2,}", line) for line in out.getvalue().splitlines()] == [
        ["function", "seconds", "calls"],
        ["dear", "2.000000", "1"],
        ["cheap", "0.500000", "2"],
    ]


def test_timer_hook_waits_for_an_accelerator(monkeypatch):
    waited = []
    with isolated_plugins(fake_backend.plugin):
        x = Variable(chainette.to_device(np.ones(()), "fake:1"))
        monkeypatch.setattr(chainette.Device, "synchronize", lambda device: waited.append(str(device)))
        with TimerHook():
            Twice().apply(x)
    assert set(waited) == {"fake:1"}
    assert len(waited) >= 2


# PrintHook


def test_print_hook_shows_shapes_and_means():
    out = io.StringIO()
    with PrintHook(out):
        y = Twice().apply(Variable(np.array([1.0, 3.0], "f")))
        y.grad = np.ones(2, "f")
        y.backward()
    first, backward, *_ = out.getvalue().splitlines()
    assert first == "function  twice  (2,) float32 mean=2"
    assert backward == "backward  twice  gy: (2,) float32 mean=1"
