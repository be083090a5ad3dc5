"""Fake distributions on disk, as importlib.metadata finds them, and a table of plugins that are at fault."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from chainette.plugins import host, installed

HEAD = "from chainette.hooks import hookimpl\nchainette_api = 1\n"


def names(source: str) -> str:
    """The text of a plugin module whose chainette_names returns this."""
    return f"{HEAD}@hookimpl\ndef chainette_names():\n    return {source}\n"


class Shelf:
    """A folder of distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, distribution: str, plugin: str, module: str | None, version: str = "1.0", **modules: str) -> "Shelf":
        """Add a distribution with one plugin: the text of its module (None: it has none), and of other modules."""
        entry = f"{distribution.replace('-', '_')}_plugin"
        self.add_raw(distribution, f"[chainette]\n{plugin} = {entry}\n", version)
        for name, text in {**({} if module is None else {entry: module}), **modules}.items():
            (self.folder / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return self

    def add_package(self, distribution: str, plugin: str, package: str, text: str) -> "Shelf":
        """Add a distribution whose plugin module is PACKAGE._plugin and offers what the package exports."""
        self.add_raw(distribution, f"[chainette]\n{plugin} = {package}._plugin\n")
        (self.folder / package).mkdir()
        (self.folder / package / "__init__.py").write_text(text)
        (self.folder / package / "_plugin.py").write_text(names(f"{{'functions': {package!r}}}"))
        importlib.invalidate_caches()
        return self

    def add_raw(self, distribution: str, entry_points: str, version: str = "1.0") -> "Shelf":
        """Add a distribution with this entry_points.txt."""
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        return self

    def add_ours(self) -> "Shelf":
        """Add what stands for chainette-functions: ``relu`` and ``tanh``."""
        package = '__all__ = ["relu", "tanh"]\ndef relu(x):\n    "Ours."\ndef tanh(x):\n    "Ours."\n'
        return self.add(
            "chainette-functions", "functions", names("{'functions': 'our_functions'}"), our_functions=package
        )

    def add_good(self, distribution: str = "chainette-good", name: str = "good") -> "Shelf":
        """Add a third party's plugin that brings a function of that name."""
        module = f"{distribution.replace('-', '_')}_functions"
        text = f'class {name.title()}:\n    "A class."\ndef {name}(x):\n    "Third party."\n'
        plugin = distribution.removeprefix("chainette-")
        return self.add(
            distribution, plugin, names(f"{{'functions': {{{name!r}: '{module}:{name}'}}}}"), **{module: text}
        )


@contextmanager
def only(folder: Path) -> Iterator[Shelf]:
    """A context in which chainette finds the distributions in this folder and no others."""
    before = host.find
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        host.find = partial(installed, path=[str(folder)])
        host.reset()
        try:
            yield Shelf(folder)
        finally:
            host.find = before
            host.reset()
            for name, module in list(sys.modules.items()):
                if str(getattr(module, "__file__", None)).startswith(str(folder)):
                    del sys.modules[name]


class Bad(NamedTuple):
    """The text of a plugin's module, what the warning must say of it, and other modules that it needs."""

    module: str | None
    says: str
    modules: dict[str, str] = {}  # noqa: RUF012  (never changed)


BAD = {
    "its import fails": Bad("import no_such_module", "No module named 'no_such_module'"),
    "its syntax is wrong": Bad("def", "SyntaxError"),
    "it exits": Bad("raise SystemExit(3)", "SystemExit: 3"),
    "its module is missing": Bad(None, "No module named 'chainette_bad_plugin'"),
    "it has no chainette_api": Bad("", "no chainette_api (expected 1)"),
    "it has another chainette_api": Bad("chainette_api = 99", "chainette_api = 99 (expected 1)"),
    "it uses a facade at import": Bad(f"{HEAD}import chainette.functions as F\nF.relu", "while it is imported"),
    "a hook raises": Bad(f"{HEAD}@hookimpl\ndef chainette_names(): 1 / 0", "chainette_names failed: ZeroDivisionError"),
    "a hook exits": Bad(f"{HEAD}@hookimpl\ndef chainette_report(): raise SystemExit", "chainette_report failed"),
    "a hook returns the wrong kind": Bad(names("['relu']"), "chainette_names returned ['relu'] (expected a Mapping)"),
    "a hook returns nothing": Bad(names("None"), "chainette_names returned None"),
    "a hook's argument has a wrong name": Bad(
        f"{HEAD}@hookimpl\ndef chainette_kernels(device): return []", "a hook does not fit"
    ),
    "a hook is unknown": Bad(
        f"{HEAD}@hookimpl\ndef chainette_name(): return {{}}", "no hook chainette_name, did you mean chainette_names"
    ),
    "a hook is not marked": Bad(
        "chainette_api = 1\ndef chainette_names(): return {}", "chainette_names is not marked with chainette.hooks"
    ),
    "a hook is a wrapper": Bad(
        f"{HEAD}@hookimpl(wrapper=True)\ndef chainette_names(): return (yield)", "chainette_names is a wrapper"
    ),
    "a hook uses a facade": Bad(
        f"{HEAD}@hookimpl\ndef chainette_names():\n    import chainette.functions as F\n    F.relu\n    return {{}}",
        "a hook must not use facades",
    ),
    "a target's module is missing": Bad(
        names("{'functions': {'bad': 'no_such_module:bad'}}"), "functions.bad cannot be had from no_such_module:bad"
    ),
    "a target's attribute is missing": Bad(
        names("{'functions': {'bad': 'math:bad'}}"), "functions.bad cannot be had from math:bad"
    ),
    "its package has no __all__": Bad(
        names("{'functions': 'bad_package'}"), "its package bad_package for functions", {"bad_package": ""}
    ),
    "its package lists what it has not": Bad(
        names("{'functions': 'bad_package'}"), "bad_package:gone", {"bad_package": "__all__ = ['gone']"}
    ),
    "its package fails": Bad(names("{'functions': 'bad_package'}"), "ValueError", {"bad_package": "raise ValueError"}),
    "a name is no identifier": Bad(names("{'functions': {'not a name': 'math:sin'}}"), "'not a name'"),
    "a name is a keyword": Bad(names("{'functions': {'lambda': 'math:sin'}}"), "'lambda'"),
    "a name is private": Bad(names("{'functions': {'__path__': 'math:sin'}}"), "'__path__'"),
    "a target has no colon": Bad(names("{'functions': {'bad': 'math.sin'}}"), "'math.sin'"),
    "several names are wrong": Bad(
        names("{'functions': {'a b': 'math:sin', 'c': 'd'}}"), "'a b': 'math:sin', 'c': 'd'"
    ),
    "a kind is unknown": Bad(names("{'function': {'bad': 'math:sin'}}"), "names of kind 'function'"),
    "a kind's names are a number": Bad(names("{'functions': 3}"), "gives 3 for functions"),
    "a name is that of core": Bad(names("{'chainette': {'Variable': 'math:sin'}}"), "'Variable'"),
    "a name is that of a module of core": Bad(names("{'chainette': {'functions': 'math:sin'}}"), "'functions'"),
    "a backend is no Backend": Bad(
        f"{HEAD}@hookimpl\ndef chainette_backends(): return ['cuda']", "chainette_backends returned 'cuda'"
    ),
    "a kernel is for another backend": Bad(
        f"{HEAD}from chainette import Kernel\n@hookimpl\ndef chainette_kernels(backend):\n"
        "    return [Kernel('relu', 'cuda', 'fast', print)]",
        "chainette_kernels('cpu') returned Kernel",
    ),
    "an importer cannot load": Bad(
        f"{HEAD}@hookimpl\ndef chainette_importers(): return {{'caffe 2': 'math:sin'}}",
        "its importer 'caffe 2' has no recognizes and no load",
    ),
    "a command does not run": Bad(
        f"{HEAD}@hookimpl\ndef chainette_commands(subparsers): subparsers.add_parser('dance')",
        "its command 'dance' has no set_defaults(run=function)",
    ),
}
