"""What checkpointing saves and costs: a deep chain of linear layers, in segments that are computed twice, and plain.

    python benchmarks/memory.py

Both compute in a process of their own, and the two take turns; README.md says how this is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from statistics import median
from typing import Any

from overhead import Worker, processor

GOALS = {"kept": 0.20, "time": 1.4}
TOLERANCE = 1e-5
# What glibc reads: whether it gives freed memory back to the system must not depend on what lies at its heap's end.
KEEP_FREED_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(2**40), "MALLOC_MMAP_THRESHOLD_": str(2**25)}
MEGABYTE = 2**20


def check(plain: Worker, checkpoint: Worker) -> None:
    """Both must compute the same, else their memory and times mean nothing."""
    pairs = zip(plain.ask("results", "plain"), checkpoint.ask("results", "checkpoint"), strict=True)
    worst = max(abs(a - b) / max(abs(a), 1e-30) for a, b in pairs)
    if not worst <= TOLERANCE:
        sys.exit(f"checkpoints change the result or a gradient by {worst:.2g} (relative; at most {TOLERANCE:g}).")


def measure(plain: Worker, checkpoint: Worker, repetitions: int) -> dict[str, Any]:
    """The times of runs that take turns; then the memory of one run of each."""
    times: dict[str, list[float]] = {"plain": [], "checkpoint": []}
    for _ in range(repetitions):
        times["plain"].append(plain.ask("seconds", "plain"))
        times["checkpoint"].append(checkpoint.ask("seconds", "checkpoint"))
    memory = {"plain": plain.ask("memory", "plain"), "checkpoint": checkpoint.ask("memory", "checkpoint")}
    pairs = [slow / fast for slow, fast in zip(times["checkpoint"], times["plain"], strict=True)]
    ratios = {what: memory["checkpoint"][what] / memory["plain"][what] for what in ("kept", "peak")}
    ratios |= {"time": median(times["checkpoint"]) / median(times["plain"]), "time, pairs": median(pairs)}
    return {"memory": memory, "seconds": {name: median(values) for name, values in times.items()}, "ratios": ratios}


def report(facts: dict[str, Any]) -> None:
    print(", ".join(f"{name} {number}" for name, number in facts["versions"].items()))
    print(f"processor: {facts['processor']}; {facts['threads']} thread(s), {facts['repetitions']} repetitions\n")
    print(f"{'':28}{'plain':>12}{'checkpoints':>14}{'ratio':>8}{'goal':>7}")
    for what, label in (("kept", "kept after forward, MB"), ("peak", "most at any time, MB")):
        sizes = [facts["memory"][name][what] / MEGABYTE for name in ("plain", "checkpoint")]
        goal = f"{GOALS[what]:7.2f}" if what in GOALS else ""
        print(f"{label:28}{sizes[0]:>12.1f}{sizes[1]:>14.1f}{facts['ratios'][what]:>8.2f}{goal}")
    seconds = facts["seconds"]
    line = f"{'forward + backward, s':28}{seconds['plain']:>12.2f}{seconds['checkpoint']:>14.2f}"
    print(f"{line}{facts['ratios']['time']:>8.2f}{GOALS['time']:7.2f}")
    print(f"{'':28}{'of neighbouring runs':>26}{facts['ratios']['time, pairs']:>8.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5, help="measured runs of each (default: 5)")
    parser.add_argument("--threads", type=int, default=1, help="threads (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    if options.repetitions < 1 or options.threads < 1:
        parser.error("--repetitions and --threads must be at least 1")

    os.environ |= KEEP_FREED_MEMORY  # which the workers inherit
    plain, checkpoint = (Worker(sys.executable, "deep_chain.py", options.threads) for _ in range(2))
    check(plain, checkpoint)
    facts = {
        "versions": plain.hello["versions"],
        "processor": processor(),
        "threads": options.threads,
        "repetitions": options.repetitions,
        **measure(plain, checkpoint, options.repetitions),
    }
    for worker in (plain, checkpoint):
        worker.close()
    if options.json:
        print(json.dumps(facts, indent=2))
    else:
        report(facts)


if __name__ == "__main__":
    main()
