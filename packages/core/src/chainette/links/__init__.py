"""Parameterized parts of networks, by convention ``L``: those of chainette-links and of third-party plugins."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_links import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "links", "chainette-links")
