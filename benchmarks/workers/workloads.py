"""What both workers compute, and how they are told to: one command a line on stdin, one line of JSON back.

Nothing but Python's own library is needed here, since each worker lives in an environment of its own.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

OPERATIONS = 1_000  # of each chain
ELEMENTS = 10
LEAVES = 250  # of the tree: 499 nodes with the inner ones
UNITS = 50
WORDS = 100

Matrix = list[list[float]]
Tree = Any  # the number of a word, or a pair of trees


def vector() -> list[float]:
    """The input of the chains. Near 1, so that 250 steps of the mixed chain leave a gradient above underflow."""
    draw = random.Random(1)
    return [draw.uniform(0.98, 1.02) for _ in range(ELEMENTS)]


def tree() -> Tree:
    """A random binary tree: two neighbours become one until one is left."""
    draw = random.Random(2)
    nodes: list[Tree] = [draw.randrange(WORDS) for _ in range(LEAVES)]
    while len(nodes) > 1:
        i = draw.randrange(len(nodes) - 1)
        nodes[i : i + 2] = [(nodes[i], nodes[i + 1])]
    return nodes[0]


def weights() -> tuple[Matrix, Matrix, list[float]]:
    """The embeddings, and W and b of the layer that makes one node of two."""
    draw = random.Random(3)

    def matrix(rows: int, columns: int, deviation: float) -> Matrix:
        return [[draw.gauss(0, deviation) for _ in range(columns)] for _ in range(rows)]

    return matrix(WORDS, UNITS, 1.0), matrix(UNITS, 2 * UNITS, 0.1), matrix(1, UNITS, 0.1)[0]


class Workload:
    """One computation in one framework.

    Args:
        forward: computes the output.
        backward: takes the output and walks back to the leaves.
        leaves: what has a gradient afterwards, in the same order in both frameworks.
    """

    def __init__(self, forward: Callable[[], Any], backward: Callable[[Any], None], leaves: list[Any]) -> None:
        self.forward = forward
        self.backward = backward
        self.leaves = leaves

    def clear(self) -> None:
        for leaf in self.leaves:
            leaf.grad = None

    def seconds(self, with_backward: bool) -> float:
        """The time of one run. It ends when the graph has been freed, which a training loop pays for too."""
        with real_time():
            for _ in range(2):  # once for nothing, since the other framework has just had the core and its caches
                self.clear()
                start = time.perf_counter()
                y = self.forward()
                if with_backward:
                    self.backward(y)
                del y
                seconds = time.perf_counter() - start
        return seconds

    def results(self, flat: Callable[[Any], list[float]]) -> list[list[float]]:
        """The output and the gradients, to be compared with the other framework's."""
        self.clear()
        y = self.forward()
        self.backward(y)
        return [flat(y), *(flat(leaf.grad) for leaf in self.leaves)]


@contextmanager
def real_time() -> Iterator[None]:
    """Ahead of everything else on this core, where the system lets us."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except (AttributeError, OSError):
        yield
        return
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def serve(versions: dict[str, str], workloads: dict[str, Workload], flat: Callable[[Any], list[float]]) -> None:
    """Say hello, then answer ``results NAME``, ``forward NAME`` and ``both NAME`` until stdin ends."""
    tell({"versions": {**versions, "Python": sys.version.split()[0]}, "pinned": pin()})
    for line in sys.stdin:
        command, name = line.split()
        if command == "results":
            tell(workloads[name].results(flat))
        else:
            tell(workloads[name].seconds(with_backward=command == "both"))


def tell(answer: Any) -> None:
    print(json.dumps(answer), flush=True)


def pin() -> bool:
    """Stay on the cores that the driver names in the environment."""
    cores = [int(core) for core in os.environ.get("OVERHEAD_CORES", "").split(",") if core]
    try:
        os.sched_setaffinity(0, cores)
    except (AttributeError, OSError):
        return False
    return True
