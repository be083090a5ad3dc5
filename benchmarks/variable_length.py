"""What sequences of different lengths cost beside the same ones padded: an LSTM over 64 sequences of 1 to 50 elements.

    python benchmarks/variable_length.py

The two take turns in one process, with 1 thread and then with 2; README.md says how this is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from statistics import median
from typing import Any

from overhead import Worker, processor

GOAL = 1.4
TOLERANCE = 1e-4


def check(worker: Worker) -> None:
    """The outputs and gradients must be the same, else the times mean nothing."""
    pairs = zip(worker.ask("results", "variable"), worker.ask("results", "padded"), strict=True)
    worst = max(abs(a - b) / max(abs(b), 1e-30) for a, b in pairs)
    if not worst <= TOLERANCE:
        sys.exit(f"padding changes the outputs or a gradient by {worst:.2g} (relative; at most {TOLERANCE:g}).")


def measure(threads: int, repetitions: int) -> dict[str, Any]:
    """The medians of runs that take turns, and by how much the time for a real element is the longer one."""
    worker = Worker(sys.executable, "sequences.py", threads)
    check(worker)
    times: dict[str, list[float]] = {"variable": [], "padded": []}
    for _ in range(repetitions):
        for name, values in times.items():
            values.append(worker.ask("seconds", name))
    worker.close()
    share = worker.hello["share"]
    pairs = [variable / padded for variable, padded in zip(times["variable"], times["padded"], strict=True)]
    seconds = {name: median(values) for name, values in times.items()}
    return {
        "threads": threads,
        "versions": worker.hello["versions"],
        "share": share,
        "seconds": seconds,
        "ratio": seconds["variable"] / seconds["padded"] / share,
        "ratio, pairs": median(pairs) / share,
    }


def report(facts: list[dict[str, Any]], repetitions: int) -> None:
    print(", ".join(f"{name} {number}" for name, number in facts[0]["versions"].items()))
    print(
        f"processor: {processor()}; {repetitions} repetitions; {facts[0]['share']:.3f} of the padded steps are real\n"
    )
    print(f"{'forward + backward, s':24}{'variable':>10}{'padded':>10}{'ratio':>8}{'pairs':>8}{'goal':>7}")
    for each in facts:
        label = "1 thread" if each["threads"] == 1 else f"{each['threads']} threads"
        seconds = each["seconds"]
        line = f"{label:24}{seconds['variable']:>10.3f}{seconds['padded']:>10.3f}"
        print(f"{line}{each['ratio']:>8.2f}{each['ratio, pairs']:>8.2f}{GOAL:>7.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=15, help="measured runs of each (default: 15)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="threads, one after another (1 2)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    if options.repetitions < 1 or min(options.threads) < 1:
        parser.error("--repetitions and --threads must be at least 1")

    facts = [measure(threads, options.repetitions) for threads in options.threads]
    if options.json:
        print(json.dumps({"processor": processor(), "repetitions": options.repetitions, "runs": facts}, indent=2))
    else:
        report(facts, options.repetitions)


if __name__ == "__main__":
    main()
