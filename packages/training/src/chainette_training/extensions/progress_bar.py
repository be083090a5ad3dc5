"""How far training is, while it runs."""

from __future__ import annotations

import math
import os
import sys
from collections import deque
from datetime import timedelta
from importlib.util import find_spec
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from chainette.errors import ArgumentError
from chainette_training.extension import Extension

if TYPE_CHECKING:
    from rich.console import Console

Length = tuple[float, str]

RECENT = 30.0  # seconds over which the iterations per second are counted


class ProgressBar(Extension):
    """Shows how far training is: the epoch, a bar, the iterations per second, and the time that is left.

    In a terminal or a notebook it is one line that moves, below whatever else is printed, and is gone when training
    ends. This needs rich: ``pip install 'chainette-training[progress]'``. Elsewhere, and without rich, it is a line of
    text every ten seconds, and nothing where the environment variable ``CI`` is set::

        epoch 3 of 20, iteration 1,200 of 8,000, 15 %, 310 iterations/s, 0:00:22 left

    Args:
        training_length: how long training takes, as ``(20, "epoch")`` or ``(8000, "iteration")``. None asks the
            trainer's stop trigger; where it cannot say, only what has been done is shown.
        update_interval: iterations from one drawing of the bar to the next. It is drawn at most five times, and at
            least once, a second, so that it costs next to nothing.
        bar_length: characters of the bar, if there is room for them.
        out: where to write; None means ``sys.stdout`` as it is when training begins.

    Raises:
        ArgumentError: ``training_length`` is no such pair, or a number is below 1.

    >>> import chainette.links as L
    >>> from chainette import iterators, optimizers
    >>> from chainette.training import Trainer, updaters
    >>> iterator = iterators.SerialIterator([(np.ones(2, "f"), 0), (np.zeros(2, "f"), 1)], 1)
    >>> updater = updaters.StandardUpdater(iterator, optimizers.SGD().setup(L.Classifier(L.Linear(2, 3))))
    >>> trainer = Trainer(updater, (20, "epoch"), out=folder)
    >>> trainer.extend(ProgressBar(update_interval=10))
    >>> trainer.run()
    """

    def __init__(
        self,
        training_length: Length | None = None,
        update_interval: int = 100,
        bar_length: int = 50,
        out: TextIO | None = None,
    ) -> None:
        if training_length is not None and not _is_length(training_length):
            raise ArgumentError(
                f"ProgressBar: training_length={training_length!r} (expected e.g. (20, 'epoch'), (8000, 'iteration'))."
            )
        for name, value in ("update_interval", update_interval), ("bar_length", bar_length):
            if value < 1:
                raise ArgumentError(f"ProgressBar: {name}={value} (expected at least 1).")
        self._length = training_length
        self._update_interval = update_interval
        self._bar_length = bar_length
        self._out = out
        self._course: _Course | None = None
        self._display: _Display | None = None
        self._soonest = self._latest = 0.0  # when it is shown again
        self._iteration = 0

    def initialize(self, trainer: Any) -> None:
        length = self._length
        if length is None:
            ask = getattr(trainer.stop_trigger, "get_training_length", None)
            length = ask() if ask is not None else None
        self._course = _Course(trainer.updater, length if _is_length(length) else None)
        self._soonest = self._latest = 0.0

    def __call__(self, trainer: Any) -> None:
        now = perf_counter()
        if now < self._soonest or (now < self._latest and trainer.updater.iteration < self._iteration):
            return
        if self._course is None:
            self.initialize(trainer)
        assert self._course is not None
        if self._display is None:
            self._display = _display(sys.stdout if self._out is None else self._out, self._bar_length)
        self._course.look(now)
        self._display.show(self._course)
        self._soonest, self._latest = now + self._display.soonest, now + self._display.latest
        self._iteration = trainer.updater.iteration + self._update_interval

    def finalize(self) -> None:
        """Leave the terminal as it was."""
        display, self._display, self._course = self._display, None, None
        if display is not None:
            display.close()


class _Course:
    """Where training is, how fast it goes and how long it will take."""

    def __init__(self, updater: Any, length: Length | None) -> None:
        self._updater = updater
        self._length = length
        self._begin = perf_counter(), self.done or 0.0
        self._recent = deque([(self._begin[0], updater.iteration)])
        self.elapsed = 0.0

    def look(self, now: float) -> None:
        """Note where it is now."""
        self.elapsed = now - self._begin[0]
        self._recent.append((now, self._updater.iteration))
        while len(self._recent) > 2 and now - self._recent[1][0] > RECENT:
            self._recent.popleft()

    @property
    def done(self) -> float | None:
        """The fraction that has been done, where it is known."""
        if self._length is None:
            return None
        length, unit = self._length
        now: float = self._updater.epoch_detail if unit == "epoch" else self._updater.iteration
        return min(now / length, 1.0)

    @property
    def epoch(self) -> str:
        epoch = math.floor(self._updater.epoch_detail) + 1
        if self._length is None or self._length[1] != "epoch":
            return f"epoch {epoch:,}"
        return f"epoch {min(epoch, math.ceil(self._length[0])):,} of {self._length[0]:,g}"

    @property
    def iteration(self) -> str:
        iteration, done = self._updater.iteration, self.done
        if self._length is not None and self._length[1] == "iteration":
            return f"iteration {iteration:,} of {self._length[0]:,.0f}"
        return f"iteration {iteration:,} of {iteration / done:,.0f}" if done else f"iteration {iteration:,}"

    @property
    def title(self) -> str:
        """What is counted in, in short."""
        if self._length is None:
            return f"{self.epoch}, {self.iteration}"
        return self.epoch if self._length[1] == "epoch" else self.iteration

    @property
    def percent(self) -> str:
        return "" if self.done is None else f"{math.floor(100 * self.done)} %"

    @property
    def rate(self) -> str:
        (before, first), (now, last) = self._recent[0], self._recent[-1]
        if last <= first or now <= before:
            return ""
        rate = (last - first) / (now - before)
        return f"{_three_digits(rate)} iterations/s" if rate >= 1 else f"{_three_digits(1 / rate)} s/iteration"

    @property
    def left(self) -> str:
        """The time that is left, if the rest goes as what has been done in this run, with all that comes in between."""
        done, before = self.done, self._begin[1]
        if done is None or done <= before:
            return ""
        return f"{timedelta(seconds=round(self.elapsed * (1 - done) / (done - before)))} left"


class _Display(Protocol):
    soonest: float
    latest: float

    def show(self, course: _Course) -> None: ...

    def close(self) -> None: ...


class _Bar:
    """A line that moves. It is drawn by the training thread: one of its own would make forks unsafe."""

    soonest, latest = 0.2, 1.0  # a drawing takes 0.4 ms

    def __init__(self, console: Console, length: int) -> None:
        from rich.live import Live

        self._length = length
        self._live = Live(
            console=console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=is_terminal(sys.stdout),  # what goes to a file must not come here
            redirect_stderr=is_terminal(sys.stderr),
        )

    def show(self, course: _Course) -> None:
        from rich.constrain import Constrain
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        line = Table.grid(padding=(0, 1))
        line.add_column(no_wrap=True)
        if course.done is None:
            line.add_row(course.title, course.rate)
        else:
            line.add_column()  # the bar, which is made narrower where there is no room
            line.add_column(style="progress.percentage", no_wrap=True)
            line.add_column(no_wrap=True)
            line.add_column(style="progress.remaining", no_wrap=True)
            bar = ProgressBar(1.0, course.done, width=self._length)
            line.add_row(course.title, bar, course.percent, course.rate, course.left)
        self._live.start()
        # The terminal writes ^C behind the line where somebody interrupts: a full line would be broken by it.
        self._live.update(Constrain(line, self._live.console.width - 3), refresh=True)

    def close(self) -> None:
        self._live.stop()


class _Lines:
    """Lines of text, seldom enough for a log file."""

    soonest = latest = 10.0

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def show(self, course: _Course) -> None:
        if course.elapsed < self.soonest:
            return
        parts = course.epoch, course.iteration, course.percent, course.rate, course.left
        print(", ".join(filter(None, parts)), file=self._out, flush=True)

    def close(self) -> None:
        pass


class _Nothing:
    soonest = latest = math.inf

    def show(self, course: _Course) -> None:
        pass

    def close(self) -> None:
        pass


def _display(out: TextIO, bar_length: int) -> _Display:
    console = _console(out)
    if console is not None:
        return _Bar(console, bar_length)
    return _Nothing() if os.environ.get("CI") and not is_terminal(out) else _Lines(out)


def _console(out: TextIO) -> Console | None:
    """What rich draws on, or None where no line can move."""
    if not is_terminal(out) and "ipykernel" not in sys.modules:
        return None
    try:
        import rich
        from rich.console import Console
    except ImportError:
        return None
    console = rich.get_console()  # rather than one of its own: what the user prints with rich then goes above the bar
    if console.file is not getattr(out, "rich_proxied_file", out):
        console = Console(file=out)
    if console.is_jupyter:
        return console if out is sys.stdout and find_spec("ipywidgets") else None
    return console if console.is_interactive and is_terminal(out) else None


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody may be looking."""
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):  # not quite a file, or a closed one
        return False


def _is_length(length: Any) -> bool:
    if not isinstance(length, tuple) or len(length) != 2 or length[1] not in ("epoch", "iteration"):
        return False
    return isinstance(length[0], int | float) and length[0] > 0


def _three_digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 99.95 else f"{number:#.3g}"
