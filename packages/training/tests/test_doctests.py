"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import chainette
import chainette_training

MODULES = ["chainette_training"] + [
    module.name for module in pkgutil.walk_packages(chainette_training.__path__, "chainette_training.")
]
PACKAGES = ("dataset", "datasets", "iterators", "updaters", "triggers", "extensions", "sklearn")
NEEDS = {"image": "PIL", "plot": "matplotlib", "statistics_plot": "matplotlib", "tensorboard": "tensorboardX"}
NEEDS |= {"estimators": "sklearn", "sklearn": "sklearn"}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, tmp_path):
    for part, library in NEEDS.items():
        if part in name:
            pytest.importorskip(library, reason=f"its examples need {library}")
    module = importlib.import_module(name)
    given = {"np": np, "chainette": chainette, "folder": str(tmp_path)}
    assert doctest.testmod(module, extraglobs=given).failed == 0


@pytest.mark.parametrize("name", ["", *PACKAGES])
def test_every_public_name_has_an_example(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name], reason=f"without {NEEDS[name]} there are stand-ins")
    package = importlib.import_module(f"chainette_training.{name}".removesuffix("."))
    for each in package.__all__:
        if not each.startswith("PRIORITY"):
            assert ">>>" in getattr(package, each).__doc__, each
