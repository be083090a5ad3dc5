"""Values on their way from a model to whoever wants to see them.

A model says ``report({"loss": loss}, self)`` and needs not know who listens. A Reporter that is in use notes the values
under the name by which it knows the model; without one, nothing happens.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from chainette.errors import ReportError
from chainette.variable import Variable


class _Stack(threading.local):
    """The reporters in use in this thread; the last one listens."""

    def __init__(self) -> None:
        self.reporters: list[Reporter] = []


_used = _Stack()


class Reporter:
    """Notes what is reported while it is in use: ``with reporter: ...``.

    Attributes:
        observation: the values so far, by name.

    >>> reporter, model = Reporter(), object()
    >>> reporter.add_observer("main", model)
    >>> with reporter:
    ...     report({"loss": 0.5}, model)
    ...     report({"lr": 0.1})
    >>> reporter.observation
    {'main/loss': 0.5, 'lr': 0.1}
    """

    def __init__(self) -> None:
        self.observation: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._observers: dict[int, object] = {}  # kept alive, so that no other object gets the id

    def __enter__(self) -> Self:
        _used.reporters.append(self)
        return self

    def __exit__(self, *exception: object) -> None:
        _used.reporters.pop()

    @contextmanager
    def scope(self, observation: dict[str, Any]) -> Iterator[None]:
        """Listen, and note the values in another dictionary for a while.

        >>> reporter, observation = Reporter(), {}
        >>> with reporter.scope(observation):
        ...     report({"x": 1})
        >>> observation
        {'x': 1}
        """
        before, self.observation = self.observation, observation
        try:
            with self:
                yield
        finally:
            self.observation = before

    def add_observer(self, name: str, observer: object) -> None:
        """Know an object that reports by a name, with which the names of its values begin."""
        self._names[id(observer)] = name
        self._observers[id(observer)] = observer

    def add_observers(self, prefix: str, observers: Mapping[str, object] | Iterator[tuple[str, object]]) -> None:
        """Know several objects: ``reporter.add_observers("main", model.namedlinks())``."""
        pairs = observers.items() if isinstance(observers, Mapping) else observers
        for name, observer in pairs:
            self.add_observer(prefix + name, observer)

    def report(self, values: Mapping[str, Any], observer: object | None = None) -> None:
        """Note some values, whoever listens besides.

        Args:
            values: numbers, arrays or Variables by name. Of a Variable the array is noted, without its graph.
            observer: who reports; None for nobody.

        Raises:
            ReportError: (a KeyError) the observer has no name here.
        """
        prefix = "" if observer is None else self._prefix(observer)
        for name, value in values.items():
            if isinstance(value, Variable):
                value = Variable(value.array, requires_grad=False)
            self.observation[prefix + name] = value

    def _prefix(self, observer: object) -> str:
        name = self._names.get(id(observer))
        if name is None:
            raise ReportError(
                f"report: this {type(observer).__name__} has no name here (there are: "
                f"{', '.join(sorted(self._names.values())) or 'none'}). Give it one with reporter.add_observer."
            )
        return f"{name}/"


def get_current_reporter() -> Reporter | None:
    """The reporter that listens in this thread, or None."""
    return _used.reporters[-1] if _used.reporters else None


def report(values: Mapping[str, Any], observer: object | None = None) -> None:
    """Tell some values to the reporter that listens in this thread; without one, do nothing.

    Args:
        values: numbers, arrays or Variables by name.
        observer: who reports, usually ``self``: the names then begin with the name by which the reporter knows it.

    Raises:
        ReportError: (a KeyError) the reporter does not know the observer.

    >>> with Reporter() as reporter:
    ...     report({"loss": Variable(np.float32(2.5))})
    >>> reporter.observation
    {'loss': variable(2.5)}
    """
    if _used.reporters:
        _used.reporters[-1].report(values, observer)


@contextmanager
def report_scope(observation: dict[str, Any]) -> Iterator[None]:
    """Have the reporter that listens note its values in another dictionary for a while.

    >>> with Reporter() as reporter, report_scope({}) as _:
    ...     report({"x": 1})
    >>> reporter.observation
    {}
    """
    reporter = get_current_reporter()
    if reporter is None:
        raise ReportError("report_scope: no Reporter is in use. Write it within 'with reporter:'.")
    with reporter.scope(observation):
        yield
