"""A training step of ResNet-32 for images of 32x32, with stochastic depth, beside PyTorch.

    python benchmarks/stochastic_depth.py --torch path/to/an/environment/bin/python

Each framework computes in a process of its own, and the two take turns; README.md says how this is measured.
"""

from __future__ import annotations

import json

from convnets import arguments, measure, parsed, prepare, report_facts, report_peaks, report_row, start, summary

STEPS = 5  # in one turn: one may have many blocks, the next one few
COMPARED = 3  # draws of blocks for which results are compared
LABEL = "ResNet-32, step with momentum"
GOAL = 3.0  # times PyTorch's


def main() -> None:
    options = parsed(arguments(__doc__.splitlines()[0], 15))
    workers, facts = start(options, "blocks")
    if not options.json:
        report_facts(facts)
    peaks = prepare(workers, "resnet-32", COMPARED)
    row = summary(measure(workers, "momentum", str(STEPS), options.repetitions), None)
    for worker in workers.values():
        worker.close()
    if options.json:
        print(json.dumps({**facts, "rows": [{"net": "resnet-32", "goal": GOAL, "peak": peaks, **row}]}, indent=2))
    else:
        report_row(LABEL, row, GOAL)
        report_peaks("ResNet-32", peaks)


if __name__ == "__main__":
    main()
