"""``python -m chainette``."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from chainette.__main__ import SWITCHES, main

from .bad_plugins import BAD, HEAD, Shelf, names, only

KERNELS = f"""{HEAD}
from chainette import Kernel

@hookimpl
def chainette_kernels(backend):
    return [Kernel("tanh", backend, name, print, priority) for name, priority in [("slow", 1), ("fast", 9)]]
"""
COMMANDS = f"""{HEAD}
def dance(arguments):
    print("dancing", arguments.partner)
    return 3

@hookimpl
def chainette_commands(subparsers):
    parser = subparsers.add_parser("dance", help="what plugins can do")
    parser.add_argument("partner")
    parser.set_defaults(run=dance)

@hookimpl
def chainette_report():
    return {{"shoes": "red", "steps": [1, 2]}}
"""


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with only(tmp_path) as shelf:
        yield shelf


@pytest.fixture
def out(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command that must succeed; what it prints."""

    def run(*arguments: str, status: int = 0) -> str:
        assert main(arguments) == status
        return capsys.readouterr().out

    return run


def test_help_lists_the_commands_the_switches_and_what_plugins_add(shelf: Shelf, out: Callable[..., str]) -> None:
    shelf.add("chainette-dance", "dance", COMMANDS)
    text = out()
    for word in ("info", "plugins", "kernels", "functions", "dance", "what plugins can do", *SWITCHES):
        assert word in text


def test_a_plugins_command_runs_and_gives_the_exit_status(shelf: Shelf, out: Callable[..., str]) -> None:
    shelf.add("chainette-dance", "dance", COMMANDS)
    assert out("dance", "Ada", status=3) == "dancing Ada\n"


def test_a_plugin_cannot_replace_a_command(
    shelf: Shelf, out: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.add("chainette-bad", "bad", COMMANDS.replace('"dance", help', '"info", help'))
    assert "NumPy" in out("info")
    assert "broken" in out("plugins")


def test_info_shows_versions_devices_settings_and_reports(
    shelf: Shelf, out: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINETTE_SEED", "7")
    shelf.add_ours().add("chainette-dance", "dance", COMMANDS)
    text = out("info")
    for word in ("chainette-functions", "Python", "NumPy", "platform", "CHAINETTE_SEED", "float32", "red", "1, 2"):
        assert word in text
    found = json.loads(out("info", "--json"))
    assert found["versions"]["chainette-functions"] == "1.0"
    assert found["devices"] == {"cpu": ["cpu"]}
    assert found["config"]["dtype"] == "float32"
    assert found["environment"]["CHAINETTE_SEED"] == "7"
    assert found["plugin dance"] == {"shoes": "red", "steps": [1, 2]}


def test_plugins_shows_the_state_of_each(
    shelf: Shelf, out: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAINETTE_DISABLE_PLUGINS", "good")
    shelf.add_ours().add_good()
    shelf.add("chainette-bad", "bad", "1 / 0", "2.5").add("chainette-old", "old", "chainette_api = 0")
    rows = [line.split() for line in out("plugins").splitlines()]
    assert [row[:4] for row in rows] == [
        ["plugin", "distribution", "version", "state"],
        ["functions", "chainette-functions", "1.0", "ok"],
        ["bad", "chainette-bad", "2.5", "broken"],
        ["good", "chainette-good", "1.0", "disabled"],
        ["old", "chainette-old", "1.0", "incompatible"],
    ]
    found = {each["name"]: each for each in json.loads(out("plugins", "--json"))["plugins"]}
    assert "ZeroDivisionError" in found["bad"]["why"]


def test_without_plugins_it_says_how_to_get_some(shelf: Shelf, out: Callable[..., str]) -> None:
    assert "pip install 'chainette[all]'" in out("plugins")
    assert "pip install chainette-functions" in out("functions")
    assert "every function runs its generic code" in out("kernels")


def test_plugins_verbose_lists_what_each_adds(shelf: Shelf, out: Callable[..., str]) -> None:
    shelf.add_ours().add("chainette-dance", "dance", COMMANDS).add("chainette-fast", "fast", KERNELS)
    text = out("plugins", "--verbose")
    for word in ("functions adds", "functions (2)", "relu, tanh", "commands (1)", "shoes, steps", "tanh (fast)"):
        assert word in text
    adds = {each["name"]: each["adds"] for each in json.loads(out("plugins", "--verbose", "--json"))["plugins"]}
    assert adds["dance"] == {"commands": ["dance"], "report": ["shoes", "steps"]}


def test_plugins_check_passes_sound_plugins(shelf: Shelf, out: Callable[..., str]) -> None:
    shelf.add_ours().add_good().add("chainette-dance", "dance", COMMANDS)
    assert "conflict" not in out("plugins", "--check")


@pytest.mark.parametrize("fault", BAD)
def test_plugins_check_fails_for_every_bad_plugin(shelf: Shelf, out: Callable[..., str], fault: str) -> None:
    shelf.add_ours().add("chainette-bad", "bad", BAD[fault].module, **BAD[fault].modules)
    assert BAD[fault].says in out("plugins", "--check", status=1)


@pytest.mark.parametrize("name", ["relu", "swirl"])
def test_plugins_check_fails_for_a_conflict(shelf: Shelf, out: Callable[..., str], name: str) -> None:
    shelf.add_ours().add_good("chainette-a", name).add_good("chainette-b", name)
    assert f"conflict: chainette.functions.{name} is" in out("plugins", "--check", status=1)
    (text,) = json.loads(out("plugins", "--check", "--json", status=1))["conflicts"]
    assert "'a' (chainette-a 1.0)" in text


def test_kernels_shows_the_order_in_which_they_are_tried(
    shelf: Shelf, out: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add_ours().add("chainette-quick", "quick", KERNELS)
    assert "tanh      cpu      fast (quick, 9), slow (quick, 1), generic" in out("kernels")
    assert json.loads(out("kernels", "--json"))["kernels"]["tanh"]["cpu"][0] == {
        "name": "fast",
        "plugin": "quick",
        "priority": 9,
    }
    monkeypatch.setenv("CHAINETTE_KERNELS", "generic")
    assert "CHAINETTE_KERNELS=generic: none of these kernels is used" in out("kernels")


def test_functions_lists_names_by_group_and_plugin(shelf: Shelf, out: Callable[..., str]) -> None:
    for folder in ("ours", "ours/activation"):
        (shelf.folder / folder).mkdir()
    (shelf.folder / "ours/activation/tanh.py").write_text("def tanh(x): ...")
    shelf.add(
        "chainette-functions",
        "functions",
        names("{'functions': {'tanh': 'ours.activation.tanh:tanh', 'add': 'chainette.operators:add'}}"),
    )
    shelf.add_good().add_good("chainette-a", "swirl").add_good("chainette-b", "swirl")
    assert json.loads(out("functions", "--json")) == {
        "count": 4,
        "groups": {
            "activation": {"tanh": "functions"},
            "good": {"good": "good"},
            "in conflict": {"swirl": "a and b"},
            "math": {"add": "functions"},
        },
    }
    text = out("functions")
    assert "activation (1, from plugin functions)\n    tanh\n" in text
    assert text.endswith("4 functions\n")


def test_a_broken_plugin_is_mentioned_in_one_line_on_standard_error(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.add_ours().add("chainette-bad", "bad", "1 / 0")
    assert main(["functions"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "chainette: plugin 'bad' (chainette-bad 1.0) is broken, see python -m chainette plugins --check"
    ]


@pytest.mark.parametrize("command", ["info", "plugins", "kernels", "functions"])
def test_each_command_has_help_and_json(command: str, capsys: pytest.CaptureFixture[str], shelf: Shelf) -> None:
    with pytest.raises(SystemExit, match="0"):
        main([command, "--help"])
    assert "--json" in capsys.readouterr().out


def test_it_runs_as_a_module_and_survives_a_reader_that_stops(shelf: Shelf) -> None:
    environment: dict[str, Any] = {**os.environ, "PYTHONPATH": str(shelf.folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "chainette", "info"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
