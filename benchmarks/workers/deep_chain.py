"""A deep chain of linear layers, plain and in checkpoints. Run by memory.py."""

import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import version

import numpy as np
import workloads

import chainette
import chainette.functions as F
import chainette.links as L
from chainette import Variable

LAYERS, UNITS, BATCH = 200, 1_000, 256
SEGMENT = round(LAYERS**0.5)

chainette.seed(1)
layers = [L.Linear(UNITS, UNITS, initialW=chainette.initializers.HeNormal()) for _ in range(LAYERS)]
x = Variable(np.random.default_rng(1).standard_normal((BATCH, UNITS), np.float32))


def segment(layers: Sequence[L.Linear], h: Variable) -> Variable:
    for layer in layers:
        h = F.relu(layer(h))
    return h


def plain() -> Variable:
    return F.mean(segment(layers, x))


def checkpoint() -> Variable:
    h = x
    for start in range(0, LAYERS, SEGMENT):
        h = F.checkpoint(partial(segment, layers[start : start + SEGMENT]), h)
    return F.mean(h)


def seconds(forward: Callable[[], Variable]) -> float:
    """The time of forward and backward, until the graph has been freed."""
    x.cleargrad()
    for layer in layers:
        layer.cleargrads()
    with workloads.real_time():
        start = time.perf_counter()
        y = forward()
        y.backward()
        del y
        return time.perf_counter() - start


def memory(forward: Callable[[], Variable]) -> dict[str, int]:
    """The bytes that lie there after forward, and the most at any time. The parameters' gradients are there before."""
    x.zerograd()
    for layer in layers:
        layer.zerograds()
    gc.collect()
    tracemalloc.start()
    y = forward()
    kept = tracemalloc.get_traced_memory()[0]
    y.backward()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return {"kept": kept, "peak": peak}


def results(forward: Callable[[], Variable]) -> list[float]:
    """The loss, and something of each gradient, to be compared."""
    seconds(forward)
    gradients = [x.grad] + [p.grad for layer in layers for p in (layer.W, layer.b)]
    return [forward().item(), *(float(abs(gradient).mean()) for gradient in gradients)]


workloads.tell({"versions": {"chainette": version("chainette"), "NumPy": np.__version__}, "pinned": workloads.pin()})
for line in sys.stdin:
    command, name = line.split()
    workloads.tell(
        {"seconds": seconds, "memory": memory, "results": results}[command](
            {"plain": plain, "checkpoint": checkpoint}[name]
        )
    )
