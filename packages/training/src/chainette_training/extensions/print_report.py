"""The log as a table, while it grows."""

from __future__ import annotations

import math
import shutil
import sys
from collections.abc import Iterable
from typing import Any, TextIO

import numpy as np

from chainette.errors import ArgumentError
from chainette_training.extension import PRIORITY_READER, Extension
from chainette_training.extensions.log_report import LogReport
from chainette_training.extensions.progress_bar import is_terminal

PAGE = 100  # characters of a line where the output is no terminal
DECIMALS = 6  # places behind the point that each column of numbers has room for


class PrintReport(Extension):
    """Prints the lines of a LogReport as a table, each when it is written.

    Args:
        entries: the names of the values, one a column. One that a line has not is left empty.
        log_report: the name of the trainer's LogReport; or a LogReport of its own, which the trainer is not given.
        out: where to print; None means ``sys.stdout``.

    Numbers have five significant digits and stand with their points below each other; whole numbers have no point.
    Where the names do not fit beside each other, they are broken at their slashes. When a log is loaded from a
    snapshot, all its lines are printed once more.

    Raises:
        ArgumentError: there are no entries. ``run`` raises it where the trainer has no LogReport of that name.

    >>> import chainette.links as L
    >>> from chainette import iterators, optimizers
    >>> from chainette.training import Trainer, updaters
    >>> iterator = iterators.SerialIterator([(np.ones(2, "f"), 0), (np.zeros(2, "f"), 1)], 2)
    >>> model = L.Classifier(L.Linear(2, 3, initialW=0))
    >>> updater = updaters.StandardUpdater(iterator, optimizers.SGD(0.5).setup(model))
    >>> trainer = Trainer(updater, (2, "epoch"), out=folder)
    >>> trainer.extend(LogReport())
    >>> trainer.extend(PrintReport(["epoch", "iteration", "main/loss", "main/accuracy"]))
    >>> trainer.run()
    epoch  iteration   main/loss  main/accuracy
        1          1    1.0986         0.50000
        2          2    0.87693        0.50000
    """

    priority = PRIORITY_READER - 1  # behind the LogReport, in whatever order they were added

    def __init__(
        self, entries: Iterable[str], log_report: str | LogReport = "LogReport", out: TextIO | None = None
    ) -> None:
        self._entries = [entries] if isinstance(entries, str) else list(entries)
        if not self._entries:
            raise ArgumentError("PrintReport: entries is empty (expected e.g. ['epoch', 'main/loss']).")
        self._given = log_report
        self._out = out
        self._log_report: Any = None
        self._widths: list[int] = []
        self._printed = 0

    def initialize(self, trainer: Any) -> None:
        self._log_report = self._given
        if isinstance(self._given, str):
            try:
                self._log_report = trainer.get_extension(self._given)
            except ArgumentError as error:
                raise ArgumentError(
                    f"PrintReport: the trainer has no LogReport of the name {self._given!r}. Extend it with "
                    "extensions.LogReport(), or give one: PrintReport(entries, log_report=LogReport())."
                ) from error
        self._widths = []  # the names are printed anew

    def __call__(self, trainer: Any) -> None:
        if self._log_report is None:
            self.initialize(trainer)
        if isinstance(self._given, LogReport):
            self._given(trainer)
        if not self._widths:
            page = shutil.get_terminal_size().columns if is_terminal(self._stream()) else PAGE
            header, self._widths = _header(self._entries, page)
            self._print(header)
        if len(self._log_report.log) > self._printed:
            new = self._log_report.log[self._printed :]
            rows = [[_text(name, entry.get(name)) for name in self._entries] for entry in new]
            self._print([_aligned(row, self._widths) for row in rows])
            self._printed += len(new)

    def serialize(self, serializer: Any) -> None:
        if isinstance(self._given, LogReport):
            self._given.serialize(serializer["log_report"])
        if not serializer.is_writer:
            self._printed = 0

    def _print(self, lines: list[str]) -> None:
        print("\n".join(lines), file=self._stream(), flush=True)

    def _stream(self) -> TextIO:
        """Where to print now: while a bar moves there, what takes the place of that stream."""
        for stream in sys.stdout, sys.stderr:
            if self._out is not None and getattr(stream, "rich_proxied_file", None) is self._out:
                return stream
        return sys.stdout if self._out is None else self._out


def _header(names: list[str], page: int) -> tuple[list[str], list[int]]:
    """The names above the columns, and the columns' widths."""
    for broken in [[name] for name in names], [name.replace("/", "/\n").split("\n") for name in names]:
        widths = [
            max(len(name) if name in ("epoch", "iteration") else 10, *map(len, parts))
            for name, parts in zip(names, broken, strict=True)
        ]
        if sum(widths) + 2 * (len(names) - 1) <= page:
            break
    height = max(map(len, broken))
    lines = zip(*([""] * (height - len(parts)) + parts for parts in broken), strict=True)
    return [_aligned(line, widths) for line in lines], widths


def _aligned(texts: Iterable[str], widths: list[int]) -> str:
    cells = (text if len(text) <= width else text.rstrip() for text, width in zip(texts, widths, strict=True))
    return "  ".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _text(name: str, value: Any) -> str:
    """A value in words. A number that is no int has room behind it, so that the points stand below each other."""
    if value is None:
        return ""
    if isinstance(value, np.generic):
        value = value.item()
    if not isinstance(value, float) or not math.isfinite(value):
        return str(value)
    if name == "elapsed_time":
        return f"{value:.1f} s"
    size = abs(value)
    if value.is_integer() and size < 1e10:
        decimals = 0
    elif 1e-3 <= size < 1e5:
        decimals = min(max(4 - math.floor(math.log10(size)), 0), DECIMALS)
    else:
        return f"{value:.4e}"
    return f"{value:.{decimals}f}" + " " * (DECIMALS - decimals + (decimals == 0))
