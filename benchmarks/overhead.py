"""What one small operation costs, beside PyTorch: additions, a mixed chain, and a recursive net.

    python benchmarks/overhead.py --torch path/to/an/environment/bin/python

Each framework computes in a process of its own, and the two take turns; README.md says how this is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

WORKERS = Path(__file__).parent / "workers"
WARM_UP = 5  # runs of each workload before any is measured
TOLERANCE = 1e-4

# The name, what it is called in the table, and how many operations one run makes.
WORKLOADS = [("additions", "addition", 1_000), ("mixed", "mixed chain", 1_000), ("tree", "recursive net, node", 499)]
MODES = {"forward": "forward", "both": "forward + backward"}


class Worker:
    """A process that computes one repetition when told."""

    def __init__(self, python: str, script: str, threads: int) -> None:
        self.process = subprocess.Popen(
            [python, str(WORKERS / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_environment(threads, own=python == sys.executable),
        )
        self.hello = self._answer()

    def ask(self, command: str, name: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command} {name}\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker {self.process.args} ended. Its own message is above.")
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def _environment(threads: int, own: bool) -> dict[str, str]:
    """The workers': so many threads, one core for both, BLAS as it comes, and no path of ours in PyTorch's."""
    left_out = {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", *(() if own else ("PYTHONPATH", "PYTHONHOME"))}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        environment[name] = str(threads)
    environment["OVERHEAD_CORES"] = ",".join(map(str, _cores(threads)))
    return environment


def _cores(count: int) -> list[int]:
    """The last ones that we may use: the first are the busiest. None where the system does not pin processes."""
    allowed = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    return allowed[-count:]


def start_torch(python: str | None, threads: int, script: str = "with_torch.py") -> Worker | str:
    """PyTorch's worker, or why there is none."""
    if not python:
        return "no Python with torch was named (--torch PYTHON, or CHAINETTE_BENCH_TORCH)"
    try:
        worker = Worker(python, script, threads)
    except (OSError, RuntimeError) as error:
        return f"{python} does not run ({error})"
    if "error" not in worker.hello:
        return worker
    worker.close()
    return f"{python}: {worker.hello['error']}"


def check(ours: Worker, theirs: Worker) -> None:
    """Both must compute the same, else their times mean nothing."""
    for name, label, _ in WORKLOADS:
        pairs = zip(ours.ask("results", name), theirs.ask("results", name), strict=True)
        for which, (mine, other) in enumerate(pairs):
            worst = max(abs(a - b) / max(1.0, abs(b)) for a, b in zip(mine, other, strict=True))
            if not worst <= TOLERANCE:
                what = f"gradient {which}" if which else "value"
                sys.exit(f"{label}: the {what} differs from PyTorch's by {worst:.2g} (at most {TOLERANCE:g}).")


def measure(ours: Worker, theirs: Worker | None, repetitions: int) -> list[dict[str, Any]]:
    """One row for each workload and mode: the times of both frameworks, in microseconds an operation."""
    rows: list[dict[str, Any]] = [{"workload": "clock", "label": "NumPy's own a + b", "mode": "", "operations": 1_000}]
    rows += [
        {"workload": name, "label": label, "mode": mode, "operations": operations}
        for name, label, operations in WORKLOADS
        for mode in MODES
    ]
    for row in rows:
        row["chainette"] = []
        if theirs is not None and row["workload"] != "clock":
            row["torch"] = []
    for repetition in range(-WARM_UP, repetitions):
        for row in rows:
            for name, worker in (("chainette", ours), ("torch", theirs)):
                if worker is None or name not in row:
                    continue
                seconds = worker.ask(row["mode"] or "forward", row["workload"])
                if repetition >= 0:
                    row[name].append(1e6 * seconds / row["operations"])
    return [_summary(row) for row in rows]


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    summary = {key: value for key, value in row.items() if not isinstance(value, list)}
    times = {name: row[name] for name in ("chainette", "torch") if name in row}
    for name, values in times.items():
        summary[name] = {"median": median(values), "minimum": min(values)}
    if "torch" in times:
        pairs = [mine / other for mine, other in zip(times["chainette"], times["torch"], strict=True)]
        summary["ratio"] = {
            "medians": median(times["chainette"]) / median(times["torch"]),
            "minima": min(times["chainette"]) / min(times["torch"]),
            "pairs": median(pairs),
        }
    return summary


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def report(facts: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    for framework, versions in facts["versions"].items():
        print(f"{framework + ':':11}" + ", ".join(f"{name} {number}" for name, number in versions.items()))
    where = "pinned to core " + ", ".join(map(str, facts["cores"])) if facts["pinned"] else "not pinned"
    threads = "1 thread" if facts["threads"] == 1 else f"{facts['threads']} threads"
    print(f"processor: {facts['processor']}; {threads}, {where}; {facts['repetitions']} repetitions")
    if "skipped" in facts:
        print(f"PyTorch is left out: {facts['skipped']}")
    print("\nMicroseconds an operation: median (minimum). Then chainette's time divided by PyTorch's: of the medians,")
    print("of the minima, and the median of the ratios of neighbouring runs.\n")
    print(f"{'':40}{'chainette':>17}{'PyTorch':>17}{'medians':>10}{'minima':>8}{'pairs':>8}")
    for row in rows:
        label = ", ".join(filter(None, (row["label"], MODES.get(row["mode"], ""))))
        times = [f"{t['median']:.2f} ({t['minimum']:.2f})" for t in (row["chainette"], row.get("torch")) if t]
        line = f"{label:40}" + "".join(f"{time:>17}" for time in times)
        if ratio := row.get("ratio"):
            line += f"{ratio['medians']:>10.2f}{ratio['minima']:>8.2f}{ratio['pairs']:>8.2f}"
        print(line)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--torch",
        metavar="PYTHON",
        default=os.environ.get("CHAINETTE_BENCH_TORCH"),
        help="a Python that has torch, in its own environment (default: $CHAINETTE_BENCH_TORCH)",
    )
    parser.add_argument("--repetitions", type=int, default=50, help="measured runs of each workload (default: 50)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each framework (default: 1)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    options = parser.parse_args()
    if options.repetitions < 1 or options.threads < 1:
        parser.error("--repetitions and --threads must be at least 1")

    ours = Worker(sys.executable, "with_chainette.py", options.threads)
    theirs = start_torch(options.torch, options.threads)
    facts = {
        "versions": {"chainette": ours.hello["versions"]},
        "processor": processor(),
        "pinned": ours.hello["pinned"],
        "cores": _cores(options.threads),
        "threads": options.threads,
        "repetitions": options.repetitions,
    }
    if isinstance(theirs, Worker):
        facts["versions"]["PyTorch"] = theirs.hello["versions"]
        check(ours, theirs)
        rows = measure(ours, theirs, options.repetitions)
        theirs.close()
    else:
        facts["skipped"] = theirs
        rows = measure(ours, None, options.repetitions)
    ours.close()
    if options.json:
        print(json.dumps({**facts, "rows": rows}, indent=2))
    else:
        report(facts, rows)


if __name__ == "__main__":
    main()
