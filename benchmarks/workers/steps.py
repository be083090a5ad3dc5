"""What both workers of optimizers.py do: the steps, and how they are told to. Python's own library only."""

from __future__ import annotations

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from workloads import pin, tell

Shape = tuple[int, ...]


def shapes() -> list[Shape]:
    """The parameters of ResNet-50: 161 arrays with 25,557,032 numbers, from 64 to 2,359,296 in each."""
    found: list[Shape] = []

    def convolution(out: int, channels: int, size: int) -> None:
        found.extend([(out, channels, size, size), (out,), (out,)])  # and what normalizes it

    convolution(64, 3, 7)
    channels = 64
    for repeats, middle in ((3, 64), (4, 128), (6, 256), (3, 512)):
        for repeat in range(repeats):
            convolution(middle, channels, 1)
            convolution(middle, middle, 3)
            convolution(4 * middle, middle, 1)
            if repeat == 0:
                convolution(4 * middle, channels, 1)
            channels = 4 * middle
    return [*found, (1000, channels), (1000,)]


PARAMETERS = sum(map(math.prod, shapes()))


@contextmanager
def real_time() -> Iterator[None]:
    """All threads of this process ahead of everything else on their cores, where the system lets us."""

    def set_all(policy: int, priority: int) -> None:
        for thread in os.listdir("/proc/self/task"):
            os.sched_setscheduler(int(thread), policy, os.sched_param(priority))

    try:
        set_all(os.SCHED_RR, 1)
    except (AttributeError, OSError):
        yield
        return
    try:
        yield
    finally:
        set_all(os.SCHED_OTHER, 0)


def serve(
    versions: dict[str, str],
    start: Callable[[str], Callable[[], Any]],
    samples: Callable[[], list[float]],
) -> None:
    """Answer ``results NAME`` and ``seconds NAME`` until stdin ends.

    Args:
        versions: what is measured.
        start: sets the parameters to their first values, and makes the step of the optimizer of that name.
        samples: some of the parameters' present values.
    """
    versions = {**versions, "Python": sys.version.split()[0]}
    tell({"versions": versions, "parameters": PARAMETERS, "pinned": pin()})
    steps: dict[str, Callable[[], Any]] = {}
    for line in sys.stdin:
        command, name = line.split()
        if command == "results":
            step = start(name)
            for _ in range(3):
                step()
            tell(samples())
            continue
        step = steps[name] if name in steps else steps.setdefault(name, start(name))
        with real_time():
            for _ in range(2):  # once for nothing, since the other framework has just had the cores
                begin = time.perf_counter()
                step()
                seconds = time.perf_counter() - begin
        tell(seconds)
