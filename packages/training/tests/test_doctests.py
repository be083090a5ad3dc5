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


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, extraglobs={"np": np, "chainette": chainette}).failed == 0


@pytest.mark.parametrize("package", [chainette_training, importlib.import_module("chainette_training.hooks")])
def test_every_public_name_has_an_example(package):
    for name in package.__all__:
        assert ">>>" in getattr(package, name).__doc__, name
