"""An LSTM over sequences of different lengths, and over the same ones padded. Run by variable_length.py."""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
import workloads

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Variable

SEQUENCES, LONGEST, UNITS = 64, 50, 650

generator = np.random.default_rng(1)
lengths = generator.integers(1, LONGEST + 1, SEQUENCES)
variable = [generator.standard_normal((length, UNITS), np.float32) for length in lengths]
padded = [np.concatenate([x, np.zeros((LONGEST - len(x), UNITS), np.float32)]) for x in variable]

chainette.seed(1)
layer = L.NStepLSTM(1, UNITS, UNITS, dropout=0.0)


@contextmanager
def real_time() -> Iterator[None]:
    """As ``workloads.real_time``, for BLAS's threads too: each of its products waits for all of them."""
    threads = [int(task.name) for task in Path("/proc/self/task").glob("*")]
    try:
        for thread in threads:
            os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, OSError):
        threads = []
    try:
        yield
    finally:
        for thread in threads:
            os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))


def outputs(xs: list[np.ndarray]) -> list[Variable]:
    layer.cleargrads()
    _, _, ys = layer(None, None, xs)
    return ys


def seconds(xs: list[np.ndarray]) -> float:
    """The time of forward and backward, until the graph has been freed."""
    with real_time():
        start = time.perf_counter()
        y = F.sum(F.concat(outputs(xs), axis=0))
        y.backward()
        del y
        return time.perf_counter() - start


def results(xs: list[np.ndarray]) -> list[float]:
    """Something of the outputs of the real elements, and of each gradient, to be compared."""
    y = F.concat([y[:length] for y, length in zip(outputs(xs), lengths, strict=True)], axis=0)
    F.sum(y * y).backward()
    return [float(abs(array).mean()) for array in (y.array, *(p.grad for p in layer.params()))]


workloads.tell(
    {
        "versions": {"chainette": version("chainette"), "NumPy": np.__version__, "Python": sys.version.split()[0]},
        "pinned": workloads.pin(),
        "share": float(lengths.sum() / (SEQUENCES * LONGEST)),
    }
)
for line in sys.stdin:
    command, name = line.split()
    workloads.tell({"seconds": seconds, "results": results}[command]({"variable": variable, "padded": padded}[name]))
