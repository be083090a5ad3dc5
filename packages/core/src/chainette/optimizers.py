"""Optimizers: those of chainette-optimizers and of third-party plugins."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_optimizers import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "optimizers", "chainette-optimizers")
