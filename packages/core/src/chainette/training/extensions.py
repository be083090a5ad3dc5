"""What a Trainer can do besides updating: logs, tables, plots, snapshots, schedules, evaluation."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainette_training.extensions import *
else:
    from chainette._facade import facade

    __getattr__, __dir__ = facade(__name__, "extensions", "chainette-training")
