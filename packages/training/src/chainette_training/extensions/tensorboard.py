"""Means of what was observed, for TensorBoard."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from chainette.errors import MissingPluginError
from chainette_training.extension import Extension, Trigger
from chainette_training.summary import DictSummary
from chainette_training.triggers.trigger import get_trigger


class TensorboardWriter(Extension):
    """Writes the means of observed values where TensorBoard finds them: ``tensorboard --logdir result``.

    Args:
        trigger: when they are written: the means of the values since the time before, under the number of the
            iteration. What is left when training ends is written then.
        log_dir: the folder, within the trainer's folder or an absolute one.
        keys: names of the values to write; None means all.

    Needs tensorboardX: ``pip install 'chainette-training[tensorboard]'``. Its files grow while training runs, so that
    it can be watched; what was written after a snapshot is hidden once training goes on from there.

    Raises:
        MissingPluginError: (an ImportError) when training begins: there is no tensorboardX.

    >>> TensorboardWriter(keys=["main/loss", "validation/main/loss"], trigger=(1, "epoch")).default_name
    'TensorboardWriter'
    """

    def __init__(
        self,
        trigger: Trigger = (100, "iteration"),
        log_dir: str | os.PathLike[str] = "tensorboard",
        keys: Iterable[str] | None = None,
    ) -> None:
        self._is_due = get_trigger(trigger)
        self._log_dir = log_dir
        self._keys = None if keys is None else list(keys)
        self._summary = DictSummary()
        self._iteration = 0
        self._writer: Any = None

    def initialize(self, trainer: Any) -> None:
        try:
            tensorboard = import_module("tensorboardX")
        except ImportError as error:
            raise MissingPluginError(
                "TensorboardWriter writes with tensorboardX: pip install 'chainette-training[tensorboard]'"
            ) from error
        done = trainer.updater.iteration
        folder = os.path.join(trainer.out, self._log_dir)
        self._writer = tensorboard.SummaryWriter(folder, purge_step=done + 1 if done else None)

    def __call__(self, trainer: Any) -> None:
        observed = trainer.observation
        if self._keys is not None:
            observed = {key: observed[key] for key in self._keys if key in observed}
        self._summary.add(observed)
        self._iteration = trainer.updater.iteration
        if self._is_due(trainer):
            self._write()

    def _write(self) -> None:
        for name, mean in self._summary.compute_mean().items():
            self._writer.add_scalar(name, mean, self._iteration)
        self._writer.flush()
        self._summary = DictSummary()

    def finalize(self) -> None:
        """Write what is left, and close the file."""
        if self._writer is not None:
            self._write()
            self._writer.close()
            self._writer = None

    def serialize(self, serializer: Any) -> None:
        """Save or load what was observed since the last time."""
        self._summary.serialize(serializer["summary"])
        if hasattr(self._is_due, "serialize"):
            self._is_due.serialize(serializer["trigger"])
