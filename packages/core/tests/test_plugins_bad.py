"""One broken plugin costs one warning and nothing else."""

import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import chainette
from chainette.errors import PluginConflict, PluginWarning
from chainette.plugins import host
from chainette.testing.plugins import exercise

from .bad_plugins import BAD, HEAD, Shelf, names, only


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with only(tmp_path) as shelf:
        yield shelf.add_ours().add_good()


def faults() -> list[str]:
    """What chainette warns of when everything is used once, and once more."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exercise()
        exercise()
    assert {warning.category for warning in caught} <= {PluginWarning}
    return [str(warning.message) for warning in caught]


def assert_the_others_work() -> None:
    F = importlib.import_module("chainette.functions")
    assert F.relu.__doc__ == "Ours."
    assert F.good.__doc__ == "Third party."
    assert host.plugins["functions"].state == host.plugins["good"].state == "ok"
    assert chainette.get_device("cpu").name == "cpu"
    x = chainette.Variable(np.array([1.0, 2.0]))
    assert (x * 3).array.tolist() == [3.0, 6.0]


@pytest.mark.parametrize("fault", BAD)
def test_a_bad_plugin_costs_one_warning_that_names_it_and_the_others_work(shelf: Shelf, fault: str) -> None:
    bad = BAD[fault]
    shelf.add("chainette-bad", "bad", bad.module, "2.5", **bad.modules)
    (text,) = faults()
    assert bad.says in text
    assert "'bad' (chainette-bad 2.5)" in text
    assert "CHAINETTE_DISABLE_PLUGINS=bad" in text
    assert host.plugins["bad"].state == ("incompatible" if "chainette_api" in fault else "broken")
    assert bad.says in host.plugins["bad"].why
    assert_the_others_work()


@pytest.mark.parametrize("fault", BAD)
def test_the_switch_that_the_warning_names_silences_it(
    shelf: Shelf, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINETTE_DISABLE_PLUGINS", "bad")
    shelf.add("chainette-bad", "bad", BAD[fault].module, **BAD[fault].modules)
    assert faults() == []
    assert host.plugins["bad"].state == "disabled"
    assert_the_others_work()


def test_all_bad_plugins_at_once_cost_one_warning_each(shelf: Shelf) -> None:
    for number, bad in enumerate(BAD.values()):
        if not bad.modules:  # those would all have one name
            shelf.add(f"chainette-bad{number}", f"bad{number}", bad.module)
    texts = faults()
    for plugin in host.plugins.values():
        if plugin.name.startswith("bad"):
            assert sum(f"chainette plugin {plugin} is left out" in text for text in texts) == 1
    assert len(texts) > 25
    assert_the_others_work()


def test_entry_points_that_cannot_be_read_are_that_distributions_fault_alone(shelf: Shelf) -> None:
    shelf.add_raw("chainette-bad", "[chainette]\nthis line has no equals sign\n", "2.5")
    (text,) = faults()
    assert "'chainette-bad' (chainette-bad 2.5) is left out" in text
    assert "entry_points.txt" in text
    assert_the_others_work()


def test_a_distribution_without_metadata_is_used_all_the_same(shelf: Shelf) -> None:
    shelf.add("chainette-plain", "plain", names("{'functions': {'plain': 'math:sin'}}"))
    (shelf.folder / "chainette_plain-1.0.dist-info" / "METADATA").unlink()
    assert faults() == []
    assert "unknown" in str(host.plugins["plain"])


@pytest.mark.parametrize("order", [("chainette-a", "chainette-b"), ("chainette-b", "chainette-a")])
def test_one_plugin_name_in_two_distributions_is_the_later_ones_fault(shelf: Shelf, order: tuple[str, str]) -> None:
    for distribution in order:
        letter = distribution[-1]
        shelf.add(distribution, "twin", names(f"{{'functions': {{{letter!r}: 'math:sin'}}}}"))
    (text,) = faults()
    assert "'twin' (chainette-b 1.0)" in text
    assert "'twin' (chainette-a 1.0) has the same plugin name" in text
    assert "CHAINETTE_DISABLE_PLUGINS=chainette-b" in text
    F = importlib.import_module("chainette.functions")
    assert "a" in dir(F)
    assert "b" not in dir(F)
    assert_the_others_work()


def test_a_plugin_name_is_free_again_when_its_distribution_is_left_out(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINETTE_DISABLE_PLUGINS", "chainette-a")
    for letter in "ab":
        shelf.add(f"chainette-{letter}", "twin", names(f"{{'functions': {{{letter!r}: 'math:sin'}}}}"))
    assert faults() == []
    F = importlib.import_module("chainette.functions")
    assert "b" in dir(F)
    assert "a" not in dir(F)


def test_a_third_party_cannot_take_a_name_of_ours(shelf: Shelf) -> None:
    shelf.add("chainette-bad", "bad", names("{'functions': {'relu': 'math:sin', 'sin': 'math:sin'}}"))
    (text,) = faults()
    assert "chainette.functions.relu is that of 'functions' (chainette-functions 1.0)" in text
    assert "'bad' (chainette-bad 1.0) brings one too" in text
    assert "CHAINETTE_DISABLE_PLUGINS=bad" in text
    assert importlib.import_module("chainette.functions").sin(0.0) == 0.0
    assert_the_others_work()


@pytest.mark.parametrize("order", [("chainette-a", "chainette-b"), ("chainette-b", "chainette-a")])
def test_a_name_of_two_third_parties_is_an_error_when_it_is_used_and_not_before(
    shelf: Shelf, order: tuple[str, str]
) -> None:
    for distribution in order:
        shelf.add_good(distribution, "swirl")
    assert faults() == []
    F = importlib.import_module("chainette.functions")
    with pytest.raises(PluginConflict) as caught:
        F.swirl  # noqa: B018
    assert str(caught.value) == (
        "chainette.functions.swirl is brought by 'a' (chainette-a 1.0) and 'b' (chainette-b 1.0). Import the one you "
        "mean from its own package, or leave the other out, e.g. with CHAINETTE_DISABLE_PLUGINS=b."
    )
    assert not hasattr(F, "swirl")
    assert "swirl" not in dir(F)
    assert_the_others_work()


def test_the_conflict_ends_when_one_of_the_two_is_disabled(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINETTE_DISABLE_PLUGINS", "b")
    shelf.add_good("chainette-a", "swirl").add_good("chainette-b", "swirl")
    assert importlib.import_module("chainette.functions").swirl.__module__ == "chainette_a_functions"


def test_where_warnings_are_errors_the_first_use_raises_and_the_next_works(shelf: Shelf) -> None:
    shelf.add("chainette-bad", "bad", "import no_such_module")
    with pytest.raises(PluginWarning, match="chainette-bad"):  # pytest's settings make warnings errors
        _ = host.plugins
    assert host.plugins["bad"].state == "broken"
    assert_the_others_work()


def test_a_backend_of_a_name_that_is_taken_does_not_replace_the_first(shelf: Shelf) -> None:
    text = "from chainette.backend import NUMPY\nfrom dataclasses import replace\n"
    hook = "@hookimpl\ndef chainette_backends(): return [replace(NUMPY, array_types=())]\n"
    shelf.add("chainette-bad", "bad", HEAD + text + hook)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PluginWarning)
        ((conflict, plugins),) = exercise()
    assert "backend 'cpu'" in conflict
    assert [plugin.name for plugin in plugins] == ["bad"]
    assert_the_others_work()
