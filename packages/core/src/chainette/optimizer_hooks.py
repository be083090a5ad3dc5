"""What an optimizer may do to gradients before an update."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_optimizers.hooks import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "optimizer_hooks", "chainette-optimizers")
