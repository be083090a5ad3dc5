"""What datasets and iterators are made of, and how a batch of examples becomes arrays."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training.dataset import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "dataset", "chainette-training")
