"""A language model on words, by links that step and by one for whole sequences, beside PyTorch.

    python benchmarks/recurrent.py --torch path/to/an/environment/bin/python

Each framework computes in a process of its own, and the two take turns; README.md says how this is measured.
"""

from __future__ import annotations

from convnets import arguments, parsed, report_modes

LABELS = {"steps": "LSTM, step by step", "whole": "n-step LSTM"}
GOALS = {"whole": 1.3}  # times PyTorch's, forward and backward


if __name__ == "__main__":
    report_modes(parsed(arguments(__doc__.splitlines()[0], 7)), "segments", LABELS, GOALS)
