"""Datasets: sequences of examples, ways to cut and join them, and some that come from files."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training.datasets import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "datasets", "chainette-training")
