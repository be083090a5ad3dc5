"""What a bug report, or the log of an experiment, should say about the machine."""

from __future__ import annotations

import sys
from argparse import Namespace
from contextlib import redirect_stdout
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

import numpy as np

from chainette.__main__ import show_info

LIBRARIES = ("h5py", "matplotlib", "pillow", "rich", "scikit-learn", "tensorboardX")


def print_runtime_info(out: TextIO | Any = None) -> None:
    """Print versions, devices and settings: what ``python -m chainette info`` does, and the libraries in use.

    Args:
        out: a file to print to; None, or a trainer that calls this as an extension, means ``sys.stdout``.

    To have it at the head of a log::

        trainer.extend(chainette.print_runtime_info, trigger=triggers.OnceTrigger())

    >>> import io
    >>> out = io.StringIO()
    >>> print_runtime_info(out)
    >>> "NumPy" in out.getvalue(), "devices" in out.getvalue()
    (True, True)
    """
    out = out if hasattr(out, "write") else sys.stdout
    with redirect_stdout(out):
        show_info(Namespace(json=False))
    print("libraries", file=out)
    for name, what in {"BLAS": _blas(), **_versions()}.items():
        print(f"  {name:<12}  {what}", file=out)


def _blas() -> str:
    """Which library multiplies NumPy's matrices."""
    try:
        config: Any = np.show_config(mode="dicts")
        found = config["Build Dependencies"]["blas"]
        return f"{found['name']} {found['version']}"
    except (KeyError, TypeError):
        return "unknown"


def _versions() -> dict[str, str]:
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
