"""Means of what was observed, into a file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from chainette_serializers.files import replacing
from chainette_training.extension import Extension, Trigger
from chainette_training.summary import DictSummary
from chainette_training.triggers.trigger import get_trigger

Entry = dict[str, Any]


class LogReport(Extension):
    """Writes the means of all observed values to a file of JSON lines, one line for each time that its trigger is due.

    A line has the means of the values since the line before, and ``epoch``, ``iteration`` and ``elapsed_time`` in
    seconds. The file is the whole log, also of a run that was resumed.

    Args:
        keys: names of the values to note; None means all.
        trigger: when a line is written.
        postprocess: ``postprocess(entry)`` may change a line's dictionary before it is written.
        filename: the file's name in the trainer's folder; it may hold fields as ``{iteration}``, so that there are
            several files. None writes no file.

    Attributes:
        log: the lines so far, as dictionaries.

    Each line can be read by ``json.loads``, the whole file by ``pandas.read_json(path, lines=True)``.

    >>> LogReport(["main/loss"], trigger=(100, "iteration"), filename=None).log
    []
    """

    def __init__(
        self,
        keys: Iterable[str] | None = None,
        trigger: Trigger = (1, "epoch"),
        postprocess: Callable[[Entry], None] | None = None,
        filename: str | None = "log.jsonl",
    ) -> None:
        self._keys = None if keys is None else list(keys)
        self._is_due = get_trigger(trigger)
        self._postprocess = postprocess
        self._filename = filename
        self._summary = DictSummary()
        self.log: list[Entry] = []
        self._path: str | None = None  # the file that has all entries but the last one

    def __call__(self, trainer: Any) -> None:
        observed = trainer.observation
        if self._keys is not None:
            observed = {key: observed[key] for key in self._keys if key in observed}
        self._summary.add(observed)
        if not self._is_due(trainer):
            return
        updater = trainer.updater
        entry: Entry = dict(self._summary.compute_mean())
        entry |= {"epoch": updater.epoch, "iteration": updater.iteration, "elapsed_time": trainer.elapsed_time}
        if self._postprocess is not None:
            self._postprocess(entry)
        self.log.append(entry)
        self._summary = DictSummary()
        if self._filename is not None:
            self._write(os.path.join(trainer.out, self._filename.format(**entry)))

    def _write(self, path: str) -> None:
        """Add the last entry to the file; the first time, write all of the log, which may come from a snapshot."""
        if path == self._path and os.path.exists(path):
            with open(path, "a", encoding="utf-8") as file:
                file.write(f"{_json(self.log[-1])}\n")
            return
        with replacing("LogReport", path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.writelines(f"{_json(each)}\n" for each in self.log)
        self._path = path

    def serialize(self, serializer: Any) -> None:
        present = json.dumps(self.log, default=_number)
        loaded = serializer("log", present)
        self._summary.serialize(serializer["summary"])
        if hasattr(self._is_due, "serialize"):
            self._is_due.serialize(serializer["trigger"])
        if loaded != present:
            self.log, self._path = json.loads(loaded), None


def _json(entry: Entry) -> str:
    """One line. NaN and infinities, which JSON has not, are written as Python and pandas read them."""
    return json.dumps(entry, default=_number)


def _number(value: Any) -> Any:
    """NumPy's numbers, which json does not know."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"LogReport: an entry holds a {type(value).__name__} (expected numbers, texts, lists and dicts).")
