"""Hooks around the calls of links: when they run, and what they leave behind."""

import copy
import io
import pickle
import threading

import numpy as np
import pytest

import chainette
import chainette_links as L
from chainette.errors import ArgumentError, HookError
from chainette_links import Chain, Link, LinkHook
from chainette_links.link_hooks import TimerHook, WeightNorm, WeightStandardization

X = np.random.default_rng(0).standard_normal((4, 3)).astype("f")


class Log(LinkHook):
    def __init__(self, name, events):
        self.name, self.events = name, events

    def added(self, link):
        self.events.append(f"{self.name} added {type(link).__name__}")

    def deleted(self, link):
        self.events.append(f"{self.name} deleted {type(link).__name__}")

    def forward_preprocess(self, args):
        self.events.append(f"{self.name} before {type(args.link).__name__}")

    def forward_postprocess(self, args):
        self.events.append(f"{self.name} after {type(args.link).__name__}")

    def forward_failed(self, args):
        self.events.append(f"{self.name} failed {type(args.link).__name__}")


class Double(Link):
    def forward(self, x, factor=2):
        return x * factor


class Outer(Chain):
    def __init__(self):
        super().__init__(inner=Double())

    def forward(self, x):
        return self.inner(x)


def test_hooks_are_shown_by_the_facade():
    assert chainette.link_hooks.TimerHook is TimerHook
    assert set(dir(chainette.link_hooks)) >= {
        "SpectralNormalization", "TimerHook", "WeightNorm", "WeightStandardization"}  # fmt: skip
    assert chainette.LinkHook is LinkHook


# When hooks run


def test_without_hooks_a_call_is_forward_after_one_test(monkeypatch):
    def refuse(*args):
        raise AssertionError

    monkeypatch.setattr("chainette_links.link.call_watched", refuse)
    link = Double()
    assert link(3) == 6
    link.add_hook(LinkHook())
    with pytest.raises(AssertionError):
        link(3)
    link.delete_hook("LinkHook")
    assert link(3) == 6
    assert not {"_hooks", "_watched"} & set(vars(link))
    with LinkHook(), pytest.raises(AssertionError):
        link(3)
    assert link(3) == 6


def test_a_hook_of_the_thread_sees_all_links_and_one_of_a_link_that_link_alone():
    events = []
    model = Outer()
    assert model.inner.add_hook(Log("own", events)) is model.inner
    with Log("all", events) as hook:
        assert isinstance(hook, Log)
        model(1)
    model(1)
    model.inner.delete_hook("own")
    model(1)
    assert events == [
        "own added Double",
        "all added NoneType",
        "all before Outer", "all before Double", "own before Double", "own after Double", "all after Double",
        "all after Outer",
        "all deleted NoneType",
        "own before Double", "own after Double",
        "own deleted Double",
    ]  # fmt: skip


def test_hooks_see_the_call_and_may_change_it():
    class Change(LinkHook):
        def forward_preprocess(self, args):
            assert (args.args, args.kwargs, args.out, args.forward_name) == ((3,), {"factor": 5}, None, "forward")
            args.args, args.kwargs = (4,), {}

        def forward_postprocess(self, args):
            assert args.out == 8
            args.out = "changed"

    assert Double().add_hook(Change())(3, factor=5) == "changed"


def test_after_an_error_the_hooks_that_were_entered_are_told():
    events = []

    class Broken(LinkHook):
        name = "broken"

        def forward_preprocess(self, args):
            raise ValueError("broken")

    link = Double().add_hook(Log("first", events))
    with pytest.raises(TypeError):
        link()
    link.add_hook(Broken()).add_hook(Log("last", events))
    with pytest.raises(ValueError, match="broken"):
        link(1)
    assert [event for event in events if "added" not in event] == ["first before Double", "first failed Double"] * 2


def test_a_postprocess_that_fails_does_not_keep_the_others_from_cleaning_up():
    events = []

    class Broken(LinkHook):
        name = "broken"

        def forward_postprocess(self, args):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        Double().add_hook(Log("first", events)).add_hook(Broken())(1)
    assert events[-1] == "first failed Double"


def test_a_hook_of_one_thread_is_not_seen_by_another():
    events, link = [], Double()
    with Log("mine", events):
        other = threading.Thread(target=lambda: link(1))
        other.start()
        other.join()
        assert events == ["mine added NoneType"]


def test_nested_contexts_end_in_any_case():
    outer, inner = Log("outer", []), Log("inner", [])
    with pytest.raises(RuntimeError), outer, inner:
        raise RuntimeError
    Double()(1)
    assert all("before" not in event for event in outer.events + inner.events)


def test_names_are_unique_and_may_be_given():
    link = Double().add_hook(LinkHook()).add_hook(LinkHook(), name="second")
    assert list(link.local_link_hooks) == ["LinkHook", "second"]
    with pytest.raises(HookError, match=r"Double: a hook named 'second' is there already\. Give another name="):
        link.add_hook(LinkHook(), name="second")
    with pytest.raises(HookError, match=r"Double: no hook named 'third' \(there are: LinkHook, second\)"):
        link.delete_hook("third")
    link.delete_hook("LinkHook")
    assert list(link.local_link_hooks) == ["second"]
    with LinkHook(), pytest.raises(HookError, match="a link hook named 'LinkHook' is installed already"), LinkHook():
        pass


def test_a_hook_that_refuses_a_link_is_not_installed():
    link = Double()
    with pytest.raises(ArgumentError, match="WeightNorm: Double has no parameter 'W'"):
        link.add_hook(WeightNorm())
    assert link.local_link_hooks == {}


def test_copies_have_the_hooks_that_the_link_had():
    link = L.Linear(3, 2).add_hook(WeightStandardization())
    expected = link(X).array
    for copied in (link.copy("copy"), copy.deepcopy(link), pickle.loads(pickle.dumps(link))):
        np.testing.assert_array_equal(copied(X).array, expected)
        copied.delete_hook("WeightStandardization")
    assert list(link.local_link_hooks) == ["WeightStandardization"]


# Timing


def test_the_timer_counts_links_and_the_time_of_the_outermost():
    hook, model = TimerHook(), Outer()
    with hook:
        model(1)
        model(2)
    with pytest.raises(TypeError), hook:
        model()
    assert [name for name, _ in hook.call_history] == ["Double", "Outer"] * 2
    assert hook.total_time() == sum(seconds for name, seconds in hook.call_history if name == "Outer") > 0
    with hook:
        model(1)
    assert hook.summary()["Double"]["occurrence"] == 3
    out = io.StringIO()
    hook.print_report(out)
    assert out.getvalue().split()[:3] == ["link", "seconds", "calls"]
    assert [line.split()[0] for line in out.getvalue().splitlines()[1:]] == ["Outer", "Double"]
