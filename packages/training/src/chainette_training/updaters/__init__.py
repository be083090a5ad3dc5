"""Updaters: one step of training, from a batch to changed parameters."""

from chainette_training.updaters.parallel_updater import ParallelUpdater
from chainette_training.updaters.standard_updater import StandardUpdater
from chainette_training.updaters.updater import Updater

__all__ = ["ParallelUpdater", "StandardUpdater", "Updater"]
