"""Trainer: the loop."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

from chainette import Reporter, random
from chainette.errors import ArgumentError, ChainetteError
from chainette_training.extension import PRIORITY_READER, Extension, Trigger
from chainette_training.interrupts import at_the_end_of_a_step
from chainette_training.triggers.trigger import get_trigger
from chainette_training.updaters.updater import Updater


class TrainerError(ChainetteError, RuntimeError):
    """The trainer cannot do that now."""


class _Entry:
    """An extension, and how it is called."""

    def __init__(self, name: str, extension: Any, trigger: Any, priority: int, call_before_training: bool) -> None:
        self.name = name
        self.extension = extension
        self.trigger = trigger
        self.priority = priority
        self.call_before_training = call_before_training


class Trainer:
    """Lets an updater do one step after the other, and calls extensions in between.

    Args:
        updater: does the steps.
        stop_trigger: when training ends: ``(20, "epoch")``, ``(1000, "iteration")``, or a callable that is given the
            trainer before each step; None for never.
        out: the folder for what extensions write. It is made when training begins.
        extensions: some to begin with, as ``extend`` takes them.

    At each step ``observation`` begins empty; what the model reports and what extensions add goes there. Ctrl-C waits
    for the end of the step, so that a snapshot on interruption is a whole one; a second Ctrl-C does not wait. A
    trainer that was interrupted, or loaded from a snapshot, goes on as if nothing had happened: the same batches, the
    same random numbers on the CPU, the same log.

    Attributes:
        updater, stop_trigger, out: as given.
        observation: the values of this step by name.
        reporter: knows the updater's models by name.

    Raises:
        ArgumentError: something is no extension, or a name is taken.

    >>> import chainette.links as L
    >>> from chainette import iterators, optimizers
    >>> from chainette.training import Trainer, extensions, updaters
    >>> model = L.Classifier(L.Linear(2, 3))
    >>> examples = [(np.ones(2, "f"), 0), (np.zeros(2, "f"), 1)]
    >>> updater = updaters.StandardUpdater(iterators.SerialIterator(examples, 1), optimizers.SGD().setup(model))
    >>> trainer = Trainer(updater, (2, "epoch"), out=folder)
    >>> trainer.extend(lambda trainer: print(sorted(trainer.observation)), name="show", trigger=(1, "epoch"))
    >>> trainer.run()
    ['main/accuracy', 'main/loss']
    ['main/accuracy', 'main/loss']
    """

    def __init__(
        self,
        updater: Updater,
        stop_trigger: Trigger = None,
        out: str | os.PathLike[str] = "result",
        extensions: Iterable[Any] | None = None,
    ) -> None:
        self.updater = updater
        self.stop_trigger = get_trigger(stop_trigger)
        self.observation: dict[str, Any] = {}
        self.out = os.fspath(out)
        self.reporter = Reporter()
        self._extensions: dict[str, _Entry] = {}
        self._started: float | None = None
        self._elapsed = 0.0  # in the runs before this one
        self._is_done = False
        updater.connect_trainer(self)
        for extension in extensions or ():
            self.extend(extension)

    @property
    def elapsed_time(self) -> float:
        """Seconds of training, with those before a snapshot was loaded."""
        return self._elapsed + (0.0 if self._started is None else time.perf_counter() - self._started)

    @property
    def is_before_training(self) -> bool:
        """Whether no step has been done yet."""
        return self.updater.iteration == 0

    def extend(
        self,
        extension: Extension | Callable[[Trainer], Any],
        name: str | None = None,
        trigger: Trigger = None,
        priority: int | None = None,
        *,
        call_before_training: bool = False,
    ) -> None:
        """Add an extension.

        Args:
            extension: an Extension, or any function of the trainer.
            name: by default its ``name`` or ``default_name``, or a function's name; a number is added where that is
                taken.
            trigger: when it is called; by default its own, or each iteration.
            priority: those of higher priority come first; by default its own.
            call_before_training: whether it is also called once before the first step.

        Raises:
            ArgumentError: it is not callable, or the given name is taken.
        """
        if not callable(extension):
            raise ArgumentError(f"Trainer.extend: {extension!r:.80} is no extension (expected something callable).")
        if name is None:
            name = self._free_name(extension)
        elif name in self._extensions:
            raise ArgumentError(f"Trainer.extend: there is an extension {name!r} already. Give another name.")
        if trigger is None:
            trigger = getattr(extension, "trigger", (1, "iteration"))
        if priority is None:
            priority = getattr(extension, "priority", PRIORITY_READER)
        self._extensions[name] = _Entry(name, extension, get_trigger(trigger), priority, call_before_training)

    def _free_name(self, extension: Any) -> str:
        given = getattr(extension, "name", None) or getattr(extension, "default_name", None)
        stem = str(given or getattr(extension, "__name__", type(extension).__name__))
        name, number = stem, 0
        while name in self._extensions:
            number += 1
            name = f"{stem}_{number}"
        return name

    def get_extension(self, name: str) -> Any:
        """The extension of that name.

        Raises:
            ArgumentError: (a ValueError) there is none.
        """
        if name not in self._extensions:
            there = ", ".join(self._extensions) or "none"
            raise ArgumentError(f"Trainer.get_extension: there is no extension {name!r} (there are: {there}).")
        return self._extensions[name].extension

    def run(self, show_loop_exception_msg: bool = True) -> None:
        """Train until the stop trigger says so.

        Args:
            show_loop_exception_msg: whether an error gets a note that says at which step it arose.

        Raises:
            TrainerError: it has run to its end already.
            KeyboardInterrupt: somebody pressed Ctrl-C; extensions were told so, and ``run`` may be called again.
        """
        if self._is_done:
            raise TrainerError("Trainer.run: it has run to its end. Make another trainer, or one with a later stop.")
        os.makedirs(self.out, exist_ok=True)
        entries = sorted(self._extensions.values(), key=lambda entry: -entry.priority)
        self._started = time.perf_counter()
        initialized = []
        try:
            with at_the_end_of_a_step() as interrupt:
                # A snapshot, which may load the state of all the others, comes first.
                for entry in sorted(entries, key=lambda entry: entry.priority):
                    initialized.append(entry)
                    if initialize := getattr(entry.extension, "initialize", None):
                        initialize(self)
                if self.is_before_training:
                    self._call_before_training(entries)
                update, calls = self.updater.update, [(entry.trigger, entry.extension) for entry in entries]
                with self.reporter:
                    while not self.stop_trigger(self):
                        self.reporter.observation = self.observation = {}
                        update()
                        for is_due, extension in calls:
                            if is_due(self):
                                extension(self)
                        if interrupt.requested:
                            raise KeyboardInterrupt
                self._is_done = True
        except BaseException as error:
            if show_loop_exception_msg and isinstance(error, Exception):
                error.add_note(f"Trainer: this arose after {self.updater.iteration} iterations.")
            for entry in initialized:
                if on_error := getattr(entry.extension, "on_error", None):
                    on_error(self, error, error.__traceback__)
            raise
        finally:
            self._elapsed, self._started = self.elapsed_time, None
            with ExitStack() as every:  # also those behind one that fails
                if self._is_done:
                    every.callback(self.updater.finalize)
                for entry in initialized:
                    if finalize := getattr(entry.extension, "finalize", None):
                        every.callback(finalize)

    def _call_before_training(self, entries: Iterable[_Entry]) -> None:
        self.observation = {}
        with self.reporter.scope(self.observation):
            for entry in entries:
                if entry.call_before_training:
                    entry.extension(self)

    def serialize(self, serializer: Any) -> None:
        """Save or load everything that the next step depends on."""
        self.updater.serialize(serializer["updater"])
        if hasattr(self.stop_trigger, "serialize"):
            self.stop_trigger.serialize(serializer["stop_trigger"])
        for name, entry in self._extensions.items():
            if hasattr(entry.extension, "serialize"):
                entry.extension.serialize(serializer["extensions"][name])
            if hasattr(entry.trigger, "serialize"):
                entry.trigger.serialize(serializer["extension_triggers"][name])
        state = json.dumps(random.get_state())
        loaded = serializer("random_state", state)
        elapsed = serializer("elapsed_time", self.elapsed_time)
        if not serializer.is_writer and loaded is not None:
            random.set_state(json.loads(loaded))
            self._elapsed = elapsed
