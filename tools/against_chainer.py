"""Do our functions compute what Chainer 7.8.1 computes, values and gradients, in float64?

    python tools/against_chainer.py --chainer path/to/an/environment/bin/python

Chainer lives in an environment of its own (chainer==7.8.1 with numpy==1.23.5, on Python 3.11 at the latest). This file
runs itself there, and here, on the rows of chainer_rows.py; then the results are compared.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from chainer_rows import ROWS


def results(framework):
    """Outputs and gradients of all rows, by name."""
    if framework == "chainer":
        import chainer
        import chainer.functions as F
    else:
        import chainette as chainer
        import chainette.functions as F
    found = {}
    for number, (name, call, *inputs) in enumerate(ROWS):
        generator = np.random.RandomState(number)
        xs = [chainer.Variable(generator.randn(*x)) if isinstance(x, tuple) else x for x in inputs]
        outputs, loss = list(flat(call(F, *xs))), 0
        for i, y in enumerate(outputs):
            found[f"{name}: output {i}"] = getattr(y, "array", y)
            if getattr(y, "creator", None) is not None and y.dtype.kind == "f":
                loss = loss + F.sum(y * np.asarray(generator.randn(*y.shape)))
        if isinstance(loss, chainer.Variable):
            loss.backward()
            found.update({f"{name}: gradient {i}": x.grad for i, x in enumerate(xs) if x.grad is not None})
    return found


def flat(outputs):
    if isinstance(outputs, (tuple, list)):
        for each in outputs:
            yield from flat(each)
    else:
        yield outputs


def main():
    parser = argparse.ArgumentParser(description="Compare with Chainer 7.8.1.")
    parser.add_argument("--chainer", metavar="PYTHON", help="a Python that has chainer 7.8.1")
    parser.add_argument("--write", nargs=2, metavar=("FRAMEWORK", "FILE"), help="compute, and write the results")
    args = parser.parse_args()
    if args.write:
        np.savez(args.write[1], **results(args.write[0]))
        return 0
    if not args.chainer:
        parser.error("which Python has Chainer? Give --chainer.")
    with tempfile.TemporaryDirectory() as folder:
        for python, framework in ((args.chainer, "chainer"), (sys.executable, "chainette")):
            command = [python, "-W", "ignore", __file__, "--write", framework, str(Path(folder) / f"{framework}.npz")]
            subprocess.run(command, check=True)
        theirs, ours = (dict(np.load(Path(folder) / f"{name}.npz")) for name in ("chainer", "chainette"))
    wrong = 0
    for name in sorted(theirs.keys() | ours.keys()):
        if name not in theirs or name not in ours:
            print(f"{name}: only {'Chainer' if name in theirs else 'chainette'} has it")
        elif theirs[name].shape != ours[name].shape or not np.allclose(ours[name], theirs[name], 1e-7, 1e-9):
            print(f"{name}: differs (shapes {ours[name].shape}, there {theirs[name].shape})")
        else:
            continue
        wrong += 1
    print(f"{len(ROWS)} calls, {len(theirs)} arrays compared with Chainer 7.8.1: {wrong} differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
