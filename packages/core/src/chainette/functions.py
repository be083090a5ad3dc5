"""All differentiable functions, by convention ``F``: those of chainette-functions and of third-party plugins."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_functions import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "functions", "chainette-functions")
