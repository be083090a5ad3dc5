"""Curves of what was observed, as a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from typing import Any

from chainette.errors import ArgumentError
from chainette_training.extension import Trigger
from chainette_training.extensions.picture import Picture
from chainette_training.summary import DictSummary
from chainette_training.triggers.trigger import get_trigger

Curve = list[list[float]]
"""Its points, each a pair."""

MARKERS = 30  # that one curve shows at most


class PlotReport(Picture):
    """Draws curves of the means of observed values, and writes the picture to a file.

    A point is added each time that ``trigger`` is due: the means since the point before. In training the picture is
    drawn when at least 50 times as long as the last drawing took has gone by, at the soonest after ten seconds, so
    that it costs 2 % of the time however short the epochs are; and always when training ends.

    Args:
        y_keys: names of the values, one a curve.
        x_key: what is on the horizontal axis: ``"iteration"``, ``"epoch"``, ``"elapsed_time"`` in seconds, or the
            name of another value.
        trigger: when a point is added.
        postprocess: ``postprocess(figure, axes, curves)`` may change what matplotlib has drawn, before it is written;
            ``curves`` has the points ``[x, y]`` by name.
        filename: the file's name in the trainer's folder. Its ending says the format: png, pdf, svg.
        marker: what marks a point, in matplotlib's notation; None marks none.
        grid: whether to draw a grid.

    The vertical axis is logarithmic where all values are positive and go over more than one and a half decades. The
    legend has the last values. The points are part of a snapshot, so that after it the curves go on. pyplot, and the
    backend that is in use there, are left alone.

    Raises:
        MissingPluginError: (an ImportError) matplotlib is not installed: see ``available``.
        ArgumentError: there are no ``y_keys``; while training, nothing has the name ``x_key``.

    >>> report = PlotReport(["main/loss", "validation/main/loss"], "epoch", filename="loss.png")
    >>> report.available()
    True
    """

    def __init__(
        self,
        y_keys: Iterable[str],
        x_key: str = "iteration",
        trigger: Trigger = (1, "epoch"),
        postprocess: Callable[[Any, Any, dict[str, Curve]], Any] | None = None,
        filename: str = "plot.png",
        marker: str | None = "x",
        grid: bool = True,
    ) -> None:
        y_keys = [y_keys] if isinstance(y_keys, str) else list(y_keys)
        if not y_keys:
            raise ArgumentError("PlotReport: y_keys is empty (expected e.g. ['main/loss']).")
        super().__init__(filename)
        self._x_key = x_key
        self._is_due = get_trigger(trigger)
        self._postprocess = postprocess
        self._marker = marker
        self._grid = grid
        self._summary = DictSummary()
        self._keys = [*y_keys, x_key]
        self._curves: dict[str, Curve] = {name: [] for name in y_keys}

    def __call__(self, trainer: Any) -> None:
        observed = trainer.observation
        self._summary.add({name: observed[name] for name in self._keys if name in observed})
        if not (self._is_due(trainer) or trainer.is_before_training):
            return
        updater, means = trainer.updater, self._summary.compute_mean()
        self._summary = DictSummary()
        places = {"epoch": updater.epoch, "iteration": updater.iteration, "elapsed_time": trainer.elapsed_time} | means
        if self._x_key not in places:
            raise ArgumentError(f"PlotReport: x_key={self._x_key!r} was not observed (there are: {', '.join(places)}).")
        observed = self._curves.keys() & means.keys()
        for name in observed:
            self._curves[name].append([places[self._x_key], means[name]])
        if observed:
            self.show(trainer)

    def serialize(self, serializer: Any) -> None:
        present = json.dumps(self._curves)
        loaded = serializer("curves", present)
        self._summary.serialize(serializer["summary"])
        if hasattr(self._is_due, "serialize"):
            self._is_due.serialize(serializer["trigger"])
        if loaded != present:
            self._curves |= {name: curve for name, curve in json.loads(loaded).items() if name in self._curves}

    def figure(self) -> Any:
        """The curves as they are now."""
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.ticker import LogLocator, MaxNLocator

        figure = Figure(figsize=(7, 4.5), dpi=120)
        rows = math.ceil(len(self._curves) / 2)  # of the legend
        # By hand, since a layout engine takes as long as all the rest.
        figure.subplots_adjust(left=0.1, right=0.97, bottom=0.12, top=0.97 - 0.055 * rows)
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for name, points in self._curves.items():
            if points:
                xs, ys = zip(*points, strict=True)
                step = math.ceil(len(points) / MARKERS)
                axes.plot(xs, ys, label=f"{name}, {ys[-1]:.4g}", marker=self._marker, markersize=4, markevery=step)
        axes.set_xlabel({"elapsed_time": "elapsed time (s)"}.get(self._x_key, self._x_key))
        if self._x_key in ("epoch", "iteration"):
            axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
            axes.xaxis.set_major_formatter("{x:,.0f}")
        decades = _decades([y for points in self._curves.values() for _, y in points])
        if decades > 1.5:
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2.5 else (1,)))
            axes.yaxis.set_major_formatter("{x:g}")
        if self._grid:
            axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)  # above, where no curve is
        if self._postprocess is not None:
            self._postprocess(figure, axes, self._curves)
        return figure


def _decades(values: list[float]) -> float:
    """How far apart the values are as powers of ten; 0 where not all are positive."""
    finite = [value for value in values if math.isfinite(value)]
    return math.log10(max(finite) / min(finite)) if finite and min(finite) > 0 else 0.0
