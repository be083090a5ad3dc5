"""What a Trainer can do besides updating: logs, tables, plots, snapshots, schedules, evaluation."""

from chainette_training.extension import Extension, make_extension
from chainette_training.extensions.evaluator import Evaluator
from chainette_training.extensions.log_report import LogReport
from chainette_training.extensions.progress_bar import ProgressBar
from chainette_training.extensions.snapshot import snapshot, snapshot_object

__all__ = [
    "Evaluator",
    "Extension",
    "LogReport",
    "ProgressBar",
    "make_extension",
    "snapshot",
    "snapshot_object",
]
