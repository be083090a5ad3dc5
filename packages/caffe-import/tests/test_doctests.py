"""Every example in a docstring runs."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import chainette
import chainette_caffe_import
from chainette_caffe_import.layer import _registered

MODULES = ["chainette_caffe_import"] + [
    module.name for module in pkgutil.walk_packages(chainette_caffe_import.__path__, "chainette_caffe_import.")
]
ERRORS = ("Error", "Warning")


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    for each in dict(_registered):
        monkeypatch.delitem(_registered, each)
    given = {"np": np, "chainette": chainette, "folder": tmp_path}
    assert doctest.testmod(importlib.import_module(name), extraglobs=given).failed == 0
    _registered.clear()  # what an example has registered; monkeypatch puts back what was there before


def test_every_public_name_has_an_example():
    for name in chainette_caffe_import.__all__:
        if not name.endswith(ERRORS):
            assert ">>>" in getattr(chainette_caffe_import, name).__doc__, name
