"""Updaters: one step of training, from a batch to changed parameters."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training.updaters import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "updaters", "chainette-training")
