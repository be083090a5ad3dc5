"""What one step of an optimizer costs, beside PyTorch: Adam and momentum, on the 161 arrays of ResNet-50.

    python benchmarks/optimizers.py --torch path/to/an/environment/bin/python

Each framework computes in a process of its own, and the two take turns; README.md says how this is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from statistics import median
from typing import Any

from overhead import Worker, processor

WARM_UP = 2  # turns that are not counted
TOLERANCE = 1e-5
GOAL = 1.5
WORKLOADS = {"adam": "Adam", "momentum": "momentum SGD"}
RIVALS = {"": "PyTorch", "_fused": "PyTorch, fused"}


def start_torch(python: str | None, threads: int) -> Worker | str:
    """PyTorch's worker, or why there is none."""
    if not python:
        return "no Python with torch was named (--torch PYTHON, or CHAINETTE_BENCH_TORCH)"
    try:
        worker = Worker(python, "steps_with_torch.py", threads)
    except (OSError, RuntimeError) as error:
        return f"{python} does not run ({error})"
    if "error" not in worker.hello:
        return worker
    worker.close()
    return f"{python}: {worker.hello['error']}"


def check(ours: Worker, theirs: Worker) -> None:
    """Both must walk the same way, else their times mean nothing."""
    for name, label in WORKLOADS.items():
        mine = ours.ask("results", name)
        for suffix, rival in RIVALS.items():
            pairs = zip(mine, theirs.ask("results", name + suffix), strict=True)
            worst = max(abs(a - b) / max(1.0, abs(b)) for a, b in pairs)
            if not worst <= TOLERANCE:
                sys.exit(f"{label}: the parameters differ from {rival}'s by {worst:.2g} (at most {TOLERANCE:g}).")


def measure(ours: Worker, theirs: Worker | None, repetitions: int) -> list[dict[str, Any]]:
    """One row for each optimizer: the milliseconds of one step, by framework."""
    rows = []
    for name, label in WORKLOADS.items():
        workers = {"chainette": (ours, name)}
        if theirs is not None:
            workers |= {rival: (theirs, name + suffix) for suffix, rival in RIVALS.items()}
        times: dict[str, list[float]] = {who: [] for who in workers}
        for repetition in range(-WARM_UP, repetitions):
            for who, (worker, workload) in workers.items():
                seconds = worker.ask("seconds", workload)
                if repetition >= 0:
                    times[who].append(1e3 * seconds)
        row: dict[str, Any] = {"workload": name, "label": label, "times": {}, "ratios": {}}
        for who, values in times.items():
            row["times"][who] = {"median": median(values), "minimum": min(values)}
            if who != "chainette":
                pairs = [mine / other for mine, other in zip(times["chainette"], values, strict=True)]
                medians = row["times"]["chainette"]["median"] / row["times"][who]["median"]
                row["ratios"][who] = {"medians": medians, "pairs": median(pairs)}
        rows.append(row)
    return rows


def report(facts: dict[str, Any]) -> None:
    for framework, versions in facts["versions"].items():
        print(f"{framework + ':':11}" + ", ".join(f"{name} {number}" for name, number in versions.items()))
    print(f"processor: {facts['processor']}; {facts['threads']} thread(s), {facts['repetitions']} repetitions")
    if "skipped" in facts:
        print(f"PyTorch is left out: {facts['skipped']}")
    print(f"\n{facts['parameters']:,} parameters. Milliseconds a step: median (minimum). Then chainette's time divided")
    print(f"by the other's: of the medians, and the median of the ratios of neighbouring runs. The goal is {GOAL}.\n")
    for row in facts["rows"]:
        for who, time in row["times"].items():
            line = f"{row['label'] + ', ' + who:32}{time['median']:>10.1f} ({time['minimum']:.1f})"
            if ratio := row["ratios"].get(who):
                line = f"{line:52}{ratio['medians']:>8.2f}{ratio['pairs']:>8.2f}"
            print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch",
        metavar="PYTHON",
        default=os.environ.get("CHAINETTE_BENCH_TORCH"),
        help="a Python that has torch, in its own environment (default: $CHAINETTE_BENCH_TORCH)",
    )
    parser.add_argument("--repetitions", type=int, default=15, help="measured steps of each (default: 15)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each framework (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    if options.repetitions < 1 or options.threads < 1:
        parser.error("--repetitions and --threads must be at least 1")

    ours = Worker(sys.executable, "steps_with_chainette.py", options.threads)
    theirs = start_torch(options.torch, options.threads)
    facts: dict[str, Any] = {
        "versions": {"chainette": ours.hello["versions"]},
        "parameters": ours.hello["parameters"],
        "processor": processor(),
        "threads": options.threads,
        "repetitions": options.repetitions,
    }
    if isinstance(theirs, Worker):
        facts["versions"]["PyTorch"] = theirs.hello["versions"]
        check(ours, theirs)
        facts["rows"] = measure(ours, theirs, options.repetitions)
        theirs.close()
    else:
        facts["skipped"] = theirs
        facts["rows"] = measure(ours, None, options.repetitions)
    ours.close()
    if options.json:
        print(json.dumps(facts, indent=2))
    else:
        report(facts)


if __name__ == "__main__":
    main()
