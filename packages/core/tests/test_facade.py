"""Facades: chainette.functions and the like, as users see them."""

import importlib
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chainette
from chainette.errors import MissingPluginError, PluginWarning

from .bad_plugins import Shelf, names, only


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    monkeypatch.delitem(sys.modules, "chainette.functions", raising=False)
    with only(tmp_path) as shelf:
        yield shelf


def functions() -> Any:
    return importlib.import_module("chainette.functions")


def test_an_absent_plugin_is_reported_when_the_facade_is_imported(shelf: Shelf) -> None:
    with pytest.raises(ImportError) as caught:
        functions()
    assert str(caught.value) == "chainette.functions is empty: pip install chainette-functions"
    assert isinstance(caught.value, MissingPluginError)


def test_a_plugin_that_is_there_but_left_out_is_what_the_facade_reports(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINETTE_DISABLE_PLUGINS", "functions")
    shelf.add_ours()
    with pytest.raises(MissingPluginError, match=r"\(chainette-functions 1\.0\) is disabled: CHAINETTE_DIS"):
        functions()


def test_a_plugin_that_is_there_but_broken_is_what_the_facade_reports(shelf: Shelf) -> None:
    shelf.add("chainette-functions", "functions", "import no_such_module")
    with pytest.warns(PluginWarning), pytest.raises(MissingPluginError, match=r"is broken: .*no_such_module"):
        functions()


def test_with_third_parties_alone_a_missing_name_says_what_to_install(shelf: Shelf) -> None:
    shelf.add_good()
    F = functions()
    assert F.good.__doc__ == "Third party."
    with pytest.raises(AttributeError, match=r"chainette\.functions has no 'relu'\. pip install chainette-functions"):
        F.relu  # noqa: B018


def test_a_typo_gets_a_suggestion(shelf: Shelf) -> None:
    shelf.add_ours()
    with pytest.raises(AttributeError) as caught:
        functions().rellu  # noqa: B018
    assert str(caught.value) == "chainette.functions has no 'rellu'. Did you mean 'relu'?"


def test_a_name_is_stored_in_the_facade_when_it_is_first_used(shelf: Shelf) -> None:
    shelf.add_ours()
    F = functions()
    assert "relu" not in vars(F)
    relu = F.relu
    assert vars(F)["relu"] is relu
    assert "tanh" not in vars(F)


def test_dir_and_all_list_the_names_of_every_plugin(shelf: Shelf) -> None:
    shelf.add_ours().add_good()
    F = functions()
    assert dir(F) == F.__all__ == ["good", "relu", "tanh"]


def test_a_star_import_brings_what_can_be_had(shelf: Shelf) -> None:
    shelf.add_ours().add_good("chainette-a", "swirl").add_good("chainette-b", "swirl")
    shelf.add("chainette-bad", "bad", names("{'functions': {'gone': 'math:gone'}}"))
    functions()
    found: dict[str, Any] = {}
    with pytest.warns(PluginWarning, match="math:gone"):
        exec("from chainette.functions import *", found)
    assert {"relu", "tanh"} <= set(found)
    assert not {"swirl", "gone"} & set(found)


def test_a_from_import_works(shelf: Shelf) -> None:
    shelf.add_ours()
    found: dict[str, Any] = {}
    exec("from chainette.functions import relu", found)
    assert found["relu"].__doc__ == "Ours."


def test_special_names_are_no_functions(shelf: Shelf) -> None:
    shelf.add_ours()
    assert not hasattr(functions(), "__wrapped__")


def test_a_third_partys_class_pickles_under_its_true_module(shelf: Shelf) -> None:
    shelf.add_ours()
    shelf.add(
        "chainette-wave", "wave", names("{'functions': {'Wave': 'wave:Wave'}}"), wave="class Wave:\n    'A class.'"
    )
    Wave = functions().Wave
    assert Wave.__module__ == "wave"
    text = pickle.dumps(Wave())
    assert b"chainette" not in text
    assert type(pickle.loads(text)) is Wave


def test_a_facade_is_there_after_a_plain_import_of_chainette(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(chainette), "functions", raising=False)  # delattr would look it up, and import it
    shelf.add_ours()
    assert chainette.functions.relu.__doc__ == "Ours."


def test_names_at_the_top_level_come_from_plugins_too(shelf: Shelf) -> None:
    shelf.add(
        "chainette-wave", "wave", names("{'chainette': {'Wave': 'wave:Wave'}}"), wave="class Wave:\n    'A class.'"
    )
    assert chainette.Wave.__doc__ == "A class."
    assert "Wave" in dir(chainette)


def test_what_is_missing_at_the_top_level_says_what_to_install(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(vars(chainette), "Chain", raising=False)
    with pytest.raises(ImportError, match=r"chainette\.Chain is missing: pip install chainette-links"):
        chainette.Chain  # noqa: B018
    with pytest.raises(AttributeError, match=r"chainette has no 'Chian'"):
        chainette.Chian  # noqa: B018


@pytest.mark.parametrize("first", ["wave_package", "chainette.functions"])
def test_a_plugins_package_may_use_the_facade_to_which_it_adds(shelf: Shelf, first: str) -> None:
    text = "import chainette.functions as F\nfrom chainette.functions import relu\n__all__ = ['wave']\nwave = relu\n"
    shelf.add_ours().add_package("chainette-wave", "wave", "wave_package", text)
    importlib.import_module(first)
    F = functions()
    assert F.wave is F.relu
    assert dir(F) == ["relu", "tanh", "wave"]


def test_names_are_forgotten_with_the_plugins_that_brought_them(shelf: Shelf) -> None:
    shelf.add_ours().add_good()
    F = functions()
    _ = F.good
    with only(shelf.folder / "other"):
        assert not hasattr(F, "good")
    assert F.good.__doc__ == "Third party."
