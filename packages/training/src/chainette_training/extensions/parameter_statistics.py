"""Numbers that say how parameters and their gradients are distributed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from chainette import get_array_module, report
from chainette.errors import ArgumentError
from chainette_training.extension import PRIORITY_WRITER, Extension, Trigger

Statistic = Callable[[Any], Any]

PERCENTILES = (0.13, 2.28, 15.87, 50, 84.13, 97.72, 99.87)
"""Of a normal distribution these are the mean, and one, two and three deviations to both sides of it."""

DEFAULT_STATISTICS: dict[str, Statistic] = {
    "mean": lambda x: x.mean(),
    "std": lambda x: x.std(),
    "min": lambda x: x.min(),
    "max": lambda x: x.max(),
    "zeros": lambda x: (x == 0).sum(),
    "percentile": lambda x: get_array_module(x).percentile(x, PERCENTILES),
}


class ParameterStatistics(Extension):
    """Observes statistics of each parameter of a model, and of its gradient.

    Args:
        links: a link, or several.
        statistics: functions by name, each from a flat array to a number, or to several in a sequence or an array;
            ``"default"`` means mean, std, min, max, zeros (how many elements are 0) and percentile: of a normal
            distribution those are the mean, and one, two and three deviations to both sides of it.
        report_params: whether to look at the values.
        report_grads: whether to look at the gradients, where there are any.
        prefix: what names are to begin with.
        trigger: when to look.
        skip_nan_params: whether an array that has a NaN gives NaN for each function, which is then not called.

    A name has the link's name, the parameter's path, ``data`` or ``grad``, the function's name and, where it gives
    several numbers, which one of them: ``mlp/l1/W/grad/percentile/3``. A link that has no name is called None.

    Raises:
        ArgumentError: ``statistics`` is neither ``"default"`` nor functions by name.

    >>> import chainette.links as L
    >>> from chainette import Reporter
    >>> model = L.Linear(2, 2, initialW=0.5)
    >>> with Reporter() as reporter:
    ...     ParameterStatistics(model, {"sum": lambda x: float(x.sum())}, prefix="statistics")()
    >>> reporter.observation
    {'statistics/None/W/data/sum': 2.0, 'statistics/None/b/data/sum': 0.0}
    """

    priority = PRIORITY_WRITER
    default_name = "parameter_statistics"

    def __init__(
        self,
        links: Any,
        statistics: str | Mapping[str, Statistic] = "default",
        report_params: bool = True,
        report_grads: bool = True,
        prefix: str | None = None,
        trigger: Trigger = (1, "epoch"),
        skip_nan_params: bool = False,
    ) -> None:
        if statistics == "default":
            statistics = DEFAULT_STATISTICS
        if not isinstance(statistics, Mapping):
            raise ArgumentError(
                f"ParameterStatistics: statistics is {statistics!r:.80} (expected 'default', or functions by name)."
            )
        self._links = [links] if hasattr(links, "namedparams") else list(links)
        self._statistics = dict(statistics)
        self._kinds = ["data"] * report_params + ["grad"] * report_grads
        self._prefix = "" if prefix is None else f"{prefix}/"
        self._skip_nan_params = skip_nan_params
        self.trigger = trigger

    def register_statistics(self, name: str, function: Statistic) -> None:
        """Add a function, or put it in the place of the one of that name."""
        self._statistics[name] = function

    def __call__(self, trainer: Any = None) -> None:
        report(dict(self._observed()))

    def _observed(self) -> Iterator[tuple[str, Any]]:
        for link in self._links:
            for path, parameter in link.namedparams(include_uninit=False):
                for kind in self._kinds:
                    array = getattr(parameter, kind)
                    if array is not None:
                        with parameter.device.use():
                            found = self._statistics_of(array.ravel())
                        yield from _named(f"{self._prefix}{link.name}{path}/{kind}", found)

    def _statistics_of(self, array: Any) -> dict[str, Any]:
        if self._skip_nan_params and (array != array).any():
            return dict.fromkeys(self._statistics, float("nan"))
        return {name: function(array) for name, function in self._statistics.items()}


def _named(prefix: str, statistics: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """One name for each number: those that one function gave are told apart by their index."""
    for name, found in statistics.items():
        if isinstance(found, Iterable) and getattr(found, "ndim", 1) != 0:
            yield from ((f"{prefix}/{name}/{index}", each) for index, each in enumerate(found))
        else:
            yield f"{prefix}/{name}", found
