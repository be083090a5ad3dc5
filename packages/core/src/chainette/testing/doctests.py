"""The examples in a package's docstrings, run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import numpy as np

import chainette


def run_doctests(package: ModuleType, skip: tuple[str, ...] = ()) -> int:
    """Run every example in the docstrings of a package's modules, with ``np`` and ``chainette`` at hand.

    Args:
        package: the package.
        skip: modules, by full name, that are left out.

    Returns:
        How many examples ran.

    Raises:
        AssertionError: one prints something else than it says; the output shows which.
    """
    count = 0
    names = [
        package.__name__,
        *(found.name for found in pkgutil.walk_packages(package.__path__, package.__name__ + ".")),
    ]
    for name in names:
        if name in skip:
            continue
        result = doctest.testmod(importlib.import_module(name), extraglobs={"np": np, "chainette": chainette})
        assert result.failed == 0, f"{result.failed} examples of {name} fail"
        count += result.attempted
    return count
