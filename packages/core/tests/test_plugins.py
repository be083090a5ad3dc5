"""The plugin host: when it discovers, what it may be told, and what the test kit makes of it."""

import inspect
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chainette import Kernel, hooks, kernels
from chainette.backend import NUMPY
from chainette.errors import MissingPluginError, PluginConflict, PluginWarning
from chainette.hooks import hookimpl
from chainette.importers import load_model
from chainette.plugins import host
from chainette.testing import check_plugin, isolated_plugins

from .bad_plugins import HEAD, Shelf, names, only

DOCS = Path(__file__).parents[3] / "docs" / "plugins.md"


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    with only(tmp_path) as shelf:
        yield shelf


def run(code: str, *folders: Path) -> str:
    """What a fresh interpreter prints. Warnings are errors."""
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def plugin(name: str = "mine", **hooks_: Any) -> SimpleNamespace:
    """An in-memory plugin whose hooks return these values."""

    def implement(hook: str, value: Any) -> Any:
        return hookimpl((lambda backend: value) if hook == "chainette_kernels" else (lambda: value))

    return SimpleNamespace(
        __name__=name, chainette_api=1, **{hook: implement(hook, value) for hook, value in hooks_.items()}
    )


# ---------------------------------------------------------------------------------------------------- discovery


def test_importing_chainette_loads_no_plugin_and_nothing_to_find_them_with(shelf: Shelf) -> None:
    shelf.add("chainette-bad", "bad", "raise SystemExit('loaded')")
    before = run("import sys, numpy; print('importlib.metadata' in sys.modules)")
    code = "import chainette, sys; print('pluggy' in sys.modules, 'importlib.metadata' in sys.modules)"
    assert run(code, shelf.folder) == f"False {before}"


def test_plugins_are_found_on_the_path_when_a_facade_is_first_imported(shelf: Shelf) -> None:
    shelf.add_good()
    code = """if True:
        import chainette, sys
        assert "chainette_good_plugin" not in sys.modules
        import chainette.functions as F
        assert "chainette_good_plugin" in sys.modules
        assert "chainette_good_functions" not in sys.modules
        print(F.good.__doc__)"""
    assert run(code, shelf.folder) == "Third party.\n"


def test_plugins_are_found_in_an_order_that_does_not_depend_on_the_path(shelf: Shelf) -> None:
    shelf.add_good("chainette-z", "z").add_good("chainette-a", "a").add_ours()
    assert list(host.plugins) == ["functions", "a", "z"]
    assert [plugin.name for plugin, _ in host.collect("chainette_names", dict)] == ["functions", "a", "z"]


def test_each_hook_is_called_once() -> None:
    calls = []

    @hookimpl
    def chainette_names() -> dict[str, str]:
        calls.append(1)
        return {}

    with isolated_plugins(SimpleNamespace(chainette_api=1, chainette_names=chainette_names)):
        host.collect("chainette_names", dict)
        host.collect("chainette_names", dict)
    assert calls == [1]


def test_two_threads_that_discover_at_once_get_one_answer(shelf: Shelf) -> None:
    shelf.add_ours().add("chainette-slow", "slow", f"import time\ntime.sleep(0.1)\n{names('{}')}")
    barrier, answers = threading.Barrier(8), []

    def discover() -> None:
        barrier.wait()
        answers.append((dict(host.plugins), host.collect("chainette_names", dict)))

    threads = [threading.Thread(target=discover, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(answers) == 8
    plugins, collected = answers[0]
    for others, found in answers:
        assert found is collected
        assert all(others[name] is plugins[name] for name in plugins)


def test_a_thread_that_imports_a_plugins_package_and_one_that_imports_a_facade_do_not_wait_for_each_other(
    shelf: Shelf,
) -> None:
    text = """import time
time.sleep(0.3)
import chainette.functions as F
from chainette.functions import relu
__all__ = ["wave"]
def wave(x): return F.tanh(x)
"""
    shelf.add_ours().add_package("chainette-wave", "wave", "wave_package", text)
    code = """if True:
        import chainette, importlib, threading
        found = []
        def work(module):
            found.append(importlib.import_module(module))
        threads = [threading.Thread(target=work, args=[name]) for name in ("wave_package", "chainette.functions") * 3]
        for thread in threads: thread.start()
        for thread in threads: thread.join(60)
        import chainette.functions as F
        print(len(found), F.wave.__name__, F.relu.__name__)"""
    assert run(code, shelf.folder) == "6 wave relu\n"


# ---------------------------------------------------------------------------------------------------- switches


@pytest.mark.parametrize(
    ("switch", "value", "left"),
    [
        ("CHAINETTE_DISABLE_PLUGINS", "a", ["functions", "b"]),
        ("CHAINETTE_DISABLE_PLUGINS", " a , b ", ["functions"]),
        ("CHAINETTE_DISABLE_PLUGINS", "chainette-b", ["functions", "a"]),
        ("CHAINETTE_DISABLE_PLUGINS", "*", ["functions"]),
        ("CHAINETTE_DISABLE_PLUGINS", "", ["functions", "a", "b"]),
        ("CHAINETTE_PLUGINS", "a", ["a"]),
        ("CHAINETTE_PLUGINS", "functions,b", ["functions", "b"]),
        ("CHAINETTE_PLUGINS", "", ["functions", "a", "b"]),
    ],
)
def test_switches_leave_plugins_out(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, switch: str, value: str, left: list[str]
) -> None:
    monkeypatch.setenv(switch, value)
    shelf.add_ours().add_good("chainette-a", "a").add_good("chainette-b", "b")
    assert [plugin.name for plugin in host.plugins.values() if plugin.state == "ok"] == left
    assert {plugin.state for plugin in host.plugins.values()} <= {"ok", "disabled"}
    assert all(switch in plugin.why for plugin in host.plugins.values() if plugin.state == "disabled")


def test_a_plugin_that_is_left_out_is_not_imported(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHAINETTE_DISABLE_PLUGINS", "bad")
    shelf.add("chainette-bad", "bad", "raise KeyboardInterrupt")
    assert host.plugins["bad"].state == "disabled"


# ---------------------------------------------------------------------------------------------------- the contract


def test_every_hook_is_a_hookspec_with_a_docstring() -> None:
    marked = {name for name, value in vars(hooks).items() if hasattr(value, "chainette_spec")}
    assert marked == set(hooks.HOOKS)
    for hook in hooks.HOOKS.values():
        assert inspect.getdoc(hook)
        assert "return" in hook.__annotations__


@pytest.mark.skipif(not DOCS.exists(), reason="the documentation is not here")
def test_every_hook_and_switch_is_in_the_documentation() -> None:
    text = DOCS.read_text()
    switches = ["CHAINETTE_PLUGINS", "CHAINETTE_DISABLE_PLUGINS"]
    assert [word for word in (*hooks.HOOKS, *switches) if word not in text] == []


def test_a_hook_of_a_later_version_may_be_marked_optional() -> None:
    with isolated_plugins(
        SimpleNamespace(chainette_api=1, chainette_later=hookimpl(optionalhook=True)(lambda: None))
    ) as alone:
        assert [plugin.state for plugin in alone.plugins.values()] == ["ok"]


# ---------------------------------------------------------------------------------------------------- importers

READER = """class {name}:
    "A reader."
    @staticmethod
    def recognizes(head, path):
        return head.startswith({magic!r})
    @staticmethod
    def load(path, **options):
        return {name!r}, options
"""


def add_reader(shelf: Shelf, distribution: str, form: str, magic: bytes, reader: str = READER) -> None:
    module = f"{distribution.replace('-', '_')}_reader"
    hook = f"{HEAD}@hookimpl\ndef chainette_importers(): return {{{form!r}: '{module}:Reader'}}"
    shelf.add(distribution, distribution, hook, **{module: reader.format(name="Reader", magic=magic)})


def test_a_model_is_loaded_by_the_reader_that_knows_the_file(shelf: Shelf) -> None:
    add_reader(shelf, "chainette-a", "a-format", b"A")
    add_reader(shelf, "chainette-b", "b-format", b"B")
    (shelf.folder / "model").write_bytes(b"B...")
    assert load_model(shelf.folder / "model", scale=2) == ("Reader", {"scale": 2})


def test_without_a_reader_the_error_says_what_to_install(shelf: Shelf) -> None:
    with pytest.raises(MissingPluginError, match="pip install chainette-caffe-import"):
        load_model(shelf.folder / "model")


def test_a_file_that_no_reader_knows_is_an_error_that_names_the_formats(shelf: Shelf) -> None:
    add_reader(shelf, "chainette-a", "a-format", b"A")
    (shelf.folder / "model").write_bytes(b"C...")
    with pytest.raises(ValueError, match="is in none of the formats a-format"):
        load_model(shelf.folder / "model")


def test_a_reader_that_fails_to_look_does_not_hide_the_others(shelf: Shelf) -> None:
    add_reader(shelf, "chainette-a", "a-format", b"A", reader="class Reader:\n    recognizes = None")
    add_reader(shelf, "chainette-b", "b-format", b"B")
    (shelf.folder / "model").write_bytes(b"B...")
    with pytest.warns(PluginWarning, match="its importer 'a-format' failed to look at a file: TypeError"):
        assert load_model(shelf.folder / "model") == ("Reader", {})


def test_a_format_of_two_third_parties_is_an_error_for_the_files_that_no_other_reader_knows(shelf: Shelf) -> None:
    add_reader(shelf, "chainette-a", "format", b"A")
    add_reader(shelf, "chainette-b", "format", b"B")
    add_reader(shelf, "chainette-c", "other", b"C")
    (shelf.folder / "model").write_bytes(b"C")
    assert load_model(shelf.folder / "model") == ("Reader", {})
    (shelf.folder / "model").write_bytes(b"A")
    with pytest.raises(PluginConflict, match=r"importers\.format is brought by 'chainette-a'"):
        load_model(shelf.folder / "model")


# ---------------------------------------------------------------------------------------------------- the test kit


def test_isolated_plugins_are_the_only_ones_and_then_all_is_as_before(shelf: Shelf) -> None:
    import chainette.testing

    shelf.add_ours()
    assert list(host.plugins) == ["functions"]
    with chainette.testing.isolated_plugins(plugin()):
        assert list(host.plugins) == ["mine"]
        with chainette.testing.isolated_plugins(plugin("inner"), installed=True):
            assert list(host.plugins) == ["inner", "mine"]
        assert list(host.plugins) == ["mine"]
    assert list(host.plugins) == ["functions"]


def test_isolated_plugins_may_be_a_class_and_kernels_and_backends_follow() -> None:
    class Mine:
        chainette_api = 1

        @hookimpl
        def chainette_kernels(self, backend: str) -> list[Kernel]:
            return [Kernel("relu", backend, "fast", print)]

    with isolated_plugins(Mine, Mine):
        assert list(host.plugins) == ["Mine0", "Mine1"]
        assert [kernel.name for kernel in kernels.registered_kernels(NUMPY)["relu"]] == ["fast", "fast"]
    with isolated_plugins():
        assert kernels.registered_kernels(NUMPY) == {}


def test_check_plugin_passes_a_good_plugin(shelf: Shelf) -> None:
    shelf.add_good()
    check_plugin("good")


def test_check_plugin_says_what_is_installed() -> None:
    with isolated_plugins(plugin()), pytest.raises(AssertionError, match=r"no plugin 'other' \(installed: mine\)"):
        check_plugin("other")


def test_check_plugin_lists_every_fault_at_once() -> None:
    strange = Kernel("no_such_function", "cpu", "fast", print)
    mine = plugin(
        chainette_names={"functions": {"gone": "math:gone", "bare": f"{__name__}:bare", "a b": "math:sin"}},
        chainette_kernels=[strange],
        chainette_report=3,
    )
    with isolated_plugins(mine, plugin("other", chainette_names={"functions": {"bare": "math:sin"}})):
        with pytest.raises(AssertionError) as caught:
            check_plugin("mine")
        first, *faults = str(caught.value).splitlines()
    assert first == "check_plugin: plugin 'mine' (mine in memory) is broken:"
    wanted = ["'a b'", "math:gone", "chainette_report returned 3", "is brought by", "no docstring", "no_such_function"]
    assert len(faults) == len(wanted)
    assert all(word in fault for word, fault in zip(wanted, faults, strict=True)), faults


def bare() -> None: ...


def test_every_name_of_the_kit_is_there_and_importing_it_brings_none() -> None:
    from chainette import testing

    assert all(getattr(testing, name) for name in dir(testing))
    code = "import chainette.testing, sys; print([m for m in sys.modules if m.startswith('chainette.testing.')])"
    assert run(code) == "[]\n"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        testing.nothing  # noqa: B018


def test_the_fixture_isolated_plugins_is_the_function(isolated_plugins: Any) -> None:
    with isolated_plugins(plugin()):
        assert list(host.plugins) == ["mine"]


def test_the_fixture_seeded_draws_the_same_numbers_and_then_the_source_goes_on(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        """
from chainette import random

def test_before():
    random.seed(5)
    random.generator().random(3)

def test_with_the_fixture(seeded):
    drawn = random.generator().random(2).tolist()
    random.seed(0)
    assert random.generator().random(2).tolist() == drawn

def test_after():
    drawn = random.generator().random()
    random.seed(5)
    assert random.generator().random(4)[3] == drawn
"""
    )
    code = f"import pytest; raise SystemExit(pytest.main(['-q', '-p', 'no:cacheprovider', {str(tmp_path)!r}]))"
    assert "3 passed" in run(code)
