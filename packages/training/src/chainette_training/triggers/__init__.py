"""When an extension is called, and when training ends."""

from chainette_training.triggers.interval_trigger import IntervalTrigger
from chainette_training.triggers.once_trigger import OnceTrigger
from chainette_training.triggers.trigger import get_trigger

__all__ = ["IntervalTrigger", "OnceTrigger", "get_trigger"]
