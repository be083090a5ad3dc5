"""How long links take."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from typing import TextIO

from chainette_links.link_hook import LinkCall, LinkHook


class TimerHook(LinkHook):
    """Measures the seconds that each call of a link takes, those of the links within it included; an accelerator is
    waited for.

    Attribute: ``call_history``, pairs of a link's class name and the seconds, in the order in which calls ended.

    >>> import chainette_links as L
    >>> hook = TimerHook()
    >>> with hook:
    ...     y = L.Classifier(L.Linear(3, 2))(np.ones((1, 3), "f"), np.array([0]))
    >>> [name for name, seconds in hook.call_history]
    ['Linear', 'Classifier']
    >>> hook.total_time() == hook.call_history[1][1]
    True
    """

    name = "TimerHook"

    def __init__(self) -> None:
        self.call_history: list[tuple[str, float]] = []
        self._depth = 0
        self._total = 0.0

    def forward_preprocess(self, args: LinkCall) -> None:
        self._depth += 1
        args.link.device.synchronize()
        args.kept[self] = time.perf_counter()

    def forward_postprocess(self, args: LinkCall) -> None:
        args.link.device.synchronize()
        seconds = time.perf_counter() - args.kept.pop(self)
        self.call_history.append((type(args.link).__name__, seconds))
        self._depth -= 1
        if not self._depth:
            self._total += seconds

    def forward_failed(self, args: LinkCall) -> None:
        self._depth -= 1

    def total_time(self) -> float:
        """The seconds of all calls together; calls within others count once."""
        return self._total

    def summary(self) -> dict[str, dict[str, float]]:
        """``total_time`` and ``occurrence`` by class name."""
        table: dict[str, dict[str, float]] = defaultdict(lambda: {"total_time": 0.0, "occurrence": 0})
        for name, seconds in self.call_history:
            table[name]["total_time"] += seconds
            table[name]["occurrence"] += 1
        return dict(table)

    def print_report(self, file: TextIO | None = None) -> None:
        """Print the summary, the most expensive class first."""
        out = file or sys.stdout
        print(f"{'link':<32}{'seconds':>12}{'calls':>10}", file=out)
        for name, row in sorted(self.summary().items(), key=lambda item: -item[1]["total_time"]):
            print(f"{name:<32}{row['total_time']:>12.6f}{row['occurrence']:>10.0f}", file=out)
