"""A training step of a multilayer perceptron, 784-1000-1000-10, with SGD and Adam, beside PyTorch and NumPy alone.

    python benchmarks/mlp.py --torch path/to/an/environment/bin/python

Each framework computes in a process of its own, and the two take turns; README.md says how this is measured.
"""

from __future__ import annotations

import json
import sys

from convnets import arguments, measure, parsed, prepare, report_facts, report_row, start, summary
from overhead import Worker

STEPS = 20  # in one turn
LABELS = {"sgd": "MLP, step with SGD", "adam": "MLP, step with Adam"}
GOALS = {"sgd": 1.0}  # times PyTorch's


def main() -> None:
    options = parsed(arguments(__doc__.splitlines()[0], 20))
    rows = []
    for rule, label in LABELS.items():
        workers, facts = start(options)  # new ones, so that both rules meet the same weights
        workers["NumPy"] = Worker(sys.executable, "mlp_in_numpy.py", options.threads)
        if not rows and not options.json:
            report_facts(facts)
        prepare(workers, "mlp")
        times = measure(workers, rule, str(STEPS), options.repetitions)
        for worker in workers.values():
            worker.close()
        row = summary(times, None)
        rows.append({"rule": rule, "goal": GOALS.get(rule), **row})
        if not options.json:
            report_row(label, row, GOALS.get(rule))
            print(f"{'':4}written out in NumPy: {row['NumPy']['median']:.1f} ({row['NumPy']['minimum']:.1f})")
    if options.json:
        print(json.dumps({**facts, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
