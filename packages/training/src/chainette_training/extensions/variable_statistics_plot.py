"""A picture of how parameters and their gradients change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from chainette import Variable, get_array_module, to_device
from chainette.backend import device_of
from chainette.errors import ArgumentError
from chainette_training.extension import Trigger
from chainette_training.extensions.picture import Picture
from chainette_training.triggers.trigger import get_trigger

Rows = npt.NDArray[np.float64]

SIGMAS = (0, 0.13, 2.28, 15.87, 50, 84.13, 97.72, 99.87, 100)
"""Percentiles: the extremes, and of a normal distribution the mean, and one, two and three deviations from it."""


class Reservoir:
    """A sample of at most ``size`` of all rows that are added, each of them as likely to be in it as any other.

    The number of a row decides what becomes of it, so that no state of a generator has to be saved.

    Args:
        size: how many rows are kept.
        width: how many numbers a row has.

    >>> reservoir = Reservoir(size=2, width=1)
    >>> for number in range(1, 100):
    ...     reservoir.add([number])
    >>> reservoir.rows().shape
    (2, 1)
    """

    def __init__(self, size: int, width: int) -> None:
        self._rows: Rows = np.zeros((size, width))
        self._count = 0

    def add(self, row: npt.ArrayLike) -> None:
        """Add a row; it takes the place of another one, or is forgotten, once there are ``size`` of them."""
        size = len(self._rows)
        self._count += 1
        place = self._count - 1 if self._count <= size else np.random.default_rng(self._count).integers(self._count)
        if place < size:
            self._rows[place] = row

    def rows(self) -> Rows:
        """The rows that are kept, in the order of their first numbers."""
        rows = self._rows[: self._count]
        return rows[np.argsort(rows[:, 0], kind="stable")]

    def serialize(self, serializer: Any) -> None:
        self._count = serializer("count", self._count)
        serializer("rows", self._rows)


class VariableStatisticsPlot(Picture):
    """Draws how mean, deviation and percentiles of parameters, and of their gradients, change from step to step.

    Args:
        targets: a Variable or a link, or several. What is drawn are means over all of their Variables.
        max_sample_size: how many steps are drawn; of more, a random sample.
        report_data: whether to look at the values.
        report_grad: whether to look at the gradients, where there are any.
        plot_mean, plot_std: whether to draw means and standard deviations.
        percentile_sigmas: which percentiles to draw: a number between 0 and 100, or several, or none.
        trigger: when the picture is drawn, unless drawing would take more than 2 % of the time, as for a PlotReport;
            when training ends it always is. A sample is taken whenever the extension is called.
        filename: the picture's name in the trainer's folder; its ending says of what format it is.
        figsize: width and height in inches.
        marker: matplotlib's name of what marks each sample; None for nothing.
        grid: whether to draw a grid.

    A sample costs several passes over the arrays: for large models give ``trainer.extend`` a trigger that is due less
    often. pyplot, and the backend that is in use there, are left alone.

    Raises:
        ArgumentError: there is nothing to draw, or ``max_sample_size`` is below 1.
        MissingPluginError: (an ImportError) matplotlib is not installed: see ``available``.

    >>> import chainette.links as L
    >>> plot = VariableStatisticsPlot(L.Linear(2, 3), max_sample_size=100, trigger=(1, "epoch"))
    >>> plot.trigger
    (1, 'iteration')
    """

    def __init__(
        self,
        targets: Any,
        max_sample_size: int = 1000,
        report_data: bool = True,
        report_grad: bool = True,
        plot_mean: bool = True,
        plot_std: bool = True,
        percentile_sigmas: float | Sequence[float] = SIGMAS,
        trigger: Trigger = (1, "epoch"),
        filename: str = "statistics.png",
        figsize: tuple[float, float] | None = None,
        marker: str | None = None,
        grid: bool = True,
    ) -> None:
        sigmas = list(percentile_sigmas) if isinstance(percentile_sigmas, Iterable) else [percentile_sigmas]
        self._plots = {"mean": plot_mean * 1, "std": plot_std * 1, "percentile": len(sigmas)}  # how many lines
        self._kinds = ["data"] * bool(report_data) + ["grad"] * bool(report_grad)
        if not self._kinds or not any(self._plots.values()):
            raise ArgumentError("VariableStatisticsPlot: there is nothing to draw. Leave something of it switched on.")
        if max_sample_size < 1:
            raise ArgumentError(f"VariableStatisticsPlot: max_sample_size is {max_sample_size} (expected at least 1).")
        super().__init__(filename)
        self._targets = [targets] if isinstance(targets, Variable) or hasattr(targets, "params") else list(targets)
        self._sigmas = sigmas
        self._is_due = get_trigger(trigger)
        self._figsize = figsize
        self._marker = marker
        self._grid = grid
        self._samples = Reservoir(max_sample_size, 1 + len(self._kinds) * sum(self._plots.values()))

    def __call__(self, trainer: Any) -> None:
        variables = list(self._variables())
        row = np.concatenate([self._statistics(variables, kind) for kind in self._kinds])
        self._samples.add([trainer.updater.iteration, *row])
        if self._is_due(trainer):
            self.show(trainer)

    def _variables(self) -> Iterator[Variable]:
        for target in self._targets:
            if isinstance(target, Variable):
                yield target
            else:
                yield from target.params(include_uninit=False)

    def _statistics(self, variables: list[Variable], kind: str) -> Rows:
        """The means over the variables; NaN where none has such an array, or none that has an element."""
        arrays = [array for array in (getattr(each, kind) for each in variables) if array is not None and array.size]
        if not arrays:
            return np.full(sum(self._plots.values()), np.nan)
        means: Rows = np.mean([self._statistics_of(array) for array in arrays], axis=0)
        return means

    def _statistics_of(self, array: Any) -> list[float]:
        with device_of(array).use():
            values = array.astype(np.promote_types(array.dtype, np.float32))  # in float16, means would be coarse
            found = [float(values.mean())] * self._plots["mean"] + [float(values.std())] * self._plots["std"]
            if self._sigmas:
                percentiles = get_array_module(values).percentile(values, self._sigmas)
                found += to_device(percentiles, "cpu").tolist()
            return found

    def figure(self) -> Any:
        """The statistics so far."""
        from matplotlib.figure import Figure

        rows = self._samples.rows()
        lines = iter(rows[:, 1:].T)
        plots = {name: count for name, count in self._plots.items() if count}
        figure = Figure(self._figsize or (5 * len(self._kinds), 2.5 * len(plots)), layout="constrained")
        grid = figure.subplots(len(plots), len(self._kinds), sharex=True, squeeze=False)
        for column, kind in enumerate(self._kinds):
            grid[0, column].set_title(kind)
            grid[-1, column].set_xlabel("iteration")
            for axes, (name, count) in zip(grid[:, column], plots.items(), strict=True):
                for number in range(count):
                    label = f"{self._sigmas[number]} %" if name == "percentile" else name
                    axes.plot(rows[:, 0], next(lines), marker=self._marker, linewidth=1, label=label)
                axes.set_ylabel(name)
                if self._grid:
                    axes.grid(alpha=0.3)
                axes.spines[["top", "right"]].set_visible(False)
        if self._sigmas:
            legend = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "reverse": True}  # as the lines lie
            grid[-1, -1].legend(fontsize="x-small", frameon=False, **legend)
        return figure

    def serialize(self, serializer: Any) -> None:
        """Save or load the samples."""
        self._samples.serialize(serializer["samples"])
        if hasattr(self._is_due, "serialize"):
            self._is_due.serialize(serializer["trigger"])
