"""Iterators: batches of examples, again and again."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training.iterators import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "iterators", "chainette-training")
