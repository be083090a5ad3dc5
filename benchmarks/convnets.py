"""Forward and backward of four convolutional nets, and the memory of a training step, beside PyTorch.

    python benchmarks/convnets.py --torch path/to/an/environment/bin/python

Each framework computes in a process of its own, and the two take turns; README.md says how this is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from statistics import median
from typing import Any

from overhead import Worker, processor, start_torch

TOLERANCE = 1e-4  # of the loss; gradients are compared with ten times that
LABELS = {"alexnet": "AlexNet", "overfeat": "OverFeat (fast)", "vgg-a": "VGG-A", "googlenet": "GoogLeNet"}
GOALS = {"alexnet": 1.8, "overfeat": 1.8, "vgg-a": 1.8, "googlenet": 2.7}  # times PyTorch's, forward and backward


def start(options: argparse.Namespace, work: str = "nets") -> tuple[dict[str, Worker], dict[str, Any]]:
    """The workers, and what is to be told about them."""
    workers = {"chainette": Worker(sys.executable, f"{work}_in_chainette.py", options.threads)}
    facts: dict[str, Any] = {"processor": processor(), "threads": options.threads, "repetitions": options.repetitions}
    theirs = start_torch(options.torch, options.threads, f"{work}_in_torch.py")
    if isinstance(theirs, Worker):
        workers["PyTorch"] = theirs
    else:
        facts["skipped"] = theirs
    facts["versions"] = {name: worker.hello["versions"] for name, worker in workers.items()}
    return workers, facts


def prepare(workers: dict[str, Worker], net: str, compared: int = 1) -> dict[str, float | None]:
    """Make the net in each framework and compare so many results; the peaks of memory of the first training step."""
    for worker in workers.values():
        worker.ask("make", net)
    for _ in range(compared):
        compare(workers, net)
    return {name: worker.ask("peak", net) for name, worker in workers.items()}


def compare(workers: dict[str, Worker], net: str) -> None:
    """All must compute the same, else their times mean nothing."""
    expected, *others = [worker.ask("compare", net) for worker in workers.values()]
    for name, results in zip(list(workers)[1:], others, strict=True):
        for position, (mine, other) in enumerate(zip(expected, results, strict=True)):
            if not abs(mine - other) <= TOLERANCE * (10 if position else 1) * abs(other):
                what = "a gradient" if position else "the loss"
                sys.exit(f"{net}: {what} of chainette differs from {name}'s ({mine:.7g}, not {other:.7g}).")


def measure(workers: dict[str, Worker], command: str, argument: str, repetitions: int) -> dict[str, list[list[float]]]:
    """The milliseconds that each framework answers, ``repetitions`` times. They take turns; one is not counted."""
    times: dict[str, list[list[float]]] = {name: [] for name in workers}
    for repetition in range(-1, repetitions):
        for name, worker in workers.items():
            answer = [1e3 * seconds for seconds in worker.ask(command, argument)]
            if repetition >= 0:
                times[name].append(answer)
    return times


def summary(times: dict[str, list[list[float]]], part: int | None) -> dict[str, Any]:
    """Median and minimum of one part of the times, or of their sum; and the ratios where there are two frameworks."""
    chosen = {name: [sum(each) if part is None else each[part] for each in rows] for name, rows in times.items()}
    row: dict[str, Any] = {name: {"median": median(values), "minimum": min(values)} for name, values in chosen.items()}
    if "PyTorch" in chosen:
        pairs = [mine / other for mine, other in zip(chosen["chainette"], chosen["PyTorch"], strict=True)]
        row["ratio"] = {
            "medians": row["chainette"]["median"] / row["PyTorch"]["median"],
            "minima": row["chainette"]["minimum"] / row["PyTorch"]["minimum"],
            "pairs": median(pairs),
        }
    return row


def report_facts(facts: dict[str, Any]) -> None:
    for framework, versions in facts["versions"].items():
        print(f"{framework + ':':11}" + ", ".join(f"{name} {number}" for name, number in versions.items()))
    threads = "1 thread" if facts["threads"] == 1 else f"{facts['threads']} threads"
    print(f"processor: {facts['processor']}; {threads}; {facts['repetitions']} repetitions")
    if "skipped" in facts:
        print(f"PyTorch is left out: {facts['skipped']}")
    print(
        "\nMilliseconds: median (minimum). Then chainette's time divided by PyTorch's: of the medians, of the minima,"
    )
    print("and the median of the ratios of neighbouring runs.\n")
    print(f"{'':34}{'chainette':>19}{'PyTorch':>19}{'medians':>10}{'minima':>8}{'pairs':>8}{'goal':>7}")


def report_row(label: str, row: dict[str, Any], goal: float | None = None) -> None:
    times = [f"{t['median']:.1f} ({t['minimum']:.1f})" for t in (row["chainette"], row.get("PyTorch")) if t]
    line = f"{label:34}" + "".join(f"{time:>19}" for time in times)
    if ratio := row.get("ratio"):
        line += f"{ratio['medians']:>10.2f}{ratio['minima']:>8.2f}{ratio['pairs']:>8.2f}"
        line += f"{goal:>7.1f}" if goal else ""
    print(line, flush=True)


def report_peaks(label: str, peaks: dict[str, float | None]) -> None:
    told = [f"{name} {megabytes:.0f} MB" for name, megabytes in peaks.items() if megabytes is not None]
    print(f"{label}, peak memory of a training step: {', '.join(told) or 'not measured'}")


def arguments(description: str, repetitions: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--torch",
        metavar="PYTHON",
        default=os.environ.get("CHAINETTE_BENCH_TORCH"),
        help="a Python that has torch, in its own environment (default: $CHAINETTE_BENCH_TORCH)",
    )
    parser.add_argument(
        "--repetitions", type=int, default=repetitions, help=f"measured runs of each (default: {repetitions})"
    )
    parser.add_argument("--threads", type=int, default=2, help="threads of each framework (default: 2)")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    return parser


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    options = parser.parse_args()
    if options.repetitions < 1 or options.threads < 1:
        parser.error("--repetitions and --threads must be at least 1")
    return options


def report_modes(options: argparse.Namespace, work: str, labels: dict[str, str], goals: dict[str, float]) -> None:
    """Print, for each net, the times of forward, backward and both, and the memory of a training step."""
    rows = []
    for net, label in labels.items():
        workers, facts = start(options, work)  # new ones for each net: the memory of one is not to be seen in the next
        if not rows and not options.json:
            report_facts(facts)
        peaks = prepare(workers, net)
        times = measure(workers, "times", net, options.repetitions)
        for worker in workers.values():
            worker.close()
        modes = {"forward": summary(times, 0), "backward": summary(times, 1), "both": summary(times, None)}
        rows.append({"net": net, "goal": goals.get(net), "peak": peaks, **modes})
        if not options.json:
            for mode, row in modes.items():
                report_row(f"{label}, {mode}", row, goals.get(net) if mode == "both" else None)
            report_peaks(label, peaks)
    if options.json:
        print(json.dumps({**facts, "rows": rows}, indent=2))


def main() -> None:
    parser = arguments(__doc__.splitlines()[0], 7)
    parser.add_argument("--nets", nargs="+", choices=list(LABELS), default=list(LABELS), help="which nets (all)")
    options = parsed(parser)
    report_modes(options, "nets", {net: LABELS[net] for net in options.nets}, GOALS)


if __name__ == "__main__":
    main()
