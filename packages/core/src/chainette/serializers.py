"""Saving and loading: those of chainette-serializers and of third-party plugins."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_serializers import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "serializers", "chainette-serializers")
