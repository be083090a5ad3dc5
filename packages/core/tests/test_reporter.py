"""Values on their way from a model to whoever wants to see them."""

import threading

import numpy as np
import pytest

import chainette
from chainette import Reporter, Variable, get_current_reporter, report, report_scope
from chainette.errors import ReportError


def test_nothing_happens_while_nobody_listens():
    report({"x": 1}, object())
    assert get_current_reporter() is None


def test_the_innermost_reporter_listens():
    outer, inner = Reporter(), Reporter()
    with outer:
        report({"x": 1})
        with inner:
            report({"x": 2})
            assert get_current_reporter() is inner
        report({"y": 3})
    assert (outer.observation, inner.observation) == ({"x": 1, "y": 3}, {"x": 2})


def test_values_begin_with_the_name_of_who_reports_them():
    first, second, reporter = object(), object(), Reporter()
    reporter.add_observer("main", first)
    reporter.add_observers("main", {"/l1": second})
    with reporter:
        report({"loss": 1}, first)
        report({"norm": 2}, second)
    assert reporter.observation == {"main/loss": 1, "main/l1/norm": 2}
    with reporter, pytest.raises(ReportError, match=r"this object has no name here \(there are: main, main/l1\)"):
        report({"x": 1}, object())


def test_what_is_noted_of_a_variable_holds_no_graph():
    x = Variable(np.ones(3))
    with Reporter() as reporter:
        report({"loss": (x * 2).sum()})
    noted = reporter.observation["loss"]
    assert (noted.item(), noted.creator, noted.requires_grad) == (6.0, None, False)


def test_a_scope_notes_elsewhere_for_a_while_also_after_an_error():
    def fail():
        report({"x": 1})
        raise ZeroDivisionError

    aside = {}
    with Reporter() as reporter:
        with pytest.raises(ZeroDivisionError), report_scope(aside):
            fail()
        report({"y": 2})
    assert (aside, reporter.observation) == ({"x": 1}, {"y": 2})
    with pytest.raises(ReportError, match="no Reporter is in use"), report_scope({}):
        pass


def test_another_thread_is_not_listened_to():
    with Reporter() as reporter:
        thread = threading.Thread(target=report, args=({"x": 1},))
        thread.start()
        thread.join()
    assert reporter.observation == {}
    assert chainette.Reporter is Reporter
