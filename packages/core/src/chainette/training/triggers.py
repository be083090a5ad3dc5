"""When an extension is called, and when training ends."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training.triggers import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "triggers", "chainette-training")
