"""What a Trainer can do besides updating: logs, tables, plots, snapshots, schedules, evaluation."""

from chainette_training.extension import Extension, make_extension
from chainette_training.extensions.evaluator import Evaluator
from chainette_training.extensions.fail_on_non_number import FailOnNonNumber
from chainette_training.extensions.log_report import LogReport
from chainette_training.extensions.micro_average import MicroAverage
from chainette_training.extensions.observe_value import observe_lr, observe_value
from chainette_training.extensions.parameter_statistics import ParameterStatistics
from chainette_training.extensions.plot_report import PlotReport
from chainette_training.extensions.print_report import PrintReport
from chainette_training.extensions.progress_bar import ProgressBar
from chainette_training.extensions.shifts import (
    ExponentialShift,
    InverseShift,
    LinearShift,
    MultistepShift,
    PolynomialShift,
    StepShift,
    WarmupShift,
)
from chainette_training.extensions.snapshot import snapshot, snapshot_object
from chainette_training.extensions.tensorboard import TensorboardWriter
from chainette_training.extensions.unchain_variables import unchain_variables
from chainette_training.extensions.variable_statistics_plot import VariableStatisticsPlot

__all__ = [
    "Evaluator",
    "ExponentialShift",
    "Extension",
    "FailOnNonNumber",
    "InverseShift",
    "LinearShift",
    "LogReport",
    "MicroAverage",
    "MultistepShift",
    "ParameterStatistics",
    "PlotReport",
    "PolynomialShift",
    "PrintReport",
    "ProgressBar",
    "StepShift",
    "TensorboardWriter",
    "VariableStatisticsPlot",
    "WarmupShift",
    "make_extension",
    "observe_lr",
    "observe_value",
    "snapshot",
    "snapshot_object",
    "unchain_variables",
]
