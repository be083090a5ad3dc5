"""When an extension is called, and when training ends."""

from chainette_training.triggers.best_value_trigger import BestValueTrigger, MaxValueTrigger, MinValueTrigger
from chainette_training.triggers.early_stopping_trigger import EarlyStoppingTrigger
from chainette_training.triggers.interval_trigger import IntervalTrigger
from chainette_training.triggers.manual_schedule_trigger import ManualScheduleTrigger
from chainette_training.triggers.once_trigger import OnceTrigger
from chainette_training.triggers.time_trigger import TimeTrigger
from chainette_training.triggers.trigger import get_trigger

__all__ = [
    "BestValueTrigger",
    "EarlyStoppingTrigger",
    "IntervalTrigger",
    "ManualScheduleTrigger",
    "MaxValueTrigger",
    "MinValueTrigger",
    "OnceTrigger",
    "TimeTrigger",
    "get_trigger",
]
