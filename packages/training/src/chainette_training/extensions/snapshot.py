"""The whole state of training in a file, so that it can go on from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from string import Formatter
from typing import Any

from chainette.errors import ArgumentError
from chainette_serializers import load_npz, save_npz
from chainette_training.extension import Extension, Trigger

Save = Callable[[str, Any], None]


class Snapshot(Extension):
    """See ``snapshot`` and ``snapshot_object``."""

    trigger: Trigger = (1, "epoch")

    def __init__(
        self,
        target: Any,
        filename: str | Callable[[Any], str],
        savefun: Save | None,
        condition: Callable[[], bool] | None,
        writer: Callable[..., None] | None,
        snapshot_on_error: bool,
        n_retains: int,
        autoload: bool,
        loadfun: Save | None,
    ) -> None:
        if n_retains == 0 or n_retains < -1:
            raise ArgumentError(f"snapshot: n_retains={n_retains} (expected at least 1, or -1 for all).")
        if autoload and savefun is not None and loadfun is None:
            raise ArgumentError("snapshot: autoload cannot load what savefun saved. Give loadfun= too.")
        if callable(filename) and (autoload or n_retains > 0):
            raise ArgumentError("snapshot: autoload and n_retains need a filename that is a text, not a function.")
        self.priority = -200 if target is None else -100  # after all others, whose state it saves
        self._target = target
        self._filename = filename
        self._save = savefun or partial(save_npz, compression=False)
        self._load = loadfun or load_npz
        self._condition = condition
        self._writer = writer
        self._on_error = snapshot_on_error
        self._n_retains = n_retains
        self._autoload = autoload

    @property
    def default_name(self) -> str:
        return "snapshot" if self._target is None else "snapshot_object"

    def initialize(self, trainer: Any) -> None:
        """Load the last snapshot that is there, if ``autoload``."""
        found = self._found(trainer) if self._autoload else []
        if found:
            self._load(str(found[-1]), self._object(trainer))

    def __call__(self, trainer: Any) -> None:
        if self._condition is None or self._condition():
            self._take(trainer, self._path(trainer))

    def on_error(self, trainer: Any, exception: BaseException, traceback: Any) -> None:
        """Save what there is, unless this step has been saved already."""
        if self._on_error and not (path := self._path(trainer)).exists():
            self._take(trainer, path)

    def finalize(self) -> None:
        if finalize := getattr(self._writer, "finalize", None):
            finalize()

    def _take(self, trainer: Any, path: Path) -> None:
        if self._writer is not None:
            self._writer(path.name, str(path.parent), self._object(trainer), self._save)
        else:
            self._save(str(path), self._object(trainer))
        if self._n_retains > 0:
            for old in self._found(trainer)[: -self._n_retains]:
                old.unlink(missing_ok=True)

    def _object(self, trainer: Any) -> Any:
        return trainer if self._target is None else self._target

    def _path(self, trainer: Any) -> Path:
        name = self._filename(trainer) if callable(self._filename) else self._filename.format(trainer)
        return Path(trainer.out, name)

    def _found(self, trainer: Any) -> list[Path]:
        """The files that a snapshot of this name left, oldest first: by the numbers in the name, else by time."""
        pieces = list(Formatter().parse(str(self._filename)))
        pattern = "".join(re.escape(text) + ("" if field is None else r"(.+)") for text, field, *_ in pieces)
        matches = [(path, re.fullmatch(pattern, path.name)) for path in Path(trainer.out).iterdir() if path.is_file()]

        def age(found: tuple[Path, re.Match[str]]) -> tuple[list[float], float]:
            numbers = [float(part) for part in found[1].groups() if re.fullmatch(r"\d+(\.\d+)?", part)]
            return numbers, found[0].stat().st_mtime

        return [path for path, _ in sorted(((p, m) for p, m in matches if m), key=age)]


def snapshot(
    savefun: Save | None = None,
    filename: str | Callable[[Any], str] = "snapshot_iter_{.updater.iteration}",
    *,
    target: Any = None,
    condition: Callable[[], bool] | None = None,
    writer: Callable[..., None] | None = None,
    snapshot_on_error: bool = False,
    n_retains: int = -1,
    autoload: bool = False,
    loadfun: Save | None = None,
) -> Snapshot:
    """An extension that saves the whole state of training: model, optimizer, iterator, extensions, random numbers.

    Args:
        savefun: ``savefun(path, trainer)``; None means ``serializers.save_npz`` without compression, which gains a
            tenth for parameters and takes ten times as long. It writes the file under a temporary name and renames it
            when it is whole.
        filename: the file's name in the trainer's folder, formatted with the trainer; or a function of the trainer.
        target: what to save in place of the trainer.
        condition: saves only when ``condition()`` is true.
        writer: ``writer(filename, folder, target, savefun)`` does the saving, e.g. in another thread.
        snapshot_on_error: whether to save also when training is interrupted by Ctrl-C, after the step that runs, or
            by an error. What an error in the middle of a step leaves goes on with the next batch.
        n_retains: how many files are kept; older ones are deleted. -1 keeps all.
        autoload: whether to go on from the last file that is there, when training begins.
        loadfun: ``loadfun(path, trainer)`` for autoload; None means ``serializers.load_npz``.

    By default it is due at the end of each epoch. Of the best model so far a snapshot is kept by a name without fields
    and a trigger that looks at a value::

        trainer.extend(extensions.snapshot_object(model, "best.npz"), trigger=triggers.MaxValueTrigger(
            "validation/main/accuracy"))

    ``serializers.load_npz(path, trainer)`` before ``run`` goes on from a file; the trainer must be made as the one
    that was saved. ``load_npz(path, model, path="updater/model:main")`` takes the model alone.

    >>> snapshot(n_retains=2, autoload=True).trigger
    (1, 'epoch')
    """
    return Snapshot(target, filename, savefun, condition, writer, snapshot_on_error, n_retains, autoload, loadfun)


def snapshot_object(
    target: Any,
    filename: str | Callable[[Any], str],
    savefun: Save | None = None,
    *,
    condition: Callable[[], bool] | None = None,
    writer: Callable[..., None] | None = None,
    snapshot_on_error: bool = False,
    n_retains: int = -1,
    autoload: bool = False,
    loadfun: Save | None = None,
) -> Snapshot:
    """An extension that saves one object, such as the model.

    Args:
        target: what to save.
        filename: the file's name in the trainer's folder, formatted with the trainer: ``"model_{.updater.epoch}.npz"``;
            or a function of the trainer.
        savefun, condition, writer, snapshot_on_error, n_retains, autoload, loadfun: see ``snapshot``.

    >>> import chainette.links as L
    >>> snapshot_object(L.Linear(2, 3), "model.npz").default_name
    'snapshot_object'
    """
    return Snapshot(target, filename, savefun, condition, writer, snapshot_on_error, n_retains, autoload, loadfun)
