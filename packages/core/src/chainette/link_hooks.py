"""What may happen around each call of a link."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_links.link_hooks import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "link_hooks", "chainette-links")
