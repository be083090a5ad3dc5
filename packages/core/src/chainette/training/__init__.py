"""Training as most people do it: a Trainer, updaters, triggers and extensions."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "training", "chainette-training")
