"""Do our functions agree with PyTorch's, in values and gradients, on the same random inputs in float64 and float32?

    python tools/against_torch.py                    every row of torch_rows.py and torch_layers.py
    python tools/against_torch.py linear softmax     those of these functions

It shows what is covered, every disagreement, and the true differences in definition with their reasons; the latter are
checked too: where the two agree after all, the row is wrong. Rows of functions that are not there (yet) are named.
"""

import sys
import warnings
from typing import Any

import numpy as np
import torch
from torch_layers import CONNECTION, NORMALIZATION, POOLING, RNN
from torch_rows import ACTIVATION, ARRAY, LOSS, MATH, Row

import chainette
import chainette_functions as F
from chainette import Variable

ROWS = {
    "activation": ACTIVATION,
    "array": ARRAY,
    "connection": CONNECTION,
    "loss": LOSS,
    "math": MATH,
    "normalization": NORMALIZATION,
    "pooling": POOLING,
    "rnn": RNN,
}
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}


def compare(row: Row, dtype: str) -> None:
    """Raise an AssertionError where values, shapes or gradients do not agree."""
    generator = np.random.default_rng(list(row.name.encode()))
    arrays = [recipe.make(generator, dtype) for recipe in row.inputs]
    inputs: list[Any] = [Variable(x) if x.dtype.kind == "f" else x for x in arrays]
    tensors = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in arrays]
    found, wanted = flat((row.ours or getattr(F, row.name))(*inputs)), flat(row.theirs(*tensors))
    assert len(found) == len(wanted), f"{len(found)} outputs, and {len(wanted)} there"
    for y, tensor in zip(found, wanted, strict=True):
        close("values", y.array if isinstance(y, Variable) else y, tensor, dtype)
    if not row.gradient:
        return
    outputs = [(y, tensor) for y, tensor in zip(found, wanted, strict=True) if tensor.requires_grad]
    weights = [np.asarray(generator.standard_normal(y.shape), y.dtype) for y, _ in outputs]
    for (y, _), gy in zip(outputs, weights, strict=True):
        y.grad = gy
    chainette.backward([y for y, _ in outputs if y.creator is not None])
    torch.autograd.backward([tensor for _, tensor in outputs], [torch.tensor(gy) for gy in weights])
    for i, (x, tensor) in enumerate(zip(inputs, tensors, strict=True)):
        if tensor.grad is not None or (isinstance(x, Variable) and x.grad is not None):
            zeros = np.zeros(x.shape, x.dtype)
            found_grad, wanted_grad = (zeros if each.grad is None else each.grad for each in (x, tensor))
            close(f"gradient of input {i}", found_grad, wanted_grad, dtype)


def flat(outputs: Any) -> list[Any]:
    return [y for each in outputs for y in flat(each)] if isinstance(outputs, (tuple, list)) else [outputs]


def close(what: str, found: Any, wanted: Any, dtype: str) -> None:
    bound = TOLERANCE[dtype]
    wanted = np.asarray(wanted.detach() if isinstance(wanted, torch.Tensor) else wanted)
    assert found.shape == wanted.shape, f"{what}: shape {found.shape}, and {wanted.shape} there"
    np.testing.assert_allclose(found, wanted, rtol=bound, atol=bound, err_msg=what)


def problem(row: Row) -> str:
    """What is wrong with a row, in a line; nothing, if it is as it should be."""
    failures = []
    for dtype in TOLERANCE:
        try:
            compare(row, dtype)
        except AssertionError as error:
            failures.append(f"{dtype}: {' '.join(str(error).split())[:300]}")
        except Exception as error:
            return f"{dtype}: {type(error).__name__}: {error}"
    if row.differs:
        return "" if failures else f"they agree, and should not: {row.differs}"
    return "; ".join(failures)


def main(chosen: list[str]) -> bool:
    warnings.simplefilter("ignore")  # PyTorch's about features of its own
    torch.set_num_threads(1)
    rows = {group: [row for row in each if not chosen or row.name in chosen] for group, each in ROWS.items()}
    missing = sorted({row.name for each in rows.values() for row in each} - set(F.__all__))
    covered: dict[str, set[str]] = {group: set() for group in rows}
    problems, differences, notes = [], [], []
    for group, each in rows.items():
        for row in (row for row in each if row.name not in missing):
            covered[group].add(row.name)
            if wrong := problem(row):
                problems.append(f"{row.name}: {wrong}")
            elif row.differs:
                differences.append(f"{row.name}: {row.differs}")
            elif row.note:
                notes.append(f"{row.name}: {row.note}")
    for group, names in covered.items():
        show(f"{group}: {len(names)} functions compared", [", ".join(sorted(names))] if names else [])
    show("Definitions that differ, and why", differences)
    show("Agreeing once arguments are rearranged", notes)
    show("Not installed", [", ".join(missing)] if missing else [])
    compared = set().union(*covered.values())
    if not chosen:
        rest = sorted(set(F.__all__) - compared)
        show(f"{len(rest)} without a row: random ones, second names, what PyTorch does not have", [", ".join(rest)])
    show(f"Disagreements: {len(problems)}", problems)
    print(f"\n{len(compared)} of {len(F.__all__)} functions compared with PyTorch {torch.__version__}.")
    return not problems


def show(title: str, lines: list[str]) -> None:
    if lines:
        print(f"\n{title}", *lines, sep="\n    ")


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1:]))
