"""Training as most people do it.

An updater does one step; a Trainer repeats it until a trigger says that it is enough, and calls extensions in between,
each when its own trigger says so.
"""

from chainette_training.extension import (
    PRIORITY_EDITOR,
    PRIORITY_READER,
    PRIORITY_WRITER,
    Extension,
    make_extension,
)
from chainette_training.trainer import Trainer
from chainette_training.triggers.trigger import get_trigger
from chainette_training.updaters import ParallelUpdater, StandardUpdater, Updater

__all__ = [
    "PRIORITY_EDITOR",
    "PRIORITY_READER",
    "PRIORITY_WRITER",
    "Extension",
    "ParallelUpdater",
    "StandardUpdater",
    "Trainer",
    "Updater",
    "get_trigger",
    "make_extension",
]
