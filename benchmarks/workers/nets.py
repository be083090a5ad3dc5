"""The nets that both frameworks compute, where their weights come from, and how a worker is told what to do.

Nothing but Python's own library is needed here, since each worker lives in an environment of its own.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from math import prod, sqrt
from pathlib import Path
from typing import Any

import workloads

Layer = tuple[Any, ...]
"""A name and its numbers:

* ``conv``: channels in and out, size of the window, stride, pad
* ``pool``: maxima; size of the window, stride, pad, whether the last windows may reach beyond the end
* ``average``: over windows of that size
* ``linear``: numbers in and out
* ``inception``: channels in; out of 1x1; within and out of 3x3; within and out of 5x5; out of the pooled branch
* ``relu``, and ``flat``, which makes vectors of images
"""

RATE = 1e-4  # of SGD: so slow that the loss does not reach 0, where numbers too small for float32 take more time
RELU: Layer = ("relu",)
FLAT: Layer = ("flat",)


def conv(ins: int, outs: int, size: int, stride: int = 1, pad: int = 0) -> list[Layer]:
    return [("conv", ins, outs, size, stride, pad), RELU]


def pool(size: int, stride: int, pad: int = 0) -> Layer:
    return ("pool", size, stride, pad)


def dense(*sizes: int) -> list[Layer]:
    layers: list[Layer] = [FLAT]
    for ins, outs in pairwise(sizes):
        layers += [("linear", ins, outs), RELU]
    return layers[:-1]


def vgg(*channels: int) -> list[Layer]:
    """Convolutions of 3x3; 0 stands for pooling."""
    layers, ins = [], 3
    for outs in channels:
        layers += conv(ins, outs, 3, 1, 1) if outs else [pool(2, 2)]
        ins = outs or ins
    return layers


NETS: dict[str, tuple[tuple[int, ...], list[Layer]]] = {
    # the shape of a batch, the layers
    "alexnet": (
        (16, 3, 224, 224),
        [
            *conv(3, 64, 11, 4, 2), pool(3, 2), *conv(64, 192, 5, 1, 2), pool(3, 2), *conv(192, 384, 3, 1, 1),
            *conv(384, 256, 3, 1, 1), *conv(256, 256, 3, 1, 1), pool(3, 2), *dense(9216, 4096, 4096, 1000),
        ],
    ),
    "overfeat": (
        (16, 3, 231, 231),
        [
            *conv(3, 96, 11, 4), pool(2, 2), *conv(96, 256, 5), pool(2, 2), *conv(256, 512, 3, 1, 1),
            *conv(512, 1024, 3, 1, 1), *conv(1024, 1024, 3, 1, 1), pool(2, 2), *dense(36864, 3072, 4096, 1000),
        ],
    ),
    "vgg-a": (
        (4, 3, 224, 224),
        [*vgg(64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0), *dense(25088, 4096, 4096, 1000)],
    ),
    "googlenet": (
        (16, 3, 224, 224),
        [
            *conv(3, 64, 7, 2, 3), pool(3, 2, 1), *conv(64, 64, 1), *conv(64, 192, 3, 1, 1), pool(3, 2, 1),
            ("inception", 192, 64, 96, 128, 16, 32, 32), ("inception", 256, 128, 128, 192, 32, 96, 64), pool(3, 2, 1),
            ("inception", 480, 192, 96, 208, 16, 48, 64), ("inception", 512, 160, 112, 224, 24, 64, 64),
            ("inception", 512, 128, 128, 256, 24, 64, 64), ("inception", 512, 112, 144, 288, 32, 64, 64),
            ("inception", 528, 256, 160, 320, 32, 128, 128), pool(3, 2, 1),
            ("inception", 832, 256, 160, 320, 32, 128, 128), ("inception", 832, 384, 192, 384, 48, 128, 128),
            ("average", 7), *dense(1024, 1000),
        ],
    ),
    "mlp": ((100, 784), dense(784, 1000, 1000, 10)[1:]),
}  # fmt: skip


def branches(ins: int, one: int, before: int, three: int, within: int, five: int, pooled: int) -> list[list[Layer]]:
    """The four ways through an inception, whose results are joined."""
    return [
        conv(ins, one, 1),
        [*conv(ins, before, 1), *conv(before, three, 3, 1, 1)],
        [*conv(ins, within, 1), *conv(within, five, 5, 1, 2)],
        [pool(3, 1, 1), *conv(ins, pooled, 1)],
    ]


def uniform(numbers: Any, seed: int) -> Any:
    """Numbers from -1 to 1 that look random, the same in every framework: its int64 array of 0, 1, ... is scrambled."""
    mask = (1 << 32) - 1
    for _ in range(2):
        numbers = ((numbers + seed * 7919 + 1) * 0x9E3779B1) & mask
        numbers = ((numbers ^ (numbers >> 16)) * 0x45D9F3B) & mask
        numbers = numbers ^ (numbers >> 15)
    return numbers / 2**31 - 1.0


def fill(array: Any, seed: int, arange: Callable[[int, int], Any], scale: float | None = None) -> Any:
    """Fill with random numbers up to ``scale``; None for weights that keep the variance of a signal through relu."""
    size, flat = prod(array.shape), array.reshape(-1)
    scale = sqrt(6 * array.shape[0] / size) if scale is None else scale
    for start in range(0, size, 1 << 18):  # in parts, which need little memory
        stop = min(start + (1 << 18), size)
        flat[start:stop] = uniform(arange(start, stop), seed) * scale
    return array


@contextmanager
def real_time() -> Iterator[None]:
    """This process with all its threads ahead of everything else, where the system lets us."""
    _schedule("SCHED_RR", 1)
    try:
        yield
    finally:
        _schedule("SCHED_OTHER", 0)


def _schedule(policy: str, priority: int) -> None:
    try:
        for thread in map(int, os.listdir("/proc/self/task")):
            os.sched_setscheduler(thread, getattr(os, policy), os.sched_param(priority))
    except (AttributeError, OSError):
        return


class Trainer:
    """A net in one framework. Its worker says how the net is made, and what the pieces of a training step are.

    ``make(name)`` prepares a net; ``forward()`` returns the loss, ``backward(loss)`` leaves the parameters' gradients,
    ``update(rule)`` applies them; ``clear()`` forgets them; ``results(loss)`` are a few numbers to be compared.
    """

    make: Callable[[str], None]
    forward: Callable[[], Any]
    backward: Callable[[Any], None]
    update: Callable[[str], None]
    clear: Callable[[], None]
    results: Callable[[Any], list[float]]

    def times(self) -> list[float]:
        """The seconds of forward and of backward; the latter ends when the graph has been freed."""
        with real_time():
            self.clear()
            start = time.perf_counter()
            loss = self.forward()
            middle = time.perf_counter()
            self.backward(loss)
            del loss
            return [middle - start, time.perf_counter() - middle]

    def step(self, rule: str) -> None:
        self.clear()
        self.backward(self.forward())
        self.update(rule)

    def steps(self, rule: str, count: int) -> list[float]:
        """The seconds of a training step; one of them is not counted."""
        with real_time():
            self.step(rule)
            start = time.perf_counter()
            for _ in range(count):
                self.step(rule)
            return [(time.perf_counter() - start) / count]

    def compare(self) -> list[float]:
        self.clear()
        loss = self.forward()
        self.backward(loss)
        return self.results(loss)

    def peak(self) -> float | None:
        """The most memory that the process has had during one training step, in MB. None where no system tells."""
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak starts from what there is now
        except OSError:
            return None
        self.step("sgd")
        status = Path("/proc/self/status").read_text(encoding="utf-8")
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024

    def serve(self, versions: dict[str, str]) -> None:
        workloads.tell({"versions": {**versions, "Python": sys.version.split()[0]}, "pinned": workloads.pin()})
        for line in sys.stdin:
            command, argument = line.split()
            if command == "make":
                workloads.tell(self.make(argument))
            elif command == "peak":
                workloads.tell(self.peak())
            elif command == "compare":
                workloads.tell(self.compare())
            elif command == "times":
                workloads.tell(self.times())
            else:
                workloads.tell(self.steps(command, int(argument)))
